"""Stories of transfers with the arithmetic in the comments. If nothing else is said, a device has 8 Mb/s: 1 MB a second."""

import math

import numpy as np
import pytest
from federation.plain_world import make_world
from radio_worlds import GivenFaults, make_radio_world, stays
from transfer_cases import ENTRY_M, MB, PLAIN_RADIO, Sent, send, steps_of_sinr

from mecsim.nodes.timeline import Steps
from mecsim.nodes.world import FlowRules
from mecsim.radio.handover import A3Event


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
