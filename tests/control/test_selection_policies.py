"""Selection: who may be asked, what each policy prefers, ties, chances, and that draws depend on their own round alone."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from fake_fleet_view import Columns
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.control.ranking import PowerOfChoice, best_channel, energy_aware, fastest
from mecsim.control.selection import RoundRobin, Uniform
from mecsim.control.staying import AvailabilityAware
from mecsim.rng import Streams

NOBODY = frozenset()


def policies(seed=0, limit=None):
    streams = Streams(seed)
    return {
        "uniform": Uniform(streams),
        "round-robin": RoundRobin(),
        "best-channel": best_channel(streams, candidates=limit),
        "fastest": fastest(streams, candidates=limit),
        "energy-aware": energy_aware(streams, battery_floor=0.2, candidates=limit),
        "power-of-choice": PowerOfChoice(streams, candidates=limit),
        "availability-aware": AvailabilityAware(streams, candidates=limit),
    }


NAMES = list(policies())


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 30), st.integers(0, 5), st.one_of(st.none(), st.integers(1, 12)))
def test_every_policy_asks_devices_that_are_there_and_free_each_once_and_as_many_as_it_can(data, n_devices, seed, limit):
    there = np.array(data.draw(st.lists(st.booleans(), min_size=n_devices, max_size=n_devices)))
    busy = data.draw(st.frozensets(st.integers(0, n_devices - 1)))
    n = data.draw(st.integers(1, n_devices + 3))
    may_be_asked = set(np.flatnonzero(there).tolist()) - busy
    for policy in policies(seed, limit).values():
        asked = policy.select(Columns(n_devices, there), 1, n, busy)
        assert len(asked) == min(n, len(may_be_asked))
        assert set(asked) <= may_be_asked
        assert len(set(asked)) == len(asked)
        assert all(type(device) is int for device in asked)


@pytest.mark.parametrize("name", NAMES)
def test_a_choice_depends_on_the_seed_and_the_round_alone(name):
    """Asked for another round first, or of another trial, a policy without a memory chooses the same; another seed, another."""
    rng = np.random.default_rng(1)
    columns = {"n_samples": rng.uniform(1, 9, 40), "losses": rng.uniform(0, 2, 40), "downlink_bps": rng.uniform(1, 9, 40)}
    view = Columns(40, columns=columns)

    def choices(seed, rounds):
        policy = policies(seed, limit=10)[name]
        return [policy.select(replace(view, now_s=0.0), number, 4, NOBODY) for number in rounds]

    assert choices(0, range(1, 9)) == choices(0, range(1, 9))
    if name != "round-robin":
        assert choices(0, [5, 3])[1] == choices(0, [3])[0]
        assert choices(0, range(1, 9)) != choices(1, range(1, 9))
        assert len(set(choices(0, range(1, 9)))) > 1


@pytest.mark.parametrize(("n_devices", "n"), [(10, 10), (100, 7), (20_000, 50)])
def test_uniform_asks_whom_it_always_asked_when_all_are_there(n_devices, n):
    """The participants of a study without absences are one draw from the stream of the round."""
    for number in (1, 2, 77):
        draw = Streams(3).get("selection", number).choice(n_devices, size=n, replace=False)
        assert Uniform(Streams(3)).select(Columns(n_devices), number, n) == tuple(draw.tolist())


def test_uniform_keeps_those_drawn_that_are_there():
    number, n = 4, 8
    whole = Uniform(Streams(0)).select(Columns(100), number, n)
    there = np.ones(100, dtype=bool)
    there[list(whole[:2])] = False
    partial = Uniform(Streams(0)).select(Columns(100, there), number, n)
    assert partial[: n - 2] == whole[2:]
    assert not set(partial) & set(whole[:2])


@pytest.mark.parametrize("busy", [NOBODY, frozenset({0, 1, 2})])
def test_uniform_prefers_nobody_of_those_that_may_be_asked(busy):
    """Every one of the 7 (or 5) may be first with equal chances: a chi-square of 6 (or 4) degrees of freedom, at 0.1 %.

    A draw that took the next device in the fleet's order in the place of an absent one would give some of them double chances:
    a chi-square of hundreds.
    """
    there = np.array([True, False, True, True, False, True, True, False, True, True])
    free = [device for device in range(10) if there[device] and device not in busy]
    policy, n_draws = Uniform(Streams(8)), 4000
    first = Counter(policy.select(Columns(10, there), number, 2, busy)[0] for number in range(n_draws))
    expected = n_draws / len(free)
    chi_square = sum((first[device] - expected) ** 2 / expected for device in free)
    assert sum(first[device] for device in free) == n_draws
    assert chi_square < {7: 22.46, 5: 18.47}[len(free)]


def test_a_uniform_draw_does_not_look_through_the_fleet():
    view = Columns(1_000_000, np.arange(1_000_000) % 2 == 0)
    Uniform(Streams(0)).select(view, 1, 100, frozenset(range(500)))
    assert sum(len(devices) for _, devices in view.looked_at) < 4000


def test_round_robin_goes_round_and_passes_over_who_cannot_be_asked():
    policy, there = RoundRobin(), np.array([True, True, False, True, True])
    view = Columns(5, there)
    assert policy.select(view, 1, 2) == (0, 1)
    assert policy.select(view, 2, 2) == (3, 4)
    assert policy.select(view, 3, 2, frozenset({0})) == (1, 3)
    assert policy.select(view, 4, 9) == (4, 0, 1, 3)  # once round, and no further
    assert policy.select(view, 5, 1) == (4,)


def test_round_robin_asks_each_as_often_as_the_others():
    policy = RoundRobin()
    asked = Counter(device for number in range(1, 3001) for device in policy.select(Columns(3000), number, 7))
    assert set(asked.values()) == {7}


def test_round_robin_goes_on_where_it_was_when_nobody_was_there():
    policy, view = RoundRobin(), Columns(4)
    assert policy.select(view, 1, 3) == (0, 1, 2)
    assert policy.select(Columns(4, np.zeros(4, dtype=bool)), 2, 3) == ()
    assert policy.select(view, 3, 1) == (3,)


def test_best_channel_asks_the_highest_rates_and_of_equal_ones_the_lower_device():
    view = Columns(5, columns={"downlink_bps": [3e6, 9e6, 0.0, 9e6, 5e6]})
    assert best_channel(Streams(0)).select(view, 1, 3) == (1, 3, 4)
    assert best_channel(Streams(0)).select(view, 1, 3, frozenset({1})) == (3, 4, 0)
    assert best_channel(Streams(0)).select(view, 1, 5)[-1] == 2  # out of coverage: asked when there is nobody else


def test_fastest_asks_those_that_finish_first_and_those_that_never_do_last():
    view = Columns(4, columns={"expected_turn_s": [30.0, math.inf, 10.0, 30.0]})
    assert fastest(Streams(0)).select(view, 1, 4) == (2, 0, 3, 1)


def test_energy_aware_asks_the_cheapest_of_those_that_are_charged():
    shares, joules = [0.2, 0.19, 1.0, 0.5], [4.0, 1.0, 8.0, 2.0]
    view = Columns(4, columns={"battery_share": shares, "expected_energy_j": joules})
    assert energy_aware(Streams(0), battery_floor=0.2).select(view, 1, 2) == (3, 0)  # a charge of exactly the floor will do
    assert energy_aware(Streams(0), battery_floor=0.2).select(view, 1, 9) == (3, 0, 2)
    assert energy_aware(Streams(0), battery_floor=1.0).select(view, 1, 9) == (2,)
    nobody = Columns(4, columns={"battery_share": [0.1] * 4})
    assert energy_aware(Streams(0), battery_floor=0.2).select(nobody, 1, 9) == ()


@pytest.mark.parametrize("name", ["best-channel", "fastest", "energy-aware", "availability-aware"])
def test_a_limit_on_candidates_limits_what_is_looked_at(name):
    view = Columns(100_000)
    asked = policies(limit=20)[name].select(view, 1, 5)
    assert len(asked) == 5
    assert max(len(devices) for _, devices in view.looked_at) <= 20


def test_a_ranking_looks_at_as_many_as_it_is_to_ask_at_least():
    assert len(fastest(Streams(0), candidates=3).select(Columns(50), 1, 10)) == 10


def test_power_of_choice_asks_the_highest_losses_of_its_candidates():
    losses = np.linspace(0.0, 1.0, 30)
    view = Columns(30, columns={"losses": losses})
    asked = PowerOfChoice(Streams(0), candidates=6).select(view, 1, 3)
    ((_, looked_at),) = [each for each in view.looked_at if each[0] == "losses"]
    assert len(looked_at) == 6  # nobody else's loss is asked for: each is a learning result
    assert asked == tuple(sorted(looked_at, reverse=True)[:3])  # losses rise with the device


def test_power_of_choice_with_everybody_as_a_candidate_is_a_ranking_by_loss_and_ties_go_to_the_lower_device():
    view = Columns(5, columns={"losses": [1.0, 2.0, 2.0, 0.5, 3.0]})
    assert PowerOfChoice(Streams(0), candidates=5).select(view, 1, 3) == (4, 1, 2)


def test_power_of_choice_takes_twice_as_many_candidates_as_it_asks_unless_told():
    view = Columns(30)
    PowerOfChoice(Streams(0)).select(view, 1, 4)
    assert [len(devices) for name, devices in view.looked_at if name == "losses"] == [8]


def test_power_of_choice_never_asks_a_device_without_samples():
    view = Columns(4, columns={"n_samples": [0.0, 5.0, 0.0, 5.0], "losses": [9.0, 1.0, 9.0, 1.0]})
    assert PowerOfChoice(Streams(0), candidates=4).select(view, 1, 4) == (1, 3)


def test_candidates_are_drawn_by_the_size_of_their_data():
    """With one candidate a draw is by size alone: chances 0.1, 0.2, 0.7, to 3.3 standard errors. Equal ones fail by far."""
    view, policy, n_draws = Columns(3, columns={"n_samples": [10, 20, 70]}), PowerOfChoice(Streams(5), candidates=1), 5000
    drawn = Counter(policy.select(view, number, 1)[0] for number in range(n_draws))
    for device, chance in enumerate((0.1, 0.2, 0.7)):
        assert abs(drawn[device] / n_draws - chance) < 3.3 * math.sqrt(chance * (1 - chance) / n_draws)


def test_candidates_are_drawn_one_after_the_other():
    """Of sizes 1, 1, 2 two are drawn: the large one is among them with 1/2 + 2 x 1/4 x 2/3 = 5/6, and not with 2 x 1/2."""
    view, policy, n_draws = Columns(3, columns={"n_samples": [1, 1, 2]}), PowerOfChoice(Streams(5), candidates=2), 5000
    share = sum(2 in policy.select(view, number, 2) for number in range(n_draws)) / n_draws
    assert abs(share - 5 / 6) < 3.3 * math.sqrt(5 / 36 / n_draws)


def test_who_else_may_be_asked_changes_no_candidates_luck():
    view = Columns(20)
    whole = PowerOfChoice(Streams(2), candidates=20)
    for number in range(1, 30):
        first = PowerOfChoice(Streams(2), candidates=5).select(view, number, 5)
        gone = frozenset({next(device for device in range(20) if device not in first)})
        assert PowerOfChoice(Streams(2), candidates=5).select(view, number, 5, gone) == first
    assert whole.select(view, 1, 20) == tuple(range(20))
