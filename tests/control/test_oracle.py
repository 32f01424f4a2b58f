"""The exhaustive search: what it looks at, that it finds the best, and what is too much for it."""

from itertools import product
from math import comb, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observed import created, observed

from mecsim.control.catalog import POLICIES
from mecsim.control.oracle import best_script, check_number_of_scripts, joint_decisions, n_joint_decisions
from mecsim.errors import MecsimError
from mecsim.knobs import Settings

TWO = (Settings(choice=0.0), Settings(choice=0.5))
SURROGATE = Path("surrogate.json")


def read(decision):
    return tuple((each.device, each.settings.choice) for each in decision.assignments)


def test_the_decisions_of_two_devices_with_two_choices():
    assert [read(each) for each in joint_decisions(2, 2, TWO)] == [
        ((0, 0.0),),
        ((0, 0.5),),
        ((1, 0.0),),
        ((1, 0.5),),
        ((0, 0.0), (1, 0.0)),
        ((0, 0.0), (1, 0.5)),
        ((0, 0.5), (1, 0.0)),
        ((0, 0.5), (1, 0.5)),
    ]


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3), st.integers(1, 2))
def test_decisions_are_counted_before_they_are_made(n_devices, n_asked, n_choices, n_weights):
    ways = [Settings(choice=float(place)) for place in range(n_choices)]
    made = list(joint_decisions(n_devices, n_asked, ways, (1.0, 2.0)[:n_weights]))
    assert len(made) == len(set(made)) == n_joint_decisions(n_devices, n_asked, n_choices * n_weights)
    assert max(len(each.devices) for each in made) == min(n_asked, n_devices)
    if n_asked >= n_devices:  # nobody, or one of the ways, for each device; nobody at all is none
        assert len(made) == (n_choices * n_weights + 1) ** n_devices - 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_the_best_script_is_that_of_least_cost(seed):
    decisions = list(joint_decisions(2, 1, TWO))
    scripts = list(product(decisions, repeat=2))
    costs = dict(zip(scripts, np.random.default_rng(seed).integers(0, 20, len(scripts)).tolist(), strict=True))
    script, cost = best_script(decisions, 2, costs.__getitem__)
    assert cost == min(costs.values())
    assert script == next(each for each in scripts if costs[each] == cost), "of equal ones, the first"


def test_what_is_not_a_number_is_no_cost():
    decisions = list(joint_decisions(2, 1, TWO[:1]))
    assert best_script(decisions, 1, lambda script: nan if script[0] == decisions[0] else 5.0) == ((decisions[1],), 5.0)
    with pytest.raises(ValueError, match="no script"):
        best_script(decisions, 1, lambda script: nan)


def test_too_many_scripts_are_refused_with_their_number():
    assert n_joint_decisions(3, 2, 4) == 3 * 4 + comb(3, 2) * 16 == 60
    check_number_of_scripts(60, 2, 3600)
    with pytest.raises(MecsimError, match=r"3,600 scripts \(60 decisions in each of 2 rounds\), and max_scripts is 3,599"):
        check_number_of_scripts(60, 2, 3599)
    with pytest.raises(MecsimError, match="about 1e178 scripts"):
        check_number_of_scripts(60, 100, 20_000)
    with pytest.raises(MecsimError, match="Take fewer devices"):
        created("oracle", observed(20, (0.0, 0.5)), surrogate=SURROGATE)


class Rehearsals:
    """A made-up trial: device 1 is good first, device 0 with 0.5 afterwards, and together they are in each other's way."""

    def __init__(self):
        self.seen = []

    def __call__(self, script, surrogate):
        self.seen.append((script, surrogate))
        wanted = (((1, 0.0),), ((0, 0.5),), ((0, 0.5),))
        return sum(
            3.0 * len(decision.assignments) - (read(decision) == best) for decision, best in zip(script, wanted, strict=True)
        )


def test_the_policy_plays_the_best_script_and_searches_once():
    rehearse = Rehearsals()
    shown = [observed(2, (0.0, 0.5), n_asked=2, n_rounds=3, round_number=number) for number in (1, 2, 3, 3)]
    policy = created("oracle", shown[0], rehearse=rehearse, surrogate=SURROGATE)
    assert rehearse.seen == [], "nothing is rehearsed before the first round"
    assert [read(policy.decide(each)) for each in shown] == [((1, 0.0),), ((0, 0.5),), ((0, 0.5),), ((0, 0.5),)]
    assert len(rehearse.seen) == 8**3
    assert {surrogate for _, surrogate in rehearse.seen} == {SURROGATE}
    away = observed(2, (0.0, 0.5), n_rounds=3, round_number=2, available=[False, True])
    assert policy.decide(away).assignments == (), "who is not there is left out"


def test_the_policy_tries_renewals_and_weights_where_it_is_told_to():
    def tried(choices=(0.0, 0.5), **params):
        seen, shown = [], observed(1, choices, n_rounds=1)

        def rehearse(script, surrogate):
            seen.append(script)
            return 0.0

        created("oracle", shown, rehearse=rehearse, surrogate=SURROGATE, **params).decide(shown)
        assignments = [script[0].assignments[0] for script in seen]
        return [(each.settings.choice, each.settings.renew, each.bandwidth) for each in assignments]

    assert tried() == [(0.0, True, 1.0), (0.5, True, 1.0)]
    assert tried(renew="never") == [(0.0, False, 1.0), (0.5, False, 1.0)]
    assert tried(renew="either", choices=(0.0,)) == [(None, True, 1.0), (None, False, 1.0)]
    assert tried(bandwidths=[1.0, 2.0], choices=(0.0,)) == [(None, True, 1.0), (None, True, 2.0)]
    entry = POLICIES["oracle"]
    assert entry.divides(entry.params(surrogate=SURROGATE, bandwidths=[1.0, 2.0]))
