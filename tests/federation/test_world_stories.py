"""Stories of whole turns in which something happens, with the arithmetic in the comments.

The plain scheme downloads 1 MB and 1 kB, computes 2 s, and uploads 1 kB; at 8 Mb/s that is 1.001 s, 2 s, 1 ms.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
import simpy
from federation.plain_world import ALWAYS_AWAKE, NO_DELAY, PROFILE, PlainScheme, make_world
from radio_worlds import GivenFaults, make_radio_world, stays

from mecsim.federation.contract import Offer, Payload
from mecsim.federation.deadline import FixedDeadline, run_deadline
from mecsim.federation.rounds import Plan
from mecsim.federation.turn import client_turn
from mecsim.nodes.availability import Intervals
from mecsim.nodes.battery import Batteries
from mecsim.nodes.compute import ComputeSettings, Throttle
from mecsim.nodes.fleet import Group
from mecsim.nodes.profiles import RADIO_POWER
from mecsim.nodes.radio_power import RadioPower
from mecsim.nodes.stop import Stop
from mecsim.nodes.timeline import Steps

SILENT = RadioPower(
    name="silent", downlink_overhead_w=0.0, uplink_overhead_w=0.0, downlink_j_per_bit=0.0, uplink_j_per_bit=0.0, source="test"
)
SILENT_RADIO = {PROFILE.radio: SILENT}


class Tasks(PlainScheme):
    """The plain scheme with payloads and work of other sizes."""

    def __init__(self, *, down=1_000_000, gflop=2.0, up=1_000, names=("backbone",)):
        super().__init__()
        self.sizes = down, gflop, up, names

    def offer(self, client):
        down, gflop, up, names = self.sizes
        plain = super().offer(client)
        return Offer(
            needs=tuple(Payload(name, "backbone", down) for name in names) if down else (),
            work=replace(plain.work, flop=gflop * 1e9),
            sends=Payload(plain.sends.name, "update", up) if up else None,
            job=plain.job,
            base=plain.base,
        )


def begin(world, scheme, device=0, round_number=1, to="server"):
    return world.env.process(client_turn(world, scheme, device=device, n_samples=10, round_number=round_number, to=to))


def take_turn(world, scheme=None, device=0, round_number=1, at_s=None, to="server"):
    if at_s is not None:
        world.env.run(until=at_s)
    return world.env.run(begin(world, scheme or PlainScheme(), device, round_number, to))


def told(turn):
    """Return when and how a turn ended."""
    return pytest.approx(turn.end_s), turn.outcome, turn.reason


def batteries(level_j, capacity_j=1000.0):
    one = np.array([level_j])
    return Batteries(capacity_j=np.array([capacity_j]), level_j=one, standby_w=np.zeros(1), charge_w=np.zeros(1))


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


# Computing ----------------------------------------------------------------------------------------------------------------


def test_throttling():
    # 10 s of work: 4 s at full speed, then the rest at half of it: 12 s. 2 W, then 1 W: 8 + 12 J, those of 10 s at full speed.
    hot = Group("hot", PROFILE, ComputeSettings(throttle=Throttle(after_s=4.0, factor=0.5)))
    turn = take_turn(make_world([8e6], group=hot), Tasks(down=0, gflop=10.0, up=0))
    assert (turn.compute_s, turn.compute_energy_j) == (pytest.approx(16.0), pytest.approx(20.0))


def test_a_slow_phase():
    # 10 s of work; from 2 s to 6 s at a quarter of the speed: 1 s of it done; 7 s more: 13 s. Joules as ever.
    faults = GivenFaults(slow={0: Steps([2.0, 6.0], [0.25, 1.0], before=1.0)})
    turn = take_turn(make_world([8e6], faults=faults), Tasks(down=0, gflop=10.0, up=0))
    assert (turn.compute_s, turn.compute_energy_j) == (pytest.approx(13.0), pytest.approx(20.0))


def test_a_crash_in_a_slow_phase():
    # 2 s at 2 W and 2 s at 0.5 W.
    faults = GivenFaults(slow={0: Steps([2.0, 6.0], [0.25, 1.0], before=1.0)}, crashes={0: [4.0]})
    turn = take_turn(make_world([8e6], faults=faults), Tasks(down=0, gflop=10.0, up=0))
    assert (turn.end_s, turn.compute_energy_j) == (4.0, pytest.approx(5.0))


def test_a_battery_that_empties_while_computing():
    # 3 W: 15 J last for 5 s of 10. 2 W of them are the computation's.
    world = make_world([8e6], batteries=batteries(15.0), radio_power=SILENT_RADIO)
    turn = take_turn(world, Tasks(down=0, gflop=10.0, up=0))
    assert told(turn) == (5.0, "lost", "battery: empty while computing")
    assert (turn.compute_s, turn.compute_energy_j) == (pytest.approx(5.0), pytest.approx(10.0))
    assert world.fleet.batteries.level_j(np.array([0]), 5.0)[0] == pytest.approx(0.0, abs=1e-9)


def test_a_battery_that_empties_while_throttled():
    # 4 s at 3 W are 12 J; from then on 1 W idle and 1 W of work: 6 J last for 3 s.
    hot = Group("hot", PROFILE, ComputeSettings(throttle=Throttle(after_s=4.0, factor=0.5)))
    turn = take_turn(make_world([8e6], group=hot, batteries=batteries(18.0)), Tasks(down=0, gflop=10.0, up=0))
    assert told(turn) == (7.0, "lost", "battery: empty while computing")
    assert turn.compute_energy_j == pytest.approx(4 * 2.0 + 3 * 1.0)


def test_a_battery_that_is_empty_as_the_work_ends():
    # 30 J are what 10 s need: the work is done. With an upload to come, the turn is lost at that instant.
    done = take_turn(make_world([8e6], batteries=batteries(30.0)), Tasks(down=0, gflop=10.0, up=0))
    assert (done.outcome, done.compute_s) == ("completed", pytest.approx(10.0))
    stuck = take_turn(make_world([8e6], batteries=batteries(30.0)), Tasks(down=0, gflop=10.0, up=1_000))
    assert told(stuck) == (10.0, "lost", "battery: empty")
    assert stuck.compute_energy_j == pytest.approx(20.0)


def test_what_a_whole_turn_takes_from_its_battery():
    # Two promotions, as the computation outlasts the tail: each is charged once. 1 W idle all the time.
    radio = replace(
        SILENT, downlink_overhead_w=1.0, uplink_overhead_w=2.0, promotion_s=0.5, promotion_w=3.0, tail_s=2.0, tail_w=0.5
    )
    world = make_world([8e6], batteries=batteries(1000.0), radio_power={PROFILE.radio: radio})
    turn = take_turn(world, Tasks(down=1_000_000, gflop=10.0, up=1_000_000))
    # 0.5 s, 1 s, 10 s, 0.5 s, 1 s.
    assert turn.end_s == pytest.approx(13.0)
    assert turn.radio.promotion_j == pytest.approx(2 * 1.5)
    assert turn.radio.tail_j == pytest.approx(2.0 * 0.5)  # the first one; the second goes on after the turn
    spent_j = 13.0 + 3.0 + 1.0 + 1.0 + 20.0 + 2.0
    assert 1000.0 - world.fleet.batteries.level_j(np.array([0]), 13.0)[0] == pytest.approx(spent_j)
    world.radios.settle()
    assert turn.radio.tail_j == pytest.approx(2 * 1.0)


def test_a_tail_goes_to_the_turn_before():
    # The next turn begins 1 s after the first ended, and ends its tail of 2 s.
    radio = replace(SILENT, promotion_s=0.5, promotion_w=3.0, tail_s=2.0, tail_w=0.5)
    world = make_world([8e6], radio_power={PROFILE.radio: radio})
    first = take_turn(world, Tasks(down=0, gflop=0.0, up=1_000_000))
    second = take_turn(world, Tasks(down=0, gflop=0.0, up=1_000_000), at_s=first.end_s + 1.0)
    world.radios.settle()
    assert (first.radio.tail_j, second.radio.tail_j) == (pytest.approx(0.5), pytest.approx(1.0))
    assert (second.radio.promotion_j, second.upload_s) == (0.0, pytest.approx(1.0))


# Refusals -----------------------------------------------------------------------------------------------------------------


def test_storage_that_is_too_small():
    world = make_world([8e6], storage_bytes=np.array([1_000_999.0]))
    turn = take_turn(world)
    assert told(turn) == (0.0, "refused", "storage: needs 0.001001 GB, has 0.001001 GB")
    assert take_turn(make_world([8e6], storage_bytes=np.array([1_001_000.0]))).outcome == "completed"


def test_what_is_not_needed_makes_room():
    # Room for 2.5 MB: the third megabyte drives out the first, and the fourth the second.
    world = make_world([8e6], storage_bytes=np.array([2.5e6]))
    for name in ("a", "b", "c"):
        assert take_turn(world, Tasks(names=(name,))).outcome == "completed"
    assert list(world.fleet.held_by(0)) == ["b", "c"]
    # What is needed stays, even if it is the oldest.
    take_turn(world, Tasks(names=("b", "d")))
    assert list(world.fleet.held_by(0)) == ["b", "d"]
    turn = take_turn(world, Tasks(names=("a", "b", "c")))
    assert turn.reason == "storage: needs 0.003 GB, has 0.0025 GB"


def test_too_little_charge():
    # A fifth of 1 kJ is asked for: 199.9 J are refused, 200 J are enough.
    group = Group("plain", PROFILE, least_charge=0.2)
    refused = take_turn(make_world([8e6], group=group, batteries=batteries(199.0)))
    assert told(refused) == (0.0, "refused", "battery: needs 0.2 kJ, has 0.199 kJ")
    assert refused.downloads == []
    assert take_turn(make_world([8e6], group=group, batteries=batteries(200.0))).outcome == "completed"


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
