"""Stories of whole turns in which something happens, with the arithmetic in the comments.

The plain scheme downloads 1 MB and 1 kB, computes 2 s, and uploads 1 kB; at 8 Mb/s that is 1.001 s, 2 s, 1 ms.
"""

import math
from dataclasses import replace

import pytest
import simpy
from federation.plain_world import ALWAYS_AWAKE, NO_DELAY, PROFILE, PlainScheme, make_world
from radio_worlds import GivenFaults, make_radio_world, stays
from turn_cases import SILENT, Tasks, begin, take_turn, told

from mecsim.federation.deadline import FixedDeadline, run_deadline
from mecsim.federation.rounds import Plan
from mecsim.nodes.availability import Intervals
from mecsim.nodes.fleet import Group
from mecsim.nodes.profiles import RADIO_POWER
from mecsim.nodes.stop import Stop

# Crashes, leaving, time ---------------------------------------------------------------------------------------------------


def test_a_crash_while_computing():
    # 1.001 s of download, and 1 s of 2: 2 W above idle for a second. What was downloaded is there the next time.
    world = make_world([8e6], faults=GivenFaults(crashes={0: [2.001]}, dead={0: [(2.001, 10.0)]}))
    turn = take_turn(world)
    assert told(turn) == (2.001, "lost", "crash: the device crashed")
    assert (turn.compute_s, turn.compute_energy_j) == (pytest.approx(1.0), pytest.approx(2.0))
    assert (turn.update, turn.uploads) == (None, [])
    assert set(world.fleet.held_by(0)) == {"backbone", "state-0"}
    down = take_turn(world, at_s=5.0)
    assert told(down) == (5.0, "offline", "down after a crash when it was asked")
    again = take_turn(world, at_s=10.0)
    assert (again.outcome, again.downloads, again.end_s) == ("completed", [], pytest.approx(12.001))


def test_a_crash_in_mid_download_keeps_what_is_complete():
    # The second megabyte is half there at 1.5 s; it begins again from the beginning.
    scheme = Tasks(names=("first", "second"))
    world = make_world([8e6], faults=GivenFaults(crashes={0: [1.5]}))
    turn = take_turn(world, scheme)
    assert told(turn) == (1.5, "lost", "crash: the device crashed")
    assert [record.payload_bytes for _, record in turn.downloads] == [1_000_000, pytest.approx(500_000, abs=1)]
    assert [record.complete for _, record in turn.downloads] == [True, False]
    assert (turn.download_s, turn.compute_s) == (pytest.approx(1.5), 0.0)
    assert world.fleet.held_by(0) == {"first": 1_000_000}
    assert [payload.name for payload, _ in take_turn(world, scheme).downloads] == ["second"]


def test_a_crash_during_the_promotion_charges_what_was_drawn():
    # NR's promotion would take 1.9 s; the device crashes after 0.9 s.
    radio = RADIO_POWER["nr-low-band"]
    world = make_world([8e6], faults=GivenFaults(crashes={0: [0.9]}), radio_power=RADIO_POWER)
    turn = take_turn(world)
    assert (turn.end_s, turn.download_s, turn.downloads) == (0.9, 0.9, [])
    assert turn.radio.promotion_j == pytest.approx(0.9 * radio.promotion_w)
    assert turn.radio.setup_j == 0.0


def test_a_turn_that_ends_while_the_radio_wakes_for_the_upload():
    # 0.5 s, 1 s, 10 s, and from 11.5 s on another promotion, of which there are 0.2 s. The upload never began.
    radio = replace(SILENT, promotion_s=0.5, promotion_w=3.0, tail_s=2.0)
    world = make_world([8e6], faults=GivenFaults(crashes={0: [11.7]}), radio_power={PROFILE.radio: radio})
    turn = take_turn(world, Tasks(down=1_000_000, gflop=10.0, up=1_000_000))
    (_, record) = turn.uploads[0]
    assert (record.start_s, record.end_s, record.carried_bytes, record.station) == (11.7, 11.7, 0.0, "")
    assert (turn.upload_s, turn.radio.promotion_j) == (pytest.approx(0.2), pytest.approx(0.7 * 3.0))


def test_a_device_that_leaves():
    # There until 2 s: in mid-computing. Another one, whose group finishes, does.
    presence = Intervals([0], [0.0], [2.0])
    turn = take_turn(make_world([8e6], availability=presence))
    assert told(turn) == (2.0, "lost", "offline: the device left")
    finishes = Group("plain", PROFILE, leaves_at_once=False)
    assert take_turn(make_world([8e6], availability=presence, group=finishes)).end_s == pytest.approx(3.002)
    late = take_turn(make_world([8e6], availability=presence), at_s=2.0)
    assert told(late) == (2.0, "offline", "not available when it was asked")


def test_a_turn_that_ends_as_its_device_leaves_has_ended():
    # 1 s, 1 s and 1 s in round numbers: at 3 s it leaves, or crashes, and is through.
    scheme = Tasks(down=1_000_000, gflop=1.0, up=1_000_000)
    assert take_turn(make_world([8e6], availability=Intervals([0], [0.0], [3.0])), scheme).outcome == "completed"
    assert take_turn(make_world([8e6], faults=GivenFaults(crashes={0: [3.0]})), scheme).outcome == "completed"
    assert take_turn(make_world([8e6], faults=GivenFaults(crashes={0: [2.999]})), scheme).outcome == "lost"


def test_of_a_crash_and_leaving_the_first_counts():
    for crash_s, reason in ((1.0, "crash: the device crashed"), (1.7, "offline: the device left")):
        world = make_world([8e6], availability=Intervals([0], [0.0], [1.5]), faults=GivenFaults(crashes={0: [crash_s]}))
        assert take_turn(world).reason == reason


def test_a_deadline_tie():
    # Both devices take 3 s alone in their way: one is there at the deadline to the instant, the other a microsecond late.
    scheme = Tasks(down=1_000_000, gflop=1.0, up=1_000_000)
    log = []
    world = make_world([8e6, 8e6 / (1.0 + 1e-6)])
    world.radio.cells = world.radio.cells * 2
    world.radio._measured_is_shared = False  # a link of their own each
    plan = Plan(n_rounds=1, evaluate_every=1, n_asked=2, select=lambda *_: (0, 1), n_samples=lambda device: 10, log=log.append)
    world.env.run(world.env.process(run_deadline(world, scheme, plan, deadline=FixedDeadline(3.0), over_selection=1.0)))
    first, second = log[-1].turns
    assert (first.outcome, first.end_s) == ("completed", 3.0)
    assert (second.outcome, second.end_s, second.reason) == ("late", 3.0, "deadline: 3 s")
    assert second.uploads[0][1].payload_bytes == pytest.approx(1e6 * (1.0 - 2e-6), abs=2)


def test_a_turn_that_is_interrupted_leaves_no_flow_behind():
    world = make_world([8e6])
    process = begin(world, Tasks(down=10_000_000))
    world.env.run(until=4.0)
    process.interrupt(Stop("late", "time is up"))
    turn = world.env.run(process)
    assert told(turn) == (4.0, "late", "time is up")
    assert turn.downloads[0][1].carried_bytes == pytest.approx(4e6)
    world.env.run()
    assert world.radio.cells[0].downlink.delivered_bits == pytest.approx(32e6)
    assert world.radio.cells[0].downlink.n_active == world.backhaul["downlink"].n_active == 0
    assert world.station_airtime_s[0] == pytest.approx(4.0)


def test_an_interrupt_at_the_first_instant():
    world = make_world([8e6])
    process = begin(world, PlainScheme())
    process.interrupt(Stop("late", "nobody wants it"))
    assert told(world.env.run(process)) == (0.0, "late", "nobody wants it")


# The network --------------------------------------------------------------------------------------------------------------


def test_a_handover_in_mid_download():
    # 60 MB from 100 m on at 10 m/s, 50 ms of interruption.
    world = make_radio_world([[(0.0, 100.0, 0.0), (80.0, 900.0, 0.0)]])
    turn = take_turn(world, Tasks(down=60_000_000))
    assert (turn.outcome, turn.download_s) == ("completed", pytest.approx(60.05))
    assert [record.handovers for _, record in turn.transfers] == [1, 0]
    assert [record.station for _, record in turn.transfers] == ["s0", "s1"]


def test_a_handover_that_loses_the_turn():
    world = make_radio_world([[(0.0, 100.0, 0.0), (80.0, 900.0, 0.0)]], transfers="fail")
    turn = take_turn(world, Tasks(down=60_000_000))
    assert (turn.outcome, turn.reason) == ("lost", "handover: to s1 in mid-transfer")
    assert turn.download_s == pytest.approx(47.936, abs=2e-3)


def test_an_outage_in_mid_upload():
    # The upload begins at 1 s and breaks at 3 s, with 2 MB of 5; after 10 s the device gives up.
    faults = GivenFaults(stations={"s0": [(3.0, math.inf)], "s1": [(0.5, math.inf)]})
    world = make_radio_world([stays(100.0)], faults=faults, transport=replace(NO_DELAY, give_up_s=10.0))
    turn = take_turn(world, Tasks(down=1_000_000, gflop=0.0, up=5_000_000))
    assert told(turn) == (13.0, "lost", "outage: no rate on the radio link for 10 s")
    assert turn.uploads[0][1].payload_bytes == pytest.approx(2_000_000, abs=1)
    assert (turn.upload_s, turn.update) == (pytest.approx(12.0), None)


def test_a_device_in_an_outage_is_asked_all_the_same_if_that_will_end():
    faults = GivenFaults(links={0: [(0.0, 2.0)]})
    turn = take_turn(make_radio_world([stays(100.0)], faults=faults))
    assert (turn.outcome, turn.end_s) == ("completed", pytest.approx(5.002))
    assert turn.link.downlink_rate_bps == 0.0
    for_good = GivenFaults(links={0: [(0.0, math.inf)]})
    turn = take_turn(make_radio_world([stays(100.0)], faults=for_good))
    assert told(turn) == (0.0, "lost", "outage: no rate on the radio link")


def test_a_server_that_restarts_loses_the_turn_under_way_and_holds_up_the_next():
    faults = GivenFaults(server=[(0.5, 4.0)])
    world = make_world([8e6], faults=faults)
    turn = take_turn(world)
    assert told(turn) == (0.5, "lost", "server: it restarted in mid-transfer")
    assert take_turn(world).end_s == pytest.approx(4.0 + 3.002)


def test_a_turn_between_device_and_station():
    # A round trip of 20 ms to the station, and 2 s more to a server that is down for good: that does not matter. Set-up
    # 2 x 20 ms; two downloads and an upload wait 10 ms each.
    transport = replace(NO_DELAY, n_setup_rtts=2.0, ran_rtt_s=0.02, backhaul_delay_s=1.0)
    faults = GivenFaults(server=[(1e-9, math.inf)])
    world = make_world([8e6], transport=transport, faults=faults, backhaul_rate_bps=1.0)
    turn = take_turn(world, to="station")
    assert (turn.outcome, turn.end_s) == ("completed", pytest.approx(3.002 + 0.04 + 0.03))
    assert world.backhaul_bits == 0.0


def test_a_turn_shares_with_another():
    # Two turns at once: 2.002 s for the downloads, 2 s, 2 ms.
    world = make_world([8e6, 8e6])
    processes = [begin(world, PlainScheme(), device) for device in (0, 1)]
    turns = [world.env.run(process) for process in processes]
    assert [turn.end_s for turn in turns] == [pytest.approx(4.004)] * 2
    assert world.station_airtime_s[0] == pytest.approx(2.002)


def test_a_radio_that_never_sleeps_costs_nothing_between():
    assert all(power.tail_s == power.promotion_s == 0.0 for power in ALWAYS_AWAKE.values())
    turn = take_turn(make_world([8e6]))
    assert (turn.radio.promotion_j, turn.radio.setup_j, turn.radio.tail_j) == (0.0, 0.0, 0.0)


def test_whatever_is_raised_inside_is_not_swallowed():
    class Broken(PlainScheme):
        def offer(self, client):
            raise RuntimeError("a bug")

    world = make_world([8e6])
    with pytest.raises(RuntimeError, match="a bug"):
        world.env.run(begin(world, Broken()))
    assert isinstance(world.env, simpy.Environment)
