"""Scores of a large model that only answers, and of two small ones, put together: the proxy, the mixture, and what they teach.

Rows are samples, or tokens that count. Of a row's scores only differences matter: its mean changes no probability.
"""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from learners.data.examples import Examples, examples
from learners.models.resident import MODEL_CACHE
from learners.states import state_of
from learners.task import logits_of, targets_of
from mecsim.errors import JobError
from mecsim.jobs.job import Result


class Answers(NamedTuple):
    """What three models say of the same rows: scores (rows, outputs) each."""

    large: Tensor
    small: Tensor
    start: Tensor


class LogitsOnly:
    """A model of which nothing can be had but its answers."""

    __slots__ = ("_answer",)

    def __init__(self, model: nn.Module) -> None:
        model.eval()
        self._answer: Callable[[Examples], Tensor] = lambda batch: logits_of(model, batch)

    @torch.no_grad()
    def __call__(self, batch: Examples) -> Tensor:
        """Return the logits (rows, outputs) of ``batch``."""
        return self._answer(batch)


class Trio:
    """The large model behind its answers, the tuned small one, and the small one as it started, over one dataset."""

    def __init__(self, params: Mapping[str, Any], inputs: Sequence[Result]) -> None:
        large, small, start = map(state_of, inputs[:3])
        start_model = copy.deepcopy(MODEL_CACHE.loaded(params["small"], start))  # the resident one becomes the tuned one
        large_model = MODEL_CACHE.loaded(params["large"], large)
        self.large = LogitsOnly(copy.deepcopy(large_model) if params["large"] == params["small"] else large_model)
        self.start = LogitsOnly(start_model)
        self.tuned = MODEL_CACHE.loaded(params["small"], small).eval()
        self.small = LogitsOnly(self.tuned)
        self._read_by_large = examples(params["dataset"], params["large"])
        self.samples = examples(params["dataset"], params["small"])

    def __call__(self, index: Tensor) -> tuple[Answers, Examples]:
        """Return what the three say of the samples ``index``, and these as the small model reads them."""
        asked, batch = self._read_by_large.pick(index), self.samples.pick(index)
        answers = Answers(self.large(asked), self.small(batch), self.start(batch))
        if answers.large.shape != answers.small.shape or not targets_of(asked).equal(targets_of(batch)):
            raise JobError(
                f"large and small model predict {answers.large.shape[1]} and {answers.small.shape[1]} things, or not the same "
                "tokens: their scores cannot be put together; choose two models with the same tokenizer"
            )
        return answers, batch


def proxy_scores(answers: Answers, alpha: float) -> Tensor:
    """Return z_large + alpha * (z_small - z_start), (rows, outputs)."""
    return answers.large + alpha * (answers.small - answers.start)


def teacher_scores(answers: Answers, alpha: float, max_drift: float | None) -> Tensor:
    """Return what the small model should say: what the proxy says, with ``max_drift`` not too far from how it started.

    In each row the way from z_start to the proxy's scores loses its mean, and where it spreads more than ``max_drift`` times as
    far as the large scores it is shortened to that: a student that learns all of it cannot run away (see the scheme ``fedpt``).
    """
    proxy = proxy_scores(answers, alpha)
    if max_drift is None:
        return proxy
    way = centred(proxy - answers.start)
    limit, size = max_drift * spread(answers.large), spread(way)
    return answers.start + way * torch.where(size > limit, limit / size, 1.0)


def mixture_scores(large: Tensor, small: Tensor, weight: float) -> Tensor:
    """Return the logarithm of weight * p_large + (1 - weight) * p_small; at a weight of 1 or 0 the one's own scores."""
    if weight in (0.0, 1.0):
        return large if weight else small
    return torch.logaddexp(F.log_softmax(large, 1) + math.log(weight), F.log_softmax(small, 1) + math.log1p(-weight))


def centred(scores: Tensor) -> Tensor:
    """Return ``scores`` (rows, outputs) without the mean of each row."""
    return scores - scores.mean(1, keepdim=True)


def spread(scores: Tensor) -> Tensor:
    """Return the root mean square of each row without its mean, (rows, 1)."""
    return centred(scores).square().mean(1, keepdim=True).sqrt()


def distil_loss(student: Tensor, teacher: Tensor, targets: Tensor, temperature: float, labels_weight: float) -> Tensor:
    """Return (1 - w) * T^2 * KL(teacher / T || student / T) + w * cross-entropy, in nats a row (Hinton et al., 2015)."""
    said, wanted = F.log_softmax(student / temperature, 1), F.log_softmax(teacher / temperature, 1)
    divergence = temperature**2 * F.kl_div(said, wanted, log_target=True, reduction="batchmean")
    if not labels_weight:
        return divergence
    return (1.0 - labels_weight) * divergence + labels_weight * F.cross_entropy(student, targets)
