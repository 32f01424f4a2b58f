"""The environment: what it pays, when it ends, that masks hold, and that it is the study that runs otherwise."""

import warnings

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from control_trials import stage_of
from control_world import BASE, TIGHT, Curve, Noted, control_env, controlled, drawn, env_world, played
from gymnasium.utils.env_checker import check_env
from worlds import scenario

from mecsim.build.energy import build_tariff
from mecsim.build.rehearsal import Scripted
from mecsim.build.trial import Trial
from mecsim.cli.synthetic_room import SyntheticRoom
from mecsim.errors import MecsimError
from mecsim.gym_env import FIRST_DRAWN_SEED, ControlEnv
from mecsim.tables import Context, device_energy_j, world_rows

AT_MOST_4 = {"protocol.rounds": 4}


def test_gymnasiums_checker_has_nothing_to_say():
    env = control_env(strict=True)
    env.reset(seed=123)
    assert env.action_masks().all()  # the checker draws actions without asking
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env, skip_render_check=True)
        check_env(control_env(TIGHT, strict=False), skip_render_check=True)


def test_a_round_is_paid_by_the_objective():
    env, rng = control_env(), np.random.default_rng(1)
    _, rewards, infos = played(env, rng, seed=0)
    assert len(rewards) == 6
    for reward, info in zip(rewards, infos[1:], strict=True):
        assert reward == pytest.approx(-((1.0 - info["accuracy"]) + info["round_s"] / 30.0 + info["energy_j"] / 500.0))
        assert info["round_s"] > 0.0
        assert info["energy_j"] > 0.0
        assert 1 <= len(info["asked"]) == sum(info["outcomes"].values()) <= 4
        assert info["uplink_bytes"] == 1_000_000 * info["outcomes"]["completed"]


@pytest.mark.parametrize("changes", [{}, TIGHT], ids=["roomy", "tight"])
def test_an_episode_is_the_trial_that_a_study_runs_with_the_same_decisions(changes):
    env = control_env(changes)
    env.branches = noted = Noted(env.branches)
    _, rewards, infos = played(env, np.random.default_rng(5), options={"world": 0})
    of = controlled(changes)
    trial = Trial(stage_of(of), demand=None, policy=Scripted(tuple(noted.script))).finish()
    key = {"scheme": "synthetic", "label": "synthetic", "variant": "", "seed": 1}
    rows = world_rows(Context(key, trial.world, build_tariff(of)), trial.rounds)
    rounds = rows["rounds"][1:]
    assert len(rounds) == len(rewards)
    assert [row.sim_time_s - row.opened_at_s for row in rounds] == [info["round_s"] for info in infos[1:]]
    assert [row.uplink_bytes for row in rounds] == [info["uplink_bytes"] for info in infos[1:]]
    assert [row.downlink_bytes for row in rounds] == [info["downlink_bytes"] for info in infos[1:]]
    asked = [[row.device for row in rows["clients"] if row.round == number + 1] for number in range(len(rounds))]
    assert asked == [info["asked"] for info in infos[1:]]
    # Tails count when they are charged: later, but all of them.
    joules = sum(map(device_energy_j, rounds))
    assert sum(info["energy_j"] for info in infos[1:]) == pytest.approx(joules, rel=1e-9)
    accuracies = [Curve(None, None).after(log.round) for log in trial.rounds[1:]]
    assert accuracies == [info["accuracy"] for info in infos[1:]]
    seconds = sum(info["round_s"] for info in infos[1:])
    assert -sum(rewards) == pytest.approx(sum(1.0 - each for each in accuracies) + seconds / 30.0 + joules / 500.0)


@pytest.mark.parametrize("sharing", ["equal", "weighted", "assigned"])
def test_what_an_agent_sees_is_what_a_policy_sees_in_a_study(sharing):
    """To the number, with devices that move, and decisions on bandwidth that were taken before."""
    of = {f"fleet.groups.{i}.mobility": {"kind": "random-waypoint"} for i in (0, 1)}
    bandwidths = (1.0,) if sharing == "equal" else (0.25, 1.0, 4.0)
    env = control_env({**TIGHT, **of, "network.sharing": {"kind": sharing}, "protocol.rounds": 6}, bandwidths=bandwidths)
    env.reset(seed=3)
    shown, decide = [], env.episode._puppet.decide
    env.episode._puppet.decide = lambda observation: shown.append(observation) or decide(observation)
    rng, over = np.random.default_rng(0), False
    while not over:
        before, n_shown = env.episode.observation, len(shown)
        *_, over, _, _ = env.step(drawn(env, rng))
        for name in before.__dataclass_fields__:
            if name != "accuracy":  # which the environment knows, and the puppet does not ask for
                np.testing.assert_array_equal(getattr(before, name), getattr(shown[n_shown], name), err_msg=name)
    assert len(shown) == 6


def test_it_ends_at_the_target_accuracy():
    env = control_env({"target_accuracy": 0.4, "protocol.rounds": 50})
    _, rewards, infos = played(env, np.random.default_rng(2), seed=0)
    assert len(rewards) < 50
    assert infos[-1]["ending"] == "target"
    assert infos[-1]["accuracy"] >= 0.4
    assert all(info["accuracy"] < 0.4 for info in infos[:-1])
    with pytest.raises(ValueError, match="over"):
        env.step(drawn(env, np.random.default_rng(0)))


def test_it_is_cut_when_the_time_is_up():
    env = control_env({"protocol.rounds": 500, "protocol.stop_after_h": 0.05})
    env.reset(seed=0)
    rng, over, seconds, before = np.random.default_rng(2), False, 0.0, None
    while not over:
        *_, terminated, over, info = env.step(drawn(env, rng))
        assert not terminated
        seconds += info["round_s"]
        before, last = (before, info) if over else (info, None)
    assert info["ending"] == "time"
    assert last["outcomes"]["late"] > 0
    assert last["accuracy"] == before["accuracy"]  # what was open is not merged
    assert env.episode.trial.env.now == pytest.approx(180.0)
    assert seconds == pytest.approx(180.0)


def test_the_last_round_is_no_cut():
    env = control_env({"protocol.stop_after_h": 1000.0})
    *_, infos = played(env, np.random.default_rng(2), seed=0)
    assert infos[-1]["ending"] == "rounds"


def outputs(env, seed, actions=3):
    seen, rewards, infos = played(env, np.random.default_rng(actions), seed=seed)
    return [np.concatenate([part.ravel() for part in each.values()]) for each in seen], rewards, infos


def test_equal_seeds_give_equal_outputs_and_others_others():
    one, again, other = (outputs(control_env(AT_MOST_4, n_worlds=2), seed) for seed in (7, 7, 8))
    assert all(map(np.array_equal, one[0], again[0]))
    assert one[1:] == again[1:]
    assert not np.array_equal(one[0][0], other[0][0])
    assert one[1] != other[1]


def test_an_episode_follows_the_one_before_with_another_world():
    env = control_env(AT_MOST_4, n_worlds=3)
    env.reset(seed=1)
    infos = [env.reset()[1] for _ in range(40)]
    assert {info["world"] for info in infos} == {0, 1, 2}
    seeds = {info["seed"] for info in infos}
    assert len(seeds) == 40
    assert min(seeds) >= FIRST_DRAWN_SEED


def test_worlds_can_be_played_as_they_are():
    env = control_env(AT_MOST_4, n_worlds=2, draws_seeds=False)
    seeds = {(info["world"], info["seed"]) for _, info in (env.reset(seed=seed) for seed in range(20))}
    assert seeds == {(0, 1), (1, 2)}
    drawing = control_env(AT_MOST_4, n_worlds=2)
    assert drawing.reset(options={"world": 1})[1] == {"world": 1, "seed": 2, "accuracy": pytest.approx(0.1)}


@pytest.mark.parametrize("action", [np.zeros(3, dtype=np.int64), np.full(32, 9), np.zeros(32)])
def test_what_is_no_action_is_refused(action):
    env = control_env()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="no action"):
        env.step(action)


def test_a_reset_comes_first():
    with pytest.raises(ValueError, match="reset"):
        control_env().action_masks()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schemes.0.control": None}, "control"),
        ({"protocol.evaluate_every": 2}, "evaluate_every"),
        ({"protocol.kind": "buffered", "protocol.buffer": 2, "schemes.0.control": {"name": "random"}}, "protocol.kind"),
    ],
)
def test_scenarios_that_cannot_be_played_are_refused(changes, message):
    with pytest.raises(MecsimError, match=message):
        control_env(changes)


def test_there_must_be_an_objective():
    without = {key: value for key, value in BASE.items() if key != "objective"}
    of = scenario(without)
    with pytest.raises(MecsimError, match="objective"):
        ControlEnv(of, 0, SyntheticRoom(), [env_world(of)], Curve)


def test_bandwidth_can_be_divided_only_where_the_network_does():
    with pytest.raises(MecsimError, match="sharing"):
        control_env(bandwidths=(0.5, 1.0, 2.0))
    env = control_env({"network.sharing": {"kind": "weighted"}, **AT_MOST_4}, bandwidths=(0.5, 1.0, 2.0))
    assert env.action_space.nvec.tolist() == [2, 4, 2, 3] * 8
    *_, infos = played(env, np.random.default_rng(0), seed=0)
    assert len(infos) == 5
    bandwidths = {turn.assignment.bandwidth for log in env.episode.trial.rounds for turn in log.round.turns}
    assert bandwidths == {0.5, 1.0, 2.0}


def test_a_study_that_is_over_before_anybody_can_do_anything_says_so():
    groups = [{"name": "tiny", "profile": "phone-mid", "count": 2, "memory_gb": 0.1}]
    with pytest.raises(MecsimError, match="over before"):
        control_env({"fleet.groups": groups, "protocol.stop_after_h": 0.2, "protocol.clients_per_round": 2}).reset(seed=0)


def test_a_deadline_asks_spares_and_drops_the_late():
    protocol = {
        "protocol.kind": "deadline",
        "protocol.deadline": {"kind": "fixed", "seconds": 20},
        "protocol.over_selection": 1.5,
        **AT_MOST_4,
    }
    env = control_env(protocol)
    env.reset(seed=0)
    assert env.episode.observation.n_asked == 6
    action = np.tile([1, 0, 1], 8)
    *_, info = env.step(action)
    assert len(info["asked"]) == 6
    assert info["round_s"] == pytest.approx(20.0, abs=1.0)
    assert info["outcomes"]["late"] > 0
