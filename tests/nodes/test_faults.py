import math
from itertools import pairwise

import pytest

from mecsim.nodes.faults import Faults, FaultSettings
from mecsim.nodes.timeline import Constant, next_positive
from mecsim.rng import Streams

INF = math.inf
ALL = FaultSettings(
    crash_per_hour=2.0,
    crash_down_s=60.0,
    slow_per_hour=3.0,
    link_outage_per_hour=20.0,
    station_outage_per_hour=1.0,
    server_restart_per_hour=0.5,
)


class CountedStreams(Streams):
    """Streams that keep the names that were asked for."""

    def __init__(self, seed):
        super().__init__(seed)
        self.names = []

    def get(self, *name):
        self.names.append(name)
        return super().get(*name)


def faults(settings=ALL, seed=1):
    return Faults(settings, Streams(seed))


def changes(timeline, until_s):
    found, t = [], timeline.next_change(0.0)
    while t <= until_s:
        found.append((t, timeline.at(t)))
        t = timeline.next_change(t)
    return found


def everything(world, devices, until_s=5e4):
    """All that goes wrong until then, by what it befalls."""
    timelines = {}
    for device in devices:
        timelines |= {
            ("slow", device): world.speed(device),
            ("link", device): world.link_up(device),
            ("up", device): world.device_up(device),
        }
    timelines |= {("station", name): world.station_up(name) for name in ("north", "south")} | {
        ("server", ""): world.server_up()
    }
    return {name: changes(timeline, until_s) for name, timeline in timelines.items()}


def test_what_never_happens_draws_nothing():
    streams = CountedStreams(1)
    world = Faults(FaultSettings(), streams)
    timelines = [world.device_up(3), world.speed(3), world.link_up(3), world.station_up("north"), world.server_up()]
    assert all(isinstance(timeline, Constant) and timeline.at(5.0) == 1.0 for timeline in timelines)
    assert world.crash_after(3, 0.0) == world.restarts_after(0.0) == INF
    assert streams.names == []


def test_only_what_is_asked_for_is_drawn():
    streams = CountedStreams(1)
    world = Faults(ALL, streams)
    for t in (5.0, 0.0, 1e4):
        world.link_up(7).at(t)
        world.crash_after(7, t)
    assert streams.names == [("fault", "link", 7), ("fault", "crash", 7)]


def test_same_seed_same_faults_and_another_seed_others():
    assert everything(faults(), [0, 1]) == everything(faults(), [0, 1])
    assert all(found != everything(faults(seed=2), [0, 1])[name] for name, found in everything(faults(), [0, 1]).items())


def test_nobody_has_the_faults_of_another():
    found = list(everything(faults(), [0, 1]).values())
    assert all(found[i] != found[j] for i in range(len(found)) for j in range(i))


def test_the_order_of_questions_changes_nothing():
    world = faults()
    backward = everything(world, [2, 1, 0])
    assert everything(faults(), [0, 1, 2]) == backward
    assert everything(world, [0, 1, 2]) == backward


def test_one_kind_of_fault_changes_no_other():
    only_links = FaultSettings(link_outage_per_hour=20.0)
    assert everything(faults(only_links), [5])["link", 5] == everything(faults(), [5])["link", 5]


def test_a_slow_phase_has_its_factor():
    values = {value for _, value in changes(faults().speed(0), 1e5)}
    assert values == {1.0, 0.3}


def test_crashes_are_the_times_at_which_a_device_goes_down():
    world = faults()
    falls = [t for t, value in changes(world.device_up(0), 1e5) if value == 0.0]
    t, crashes = 0.0, []
    while (t := world.crash_after(0, t)) <= 1e5:
        crashes.append(t)
    assert crashes == falls


def test_a_device_that_is_at_once_back_crashes_all_the_same():
    world = faults(FaultSettings(crash_per_hour=2.0))
    crash_s = world.crash_after(0, 0.0)
    assert crash_s < INF
    assert world.device_up(0).at(crash_s) == 1.0
    assert world.crash_after(0, crash_s) > crash_s


@pytest.mark.parametrize("per_hour", [2.0, 60.0])
def test_crashes_have_their_rate_and_their_time_down(per_hour):
    # A time up of 3600 / rate and then 60 s down: at 60 an hour, 30 crashes an hour and half of the time down.
    world = faults(FaultSettings(crash_per_hour=per_hour, crash_down_s=60.0))
    hours = 400
    n_crashes, down_s = 0, 0.0
    for device in range(10):
        found = changes(world.device_up(device), hours * 360.0)
        n_crashes += sum(value == 0.0 for _, value in found)
        down_s += sum(up_s - fall_s for (fall_s, value), (up_s, _) in pairwise(found) if value == 0.0)
    cycle_s = 3600.0 / per_hour + 60.0
    expected = hours * 3600.0 / cycle_s
    assert abs(n_crashes - expected) < 3.29 * math.sqrt(expected)
    assert down_s / (hours * 3600.0) == pytest.approx(60.0 / cycle_s, rel=4.0 / math.sqrt(expected))


def test_fixed_durations():
    world = faults(FaultSettings(link_outage_per_hour=20.0, link_outage_s=30.0, durations="fixed"))
    found = changes(world.link_up(1), 1e5)
    lengths_s = [up_s - fall_s for (fall_s, value), (up_s, _) in pairwise(found) if value == 0.0]
    assert lengths_s == pytest.approx([30.0] * len(lengths_s))
    assert len(lengths_s) > 100


def test_the_server_runs_at_first():
    restarting = FaultSettings(server_restart_per_hour=3600.0, server_down_s=1e3)
    worlds = [faults(restarting, seed) for seed in range(30)]
    assert all(world.server_up().at(0.0) == 1.0 for world in worlds)
    for world in worlds:  # in its stationary state it would be down in 99.9 % of them
        restart_s = world.restarts_after(0.0)
        assert world.server_up().next_change(0.0) == restart_s
        assert world.server_up().at(restart_s) == 0.0


class TestSchedule:
    SETTINGS = FaultSettings(station_schedule=(("north", 100.0, 200.0), ("north", 150.0, 300.0), ("south", 50.0, INF)))

    def test_outages_at_given_times(self):
        world = faults(self.SETTINGS)
        assert changes(world.station_up("north"), 1e6) == [(100.0, 0.0), (200.0, 0.0), (300.0, 1.0)]
        assert changes(world.station_up("south"), 1e6) == [(50.0, 0.0)]
        assert next_positive(world.station_up("south"), 60.0) == INF
        assert world.station_up("west").next_change(0.0) == INF

    def test_beside_the_random_ones(self):
        both = FaultSettings(station_outage_per_hour=5.0, station_schedule=self.SETTINGS.station_schedule)
        chance = faults(FaultSettings(station_outage_per_hour=5.0)).station_up("north")
        station = faults(both).station_up("north")
        for t in range(0, 20_000, 7):
            assert station.at(t) == (0.0 if 100 <= t < 300 else chance.at(t))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crash_per_hour": -1.0}, r"crash_per_hour must be finite and at least 0, got -1\.0"),
        ({"slow_s": math.nan}, "slow_s must be finite and at least 0, got nan"),
        ({"server_down_s": INF}, "server_down_s must be finite"),
        ({"slow_factor": 0.0}, r"slow_factor must be above 0 and at most 1, got 0\.0"),
        ({"slow_factor": 1.5}, r"slow_factor must be above 0 and at most 1, got 1\.5"),
        ({"station_schedule": (("north", 5.0, 5.0),)}, "station 'north' must start at 0 or later and before its end"),
        ({"station_schedule": (("north", -1.0, 5.0),)}, "station 'north' must start at 0 or later"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        FaultSettings(**settings)
