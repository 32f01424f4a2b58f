"""How far the surrogate of quality is off: what it foretells for trials that were trained, round by round."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from mecsim.control.observation import Floats
from mecsim.control.surrogate import Merged, Surrogate, SurrogateState

Source = Literal["fit", "held-out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """One trial that was trained: ``rounds`` are what was merged and the accuracy after it, round 0 (nothing merged) first.

    The accuracy is None where it was not looked at. ``world`` names what is held out together: trials of one world share data
    and draws. ``total`` are the fleet's samples by class.
    """

    world: str
    rounds: Sequence[tuple[Sequence[Merged], float | None]]
    total: Sequence[int]
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """What was foretold and what came, after one round; accuracies from 0 to 1.

    ``predicted`` is foretold from the start on, ``one_step`` from the observed accuracy of the round before (from the last
    one that was looked at), ``by_round`` is the mean after as many rounds of the trials fitted to: what is known without a
    model.
    """

    source: Source
    world: str
    label: str
    round: int
    predicted: float
    observed: float
    one_step: float
    by_round: float


def residuals_of(
    surrogate: Surrogate, trajectories: Sequence[Trajectory], source: Source, fitted_to: Sequence[Trajectory]
) -> Iterator[Residual]:
    """Yield the residuals of each trajectory after each round from 1 on whose accuracy was looked at."""
    by_round = _means(fitted_to, max(len(each.rounds) for each in trajectories))
    for trajectory in trajectories:
        state = corrected = surrogate.start(trajectory.total)
        corrected = _at(corrected, trajectory.rounds[0][1])
        for number, (merged, observed) in enumerate(trajectory.rounds[1:], start=1):
            state, corrected = surrogate.step(state, merged), surrogate.step(corrected, merged)
            if observed is not None:
                yield Residual(
                    source=source,
                    world=trajectory.world,
                    label=trajectory.label,
                    round=number,
                    predicted=state.accuracy,
                    observed=observed,
                    one_step=corrected.accuracy,
                    by_round=float(by_round[number]),
                )
                corrected = _at(corrected, observed)


def errors_of(residuals: Sequence[Residual]) -> dict[str, dict[str, Any]]:
    """Return, for each source, the errors of accuracy as root mean squares and biases (predicted less observed).

    ``rmse``, ``bias`` and ``r2`` are of whole trajectories, ``one_step_`` of one round from what was observed,
    ``by_round_rmse`` that of the mean curve in the surrogate's place, ``rmse_of_rounds`` are of rounds 1, 2 and so on.
    """
    return {
        source: _errors([each for each in residuals if each.source == source])
        for source in dict.fromkeys(each.source for each in residuals)
    }


def _errors(residuals: Sequence[Residual]) -> dict[str, Any]:
    observed = np.array([each.observed for each in residuals])
    whole, one_step, by_round = (
        np.array([getattr(each, name) for each in residuals]) - observed for name in ("predicted", "one_step", "by_round")
    )
    numbers = np.array([each.round for each in residuals])
    scatter = float(((observed - observed.mean()) ** 2).sum())
    return {
        "n": len(residuals),
        "rmse": _rms(whole),
        "bias": float(whole.mean()),
        "r2": 1.0 - float((whole**2).sum()) / scatter if scatter else None,
        "one_step_rmse": _rms(one_step),
        "one_step_bias": float(one_step.mean()),
        "by_round_rmse": _rms(by_round),
        "rmse_of_rounds": {int(number): _rms(whole[numbers == number]) for number in np.unique(numbers)},
    }


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.nanmean(values**2))) if len(values) else 0.0


def _at(state: SurrogateState, accuracy: float | None) -> SurrogateState:
    """Return the state with all classes' errors scaled so that its accuracy is the one observed."""
    if accuracy is None:
        return state
    errors = state.known.errors * ((1.0 - accuracy) / max(1.0 - state.accuracy, 1e-9))
    return replace(state, known=replace(state.known, errors=errors))


def _means(trajectories: Sequence[Trajectory], n_rounds: int) -> Floats:
    """Return the mean accuracy after each round, 0 first; of the last round known where there are more."""
    sums: Mapping[int, list[float]] = {number: [] for number in range(n_rounds)}
    for trajectory in trajectories:
        for number, (_, accuracy) in enumerate(trajectory.rounds[:n_rounds]):
            if accuracy is not None:
                sums[number].append(accuracy)
    means = np.array([np.mean(sums[number]) if sums[number] else np.nan for number in range(n_rounds)])
    for number in range(1, n_rounds):
        if np.isnan(means[number]):
            means[number] = means[number - 1]
    return means
