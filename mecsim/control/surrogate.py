"""Quality without training: foretells the accuracy after each round from what was merged in it (see ``surrogate_model``)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from mecsim.control.observation import Floats
from mecsim.control.surrogate_model import Coefficients, Knowledge, Limits, Rounds, advance, nothing_known, rounds_of
from mecsim.errors import MecsimError

#: Of the file; raise it when the meaning of a number changes.
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """One update that was merged.

    ``choice`` is a place among the knob's choices (0 for a scheme without a knob), ``age`` by how many versions what the device
    trained around was behind, ``histogram`` its samples by class: () where it is not known, which is taken as the fleet's mix.
    """

    choice: int
    age: int
    n_samples: int
    histogram: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.n_samples < 1 or self.age < 0 or self.choice < 0:
            raise ValueError(f"a merged update has samples, and neither a negative age nor a negative choice, got {self}")


@dataclass(frozen=True, slots=True)
class SurrogateState:
    """Where a trial is."""

    known: Knowledge

    @property
    def accuracy(self) -> float:
        """Of what would be deployed now, from 0 to 1."""
        return float(np.clip(1.0 - self.known.error[0], 0.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrogate:
    """A fitted model of quality for one scheme, dataset and way of training.

    ``choices`` are those of the knob that it was fitted for, ``start_accuracy`` the mean accuracy before the first round,
    ``limits`` what the rounds were like that it has seen, ``facts`` what it was fitted to and how far off it was.
    """

    choices: tuple[float, ...]
    start_accuracy: float
    coefficients: Coefficients
    limits: Limits = field(default_factory=Limits)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.coefficients.rate_choice) == len(self.coefficients.floor_choice) == len(self.choices):
            raise MecsimError(f"a surrogate needs two coefficients a choice, and there are {len(self.choices)} choices")

    def start(self, total: Sequence[int]) -> SurrogateState:
        """Return the state before the first round; ``total`` are the whole fleet's samples by class.

        Where classes are not known, any parts of the fleet's samples do, such as the devices' sizes.
        """
        return SurrogateState(nothing_known(mix_of(total)[None, :], 1.0 - self.start_accuracy))

    def step(self, state: SurrogateState, merged: Sequence[Merged]) -> SurrogateState:
        """Return the state after a round; without a merged update it is the same."""
        if not merged:
            return state
        rounds = stacked([merged], state.known.mix, len(self.choices), self.limits)
        return SurrogateState(advance(self.coefficients, state.known, rounds))

    def save(self, path: Path) -> None:
        """Write the surrogate as JSON."""
        content = {
            "format": FORMAT,
            "choices": self.choices,
            "start_accuracy": self.start_accuracy,
            "coefficients": asdict(self.coefficients),
            "limits": asdict(self.limits),
            "facts": dict(self.facts),
        }
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the surrogate at ``path``; a MecsimError says where it is none."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise MecsimError(
                    f"{path} has a surrogate of format {content['format']}, and {FORMAT} is read here: fit it again"
                )
            return cls(
                choices=tuple(content["choices"]),
                start_accuracy=content["start_accuracy"],
                coefficients=Coefficients(**_tuples(content["coefficients"])),
                limits=Limits(**_tuples(content["limits"])),
                facts=content["facts"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MecsimError(f"{path} is no surrogate of quality ({error}): name a file that a fit has written") from error


def mix_of(total: Sequence[int]) -> Floats:
    """Return each part's share of the samples, (n,)."""
    counts = np.asarray(total, dtype=np.float64)
    if not counts.size or not counts.sum() > 0.0:
        raise MecsimError(f"the surrogate of quality needs the samples of each class, and there are none in {list(total)}")
    shares: Floats = counts / counts.sum()
    return shares


def stacked(rounds: Sequence[Sequence[Merged]], mixes: Floats, n_choices: int, limits: Limits) -> Rounds:
    """Return the rounds of b trials side by side, whose classes have the shares ``mixes`` (b, n)."""
    b, k, n = len(rounds), max(1, *map(len, rounds)), mixes.shape[1]
    shares, sizes, ages = np.zeros((b, k)), np.zeros((b, k)), np.zeros((b, k))
    choices, exposures = np.zeros((b, k, n_choices)), np.ones((b, k, n))
    for row, (merged, mix) in enumerate(zip(rounds, mixes, strict=True)):
        for place, update in enumerate(merged):
            if update.choice >= n_choices:
                raise MecsimError(
                    f"the surrogate knows {n_choices} choices, and choice {update.choice} was merged: fit it again"
                )
            sizes[row, place], ages[row, place] = update.n_samples, update.age
            choices[row, place, update.choice] = 1.0
            if update.histogram:
                exposures[row, place] = _exposures(update.histogram, mix)
        shares[row] = sizes[row] / max(sizes[row].sum(), 1.0)
    return rounds_of(shares, sizes, ages, choices, exposures, limits)


def _exposures(histogram: Sequence[int], mix: Floats) -> Floats:
    """Return a device's share of each class over the fleet's; 1 where the fleet has no sample of it."""
    if len(histogram) != len(mix):
        raise MecsimError(f"an update has samples of {len(histogram)} classes, and the surrogate was started with {len(mix)}")
    own = mix_of(histogram)
    exposures: Floats = np.divide(own, mix, out=np.ones_like(own), where=mix > 0.0)
    return exposures


def _tuples(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
