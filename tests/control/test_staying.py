"""The policy that prefers devices which are likely to stay: what it learns, from what, and what it does with that."""

import math
from collections import Counter

import numpy as np
import pytest
from fake_fleet_view import Columns

from mecsim.control.staying import AvailabilityAware
from mecsim.rng import Streams


def test_who_has_left_before_is_thought_less_likely_to_stay():
    # Looks every 600 s. Device 0 is always there; device 1 comes and goes: there at 0, 1200, 2400, away at 600 and 1800. By
    # 2,400 s device 0 was there for 2,400 s and never left; device 1 twice for half of 600 s, and left twice.
    policy, turn_s = AvailabilityAware(Streams(0)), 100.0
    columns = {"expected_turn_s": [turn_s, turn_s, turn_s]}
    for look in range(5):
        there = np.array([True, look % 2 == 0, False])
        policy.select(Columns(3, there, now_s=600.0 * look, columns=columns), look + 1, 2)
    stays = policy.staying(Columns(3, columns=columns), np.arange(3))
    assert stays == pytest.approx(
        [
            math.exp(-turn_s * 1.0 / (2400.0 + 3600.0)),
            math.exp(-turn_s * 3.0 / (600.0 + 3600.0)),
            math.exp(-turn_s / 3600.0),  # never seen: the prior
        ]
    )


def test_longer_turns_are_less_likely_to_end():
    policy = AvailabilityAware(Streams(0), prior_s=1000.0)
    view = Columns(3, columns={"expected_turn_s": [100.0, 1000.0, math.inf]})
    assert policy.staying(view, np.arange(3)) == pytest.approx([math.exp(-0.1), math.exp(-1.0), 0.0])


def test_devices_that_are_likely_to_stay_are_asked_more_often():
    """Staying with 0.8 and 0.2, a device is the one that is asked with 0.8 and 0.2: within 3.3 standard errors."""
    prior_s, n_draws = 1000.0, 4000
    turns_s = [-prior_s * math.log(0.8), -prior_s * math.log(0.2)]
    policy, view = AvailabilityAware(Streams(4), prior_s=prior_s), Columns(2, columns={"expected_turn_s": turns_s})
    share = sum(policy.select(view, number, 1) == (0,) for number in range(n_draws)) / n_draws
    assert abs(share - 0.8) < 3.3 * math.sqrt(0.16 / n_draws)


def test_it_learns_who_stays_without_being_told():
    """Half of the fleet leaves within a minute in nine cases of ten: after 200 looks it is hardly asked any more."""
    policy, rng, asked = AvailabilityAware(Streams(0)), np.random.default_rng(7), Counter()
    there = np.ones(20, dtype=bool)
    for look in range(300):
        there[10:] = np.where(there[10:], rng.random(10) < 0.1, True)
        for device in policy.select(
            Columns(20, there.copy(), 60.0 * look, {"expected_turn_s": np.full(20, 300.0)}), look + 1, 3
        ):
            asked[device >= 10] += look >= 200
    present = 10 * (1 / 1.9)  # of the ten unsteady devices are there at a look
    blind = present / (present + 10)
    assert asked[True] / (asked[True] + asked[False]) < 0.3 * blind


def test_only_who_was_there_at_the_last_look_is_watched():
    policy = AvailabilityAware(Streams(0))
    view = Columns(4, np.array([True, True, False, False]))
    policy.select(view, 1, 1)
    view.looked_at.clear()
    policy.select(view, 2, 1)
    assert view.looked_at[0] == ("available", (0, 1))


def test_a_prior_of_no_time_is_refused():
    with pytest.raises(ValueError, match="prior_s must be positive, got 0"):
        AvailabilityAware(Streams(0), prior_s=0.0)
