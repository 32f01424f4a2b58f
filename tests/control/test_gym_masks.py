"""Masks of the environment: what a device cannot do never reaches it, and what is put past them is refused."""

import itertools

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from control_world import TIGHT, control_env, drawn

from mecsim.control.policy import Assignment, Decision
from mecsim.knobs import Settings


def play_masked(n_steps, seed=0):
    """Play ``n_steps`` at random in a tight world; return how many turns there were of each outcome, and how often masked."""
    env, rng = control_env(TIGHT), np.random.default_rng(seed)
    outcomes, masked, n_done = {}, np.zeros(6, dtype=int), 0
    env.reset(seed=seed)
    while n_done < n_steps:
        masked += (~env.episode.observation.feasible).sum(axis=1)
        *_, terminated, truncated, info = env.step(drawn(env, rng))
        n_done += 1
        for outcome, n in info["outcomes"].items():
            outcomes[outcome] = outcomes.get(outcome, 0) + n
        if terminated or truncated:
            env.reset()
    return outcomes, masked


def check_no_refusal(n_steps):
    outcomes, masked = play_masked(n_steps)
    assert outcomes["completed"] > n_steps
    assert "refused" not in outcomes
    assert "lost" not in outcomes or outcomes["lost"] < 0.05 * outcomes["completed"]  # batteries that run empty in a turn
    assert (masked[:5] > 0).all()
    assert masked[5] == 0


def test_masks_keep_what_is_not_feasible_from_devices():
    check_no_refusal(200)


@pytest.mark.slow
def test_in_ten_thousand_steps_no_device_refuses():
    check_no_refusal(10_000)


def test_without_masks_devices_refuse_for_memory_storage_and_charge():
    """The same worlds, where decisions are put past the masks: the devices know what they cannot do."""
    reasons = set()
    env = control_env(TIGHT)
    for seed in range(8):
        env.reset(seed=seed)
        feasible = env.episode.observation.feasible
        for device, place in itertools.product((0, 2, 3, 4), (0, 3)):
            if env.episode.ending is None and not feasible[device, place]:
                settings = Settings(choice=env.knob.choices[place])
                turns = env.episode.play(Decision((Assignment(device=device, settings=settings),))).turns
                reasons |= {turn.reason.split(":")[0] for turn in turns if turn.outcome == "refused"}
    assert reasons == {"memory", "storage", "battery"}


def test_a_masked_action_is_an_error_that_names_it():
    env = control_env(TIGHT)
    env.reset(seed=0)
    action = drawn(env, np.random.default_rng(0))
    n_branches = len(env.branches.sizes)
    action[2 * n_branches : 2 * n_branches + 2] = 1, 0  # the full phone is asked to store all of the backbone
    with pytest.raises(ValueError, match="device 2: choice 0 is masked"):
        env.step(action)
    lenient = control_env(TIGHT, strict=False)
    lenient.reset(seed=0)
    *_, info = lenient.step(action)
    assert "refused" not in info["outcomes"]
