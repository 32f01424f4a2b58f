"""Stories of servers, wires and protocols with the arithmetic in the comments. A device has 8 Mb/s, if nothing else is said."""

import math
from dataclasses import replace

import numpy as np
import pytest
from federation.plain_world import NO_DELAY, PROFILE, GivenRates, make_world
from radio_worlds import GivenFaults, make_radio_world, stays
from transfer_cases import MB, RADIO, Sent, send

from mecsim.nodes.world import FlowRules

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
