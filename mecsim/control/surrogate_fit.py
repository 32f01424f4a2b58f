"""Fits the surrogate of quality to trials that were trained for real, and says how far off it is in worlds it has not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from mecsim.control.observation import Floats
from mecsim.control.surrogate import Merged, Surrogate, mix_of, stacked
from mecsim.control.surrogate_errors import Residual, Trajectory, errors_of, residuals_of
from mecsim.control.surrogate_model import Coefficients, Limits, Rounds, advance, nothing_known
from mecsim.errors import MecsimError

#: What residuals are taken of: the error's square root, whose scatter depends little on how small the error is.
_SOFT = 0.05
#: The standard deviation of such a residual that goes with the spreads below; residuals of a trial are not independent.
_SCATTER = 0.1


@dataclass(frozen=True, slots=True)
class Fitted:
    """The surrogate, whose facts have the errors, and what they were computed from."""

    surrogate: Surrogate
    residuals: tuple[Residual, ...]


@dataclass(frozen=True, slots=True)
class _Bounded:
    """A coefficient before any trial was seen: where it is expected, how far from that it may well be, and its bounds."""

    expected: float
    spread: float
    low: float
    high: float


# Signs are nature's: more samples and more exposure never hurt, age never helps. A default of this project, chosen on trials of
# other scenarios; the spread matters where there are few worlds.
_EXPECTED: Mapping[str, _Bounded] = {
    "rate_level": _Bounded(0.0, 2.0, -6.0, 4.0),
    "rate_local": _Bounded(0.7, 0.7, 0.0, 3.0),
    "rate_start_local": _Bounded(0.7, 0.7, 0.0, 3.0),
    "rate_updates": _Bounded(0.3, 0.5, 0.0, 2.0),
    "rate_exposure": _Bounded(1.0, 0.7, 0.0, 3.0),
    "rate_device_exposure": _Bounded(0.3, 0.5, 0.0, 3.0),
    "rate_age": _Bounded(0.0, 0.5, -3.0, 0.0),
    "floor_level": _Bounded(-3.5, 2.0, -9.0, 0.0),
    "floor_updates": _Bounded(0.0, 0.3, -2.0, 0.0),
    "floor_exposure": _Bounded(1.0, 0.5, 0.0, 3.0),
    "floor_device_exposure": _Bounded(0.3, 0.5, 0.0, 3.0),
    "floor_age": _Bounded(0.0, 0.5, 0.0, 3.0),
    "memory": _Bounded(0.3, 0.3, 0.02, 1.0),
    "log_least_exposure": _Bounded(-3.0, 1.0, -7.0, 1.0),
}
_CHOICE = _Bounded(0.0, 0.7, -4.0, 4.0)


def fit(trajectories: Sequence[Trajectory], *, choices: Sequence[float] = (1.0,), folds: int = 10) -> Fitted:
    """Return the surrogate of ``trajectories`` and its residuals, in the fit and in worlds held out.

    Whole trajectories are fitted at once, from the same start, by least squares with a soft loss; coefficients that the trials
    say nothing about stay where they are expected. Held-out predictions are of fits without the world: ``folds`` groups of
    worlds, in alphabetical order. ``choices`` are those of the knob. A MecsimError says what is missing.
    """
    _check(trajectories, len(choices))
    ordered = sorted(trajectories, key=lambda each: (each.world, each.label))
    surrogate = _fitted(ordered, tuple(choices))
    residuals = list(residuals_of(surrogate, ordered, "fit", ordered))
    worlds = sorted({each.world for each in ordered})
    n_folds = min(folds, len(worlds))
    for fold in range(n_folds):
        left_out = set(worlds[fold::n_folds])
        rest = [each for each in ordered if each.world not in left_out]
        held_out = [each for each in ordered if each.world in left_out]
        residuals += residuals_of(_fitted(rest, tuple(choices)), held_out, "held-out", rest)
    facts = {
        "n_trajectories": len(ordered),
        "worlds": worlds,
        "n_rounds": sum(len(each.rounds) - 1 for each in ordered),
        "updates_by_choice": _updates_by_choice(ordered, len(choices)),
        "errors": errors_of(residuals),
    }
    return Fitted(replace(surrogate, facts=facts), tuple(residuals))


def _check(trajectories: Sequence[Trajectory], n_choices: int) -> None:
    """Raise a MecsimError where nothing sound can be fitted."""
    n_worlds = len({each.world for each in trajectories})
    if n_worlds < 2:
        raise MecsimError(
            f"a surrogate is checked in worlds that it was not fitted to, so it needs two worlds or more, and has {n_worlds}: "
            "train more replications"
        )
    if any(not each.rounds or each.rounds[0][1] is None for each in trajectories):
        raise MecsimError(
            "a trajectory begins with the accuracy before the first round, and one has none: set evaluate_every to 1"
        )
    if len({len(each.total) for each in trajectories}) > 1:
        raise MecsimError("trajectories of one fit have the same number of classes: fit datasets apart")
    observed = sum(accuracy is not None for each in trajectories for _, accuracy in each.rounds[1:])
    needed = 2 * (len(_EXPECTED) + 2 * (n_choices - 1))
    if observed < needed:
        raise MecsimError(
            f"a fit of {n_choices} choices needs {needed} rounds with their accuracy, and has {observed}: train more"
        )
    missing = [place for place, n in enumerate(_updates_by_choice(trajectories, n_choices)) if not n]
    if missing:
        raise MecsimError(f"no update was merged of choice {missing[0]}, counted from 0: train trials that use every choice")


def _updates_by_choice(trajectories: Sequence[Trajectory], n_choices: int) -> list[int]:
    counts = [0] * n_choices
    for update in (update for each in trajectories for merged, _ in each.rounds for update in merged):
        if update.choice >= n_choices:
            raise MecsimError(f"choice {update.choice} was merged, counted from 0, and the fit was given {n_choices} choices")
        counts[update.choice] += 1
    return counts


def _fitted(trajectories: Sequence[Trajectory], choices: tuple[float, ...]) -> Surrogate:
    """Return the surrogate of least squares, without facts."""
    rounds, mixes, observed, limits = _side_by_side(trajectories, len(choices))
    start = float(np.mean([each.rounds[0][1] for each in trajectories if each.rounds[0][1] is not None]))
    is_aged = any(update.age for each in trajectories for merged, _ in each.rounds for update in merged)
    fixed = {} if is_aged else {"rate_age": 0.0, "floor_age": 0.0}
    free = [name for name in _EXPECTED if name not in fixed]
    prior = [_EXPECTED[name] for name in free] + [_CHOICE] * (2 * (len(choices) - 1))
    expected, spread = (np.array([getattr(each, key) for each in prior]) for key in ("expected", "spread"))
    seen = ~np.isnan(observed)

    def coefficients(values: Floats) -> Coefficients:
        scalars = fixed | dict(zip(free, map(float, values), strict=False))
        rate, floor = np.split(values[len(free) :], 2)
        return Coefficients(**scalars, rate_choice=(0.0, *map(float, rate)), floor_choice=(0.0, *map(float, floor)))

    def residuals(values: Floats) -> Floats:
        predicted = _predicted(coefficients(values), rounds, mixes, start)
        return np.concatenate([(_root(predicted) - _root(observed))[seen], _SCATTER * (values - expected) / spread])

    found = least_squares(
        residuals,
        expected,
        bounds=([each.low for each in prior], [each.high for each in prior]),
        loss="soft_l1",
        f_scale=_SOFT,
        x_scale=spread,
        max_nfev=60,
    )
    return Surrogate(choices=choices, start_accuracy=start, coefficients=coefficients(found.x), limits=limits)


def _side_by_side(trajectories: Sequence[Trajectory], n_choices: int) -> tuple[list[Rounds], Floats, Floats, Limits]:
    """Return the rounds of all trajectories (shorter ones end with rounds without updates), mixes, accuracies and limits."""
    mixes = np.array([mix_of(each.total) for each in trajectories])
    n_rounds = max(len(each.rounds) for each in trajectories) - 1
    observed = np.full((n_rounds, len(trajectories)), np.nan)
    merged: list[list[Sequence[Merged]]] = [[() for _ in trajectories] for _ in range(n_rounds)]
    for place, each in enumerate(trajectories):
        for number, (updates, accuracy) in enumerate(each.rounds[1:]):
            merged[number][place] = updates
            observed[number, place] = np.nan if accuracy is None else accuracy
    rounds = [stacked(each, mixes, n_choices, Limits()) for each in merged]
    some = [each.is_merged for each in rounds]
    local, updates_, ages = (
        np.concatenate([getattr(each, name)[where] for each, where in zip(rounds, some, strict=True)])
        for name in ("log_local", "log_updates", "log_age")
    )
    limits = Limits(
        log_local=(float(local.min()), float(local.max())),
        log_updates=(float(updates_.min()), float(updates_.max())),
        log_age=float(ages.max()),
    )
    return rounds, mixes, observed, limits


def _predicted(coefficients: Coefficients, rounds: Sequence[Rounds], mixes: Floats, start: float) -> Floats:
    """Return the accuracies after each round, (rounds, trials)."""
    known = nothing_known(mixes, 1.0 - start)
    accuracies = []
    for each in rounds:
        known = advance(coefficients, known, each)
        accuracies.append(1.0 - known.error)
    return np.array(accuracies)


def _root(accuracy: Floats) -> Floats:
    """Return the square root of the error."""
    root: Floats = np.sqrt(np.maximum(1.0 - accuracy, 1e-4))
    return root
