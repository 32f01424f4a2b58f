"""Agents: the networks' symmetry, choosing under masks, flat actions, and a training that finds a known best."""

import csv
import dataclasses
import functools
import math

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")
pytest.importorskip("sb3_contrib")

import torch
from tiny_control import NAMES, SIZES, TinyControl

from learners.agents import checkpoints
from learners.agents.distributions import Choices
from learners.agents.episodes import Evaluation, Reset, evaluate
from learners.agents.flat import FlatActions
from learners.agents.networks import BranchingNetwork
from learners.agents.policies import BranchingPolicy
from learners.agents.settings import TrainingSettings
from learners.agents.training import best_facts, best_weights, train
from mecsim.control.branches import Branches
from mecsim.control.features import N_ROUND_FEATURES, n_device_features
from mecsim.control.learned import LearnedPolicy, facts_of
from mecsim.errors import MecsimError

pytestmark = [pytest.mark.learning, pytest.mark.usefixtures("one_thread")]


SETTINGS = TrainingSettings(
    seed=1, n_steps=1200, steps_between=400, rollout_steps=50, batch_size=100, n_epochs=4, hidden=(16, 16), learning_rate=3e-3
)
RESETS = tuple(Reset(seed=seed) for seed in range(100, 120))


def flat_tiny(n: int) -> FlatActions:
    return FlatActions(TinyControl(n), len(SIZES))


def trained(folder, settings, make_env=TinyControl, n_envs=4, on_progress=None, **options):
    evaluation = Evaluation(make_env=make_env, resets=RESETS)
    train([make_env] * n_envs, settings, folder, on_progress, evaluation=evaluation, names=NAMES, **options)
    return best_weights(folder) if settings.actions == "branches" else {}


def branching_policy(n: int = 3) -> BranchingPolicy:
    torch.manual_seed(0)
    env = TinyControl(n)
    policy = BranchingPolicy(env.observation_space, env.action_space, lambda _: 1e-3, hidden=(16, 16), names=NAMES)
    with torch.no_grad():
        # Heads begin near 0, where nothing could be told apart.
        for head in policy.network.heads.values():
            head.weight.normal_()
    return policy


# --- networks ---


def network_and_inputs(n: int = 5, seed: int = 0):
    torch.manual_seed(seed)
    network = BranchingNetwork(n_device_features(3) + N_ROUND_FEATURES, (64, 64), {"ask": 2, "choice": 3, "renew": 2})
    for head in network.heads.values():
        torch.nn.init.normal_(head.weight)
    devices, of_round = torch.randn(1, n, n_device_features(3)), torch.randn(1, N_ROUND_FEATURES)
    return network, devices, of_round


@pytest.mark.parametrize("available", [[1, 1, 1, 1, 1], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0]])
def test_numpy_computes_what_torch_does(available):
    network, devices, of_round = network_and_inputs()
    available = torch.tensor([available], dtype=torch.float32)
    with torch.no_grad():
        expected, _ = network(devices, of_round, available)
    weights = {name: value.numpy() for name, value in network.state_dict().items() if not name.startswith(("critic", "value"))}
    facts = facts_of(knob="rho", choices=(0.0, 0.5, 0.75), branches=Branches(n_choices=3, renews=True), training={})
    found = LearnedPolicy(weights, facts).logits(devices[0].numpy(), of_round[0].numpy(), available[0].numpy() > 0.5)
    for of_torch, of_numpy in zip(expected, found, strict=True):
        np.testing.assert_allclose(of_numpy, of_torch[0].numpy(), atol=1e-5)


def test_the_order_of_devices_does_not_matter_and_the_absent_do_not_count():
    network, devices, of_round = network_and_inputs()
    available, order = torch.tensor([[1.0, 0.0, 1.0, 1.0, 1.0]]), torch.tensor([3, 0, 4, 2, 1])
    with torch.no_grad():
        logits, value = network(devices, of_round, available)
        permuted, same_value = network(devices[:, order], of_round, available[:, order])
        without, still_same = network(devices[:, [0, 2, 3, 4]], of_round, torch.ones(1, 4))
    for before, after, fewer in zip(logits, permuted, without, strict=True):
        torch.testing.assert_close(before[:, order], after)
        torch.testing.assert_close(before[:, [0, 2, 3, 4]], fewer)
    torch.testing.assert_close(value, same_value)
    torch.testing.assert_close(value, still_same)


# --- choosing ---


def test_probability_and_entropy_of_gated_choices_by_hand():
    """One device: p(yes) = 3/4; of three choices one is masked and the others have 1/5 and 4/5.

    Not asked: log(1/4), whatever the choice. Asked for the first: log(3/4 * 1/5). The entropy is that of the three things that
    can happen: not asked, asked for the first, asked for the last.
    """
    gate, choice = torch.tensor([[[0.0, math.log(3.0)]]]), torch.tensor([[[0.0, 9.0, math.log(4.0)]]])
    choices = Choices([gate, choice], torch.tensor([[True, True, True, False, True]]))
    for action, probability in (([0, 0], 1 / 4), ([0, 2], 1 / 4), ([1, 0], 3 / 20), ([1, 2], 12 / 20)):
        assert choices.log_probability(torch.tensor([action])).item() == pytest.approx(math.log(probability), rel=1e-5)
    happens = np.array([1 / 4, 3 / 20, 12 / 20])
    assert choices.entropy().item() == pytest.approx(-(happens * np.log(happens)).sum(), rel=1e-5)
    assert choices.draw(greedy=True).tolist() == [[1, 2]]


def test_draws_have_their_probabilities_and_are_never_masked():
    """40,000 draws, within 4 standard errors; the masked action has by far the largest logit."""
    torch.manual_seed(3)
    gate, choice = torch.tensor([[[0.0, math.log(3.0)]]]), torch.tensor([[[0.0, 50.0, math.log(4.0)]]])
    n = 40_000
    choices = Choices(
        [gate.expand(n, 1, 2), choice.expand(n, 1, 3)], torch.tensor([[True, True, True, False, True]]).expand(n, 5)
    )
    drawn = choices.draw(greedy=False).numpy()
    assert not (drawn[:, 1] == 1).any()
    for share, p in (((drawn[:, 0] == 1).mean(), 0.75), ((drawn[:, 1] == 2).mean(), 0.8)):
        assert abs(share - p) < 4.0 * math.sqrt(p * (1.0 - p) / n)


def test_gradients_are_finite_where_actions_are_masked():
    logits = [torch.zeros(1, 2, 2, requires_grad=True), torch.zeros(1, 2, 3, requires_grad=True)]
    mask = torch.tensor([[True, False, False, True, False, True, True, True, True, False]])
    choices = Choices(logits, mask)
    (choices.entropy() + choices.log_probability(torch.tensor([[0, 1, 1, 0]]))).sum().backward()
    assert all(torch.isfinite(each.grad).all() for each in logits)


def test_no_masked_action_in_2000_steps():
    policy, envs = branching_policy(), [TinyControl() for _ in range(100)]
    for episode in range(5):
        seen = [env.reset(seed=1000 * episode + place)[0] for place, env in enumerate(envs)]
        for _ in range(4):
            tensors = {name: torch.as_tensor(np.stack([each[name] for each in seen])) for name in seen[0]}
            actions, _, _ = policy(tensors, action_masks=np.stack([env.action_masks() for env in envs]))
            seen = [env.step(action)[0] for env, action in zip(envs, actions.numpy(), strict=True)]
    assert sum(env.masked_actions for env in envs) == 0


# --- flat actions ---


def test_flat_actions_are_all_ways_of_all_devices():
    """Two devices: not asked, or one of 3 x 2 ways, so 7 x 7; the last device's way changes fastest."""
    flat = flat_tiny(2)
    flat.reset(seed=0)
    assert flat.action_space.n == 49
    env = flat.unwrapped
    allowed = env.action_masks().reshape(2, 7)
    first = [np.split(row, [2, 5])[1].argmax() for row in allowed]
    assert flat.branches_of(0).tolist() == [0, first[0], 0, 0, first[1], 0]
    assert flat.branches_of(1).tolist() == [0, first[0], 0, 1, 0, 0]
    assert flat.branches_of(7 * 6 + 2).tolist() == [1, 2, 1, 1, 0, 1]


def test_a_joint_action_is_allowed_where_all_its_branches_are():
    flat = flat_tiny(2)
    for seed in range(20):
        flat.reset(seed=seed)
        branch_mask, joint = flat.unwrapped.action_masks(), flat.action_masks()
        places = np.arange(2 * sum(SIZES)).reshape(2, -1)
        for action in range(49):
            table = flat.branches_of(action).reshape(2, 3)
            taken = [places[device, [row[0], 2 + row[1], 5 + row[2]]] for device, row in enumerate(table)]
            assert joint[action] == branch_mask[np.concatenate(taken)].all()


def test_too_many_joint_actions_are_refused():
    with pytest.raises(MecsimError, match="5 devices with 7 ways each have 16,807 joint actions, and at most 5,000"):
        flat_tiny(5)


# --- training ---


@pytest.mark.parametrize("actions", ["branches", "joint"])
def test_training_finds_the_known_best(tmp_path, actions):
    """The best is to ask exactly the willing, for the right choice; no masked action is taken on the way."""
    n = 3 if actions == "branches" else 1
    make_env = functools.partial(TinyControl if actions == "branches" else flat_tiny, n)
    settings = dataclasses.replace(SETTINGS, actions=actions, n_steps=8000, steps_between=4000)
    judge, best = TinyControl(n), []
    for reset in RESETS:
        judge.reset(seed=reset.seed)
        for _ in range(4):
            judge.step(np.zeros(3 * n, dtype=int))
        best.append(judge.best)
    trained(tmp_path, settings, make_env)
    assert best_facts(tmp_path)["evaluation_return"] == pytest.approx(np.mean(best))


def test_the_best_state_is_kept_and_can_be_played(tmp_path):
    """What is stored as the best has the return that stands beside it, which is the largest of the curve."""
    weights = trained(tmp_path, SETTINGS)
    policy = branching_policy()
    state = {name: torch.from_numpy(value) for name, value in weights.items()}
    missing, unexpected = policy.network.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.startswith(("critic", "value")) for name in missing)
    with (tmp_path / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["steps"]) for row in rows] == [0, 400, 800, 1200]
    assert rows[0]["mean_return"] == ""
    assert int(rows[1]["n_episodes"]) == 100  # 400 steps of episodes of 4
    assert float(rows[1]["mean_length"]) == 4.0
    largest = max(float(row["evaluation_return"]) for row in rows)
    assert evaluate(policy, TinyControl(), RESETS) == best_facts(tmp_path)["evaluation_return"] == largest
    assert list((tmp_path / "tensorboard").glob("events.*"))


def test_one_seed_gives_the_same_weights_and_another_seed_others(tmp_path):
    short = dataclasses.replace(SETTINGS, n_steps=400)
    first, again = trained(tmp_path / "a", short), trained(tmp_path / "b", short)
    other = trained(tmp_path / "c", dataclasses.replace(short, seed=2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not all(np.array_equal(first[name], other[name]) for name in first)
    assert (tmp_path / "a" / "curve.csv").read_bytes() == (tmp_path / "b" / "curve.csv").read_bytes()


def test_an_interrupted_training_ends_as_one_without_interruption(tmp_path):
    """Stopped after the second evaluation, it goes on from there to the same bits."""

    class StoppedError(Exception):
        pass

    def stop(progress):
        if progress.n_steps == 400:
            raise StoppedError

    trained(tmp_path / "whole", SETTINGS)
    with pytest.raises(StoppedError):
        trained(tmp_path / "parts", SETTINGS, on_progress=stop)
    told = []
    trained(tmp_path / "parts", SETTINGS, on_progress=told.append)
    assert [each.n_steps for each in told] == [800, 1200]
    for name in ("checkpoint.safetensors", "best.safetensors", "curve.csv"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    other = dataclasses.replace(SETTINGS, gamma=0.9)
    with pytest.raises(MecsimError, match=r"other settings \(gamma\)"):
        trained(tmp_path / "parts", other)


def test_a_training_goes_on_elsewhere_from_where_another_stopped(tmp_path):
    """In the same environments it comes to the same state; the best is sought anew, beginning with where it started."""
    trained(tmp_path / "whole", SETTINGS)
    trained(tmp_path / "first", SETTINGS, until=800)
    told = []
    trained(tmp_path / "second", SETTINGS, after=tmp_path / "first", on_progress=told.append)
    assert [each.n_steps for each in told] == [800, 1200]
    assert told[0].best_return == told[0].row.evaluation_return  # whatever was better before does not count
    ours, whole = (checkpoints.network_of(tmp_path / name / "checkpoint.safetensors") for name in ("second", "whole"))
    assert all(torch.equal(ours[name], whole[name]) for name in whole)
    with (tmp_path / "second" / "curve.csv").open() as file:
        assert [int(row["steps"]) for row in csv.DictReader(file)] == [0, 400, 800, 800, 1200]
    before = (tmp_path / "second" / "best.safetensors").read_bytes()
    trained(tmp_path / "second", SETTINGS, after=tmp_path / "first")
    assert (tmp_path / "second" / "best.safetensors").read_bytes() == before


def test_processes_give_the_same_weights(tmp_path):
    short = dataclasses.replace(SETTINGS, n_steps=200, steps_between=200)
    here, apart = trained(tmp_path / "a", short, n_envs=2), trained(tmp_path / "b", short, n_envs=2, processes=True)
    assert all(np.array_equal(here[name], apart[name]) for name in here)


def test_the_learning_rate_falls_over_the_whole_training(tmp_path):
    """Six rollouts of 4 x 50 steps in three stretches: a sixth of the way from 3e-3 to 0 is gone at each update."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trained(tmp_path, dataclasses.replace(SETTINGS, final_learning_rate=0.0))
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    rates = [event.value for event in events.Scalars("train/learning_rate")]
    assert rates == pytest.approx([3e-3 * (1.0 - k / 6.0) for k in range(1, 7)], abs=1e-8)
    assert checkpoints.read_facts(tmp_path / "checkpoint.safetensors")["updates"] == 4 * 6
    assert (SETTINGS.entropy_at(0), SETTINGS.entropy_at(600), SETTINGS.entropy_at(2000)) == (0.01, 0.005, 0.0)


def test_without_a_training_there_are_no_weights(tmp_path):
    with pytest.raises(MecsimError, match="no training has written"):
        best_weights(tmp_path)


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="above 0"):
        TrainingSettings(seed=0, n_steps=0)
