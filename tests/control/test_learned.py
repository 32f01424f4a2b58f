"""Learned policies: the forward pass by hand, what is decided from it, and files that do not fit."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_observations import observation, observations

from mecsim.control.branches import Branches
from mecsim.control.features import N_ROUND_FEATURES, device_features, n_device_features, round_features
from mecsim.control.learned import LearnedPolicy, facts, facts_of, load, read_facts, save
from mecsim.control.observation import Observation
from mecsim.control.policy import PolicyContext
from mecsim.errors import MecsimError
from mecsim.rng import Streams

BRANCHES = Branches(n_choices=3, renews=True, bandwidths=(1.0, 2.0))
CHOICES = (0.0, 0.45, 0.9)
FACTS = facts_of(knob="rho", choices=CHOICES, branches=BRANCHES, training={"steps": 7})


def weights_of(branches: Branches = BRANCHES, seed: int = 0, hidden: int = 8) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    n_inputs = n_device_features(branches.n_choices) + N_ROUND_FEATURES
    shapes = {"encoder.0": (hidden, n_inputs), "encoder.1": (hidden, hidden)}
    shapes |= {"combiner.0": (hidden, 3 * hidden), "combiner.1": (hidden, hidden)}
    shapes |= {f"heads.{name}": (size, hidden) for name, size in zip(branches.names, branches.sizes, strict=True)}
    made = {f"{name}.weight": rng.normal(size=shape) for name, shape in shapes.items()}
    made |= {f"{name}.bias": rng.normal(size=shape[0]) for name, shape in shapes.items()}
    return {name: value.astype(np.float32) for name, value in made.items()}


def context(**changes) -> PolicyContext:
    fields = {
        "streams": Streams(0),
        "choices": CHOICES,
        "default": 0,
        "n_asked": 2,
        "n_rounds": 10,
        "n_devices": 3,
        "sharing": "weighted",
        "rehearse": lambda script, surrogate: 0.0,
    }
    return PolicyContext(**{**fields, **changes})


def one_by_one(weights, seen: Observation) -> dict[str, np.ndarray]:
    """The formulas of the network, device by device and layer by layer."""

    def layer(name, values):
        return weights[f"{name}.weight"] @ values + weights[f"{name}.bias"]

    codes = [
        np.tanh(layer("encoder.1", np.tanh(layer("encoder.0", np.concatenate([own, round_features(seen)])))))
        for own in device_features(seen)
    ]
    counted = [code for code, there in zip(codes, seen.available, strict=True) if there] or codes
    fleet = np.concatenate([sum(counted) / len(counted), np.maximum.reduce(counted)])
    combined = [np.tanh(layer("combiner.1", np.tanh(layer("combiner.0", np.concatenate([code, fleet]))))) for code in codes]
    return {name: np.array([layer(f"heads.{name}", each) for each in combined]) for name in BRANCHES.names}


@settings(max_examples=50, deadline=None)
@given(observations())
def test_the_forward_pass_is_the_formulas(seen):
    weights = weights_of()
    found = LearnedPolicy(weights, FACTS).logits(device_features(seen), round_features(seen), seen.available)
    expected = one_by_one(weights, seen)
    for name, of_branch in zip(BRANCHES.names, found, strict=True):
        np.testing.assert_allclose(of_branch, expected[name], rtol=1e-4, atol=1e-4)


@settings(max_examples=50, deadline=None)
@given(observations(), st.integers(0, 100))
def test_the_likeliest_allowed_actions_are_decoded(seen, seed):
    """What a device is told is the first of the largest logits among those allowed, found one by one."""
    weights = weights_of(seed=seed)
    expected = one_by_one(weights, seen)
    rows = []
    for place in range(seen.n):
        masks = [mask[place] for mask in BRANCHES.masks(seen)]
        logits = [expected[name][place] for name in BRANCHES.names]
        rows.append([max(np.flatnonzero(mask), key=lambda a, one=one: one[a]) for mask, one in zip(masks, logits, strict=True)])
    policy = LearnedPolicy(weights, FACTS)
    assert policy.decide(seen) == BRANCHES.decode(np.array(rows), seen)
    assert (policy.chooses_devices, policy.asks_quality) == (True, True)


def test_a_device_is_asked_if_yes_is_likelier_than_no():
    """All weights 0: only the biases of the heads speak. Nobody asked means the one that is expected first."""
    silent = {name: np.zeros_like(value) for name, value in weights_of().items()}
    silent["heads.choice.bias"] = np.array([0.0, 1.0, 0.5], dtype=np.float32)
    seen = observation(3, CHOICES, n_asked=3, expected_s=[[3.0] * 3, [2.0] * 3, [4.0] * 3])
    for margin, asked in ((0.1, (0, 1, 2)), (-0.1, (1,))):
        silent["heads.ask.bias"] = np.array([0.0, margin], dtype=np.float32)
        assert LearnedPolicy(silent, FACTS).decide(seen).devices == asked
    silent["heads.ask.bias"] = np.array([0.0, 0.1], dtype=np.float32)
    told = LearnedPolicy(silent, FACTS).decide(seen).assignments[0].settings
    assert (told.choice, told.renew) == (0.45, False)  # of equal logits the first: 0, not to renew


def test_nobody_there():
    assert LearnedPolicy(weights_of(), FACTS).decide(observation(0, CHOICES)).assignments == ()


# --- files ---


def test_what_is_saved_is_loaded(tmp_path):
    weights, seen = weights_of(), observation(5, CHOICES, n_asked=3)
    file = save(tmp_path / "shipped", weights, FACTS)
    bytes_before = (file.read_bytes(), file.with_suffix(".safetensors").read_bytes())
    for path in (tmp_path / "shipped", file):
        policy = load(path, context())
        assert policy.decide(seen) == LearnedPolicy(weights, FACTS).decide(seen)
        assert policy.facts.training == {"steps": 7}
    assert facts(file)["bandwidths"] == (1.0, 2.0)
    assert facts(file)["asks_quality"] is True
    save(tmp_path / "shipped", dict(reversed(weights.items())), FACTS)
    assert (file.read_bytes(), file.with_suffix(".safetensors").read_bytes()) == bytes_before


def test_a_policy_may_stand_under_a_name_of_its_own(tmp_path):
    file = save(tmp_path, weights_of(), FACTS)
    for suffix in (".json", ".safetensors"):
        file.with_suffix(suffix).rename(tmp_path / f"mine{suffix}")
    assert load(tmp_path / "mine.json", context()).facts.choices == CHOICES


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"choices": (0.0, 0.5)}, r"choose rho among \[0.0, 0.45, 0.9\], but this scheme offers \[0.0, 0.5\]"),
        ({"sharing": "equal"}, "network.sharing weighted or assigned; here it is equal"),
    ],
)
def test_a_trial_of_another_kind_is_refused(tmp_path, changes, message):
    save(tmp_path, weights_of(), FACTS)
    with pytest.raises(MecsimError, match=message):
        load(tmp_path, context(**changes))


def edited(folder: Path, **changes) -> None:
    file = folder / "policy.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_other_features_are_refused_by_name(tmp_path):
    save(tmp_path, weights_of(), FACTS)
    edited(tmp_path, round_features=[*FACTS.round_features[:-1], "weather"])
    with pytest.raises(MecsimError, match=r"weather are not known here, least_time were not known there"):
        load(tmp_path, context())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, r"policy.json: format: .*mecsim policy train"),
        ({"surprise": 1}, "policy.json: surprise"),
        ({"weights_sha256": "0"}, "the two files are not of one training"),
    ],
)
def test_files_that_are_not_what_they_say_are_refused(tmp_path, changes, message):
    save(tmp_path, weights_of(), FACTS)
    edited(tmp_path, **changes)
    with pytest.raises(MecsimError, match=message):
        load(tmp_path, context())


def test_missing_and_broken_files_are_refused(tmp_path):
    with pytest.raises(MecsimError, match=r"a learned policy is a policy.json"):
        read_facts(tmp_path)
    save(tmp_path, weights_of(), FACTS)
    (tmp_path / "policy.json").write_text("{")
    with pytest.raises(MecsimError, match=r"policy.json: the file: Invalid JSON"):
        facts(tmp_path)
    save(tmp_path, weights_of(), FACTS)
    (tmp_path / "policy.safetensors").unlink()
    with pytest.raises(MecsimError, match="the weights of a learned policy stand beside its"):
        load(tmp_path, context())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("heads.ask.weight", np.zeros((2, 9), np.float32)),
        ("heads.other.weight", np.zeros((2, 8), np.float32)),
        ("encoder.0.weight", np.zeros((8, 3), np.float32)),
    ],
)
def test_weights_of_other_shapes_are_not_stored(tmp_path, name, value):
    with pytest.raises(MecsimError, match=name):
        save(tmp_path, {**weights_of(), name: value}, FACTS)
    assert not list(tmp_path.iterdir())


def test_facts_are_of_as_many_choices_as_branches():
    with pytest.raises(ValueError, match="2 choices, but branches of 3"):
        facts_of(knob="rho", choices=(0.0, 0.5), branches=BRANCHES, training={})
