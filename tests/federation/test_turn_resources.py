"""Stories of computing, batteries, storage and tails, with the arithmetic in the comments.

The plain scheme downloads 1 MB and 1 kB, computes 2 s, and uploads 1 kB; at 8 Mb/s that is 1.001 s, 2 s, 1 ms.
"""

from dataclasses import replace

import numpy as np
import pytest
from federation.plain_world import PROFILE, make_world
from radio_worlds import GivenFaults
from turn_cases import SILENT, SILENT_RADIO, Tasks, batteries, take_turn, told

from mecsim.nodes.compute import ComputeSettings, Throttle
from mecsim.nodes.fleet import Group
from mecsim.nodes.timeline import Steps

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
