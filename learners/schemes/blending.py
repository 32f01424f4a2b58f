"""How updates become the next state: the ``average`` jobs of federated averaging and of what came after it. No torch."""

from collections.abc import Sequence
from fractions import Fraction

from mecsim.errors import JobError
from mecsim.federation.contract import REPLACE, Blend, Update
from mecsim.jobs.job import Job, job


def blended_job(
    state: Job, updates: Sequence[Update], blend: Blend = REPLACE, *, weighting: str = "samples", batch_size: int = 1
) -> Job:
    """Return the state after ``updates`` entered ``state`` as ``blend`` says; their order does not matter.

    ``weighting`` is by samples, by samples in whole batches, or all alike (``uniform``). A mix at rate 1 is a replacement, and
    named as one. A JobError says so where no update has a weight, or where a difference is asked for and a base is missing.
    """
    ordered = sorted(updates, key=lambda update: (update.client, update.job.name))
    if blend.kind == "deltas":
        return _combined(_deltas(state, ordered, blend.rate))
    weights = [_weight(update, weighting, batch_size) for update in ordered]
    if not weights or min(weights) < 0 or sum(weights) <= 0:
        raise JobError(f"updates with weights {weights} have no mean: one of them has to be above 0, and none below")
    if blend.rate == 1.0:
        return job("average", {"weights": weights}, [update.job for update in ordered])
    rate, total = Fraction(blend.rate), sum(map(Fraction, weights))
    shares = [(update.job, rate * Fraction(weight) / total) for update, weight in zip(ordered, weights, strict=True)]
    return _combined([(state, 1 - rate), *shares])


def joined_job(states: Sequence[tuple[Job, float]]) -> Job:
    """Return the mean of ``states`` by their weights, those without any left out."""
    weighty = [(state, weight) for state, weight in states if weight != 0.0]
    if not weighty or min(weight for _, weight in weighty) < 0.0:
        weights = [weight for _, weight in states]
        raise JobError(f"states with weights {weights} have no mean: one of them has to be above 0, and none below")
    return job("average", {"weights": [float(weight) for _, weight in weighty]}, [state for state, _ in weighty])


def n_terms(n_updates: int, blend: Blend) -> int:
    """Return how many states the server adds up: the updates, and its own where it stays in the sum.

    Differences count as one each, as a device that holds its base sends the difference in as many bytes.
    """
    return n_updates if blend.kind != "deltas" and blend.rate == 1.0 else n_updates + 1


def _deltas(state: Job, updates: Sequence[Update], rate: float) -> list[tuple[Job, Fraction]]:
    """Return state + rate * sum(w (update - base)) / K as a sum over states."""
    gains, bases = [], []
    for update in updates:
        if update.base is None:
            raise JobError(f"the update of device {update.client} has no base that it could be a difference from")
        part = Fraction(rate) * Fraction(update.weight) / len(updates)
        gains.append((update.job, part))
        bases.append((update.base, -part))
    return [(state, Fraction(1)), *gains, *bases]


def _combined(terms: Sequence[tuple[Job, Fraction]]) -> Job:
    """Return the job of the sum; a state that stands in it several times counts once, and one that cancels out not at all."""
    factors: dict[Job, Fraction] = {}
    for state, factor in terms:
        factors[state] = factors.get(state, Fraction(0)) + factor
    left = [(state, factor) for state, factor in factors.items() if factor]
    return job("average", {"coefficients": [float(factor) for _, factor in left]}, [state for state, _ in left])


def _weight(update: Update, weighting: str, batch_size: int) -> float:
    match weighting:
        case "samples":
            weight = update.n_samples
        case "batches":
            weight = -(-update.n_samples // batch_size) * batch_size
        case _:
            weight = 1
    return weight if update.weight == 1.0 else weight * update.weight  # a whole number where it can be: names stay as they were
