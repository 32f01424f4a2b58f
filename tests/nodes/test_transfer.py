"""Stories of transfers with the arithmetic in the comments. If nothing else is said, a device has 8 Mb/s: 1 MB a second."""

import math
from dataclasses import replace

import numpy as np
import pytest
from federation.plain_world import NO_DELAY, PROFILE, GivenRates, make_world
from radio_worlds import GivenFaults, make_radio_world, stays

from mecsim.nodes.battery import Batteries
from mecsim.nodes.meter import RadioUse
from mecsim.nodes.radio_power import RadioPower
from mecsim.nodes.stop import StoppedError
from mecsim.nodes.timeline import Steps
from mecsim.nodes.transfer import Transfer
from mecsim.nodes.world import FlowRules
from mecsim.radio.handover import A3Event

MB = 1_000_000
# Between stations 1,000 m apart: 4 dB, by 30 log10(x / (1000 - x)), at 576.16 m.
ENTRY_M = 1000.0 * 10 ** (4.0 / 30.0) / (1.0 + 10 ** (4.0 / 30.0))
# 2 W up and 1 W down while connected, and 0.1 uJ a bit: 0.8 W at 8 Mb/s. Neither promotion nor tail.
RADIO = RadioPower(
    name="plain", downlink_overhead_w=1.0, uplink_overhead_w=2.0, downlink_j_per_bit=1e-7, uplink_j_per_bit=1e-7, source="test"
)
PLAIN_RADIO = {PROFILE.radio: RADIO}


class Sent:
    """A transfer that a process of its own carries, and how it ended."""

    def __init__(self, world, size_bytes, *, device=0, direction="uplink", at_s=0.0, end="server"):
        self.record, self.use, self.reason = Transfer(direction, size_bytes), RadioUse(), None
        self.process = world.env.process(self._carry(world, device, at_s, end))

    def _carry(self, world, device, at_s, end):
        yield world.env.timeout(at_s)
        try:
            yield from world.transfer(device, self.record, self.use, end)
        except StoppedError as error:
            self.reason = error.stop.reason
        self.end_s = world.env.now


def send(world, size_bytes, **options):
    """Send a payload alone, and return what happened."""
    sent = Sent(world, size_bytes, **options)
    world.env.run(sent.process)
    return sent


def walk(speed_mps=10.0):
    return [(0.0, 100.0, 0.0), (800.0 / speed_mps, 900.0, 0.0)]


# The radio changes ---------------------------------------------------------------------------------------------------------

HANDOVER_S = (ENTRY_M - 100.0) / 10.0 + 0.32  # 47.936 s


def test_a_handover_in_mid_transfer():
    # 60 MB from 100 m on at 10 m/s: 47.936 s by the first station, 50 ms by none, the rest by the second.
    world = make_radio_world([walk()])
    sent = send(world, 60 * MB, direction="downlink")
    assert sent.record.complete
    assert sent.record.end_s == pytest.approx(60.05)
    assert (sent.record.station, sent.record.handovers) == ("s0", 1)
    assert world.station_airtime_s == pytest.approx([HANDOVER_S, 60.0 - HANDOVER_S], abs=2e-3)
    delivered = [cell.downlink.delivered_bits for cell in world.radio.cells]
    assert sum(delivered) == pytest.approx(480e6)
    assert delivered[0] == pytest.approx(8e6 * HANDOVER_S, abs=2e4)


def test_a_handover_that_ends_the_transfer():
    world = make_radio_world([walk()], transfers="fail")
    sent = send(world, 60 * MB)
    assert sent.reason == "handover: to s1 in mid-transfer"
    assert sent.end_s == sent.record.end_s == pytest.approx(HANDOVER_S, abs=2e-3)
    assert sent.record.carried_bytes == pytest.approx(MB * HANDOVER_S, abs=2e3)
    assert sent.record.payload_bytes == int(sent.record.carried_bytes)
    assert (sent.record.complete, sent.record.handovers) == (False, 1)


def test_handovers_during_an_interruption_count_and_interrupt_again():
    # To and fro every 0.5 s, and 0.6 s of interruption: the device gets nothing through after the first.
    event = A3Event(offset_db=-3.0, hysteresis_db=1.0, time_to_trigger_s=0.5)
    world = make_radio_world([stays(500.0)], event=event, interruption_s=0.6)
    sent = Sent(world, 10 * MB)
    world.env.run(until=3.9)
    # 0.5 s of sending; the times 0.5, 1.0, ... are handovers, looked at after 0.6 s each: at 0.5 (1), 1.1 (2), 1.7 (3), 2.3
    # (4), 2.9 (5), 3.5 (7).
    assert sent.record.handovers == 7
    assert world.radio.cells[0].uplink.delivered_bits == pytest.approx(4e6)
    assert world.radio.cells[1].uplink.delivered_bits == 0.0


def test_a_station_fails_and_another_takes_over():
    # 5 s by the first station, 50 ms by none, 5 s by the second.
    sent = send(make_radio_world([stays(100.0)], faults=GivenFaults(stations={"s0": [(5.0, math.inf)]})), 10 * MB)
    assert (sent.record.complete, sent.record.end_s, sent.record.handovers) == (True, pytest.approx(10.05), 1)


def test_a_station_fails_and_no_other_works():
    # 5 MB up to 5 s; after 60 s without a rate the device gives up. It was connected for 65 s: 2 W x 65 s + 0.1 uJ x 40 Mb.
    faults = GivenFaults(stations={"s0": [(5.0, math.inf)], "s1": [(1.0, math.inf)]})
    sent = send(make_radio_world([stays(100.0)], faults=faults, radio_power=PLAIN_RADIO), 10 * MB)
    assert sent.reason == "outage: no rate on the radio link for 60 s"
    assert sent.end_s == pytest.approx(65.0)
    assert sent.record.carried_bytes == pytest.approx(5 * MB)
    assert sent.record.payload_bytes == pytest.approx(5 * MB, abs=1)
    assert sent.record.energy_j == pytest.approx(2.0 * 65.0 + 4.0)


def test_a_station_that_works_again_in_time():
    faults = GivenFaults(stations={"s0": [(5.0, 30.0)], "s1": [(1.0, math.inf)]})
    sent = send(make_radio_world([stays(100.0)], faults=faults), 10 * MB)
    assert (sent.record.complete, sent.record.end_s, sent.record.handovers) == (True, pytest.approx(35.0), 0)


def test_the_other_station_comes_back_first():
    # From 5 s to 12 s there is none; then 50 ms of interruption, and 5 s over the far one.
    faults = GivenFaults(stations={"s0": [(5.0, math.inf)], "s1": [(1.0, 12.0)]})
    sent = send(make_radio_world([stays(100.0)], faults=faults), 10 * MB)
    assert (sent.record.complete, sent.record.end_s) == (True, pytest.approx(17.05))


def test_a_link_outage_stops_the_transfer_for_its_time():
    sent = send(make_radio_world([stays(100.0)], faults=GivenFaults(links={0: [(3.0, 7.0), (8.0, 9.0)]})), 10 * MB)
    assert (sent.record.complete, sent.record.end_s) == (True, pytest.approx(15.0))


def test_an_outage_of_just_what_is_waited_for_is_too_long():
    for lasts_s, reason in ((59.999, None), (60.0, "outage: no rate on the radio link for 60 s")):
        sent = send(make_radio_world([stays(100.0)], faults=GivenFaults(links={0: [(3.0, 3.0 + lasts_s)]})), 10 * MB)
        assert sent.reason == reason


def test_two_outages_are_not_one():
    # 40 s without a rate, 1 s with one, 40 s without: no 60 s of silence.
    sent = send(make_radio_world([stays(100.0)], faults=GivenFaults(links={0: [(3.0, 43.0), (44.0, 84.0)]})), 10 * MB)
    assert (sent.reason, sent.record.end_s) == (None, pytest.approx(90.0))


def test_rates_that_change():
    # 8 Mb/s for 2 s, 2 Mb/s for 4 s, 8 Mb/s again: 16 + 8 Mb, and the last 8 Mb in 1 s.
    rates = Steps([0.0, 2.0, 6.0], [8e6, 2e6, 8e6])
    assert send(make_world([rates]), 4 * MB).record.end_s == pytest.approx(7.0)


# Others -------------------------------------------------------------------------------------------------------------------


def test_two_devices_share_a_cell():
    # 5 MB from 0 s and 2 MB from 2 s: alone for 2 s, 4 Mb/s each for 4 s, then the last MB in 1 s.
    world = make_world([8e6, 8e6])
    first, second = Sent(world, 5 * MB), Sent(world, 2 * MB, device=1, at_s=2.0)
    world.env.run()
    assert (second.record.end_s, first.record.end_s) == (pytest.approx(6.0), pytest.approx(7.0))


def test_other_peoples_traffic():
    # The same, where the second is nobody's.
    world = make_world([8e6])
    sent = Sent(world, 5 * MB)
    world.env.run(until=2.0)
    world.radio.cells[0].uplink.start(16e6, 8e6, owner="background")
    world.env.run()
    assert sent.record.end_s == pytest.approx(7.0)


def test_the_study_weighs_what_it_is_told():
    # Weight 3 against 1: 6 and 2 Mb/s from 2 s on. The 4 MB that are left after 2 MB take 32 Mb / 6 Mb/s = 5.333 s.
    world = make_radio_world([stays(100.0)], sharing="weighted", flows=FlowRules(weight=3.0))
    sent = Sent(world, 6 * MB)
    world.env.run(until=2.0)
    world.radio.cells[0].uplink.start(80e6, 8e6, owner="background")
    world.env.run(sent.process)
    assert sent.record.end_s == pytest.approx(2.0 + 32.0 / 6.0)


def steps_of_sinr(least, rate):
    """Return 0.8 bit/s/Hz from an SINR of ``least`` on, and ``rate`` below."""
    return lambda snr: np.where(np.asarray(snr) >= least, 0.8, rate)


def test_neighbours_that_send_interfere():
    # At 300 m and 700 m of the way: 27 dB alone, 30 log10(7 / 3) = 11 dB when the other cell sends. From 20 dB on, 8 Mb/s,
    # below it 4. The first alone up to 2 s: 16 Mb; both at 4 Mb/s up to 6 s, when the second has its 16 Mb; the last 8 Mb.
    world = make_radio_world([stays(300.0), stays(700.0)], law=steps_of_sinr(100.0, 0.4), coupled=True)
    first = Sent(world, 5 * MB, direction="downlink")
    second = Sent(world, 2 * MB, device=1, at_s=2.0, direction="downlink")
    world.env.run()
    assert (second.record.end_s, first.record.end_s) == (pytest.approx(6.0), pytest.approx(7.0))
    assert world.radio.activity.downlink.tolist() == [0.0, 0.0]


def test_neighbours_that_hear_each_other_up():
    # As above, up: 23 + 5 - 43.33 - 30 log10(300) dBm are 6.35 dB over the noise, a ratio of 4.3. What arrives over 700 m is
    # 4.69 dB below the noise: 1.27 dB less, 3.2.
    world = make_radio_world([stays(300.0), stays(700.0)], law=steps_of_sinr(4.0, 0.4), coupled=True)
    first, second = Sent(world, 5 * MB), Sent(world, 2 * MB, device=1, at_s=2.0)
    world.env.run()
    assert (second.record.end_s, first.record.end_s) == (pytest.approx(6.0), pytest.approx(7.0))
    assert np.all(np.isneginf(world.radio.activity.uplink_dbm))


def test_other_peoples_traffic_interferes_too():
    world = make_radio_world([stays(300.0)], law=steps_of_sinr(100.0, 0.4), coupled=True)
    sent = Sent(world, 5 * MB, direction="downlink")
    world.env.run(until=2.0)
    world.radio.cells[1].downlink.start(32e6, 8e6, owner="background")  # up to 6 s
    world.env.run()
    assert sent.record.end_s == pytest.approx(7.0)


def test_a_transfer_that_interference_silences_gives_up():
    # From 2 s on, the neighbour serves a device beside it for 100 s; nothing else ever happens to the one in the middle.
    world = make_radio_world([stays(499.0), stays(990.0)], law=steps_of_sinr(4.0, 0.0), coupled=True)
    silenced = Sent(world, 5 * MB, direction="downlink")
    other = Sent(world, 100 * MB, device=1, at_s=2.0, direction="downlink")
    world.env.run()
    assert silenced.reason == "outage: no rate on the radio link for 60 s"
    assert silenced.end_s == pytest.approx(62.0)
    assert silenced.record.carried_bytes == pytest.approx(2 * MB)
    assert other.record.end_s == pytest.approx(102.0)


def test_what_is_cut_off_does_not_interfere():
    # Both send for 10 s with 4 Mb/s; from 10 to 20 s the first is cut off: 8 Mb/s for the second; then 4 again. Of 200 Mb:
    # 40, 120 by 20 s, the rest in 20 s.
    faults = GivenFaults(links={0: [(10.0, 20.0)]})
    world = make_radio_world([stays(300.0), stays(700.0)], law=steps_of_sinr(100.0, 0.4), coupled=True, faults=faults)
    Sent(world, 500 * MB, direction="downlink")
    second = Sent(world, 25 * MB, device=1, direction="downlink")
    world.env.run(second.process)
    assert second.record.end_s == pytest.approx(40.0)


def test_a_dead_station_does_not_interfere():
    # The first station dies at 10 s, and its device goes over to the second one and shares it: 4 Mb/s all the time for the
    # second device, by interference at first and by sharing then.
    faults = GivenFaults(stations={"s0": [(10.0, math.inf)]})
    world = make_radio_world([stays(300.0), stays(700.0)], law=steps_of_sinr(1e-9, 0.0), coupled=True, faults=faults)
    Sent(world, 500 * MB, direction="downlink")
    second = Sent(world, 20 * MB, device=1, direction="downlink")
    world.env.run(second.process)
    # 8 Mb/s for 10 s, alone in its cell; 4 Mb/s from 10.05 s on, when the other arrives: 80.4 Mb, 79.6 / 4.
    assert second.record.end_s == pytest.approx(10.05 + 79.6 / 4.0)
    assert world.radio.activity.downlink[0] == 0.0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_that_silence_each_other_both_wait(order):
    # Nothing turns round and round at an instant. After a minute one of them gives up, and the other goes on.
    world = make_radio_world([stays(499.0), stays(501.0)], law=steps_of_sinr(4.0, 0.0), coupled=True)
    first, second = (Sent(world, 5 * MB, device=device, direction="downlink") for device in order)
    world.env.run()
    gave_up, went_on = sorted([first, second], key=lambda sent: sent.end_s)
    assert (gave_up.end_s, gave_up.record.carried_bytes, gave_up.record.complete) == (60.0, 0.0, False)
    assert (went_on.end_s, went_on.record.complete) == (pytest.approx(65.0), True)


# The server ---------------------------------------------------------------------------------------------------------------


def test_a_server_that_restarts_breaks_a_transfer():
    world = make_world([8e6], faults=GivenFaults(server=[(4.0, 6.0)]))
    sent = send(world, 10 * MB)
    assert (sent.reason, sent.end_s) == ("server: it restarted in mid-transfer", 4.0)
    assert sent.record.carried_bytes == pytest.approx(4 * MB)
    assert world.backhaul["uplink"].n_active == world.radio.cells[0].uplink.n_active == 0  # nothing goes on without it
    assert world.backhaul_bits == pytest.approx(80e6)  # the wires were fast


def test_a_restart_does_not_touch_what_ends_at_the_station():
    world = make_world([8e6], faults=GivenFaults(server=[(4.0, 6.0)]))
    assert send(world, 10 * MB, end="station").record.end_s == pytest.approx(10.0)


def test_what_ends_as_the_server_restarts_has_ended():
    assert send(make_world([8e6], faults=GivenFaults(server=[(10.0, 11.0)])), 10 * MB).record.complete
    assert send(make_world([8e6], faults=GivenFaults(server=[(10.0 - 1e-6, 11.0)])), 10 * MB).reason is not None


def test_a_server_that_is_down_is_waited_for():
    # In the tail of the first transfer the server goes down; the second waits from 3 s to 6 s, connected: 1 W x 3 s.
    world = make_world([8e6], faults=GivenFaults(server=[(2.0, 6.0)]), radio_power={PROFILE.radio: replace(RADIO, tail_s=10.0)})
    send(world, 1 * MB)
    sent = send(world, 1 * MB, at_s=2.0)
    assert (sent.record.start_s, sent.record.end_s) == (6.0, pytest.approx(7.0))
    assert sent.use.setup_j == pytest.approx(3.0)


def test_a_restart_while_only_the_wires_are_left():
    # The radio is through after 1 s, the wires, at 1 Mb/s, would be after 8 s.
    world = make_world([8e6], backhaul_rate_bps=1e6, faults=GivenFaults(server=[(4.0, 6.0)]))
    sent = send(world, 1 * MB)
    assert (sent.reason, sent.end_s, sent.record.complete) == ("server: it restarted in mid-transfer", 4.0, False)
    assert world.backhaul_bits == pytest.approx(4e6)


def test_a_restart_during_the_interruption_of_a_handover():
    faults = GivenFaults(stations={"s0": [(5.0, math.inf)]}, server=[(5.02, 6.0)])
    sent = send(make_radio_world([stays(100.0)], faults=faults), 10 * MB)
    assert (sent.reason, sent.end_s) == ("server: it restarted in mid-transfer", pytest.approx(5.02))


# Wires and transport ------------------------------------------------------------------------------------------------------


def test_what_ends_at_the_station_needs_no_wires():
    world = make_world([8e6], backhaul_rate_bps=1e6)
    assert send(world, 1 * MB, end="station").record.end_s == pytest.approx(1.0)
    assert world.backhaul_bits == 0.0


def test_the_stations_own_wire_can_be_the_limit():
    world = make_world([8e6], station_backhaul_bps=4e6)
    assert send(world, 1 * MB).record.end_s == pytest.approx(2.0)
    assert world.backhaul_bits == 8e6  # counted once


def test_slow_start_by_hand():
    # Ten segments are 115,840 bits; a round trip of 100 ms at 8 Mb/s holds 800,000, 6.906 times as many. So windows of 1, 2 and
    # 4 times ten segments leave it idle: 3 x 100 ms less 7 x 14.48 ms. Half a round trip is waited for anyway.
    slow = replace(NO_DELAY, ran_rtt_s=0.1, slow_start=True)
    sent = send(make_world([8e6], transport=slow), 1 * MB)
    assert sent.record.end_s == pytest.approx(0.05 + 0.3 - 7 * 0.01448 + 1.0)
    # 20 kB are through in the second window: one wait.
    assert slow.slow_start_s(20_000, 8e6) == pytest.approx(0.1 - 0.01448)
    # At 3.5 times, the third window is idle no more: adding a wait of less than 0 would be wrong.
    assert slow.slow_start_s(10**9, 3.5 * 115_840 / 0.1) == pytest.approx(0.2 - 3 * 0.1 / 3.5)
    # Ten segments fill it at once.
    assert slow.slow_start_s(10**9, 115_840 / 0.1) == 0.0


def test_slow_start_is_the_sum_of_the_idle_times():
    slow = replace(NO_DELAY, ran_rtt_s=0.1, slow_start=True)
    for size_bytes in (10_000, 50_000, 3_000_000):
        for rate_bps in np.geomspace(1e5, 1e9, 60):
            left_bits, window_bits, idle_s = 8.0 * size_bytes, 115_840.0, 0.0
            while left_bits > window_bits and window_bits / rate_bps < 0.1:
                idle_s += 0.1 - window_bits / rate_bps
                left_bits, window_bits = left_bits - window_bits, 2.0 * window_bits
            assert slow.slow_start_s(size_bytes, float(rate_bps)) == pytest.approx(idle_s, abs=1e-9)


def test_losses_cap_the_rate():
    # 1.22 x 8 x 1448 bits / (100 ms x sqrt(0.01)) = 1.413248 Mb/s, or 10 times as much with 10 ms to the station.
    lossy = replace(NO_DELAY, ran_rtt_s=0.01, backhaul_delay_s=0.045, loss_rate=0.01)
    world = make_radio_world([stays(100.0)], transport=lossy, caps=True)
    assert send(world, 1 * MB).record.duration_s == pytest.approx(0.05 + 8e6 / 1_413_248.0)
    assert send(world, 1 * MB, end="station").record.duration_s == pytest.approx(0.005 + 1.0)
    assert math.isinf(replace(lossy, ran_rtt_s=0.0, backhaul_delay_s=0.0).cap_bps())


def test_measured_rates_of_ones_own_can_be_capped():
    lossy = replace(NO_DELAY, ran_rtt_s=0.01, backhaul_delay_s=0.045, loss_rate=0.01)
    world = make_radio_world([stays(100.0), stays(100.0)], transport=lossy, measured=GivenRates([1e6, 8e6]))
    first, second = Sent(world, 1 * MB), Sent(world, 1 * MB, device=1)
    world.env.run()
    assert first.record.duration_s == pytest.approx(0.05 + 8.0)  # they do not share
    assert second.record.duration_s == pytest.approx(0.05 + 8e6 / 1_413_248.0)


def test_a_share_of_a_measured_rate_is_its_part():
    # On half of the band, half of the rate: what was measured says nothing of the power's density.
    measured = GivenRates([8e6, 8e6])
    for sharing in ("fdma", "min-max"):
        world = make_radio_world(
            [stays(100.0)] * 2,
            measured=measured,
            measured_is_shared=True,
            sharing=sharing,
            flows=FlowRules(uplink_power_limited=True),
        )
        both = [Sent(world, 1 * MB, device=device) for device in (0, 1)]
        world.env.run()
        assert [sent.record.end_s for sent in both] == [pytest.approx(2.0)] * 2


def test_half_of_the_band_with_all_of_the_power():
    # Two devices at 0 dB over the whole band: log2(1 + 2) on half of it, against log2(2) on all of it. 10 MHz: 7.925 Mb/s each.
    def law(snr):
        return np.log2(1.0 + np.asarray(snr))

    away_m = 10 ** ((23.0 + 5.0 - 43.3291 + 95.9897) / 30.0)
    world = make_radio_world(
        [stays(away_m)] * 2, law=law, snr_min_db=-10.0, sharing="fdma", flows=FlowRules(uplink_power_limited=True)
    )
    both = [Sent(world, 1 * MB, device=device) for device in (0, 1)]
    world.env.run()
    assert [sent.record.end_s for sent in both] == [pytest.approx(8.0 / (5.0 * math.log2(3.0)), rel=1e-4)] * 2


def test_a_payload_of_nothing_takes_the_latency():
    world = make_world([8e6], transport=replace(NO_DELAY, ran_rtt_s=0.1))
    sent = send(world, 0)
    assert (sent.record.complete, sent.record.end_s, sent.record.payload_bytes) == (True, pytest.approx(0.05), 0)


# Joules -------------------------------------------------------------------------------------------------------------------


def charged(level_j, n=1):
    """Return batteries that hold so many joules and draw nothing at rest; nan is mains."""
    levels = np.array([level_j] + [math.nan] * (n - 1))
    return Batteries(
        capacity_j=np.where(np.isnan(levels), math.nan, 1e4),
        level_j=np.nan_to_num(levels),
        standby_w=np.zeros(n),
        charge_w=np.zeros(n),
    )


def test_a_battery_that_empties_in_mid_upload():
    # 1 W idle, 2 W for the radio, 0.8 W for 8 Mb/s: 19 J last for 5 s. The radio's are 14 J of them.
    world = make_world([8e6], batteries=charged(19.0), radio_power=PLAIN_RADIO)
    sent = send(world, 10 * MB)
    assert (sent.reason, sent.end_s) == ("battery: empty", pytest.approx(5.0, abs=1.1e-3))
    assert sent.record.energy_j == pytest.approx(14.0, abs=0.01)
    assert sent.record.carried_bytes == pytest.approx(5 * MB, rel=1e-3)
    assert world.fleet.batteries.level_j(np.array([0]), 5.0)[0] == pytest.approx(0.0, abs=0.005)


def test_a_battery_in_a_crowded_cell_lasts_longer():
    # Half of the rate: 3.4 W, and 17 J last for 5 s. The meter does not know that beforehand, and looks again and again.
    world = make_world([8e6, 8e6], batteries=charged(17.0, 2), radio_power=PLAIN_RADIO)
    sent, _ = Sent(world, 10 * MB), Sent(world, 100 * MB, device=1)
    world.env.run(sent.process)
    assert (sent.reason, sent.end_s) == ("battery: empty", pytest.approx(5.0, abs=1.1e-3))


def test_a_battery_that_empties_sooner_as_a_neighbour_falls_silent():
    # 4 Mb/s up to 2 s, when the neighbour has its 1 MB, and 8 Mb/s from then on. Down: 1 W idle, 1 W radio, 0.4 W, then 0.8 W:
    # 4.8 J by 2 s, and the remaining 8.4 J last for 3 s.
    world = make_radio_world(
        [stays(300.0), stays(700.0)],
        law=steps_of_sinr(100.0, 0.4),
        coupled=True,
        batteries=charged(13.2, 2),
        radio_power=PLAIN_RADIO,
    )
    sent, _ = Sent(world, 100 * MB, direction="downlink"), Sent(world, 1 * MB, device=1, direction="downlink")
    world.env.run(sent.process)
    assert (sent.reason, sent.end_s) == ("battery: empty", pytest.approx(5.0, abs=1.1e-3))
    assert sent.record.energy_j == pytest.approx(13.2 - 5.0, abs=0.01)


def test_a_battery_that_empties_while_only_the_wires_are_left():
    # 1 s at 3.8 W, then 3 W: 9.8 J last for 3 s; the wires would take 8 s.
    world = make_world([8e6], backhaul_rate_bps=1e6, batteries=charged(9.8), radio_power=PLAIN_RADIO)
    sent = send(world, 1 * MB)
    assert (sent.reason, sent.end_s) == ("battery: empty", pytest.approx(3.0, abs=1.1e-3))
    assert sent.record.carried_bytes == pytest.approx(MB)
    assert not sent.record.complete


def test_a_battery_that_empties_before_the_first_byte():
    # 20 s one way, at 3 W.
    world = make_world([8e6], transport=replace(NO_DELAY, ran_rtt_s=40.0), batteries=charged(15.0), radio_power=PLAIN_RADIO)
    sent = send(world, 1 * MB)
    assert (sent.reason, sent.end_s, sent.record.carried_bytes) == ("battery: empty", pytest.approx(5.0, abs=1.1e-3), 0.0)


def test_a_battery_that_empties_during_the_promotion():
    # 4 s at 1.5 W and 1 W idle would take 10 J; 5 J last for 2 s. Only what was drawn is charged.
    radio = {PROFILE.radio: replace(RADIO, promotion_s=4.0, promotion_w=1.5)}
    world = make_world([8e6], batteries=charged(5.0), radio_power=radio)
    sent = send(world, 1 * MB)
    assert (sent.reason, sent.end_s) == ("battery: empty while connecting", pytest.approx(2.0))
    assert sent.use.promotion_j == pytest.approx(3.0)
    assert world.fleet.batteries.level_j(np.array([0]), 2.0)[0] == pytest.approx(0.0, abs=1e-9)


def test_what_the_battery_gives_is_what_the_records_say():
    # Two uploads with a promotion each, 20 s apart; a tail of 5 s. Joules of idling and of all the radio did.
    radio = {PROFILE.radio: replace(RADIO, promotion_s=0.5, promotion_w=1.0, tail_s=5.0, tail_w=1.2)}
    world = make_world([8e6], batteries=charged(1000.0), radio_power=radio)
    first = send(world, 1 * MB)  # 0.5 s, then up to 1.5 s
    second = send(world, 1 * MB, at_s=20.0)  # from 21.5 s to 23 s
    assert (first.use.promotion_j, first.use.tail_j) == (pytest.approx(0.5), pytest.approx(6.0))
    assert second.record.end_s == pytest.approx(23.0)
    idle_j = 1.0 * (1.5 + 1.5)
    spent_j = 2 * 0.5 + 6.0 + first.record.energy_j + second.record.energy_j + idle_j
    assert first.record.energy_j == second.record.energy_j == pytest.approx(2.0 + 0.8)
    assert 1000.0 - world.fleet.batteries.level_j(np.array([0]), 23.0)[0] == pytest.approx(spent_j)


def test_a_tail_is_shortened_by_the_next_transfer():
    # The second begins 2 s after the first: no promotion, and 2 s of tail; its own tail is whole.
    radio = {PROFILE.radio: replace(RADIO, promotion_s=0.5, promotion_w=1.0, tail_s=5.0, tail_w=1.2)}
    world = make_world([8e6], radio_power=radio)
    first, second = send(world, 1 * MB), send(world, 1 * MB, at_s=2.0)
    world.radios.settle()
    assert (first.use.tail_j, second.use.tail_j) == (pytest.approx(2.4), pytest.approx(6.0))
    assert (second.use.promotion_j, second.record.start_s) == (0.0, pytest.approx(3.5))


def test_the_last_instant_of_a_tail_is_within_it():
    # Whatever the rounding: a device that connects then pays no joule of promotion and waits no second, or pays and waits.
    radio = {PROFILE.radio: replace(RADIO, promotion_s=0.5, promotion_w=1.0, tail_s=0.3, tail_w=1.2)}
    for gap_s in (0.3, 0.1 + 0.2, 0.29999999999999993):
        world = make_world([8e6], radio_power=radio)
        first = send(world, 123_457)
        second = send(world, 1, at_s=gap_s)
        waited_s = second.record.start_s - first.record.end_s - gap_s
        assert second.use.promotion_j == pytest.approx(waited_s * 1.0, abs=1e-9)
        assert waited_s == pytest.approx(0.0, abs=1e-9) or waited_s == pytest.approx(0.5, abs=1e-9)


def test_a_device_stays_with_its_cell_while_it_is_connected():
    # At 550 m, 2.6 dB better than the first station but not by 4 dB: within the tail it keeps its cell, else it takes the best.
    way = [(0.0, 450.0, 0.0), (10.0, 550.0, 0.0)]
    for tail_s, station in ((20.0, "s0"), (1.0, "s1")):
        world = make_radio_world([way], radio_power={PROFILE.radio: replace(RADIO, tail_s=tail_s)})
        assert send(world, 1 * MB).record.station == "s0"
        assert send(world, 1 * MB, at_s=11.0).record.station == station


def test_a_device_is_handed_over_in_its_tail():
    # From 450 m to 750 m within the tail: the next transfer begins at the second station, and has no handover of its own.
    world = make_radio_world(
        [[(0.0, 450.0, 0.0), (10.0, 750.0, 0.0)]], transfers="fail", radio_power={PROFILE.radio: replace(RADIO, tail_s=60.0)}
    )
    send(world, 1 * MB)
    sent = send(world, 1 * MB, at_s=11.0)
    assert (sent.record.complete, sent.record.station, sent.record.handovers) == (True, "s1", 0)


def test_attachments_are_forgotten_when_tails_are_over():
    world = make_world([8e6] * 50, radio_power={PROFILE.radio: replace(RADIO, tail_s=1.0)})
    for device in range(50):
        send(world, 1 * MB, device=device, at_s=2.0)
    assert len(world._attached) <= 2
