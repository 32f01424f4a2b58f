"""Branches: masks, what a row of numbers means, who stays of too many, and who is asked when nobody was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_observations import observation, observations

from mecsim.control.branches import Branches
from mecsim.control.policy import Assignment
from mecsim.knobs import Settings

ALL = Branches(n_choices=2, renews=True, bandwidths=(0.5, 2.0))


def test_names_and_sizes():
    assert (ALL.names, ALL.sizes) == (("ask", "choice", "renew", "bandwidth"), (2, 2, 2, 2))
    least = Branches(n_choices=4, renews=False)
    assert (least.names, least.sizes) == (("ask", "choice"), (2, 4))


def test_masks_by_hand():
    """Device 0 has both choices, device 1 the second only, device 2 none: it cannot be asked and has one action a branch."""
    seen = observation(default=1, feasible=[[True, True], [False, True], [False, False]])
    ask, choice, renew, bandwidth = ALL.masks(seen)
    assert ask.tolist() == [[True, True], [True, True], [True, False]]
    assert choice.tolist() == [[True, True], [False, True], [False, True]]
    assert renew.tolist() == [[True, True], [True, True], [False, True]]
    assert bandwidth.tolist() == [[True, True], [True, True], [True, False]]
    # Device by device: the eight of device 0 first.
    assert ALL.flat_mask(seen)[8:16].tolist() == [True, True, False, True, True, True, True, True]


def test_actions_become_a_decision():
    seen = observation(devices=[4, 7, 9])
    decision = ALL.decode(np.array([[0, 0, 0, 0], [1, 1, 0, 1], [1, 0, 1, 0]]), seen)
    assert decision.assignments == (
        Assignment(device=7, settings=Settings(choice=0.5, renew=False), bandwidth=2.0),
        Assignment(device=9, settings=Settings(choice=0.0, renew=True), bandwidth=0.5),
    )
    assert ALL.decode(np.array([0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 1, 0]), seen) == decision


def test_without_a_knob_no_choice_is_made():
    """One choice may mean that the scheme has no knob, which a choice would be refused by."""
    decision = Branches(n_choices=1, renews=False).decode(np.array([[1, 0]]), observation(1, (1.0,)))
    assert decision.assignments == (Assignment(device=0, settings=Settings(choice=None)),)


def test_of_too_many_those_expected_first_stay():
    """Expected with what each was told: 10, 9 and 11 s; the last saves 4 s of its download by keeping what it holds."""
    branches = Branches(n_choices=2, renews=True)
    seen = observation(
        expected_s=[[10.0, 99.0], [99.0, 9.0], [11.0, 99.0]], kept_download_bytes=[[5e6, 5e6]] * 2 + [[0.0, 5e6]]
    )
    assert branches.decode(np.array([[1, 0, 1], [1, 1, 1], [1, 0, 1]]), seen).devices == (0, 1)
    assert branches.decode(np.array([[1, 0, 1], [1, 1, 1], [1, 0, 0]]), seen).devices == (1, 2)


def test_ties_go_to_the_lower_device():
    assert Branches(n_choices=2, renews=False).decode(np.array([[1, 0]] * 3), observation()).devices == (0, 1)


def test_if_nobody_is_asked_the_one_expected_first_is():
    seen = observation(
        feasible=[[True, True], [True, True], [False, False]],
        expected_s=[[9.0, 8.0], [7.0, 7.0], [1.0, 1.0]],
        devices=[2, 3, 4],
    )
    decision = ALL.decode(np.zeros((3, 4), dtype=int), seen)
    assert decision.assignments == (Assignment(device=3, settings=Settings(choice=0.0, renew=True)),)


def test_if_nobody_could_be_asked_nobody_is():
    assert ALL.decode(np.zeros((3, 4), dtype=int), observation(feasible=np.zeros((3, 2)))).assignments == ()


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([[1, 1], [0, 0], [0, 0]], r"devices \[0\] are asked for choices that are not feasible"),
        ([[1, 2], [0, 0], [0, 0]], "device 0: choice has the actions 0 to 1, got 2"),
        ([[0, 0], [-1, 0], [0, 0]], "device 1: ask has the actions 0 to 1, got -1"),
        ([[1, 0], [0, 0]], r"shape \(3, 2\) are needed"),
        ([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]], "whole numbers"),
    ],
)
def test_what_is_not_allowed_is_refused(actions, message):
    seen = observation(feasible=[[True, False], [True, True], [True, True]])
    with pytest.raises(ValueError, match=message):
        Branches(n_choices=2, renews=False).decode(np.array(actions), seen)


def test_branches_of_nothing_are_refused():
    for wrong in ({"n_choices": 0}, {"bandwidths": ()}, {"bandwidths": (1.0, 0.0)}):
        with pytest.raises(ValueError, match="at least one choice"):
            Branches(**{"n_choices": 2, "renews": False, **wrong})


@settings(max_examples=200, deadline=None)
@given(observations(), st.integers(0, 2**32 - 1))
def test_any_unmasked_actions_are_a_decision_that_no_device_refuses(seen, seed):
    """Actions drawn under the masks: one at least and n_asked at most, each once, in order, feasible all of them."""
    branches, rng = Branches(n_choices=3, renews=True, bandwidths=(1.0, 2.0, 4.0)), np.random.default_rng(seed)
    masks = branches.masks(seen)
    assert all(mask.any(axis=1).all() for mask in masks)
    actions = np.stack([np.where(mask, rng.random(mask.shape), -1.0).argmax(axis=1) for mask in masks], axis=1)
    decision = branches.decode(actions, seen)
    assert len(decision.devices) <= seen.n_asked
    assert bool(decision.devices) == bool(seen.feasible.any())
    assert sorted(set(decision.devices)) == list(decision.devices)
    for each in decision.assignments:
        place = seen.devices.tolist().index(each.device)
        assert seen.feasible[place, seen.choices.index(each.settings.choice)]
