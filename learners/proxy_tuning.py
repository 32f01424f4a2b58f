"""Proxy-tuning of a large model by the difference of two small ones (Liu et al., 2024; FedPT, arXiv 2410.00362).

The job kinds ``proxy_evaluate``, ``proxy_alpha`` and ``proxy_distil``. Inputs of each: the states of the large model, of the
tuned small one and of the small one at its start, the partition, and the alpha that was tuned, where ``alpha`` is null.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from learners import evaluate
from learners.data.examples import IGNORED, Examples
from learners.evaluate import Score
from learners.optimizers import optimizer_of
from learners.peft.state import trainable_state
from learners.proxy_scores import Answers, Trio, centred, distil_loss, mixture_scores, proxy_scores, teacher_scores
from learners.samples import samples_of
from learners.task import logits_of, targets_of
from mecsim.errors import JobError
from mecsim.hashing import seed_of
from mecsim.jobs.job import Result

#: What alpha is chosen from (the sweep in proxy-tuning's repository).
ALPHAS = tuple(round(0.2 * step, 1) for step in range(1, 11))
#: A distillation clips its gradients to this norm.
CLIP_NORM = 1.0
#: The teacher's scores of the samples that a distillation meets are computed once and held; more than this is refused.
MOST_TEACHER_BYTES = 2**32


def run_evaluate(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    """Execute a ``proxy_evaluate`` job: what is ``deployed`` ("proxy" or "mixture") on a ``split``, beside what it is made of.

    Its numbers have no prefix; others have large_, small_, proxy_ or mixture_ (which is not deployed), and alpha_1_ where alpha
    was tuned. ``drift``: root mean square of z_small - z_start without each row's mean. ``agreement``: share of the rows where
    large and small model say the same; ``both_wrong``: share where neither is right. ``by_class`` as in an
    ``evaluate`` job: counts of what is deployed.
    """
    alpha, deployed = alpha_of(params, inputs), params["deployed"]
    asked = ["proxy", "mixture", "large", "small", *(["alpha_1"] if params["alpha"] is None else [])]
    scores = {part: Score(evaluate.n_classes_of(params) if part == deployed else None) for part in asked}
    together = _Together()
    for answers, batch in _answered(params, inputs):
        said = {
            "proxy": proxy_scores(answers, alpha),
            "mixture": mixture_scores(answers.large, answers.small, params["weight"]),
            "large": answers.large,
            "small": answers.small,
            "alpha_1": proxy_scores(answers, 1.0),
        }
        for part, score in scores.items():
            score.add(said[part], batch)
        together.add(answers, targets_of(batch))
    numbers = scores.pop(deployed).numbers()
    for part, score in scores.items():
        numbers |= {f"{part}_{key}": value for key, value in score.numbers().items() if key != "n_samples"}
    return Result({**numbers, **together.numbers(), "alpha": alpha})


def run_alpha(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    """Execute a ``proxy_alpha`` job: the alpha of the proxy's lowest loss on a ``split``; of equal ones, the one nearest 1."""
    scores = {alpha: Score() for alpha in ALPHAS}
    for answers, batch in _answered(params, inputs):
        for alpha, score in scores.items():
            score.add(proxy_scores(answers, alpha), batch)
    losses = {alpha: score.numbers()["loss"] for alpha, score in scores.items()}
    best = min(losses, key=lambda alpha: (losses[alpha], abs(alpha - 1.0)))
    return Result({"alpha": best, "loss": losses[best], "losses": [losses[alpha] for alpha in ALPHAS]})


def run_distil(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    """Execute a ``proxy_distil`` job: the small model's state after learning in ``steps`` steps to say what the proxy says.

    On the ``split``, in an order drawn anew each pass, with AdamW at a constant rate and without dropout. The teacher is the
    proxy as it is before the first step; ``max_drift`` as in ``teacher_scores``.
    """
    trio = Trio(params, inputs)
    chosen = torch.from_numpy(samples_of(inputs[3], {"split": params["split"]}))
    generator = torch.Generator().manual_seed(seed_of("shuffle", name))
    batches = list(_batches(len(chosen), params["batch_size"], params["steps"], generator))
    taught = _taught(trio, chosen, batches, alpha_of(params, inputs), params["max_drift"])
    model, losses = trio.tuned, []
    optimizer = optimizer_of(model, {"optimizer": "adamw", "learning_rate": params["learning_rate"], "weight_decay": 0.0})
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for places in batches:
        batch = trio.samples.pick(chosen[places])
        teacher = torch.cat([taught[place] for place in places.tolist()])
        loss = distil_loss(logits_of(model, batch), teacher, targets_of(batch), params["temperature"], params["labels_weight"])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(trainable, CLIP_NORM)
        optimizer.step()
        losses.append(loss.item())
    if not all(map(math.isfinite, losses)):
        raise JobError(f"distillation diverged: lower its learning_rate ({params['learning_rate']}) or its steps")
    numbers = {
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "mean_loss": sum(losses) / len(losses),
        "n_samples": sum(map(len, batches)),
        "n_steps": len(losses),
    }
    return Result(numbers, {key: value.numpy() for key, value in trainable_state(model).items()})


def alpha_of(params: Mapping[str, Any], inputs: Sequence[Result]) -> float:
    """Return the given alpha, or the one that was tuned."""
    return float(inputs[4].numbers["alpha"] if params["alpha"] is None else params["alpha"])


class _Together:
    """Counts how far the small model has moved, and how far it says the same as the large one."""

    def __init__(self) -> None:
        self._squares = 0.0
        self._n_scores = self._n_rows = self._n_agreed = self._n_both_wrong = 0

    def add(self, answers: Answers, wanted: Tensor) -> None:
        self._squares += float(centred(answers.small - answers.start).double().square().sum())
        self._n_scores += answers.small.numel()
        large, small = answers.large.argmax(1), answers.small.argmax(1)
        self._n_rows += len(wanted)
        self._n_agreed += int((large == small).sum())
        self._n_both_wrong += int(((large != wanted) & (small != wanted)).sum())

    def numbers(self) -> dict[str, float]:
        return {
            "drift": math.sqrt(self._squares / self._n_scores),
            "agreement": self._n_agreed / self._n_rows,
            "both_wrong": self._n_both_wrong / self._n_rows,
        }


@torch.no_grad()
def _answered(params: Mapping[str, Any], inputs: Sequence[Result]) -> Iterator[tuple[Answers, Examples]]:
    """Yield the answers over the split in the batches of an ``evaluate`` job, so that equal models get equal numbers."""
    trio = Trio(params, inputs)
    for index in torch.from_numpy(samples_of(inputs[3], {"split": params["split"]})).split(evaluate.BATCH_SIZE):
        yield trio(index)


def _batches(n_samples: int, batch_size: int, n_steps: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the places of ``n_steps`` batches; a pass ends with what is left, and the next is shuffled anew."""
    while n_steps > 0:
        for places in torch.randperm(n_samples, generator=generator).split(batch_size)[:n_steps]:
            yield places
            n_steps -= 1


def _taught(trio: Trio, chosen: Tensor, batches: Sequence[Tensor], alpha: float, max_drift: float | None) -> dict[int, Tensor]:
    """Return the teacher's rows of every sample that the batches meet, by its place in ``chosen``."""
    met = torch.cat(list(batches)).unique()
    taught: dict[int, Tensor] = {}
    n_bytes = 0
    for places in met.split(evaluate.BATCH_SIZE):
        answers, batch = trio(chosen[places])
        scores = teacher_scores(answers, alpha, max_drift)
        n_rows = [1] * len(batch) if batch.targets.ndim == 1 else (batch.targets != IGNORED).sum(1).tolist()
        taught |= zip(places.tolist(), scores.split(n_rows), strict=True)
        n_bytes += scores.numel() * scores.element_size()
        if n_bytes > MOST_TEACHER_BYTES:
            raise JobError(
                f"the teacher's scores of {len(met)} samples need more than {MOST_TEACHER_BYTES / 2**30:.0f} GiB: lower "
                "distillation.steps or its batch_size, or give the server less public data"
            )
    return taught
