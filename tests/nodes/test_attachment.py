"""One device's link in time. Stations at 0 m and 1,000 m, 30 dB a decade: the far one is 30 log10(x / (1000 - x)) dB better."""

import math

import numpy as np
import pytest
import simpy
from federation.plain_world import GivenRates
from radio_worlds import GivenFaults, make_radio, stays

from mecsim.nodes.attachment import Attachment
from mecsim.nodes.mobility import RandomWaypoint, TraceMobility, WaypointStart
from mecsim.nodes.radio_rules import FadingBlocks, HandoverRules
from mecsim.nodes.timeline import Steps
from mecsim.radio.handover import A3Event

# 4 dB (offset 3, hysteresis 1) at x / (1000 - x) = 10^(4 / 30), which is x = 576.16 m.
ENTRY_M = 1000.0 * 10 ** (4.0 / 30.0) / (1.0 + 10 ** (4.0 / 30.0))


def attach(ways, now_s=0.0, **options):
    return Attachment(make_radio(simpy.Environment(), ways, **options), 0, now_s)


def follow(attachment, until_s):
    """Go from change to change; return the times at which the cell changed, with the cell, and how many stops there were."""
    log, now_s, n_stops = [], 0.0, 0
    while (now_s := attachment.next_change_s(now_s)) <= until_s:
        n_stops += 1
        assert n_stops < 10_000
        if attachment.advance(now_s):
            log.append((now_s, attachment.cell))
    return log, n_stops


def walk(speed_mps=10.0, start_m=100.0, end_m=900.0, at_s=0.0):
    return [(at_s, start_m, 0.0), (at_s + (end_m - start_m) / speed_mps, end_m, 0.0)]


def test_a_walk_between_two_stations_by_hand():
    # From 100 m at 10 m/s: 576.16 m at 47.616 s, and 0.32 s later the handover. Between samples of 5 m the margin is not quite
    # linear, by at most 13 x 25 / 8 / 424^2 = 2.3e-4 dB; at 0.053 dB/m these are 4 mm.
    log, _ = follow(attach([walk()]), 100.0)
    assert log == [(pytest.approx((ENTRY_M - 100.0) / 10.0 + 0.32, abs=1e-3), 1)]


def test_there_and_back_by_hand():
    # Back from 900 m at 80 s: at 423.84 m, 47.616 s later, the first station is better by 4 dB.
    there, _ = follow(attach([[*walk(), (160.0, 100.0, 0.0)]]), 200.0)
    assert [cell for _, cell in there] == [1, 0]
    assert there[1][0] == pytest.approx(80.0 + (ENTRY_M - 100.0) / 10.0 + 0.32, abs=1e-3)


@pytest.mark.parametrize("every_m", [1.0, 5.0, 20.0])
def test_how_often_the_path_is_sampled_hardly_matters(every_m):
    log, n_stops = follow(attach([walk()], sampled_every_m=every_m), 100.0)
    assert log == [(pytest.approx((ENTRY_M - 100.0) / 10.0 + 0.32, abs=0.01), 1)]
    assert n_stops <= 800.0 / every_m + 3


def test_whoever_asks_late_finds_the_same():
    exact, late = attach([walk()]), attach([walk()])
    follow(exact, 70.0)
    assert late.advance(70.0) == 1
    exact.advance(70.0)
    assert (late.cell, late.link) == (exact.cell, exact.link)


def test_a_device_at_rest_hands_over_when_its_time_to_trigger_is_over():
    # It stops at 577 m, 4.04 dB better, and stays: entered at 47.616 s, handed over at 47.936 s, after its stop at 47.7 s. The
    # stretch in which it stops is as long as if it went on, half a second, and the path is taken to be even over it.
    log, _ = follow(attach([walk(end_m=577.0)]), 100.0)
    assert log == [(pytest.approx((ENTRY_M - 100.0) / 10.0 + 0.32, abs=0.5), 1)]
    assert log[0][0] > 47.7
    assert follow(attach([walk(end_m=576.0)]), 1000.0)[0] == []


def test_a_rest_is_no_way():
    # From 400 m to 575 m, 0.06 dB below the entry, in 17.5 s; an hour's rest, and on at 2 m/s: 1.16 m later it is there, not
    # within the hour. Wherever the stretches before the rest begin.
    way = [(0.0, 400.0, 0.0), (17.5, 575.0, 0.0), (3617.5, 575.0, 0.0), (3717.5, 775.0, 0.0)]
    for from_s in (0.0, 0.1, 0.33):
        log, n_stops = follow(attach([way], now_s=from_s), 3700.0)
        assert log == [(pytest.approx(3617.5 + (ENTRY_M - 575.0) / 2.0 + 0.32, abs=0.01), 1)]
        assert n_stops < 80


def test_rates_hold_between_samples_and_follow_the_path():
    # Shannon's law over a path of 30 dB a decade; at 8 s the device is at 180 m, and was last looked at there.
    radio_options = {"law": lambda snr: np.log2(1.0 + snr), "snr_min_db": -10.0}
    attachment = attach([walk()], **radio_options)
    before_bps = attachment.link.downlink_rate_bps
    attachment.advance(0.49)
    assert attachment.link.downlink_rate_bps == before_bps
    attachment.advance(8.0)
    resting = attach([stays(180.0)], **radio_options)
    assert attachment.link.downlink_rate_bps == pytest.approx(resting.link.downlink_rate_bps, rel=1e-9)
    assert attachment.link.distance_m == pytest.approx(180.0)
    assert attachment.link.downlink_rate_bps < before_bps


def test_a_dead_cell_is_left_at_once():
    faults = GivenFaults(stations={"s0": [(5.0, 20.0)]})
    attachment = attach([stays(100.0)], faults=faults)
    log, _ = follow(attachment, 100.0)
    # To the other one, 28.6 dB weaker; and back when the first works again, after the time to trigger.
    assert log == [(5.0, 1), (pytest.approx(20.32), 0)]


def test_a_dead_cell_without_another_is_waited_for():
    faults = GivenFaults(stations={"s0": [(5.0, 20.0)], "s1": [(2.0, 12.0)]})
    attachment = attach([stays(100.0)], faults=faults)
    rates = {}
    now_s = 0.0
    while (now_s := attachment.next_change_s(now_s)) <= 30.0:
        attachment.advance(now_s)
        rates[round(now_s, 6)] = (attachment.cell, attachment.link.uplink_rate_bps)
    # At 12 s the other station is back: that is noticed, although the device has nothing to do with it.
    assert rates == {2.0: (0, 8e6), 5.0: (0, 0.0), 12.0: (1, 8e6), 20.0: (1, 8e6), 20.32: (0, 8e6)}


def test_a_cell_that_is_down_is_no_neighbour():
    # The far station is down until 60 s. The margin of 4 dB is reached at 47.6 s; at 60 s its time to trigger begins.
    faults = GivenFaults(stations={"s1": [(10.0, 60.0)]})
    assert follow(attach([walk()], faults=faults), 100.0)[0] == [(pytest.approx(60.32), 1)]
    # For a device at rest too.
    assert follow(attach([stays(600.0)], faults=faults), 100.0)[0] == [(10.0, 0), (pytest.approx(60.32), 1)]


def test_a_new_attachment_is_to_a_cell_that_works():
    faults = GivenFaults(stations={"s0": [(5.0, 20.0)]})
    assert attach([stays(100.0)], now_s=4.0, faults=faults).cell == 0
    assert attach([stays(100.0)], now_s=5.0, faults=faults).cell == 1
    assert attach([stays(100.0)], now_s=20.0, faults=faults).cell == 0


def test_a_link_outage_is_a_rate_of_zero_and_no_handover():
    attachment = attach([stays(100.0)], faults=GivenFaults(links={0: [(3.0, 7.0)]}))
    seen, now_s = [], 0.0
    while (now_s := attachment.next_change_s(now_s)) < math.inf:
        seen.append((now_s, attachment.advance(now_s), attachment.link.downlink_rate_bps))
    assert seen == [(3.0, 0, 0.0), (7.0, 0, 8e6)]


def test_to_and_fro_at_one_instant_is_refused():
    with pytest.raises(ValueError, match=r"sum to -2 dB, below 0"):
        HandoverRules(event=A3Event(offset_db=-3.0, hysteresis_db=1.0, time_to_trigger_s=0.0))
    # With some time to trigger it is a ping-pong: every 0.5 s for a device in the middle.
    log, _ = follow(attach([stays(500.0)], event=A3Event(offset_db=-3.0, hysteresis_db=1.0, time_to_trigger_s=0.5)), 2.2)
    assert log == [(0.5, 1), (1.0, 0), (1.5, 1), (2.0, 0)]


def test_no_time_to_trigger_at_all():
    event = A3Event(offset_db=3.0, hysteresis_db=1.0, time_to_trigger_s=0.0)
    log, _ = follow(attach([walk()], event=event), 100.0)
    assert log == [(pytest.approx((ENTRY_M - 100.0) / 10.0, abs=1e-3), 1)]


def test_ways_that_jump_back_make_progress():
    # A recorded way of 0.7 s and 3 m, over and over: whatever the rounding of its end, time goes on.
    way = TraceMobility([0, 0, 0], [0.1, 0.3, 0.8], [100.0, 101.0, 103.0], [0.0, 0.0, 0.0], at_end="loop")
    attachment = attach([stays(0.0)], mobility=way)
    _, n_stops = follow(attachment, 500.0)
    assert 400 < n_stops < 3000


def test_fast_jumps_make_progress():
    way = TraceMobility([0] * 3, [0.0, 1e-9, 1.0], [100.0, 90_100.0, 100.0], [0.0] * 3, at_end="loop")
    _, n_stops = follow(attach([stays(0.0)], mobility=way), 3.0)
    assert n_stops <= 3100  # the shortest look is a millisecond


def test_pauses_of_a_random_waypoint_are_not_sampled():
    start = WaypointStart(
        position_m=np.array([[100.0, 100.0]]),
        paused=np.array([True]),
        pause_left_s=np.array([500.0]),
        destination_m=np.array([[100.0, 400.0]]),
        speed_mps=np.array([1.0]),
    )
    mobility = RandomWaypoint(
        start, (1000.0, 1000.0), speed_mps=(1.0, 1.0), pause_s=500.0, generator=lambda device: np.random.default_rng(device)
    )
    assert follow(attach([stays(0.0)], mobility=mobility), 499.0) == ([], 0)


def test_blocks_of_fading_follow_each_other():
    # 0.423 c / (0.8 m/s x 3.5 GHz) = 45.3 ms, so 0.1 s: 9 changes in less than a second, and each changes the gain. The block
    # that begins at an instant counts at it, and whoever asks for the next change gets a later one, whatever the rounding.
    blocks = FadingBlocks(diversity=1, rician_k_db=None, shortest_s=0.1, slowest_mps=0.8)
    attachment = attach([stays(100.0)], blocks=blocks, law=lambda snr: np.log2(1.0 + snr), snr_min_db=-10.0)
    now_s, times_s, gains = 0.0, [], [attachment.link.uplink_gain]
    while now_s < 300.0:
        later_s = attachment.next_change_s(now_s)
        assert later_s > now_s
        now_s = later_s
        attachment.advance(now_s)
        times_s.append(now_s)
        gains.append(attachment.link.uplink_gain)
    np.testing.assert_allclose(times_s, 0.1 * np.arange(1, len(times_s) + 1))
    assert len(set(gains)) == len(gains)
    assert np.mean(gains) == pytest.approx(1.0, abs=3.3 / math.sqrt(len(gains)))


def test_fading_of_two_cells_is_not_the_same():
    blocks = FadingBlocks(diversity=1, rician_k_db=None, shortest_s=0.1, slowest_mps=0.8)
    radio = make_radio(simpy.Environment(), [stays(100.0)], blocks=blocks)
    reception = radio.reception(0, 0.0)
    first, second = (radio.link(0, reception, cell, 0.05).uplink_gain for cell in (0, 1))
    assert first != second
    assert radio.link(0, reception, 0, 0.099).uplink_gain == first
    assert radio.link(0, reception, 0, 0.101).uplink_gain != first


def test_measured_rates_take_the_place_of_the_models():
    measured = GivenRates([Steps([0.0, 4.0], [5e6, 2e6])])
    attachment = attach([walk()], measured=measured)
    assert attachment.link.downlink_rate_bps == 5e6
    attachment.advance(4.0)
    assert (attachment.link.uplink_rate_bps, attachment.link.distance_m) == (2e6, pytest.approx(140.0))


def test_who_may_yet_get_a_rate():
    options = {"law": lambda snr: np.log2(1.0 + snr), "snr_min_db": 40.0}  # up to 114 m
    radio = make_radio(simpy.Environment(), [stays(500.0), stays(10.0), walk(end_m=800.0)], **options)
    assert [radio.may_get_a_rate(device, 0.0) for device in range(3)] == [False, True, True]
    assert radio.may_get_a_rate(2, 69.0)
    assert not radio.may_get_a_rate(2, 70.0)  # it has arrived, where there is nothing
    # All stations are down, and one of them will be back: not the first of the list.
    faults = GivenFaults(stations={"s0": [(0.0, math.inf)], "s1": [(0.0, 30.0)]})
    radio = make_radio(simpy.Environment(), [stays(500.0)], faults=faults)
    assert radio.may_get_a_rate(0, 1.0)
    faults = GivenFaults(stations={"s0": [(0.0, math.inf)], "s1": [(0.0, math.inf)]})
    assert not make_radio(simpy.Environment(), [stays(500.0)], faults=faults).may_get_a_rate(0, 1.0)
