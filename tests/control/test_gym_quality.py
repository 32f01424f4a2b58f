"""Where an environment's accuracies come from, and environments that step together."""

import functools

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from control_trials import stage_of
from control_world import TIGHT, Counting, Noted, control_env, controlled, drawn, played

from mecsim.build.rehearsal import Foretold, Scripted, rehearse
from mecsim.gym_env import make_vec
from mecsim.qualities import Trained

AT_MOST_4 = {"protocol.rounds": 4}


def test_several_step_together_and_each_is_what_it_is_alone():
    make = functools.partial(control_env, AT_MOST_4, n_worlds=2)
    vector = make_vec(make, 2)
    seen, _ = vector.reset(seed=4)
    assert seen["devices"].shape[:2] == (2, 8)
    alone = [make(), make()]
    for i, env in enumerate(alone):
        assert np.array_equal(env.reset(seed=4 + i)[0]["devices"], seen["devices"][i])
    rng = np.random.default_rng(0)
    for _ in range(3):
        assert all(map(np.array_equal, vector.call("action_masks"), [env.action_masks() for env in alone]))
        actions = np.stack([drawn(env, rng) for env in alone])
        seen, rewards, *_ = vector.step(actions)
        for i, env in enumerate(alone):
            observation, reward, *_ = env.step(actions[i])
            assert reward == rewards[i]
            assert np.array_equal(observation["devices"], seen["devices"][i])
    vector.close()


def test_processes_step_as_one_process_does():
    make = functools.partial(control_env, AT_MOST_4)
    rewards = []
    for processes in (False, True):
        vector = make_vec(make, 2, processes=processes)
        vector.reset(seed=0)
        action = np.tile([1, 2, 0], (2, 8))
        rewards.append([vector.step(action)[1].tolist() for _ in range(3)])
        vector.close()
    assert rewards[0] == rewards[1]


def test_a_surrogate_is_told_of_what_was_merged():
    surrogate = Counting()
    env = control_env(
        {"protocol.rounds": 12},
        quality=lambda world, scheme: Foretold(surrogate, scheme.knob().choices, world.dealt),
        draws_seeds=False,
    )
    *_, infos = played(env, np.random.default_rng(0), seed=0)
    assert surrogate.totals == [[800]]  # 8 devices with 100 samples
    completed = [info["outcomes"].get("completed", 0) for info in infos[1:]]
    assert [len(merged) for merged in surrogate.merged] == completed
    assert [info["accuracy"] for info in infos[1:]] == pytest.approx(np.cumsum(completed) / 100)
    merged = [each for round_ in surrogate.merged for each in round_]
    assert {each.choice for each in merged} == {0, 1, 2, 3}
    assert max(each.age for each in merged) > 0  # not all renewed, and there are versions
    assert {(each.n_samples, each.histogram) for each in merged} == {(100, ())}


def test_the_return_of_an_episode_is_the_objective_of_its_rehearsal():
    env = control_env(TIGHT, quality=lambda world, scheme: Foretold(Counting(), scheme.knob().choices, world.dealt))
    env.branches = noted = Noted(env.branches)
    _, rewards, _ = played(env, np.random.default_rng(0), options={"world": 0})
    rehearsed = rehearse(stage_of(controlled(TIGHT)), Scripted(tuple(noted.script)), Counting())
    assert rehearsed.objective == pytest.approx(-sum(rewards), rel=1e-9)


def test_a_round_that_was_cut_tells_a_surrogate_nothing():
    surrogate = Counting()
    env = control_env(
        {"protocol.stop_after_h": 0.05, "protocol.rounds": 500},
        quality=lambda world, scheme: Foretold(surrogate, scheme.knob().choices, world.dealt),
    )
    *_, infos = played(env, np.random.default_rng(2), seed=0)
    assert infos[-1]["ending"] == "time"
    assert infos[-1]["accuracy"] == infos[-2]["accuracy"]
    assert len(surrogate.merged) == sum("completed" in info["outcomes"] for info in infos[1:-1])


def test_training_is_asked_for_the_evaluation_of_each_round():
    asked = []

    def demand(job):
        asked.append(job)
        return {"accuracy": 0.1 * len(asked)}

    env = control_env(AT_MOST_4, quality=lambda world, scheme: Trained(demand))
    *_, infos = played(env, np.random.default_rng(0), seed=0)
    assert [info["accuracy"] for info in infos] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert asked == [log.round.quality for log in env.episode.trial.rounds]
