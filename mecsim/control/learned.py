"""A policy that was trained beforehand: its two files, and the network's forward pass in numpy."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mecsim.control.branches import Branches
from mecsim.control.features import ROUND_FEATURES, Features, device_feature_names, device_features, round_features
from mecsim.control.observation import Bools, Observation
from mecsim.control.policy import Decision, PolicyContext
from mecsim.errors import MecsimError
from mecsim.radio.sharing import steered

#: The names of the two files in a folder; a file of another name has its weights beside it under the same stem.
FACTS_FILE, WEIGHTS_FILE = "policy.json", "policy.safetensors"

#: Stacks of linear layers with tanh behind each, by their names among the weights: ``encoder.0.weight`` and so on.
STACKS = ("encoder", "combiner")

Weights = Mapping[str, NDArray[np.float32]]


class LearnedFacts(BaseModel):
    """What stands in the JSON beside the weights: what the policy sees and decides, and how it was trained."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    knob: str = Field(description="The name of the scheme's knob, for the reader.")
    choices: tuple[float, ...]
    renews: bool
    bandwidths: tuple[float, ...]
    asks_quality: bool = Field(
        default=True, description="Whether it saw the accuracy; worlds under it wait for their training."
    )
    device_features: tuple[str, ...]
    round_features: tuple[str, ...]
    weights_sha256: str = Field(default="", description="Of the file with the weights.")
    training: dict[str, Any] = Field(default_factory=dict, description="Whatever tells how it was trained.")

    @property
    def branches(self) -> Branches:
        """The branches that it decides on."""
        return Branches(n_choices=len(self.choices), renews=self.renews, bandwidths=self.bandwidths)


def facts_of(*, knob: str, choices: Sequence[float], branches: Branches, training: Mapping[str, Any]) -> LearnedFacts:
    """Return the facts of a policy that is trained now, with today's features. ``ValueError``: branches of other choices."""
    if len(choices) != branches.n_choices:
        raise ValueError(f"{len(choices)} choices, but branches of {branches.n_choices}")
    return LearnedFacts(
        knob=knob,
        choices=tuple(choices),
        renews=branches.renews,
        bandwidths=branches.bandwidths,
        device_features=device_feature_names(branches.n_choices),
        round_features=ROUND_FEATURES,
        training=dict(training),
    )


class LearnedPolicy:
    """Takes of every branch the likeliest action that is allowed; a device is asked if "yes" is likelier than "no"."""

    chooses_devices = True

    def __init__(self, weights: Weights, facts: LearnedFacts) -> None:
        self.facts, self.asks_quality = facts, facts.asks_quality
        self._branches = facts.branches
        self._weights = {name: np.asarray(value, dtype=np.float32) for name, value in weights.items()}
        _check_shapes(self._weights, facts)

    def decide(self, observation: Observation) -> Decision:
        """Return who is asked and how; what ``Branches.decode`` says of too many and of nobody holds here too."""
        if not observation.n:
            return Decision(())
        scores = self.logits(device_features(observation), round_features(observation), observation.available)
        masks = self._branches.masks(observation)
        best = [np.where(mask, score, -np.inf).argmax(axis=1) for mask, score in zip(masks, scores, strict=True)]
        return self._branches.decode(np.stack(best, axis=1), observation)

    def logits(self, devices: Features, of_round: Features, available: Bools) -> list[Features]:
        """Return one (n, size) array a branch, from (n, F) and (G,) features and (n,) who is available.

        Every device is encoded by the same layers; the mean and the maximum of the codes of those available (of all, where
        nobody is) stand for the fleet, so the order of devices does not matter and their number is free.
        """
        inputs = np.hstack([devices, np.broadcast_to(of_round, (len(devices), len(of_round)))])
        codes = self._stack("encoder", inputs)
        counted = codes[available] if available.any() else codes
        fleet = np.concatenate([counted.mean(axis=0), counted.max(axis=0)])
        combined = self._stack("combiner", np.hstack([codes, np.broadcast_to(fleet, (len(codes), len(fleet)))]))
        return [self._linear(f"heads.{name}", combined) for name in self._branches.names]

    def _stack(self, name: str, values: Features) -> Features:
        for layer in range(_n_layers(self._weights, name)):
            values = np.tanh(self._linear(f"{name}.{layer}", values))
        return values

    def _linear(self, name: str, values: Features) -> Features:
        return values @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]


def save(folder: Path, weights: Weights, facts: LearnedFacts) -> Path:
    """Write ``policy.safetensors`` and ``policy.json`` into ``folder``, return the latter's path. Equal input, equal bytes."""
    from safetensors.numpy import save as as_bytes

    LearnedPolicy(weights, facts)
    data = as_bytes({name: np.ascontiguousarray(weights[name], dtype=np.float32) for name in sorted(weights)})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS_FILE).write_bytes(data)
    whole = facts.model_copy(update={"weights_sha256": hashlib.sha256(data).hexdigest()})
    text = json.dumps(whole.model_dump(mode="json"), indent=2, sort_keys=True, allow_nan=False) + "\n"
    (folder / FACTS_FILE).write_text(text, encoding="utf-8")
    return folder / FACTS_FILE


def facts(path: Path) -> Mapping[str, Any]:
    """Return what stands beside the weights as plain values: the fields of ``LearnedFacts``. Errors as in ``read_facts``."""
    return read_facts(path).model_dump()


def read_facts(path: Path) -> LearnedFacts:
    """Return what stands beside the weights; ``path`` is the folder or its JSON. ``MecsimError``: missing or malformed."""
    file = _facts_file(path)
    try:
        return LearnedFacts.model_validate_json(file.read_bytes())
    except OSError as error:
        raise MecsimError(f"{file}: a learned policy is a {FACTS_FILE} with its .safetensors beside it: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise MecsimError(
            f"{file}: {place}: {first['msg']}. It is not the {FACTS_FILE} that 'mecsim policy train' writes (format 1)."
        ) from error


def load(path: Path, context: PolicyContext) -> LearnedPolicy:
    """Return the policy at ``path`` (the folder, or its JSON file), if it was trained for what this trial offers.

    ``MecsimError``: a file is missing or not what it says, features are not today's, the scheme's choices are others, or it
    sets bandwidth weights in a network that does not divide its cells.
    """
    stored = read_facts(path)
    _check_fit(_facts_file(path), stored, context)
    return LearnedPolicy(_weights(_facts_file(path), stored), stored)


def _facts_file(path: Path) -> Path:
    return path / FACTS_FILE if path.is_dir() else path.with_suffix(".json")


def _weights(facts_file: Path, stored: LearnedFacts) -> Weights:
    from safetensors.numpy import load as from_bytes

    file = facts_file.with_suffix(".safetensors")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise MecsimError(f"{file}: the weights of a learned policy stand beside its {facts_file.name}: {error}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != stored.weights_sha256:
        raise MecsimError(
            f"{file}: its SHA-256 is {digest}, but {facts_file.name} says {stored.weights_sha256}: the two files are not of "
            "one training. Copy both, or train again with 'mecsim policy train'."
        )
    weights: Weights = from_bytes(data)
    return weights


def _check_fit(file: Path, stored: LearnedFacts, context: PolicyContext) -> None:
    if stored.choices != tuple(context.choices):
        raise MecsimError(
            f"{file}: it was trained to choose {stored.knob} among {list(stored.choices)}, but this scheme offers "
            f"{list(context.choices)}. Give the scheme those choices, or train a policy for it."
        )
    seen = (stored.device_features, stored.round_features)
    if seen != (device_feature_names(len(context.choices)), ROUND_FEATURES):
        known = {*device_feature_names(len(context.choices)), *ROUND_FEATURES}
        theirs = {*seen[0], *seen[1]}
        raise MecsimError(
            f"{file}: it was trained on other features ({_difference(theirs - known)} are not known here, "
            f"{_difference(known - theirs)} were not known there, or their order differs). Train it again."
        )
    if len(stored.bandwidths) > 1 and context.sharing not in steered():
        raise MecsimError(
            f"{file}: it sets bandwidth weights, which need network.sharing {' or '.join(steered())}; "
            f"here it is {context.sharing}."
        )


def _difference(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _check_shapes(weights: Weights, facts: LearnedFacts) -> None:
    """``MecsimError`` unless every layer takes what the one before it gives, from the features to the branches."""
    width = len(facts.device_features) + len(facts.round_features)
    expected: dict[str, tuple[int, int]] = {}
    for stack in STACKS:
        for layer in range(_n_layers(weights, stack)):
            out = len(weights[f"{stack}.{layer}.weight"])
            expected[f"{stack}.{layer}"] = (out, width)
            width = out
        # The code of a device goes on with the fleet's mean and maximum.
        width = 3 * width if stack == "encoder" else width
    sizes = zip(facts.branches.names, facts.branches.sizes, strict=True)
    expected |= {f"heads.{name}": (size, width) for name, size in sizes}
    shapes = {f"{name}.weight": shape for name, shape in expected.items()}
    shapes |= {f"{name}.bias": (shape[0],) for name, shape in expected.items()}  # type: ignore[misc]
    found = {name: value.shape for name, value in weights.items()}
    if found != shapes:
        wrong = sorted(name for name in {*found, *shapes} if found.get(name) != shapes.get(name))
        raise MecsimError(
            f"the weights are not those of this policy: {wrong[0]} has the shape {found.get(wrong[0])}, "
            f"{shapes.get(wrong[0])} is needed"
        )


def _n_layers(weights: Weights, stack: str) -> int:
    return sum(name.startswith(f"{stack}.") and name.endswith(".weight") for name in weights)
