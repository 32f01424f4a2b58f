"""What a state is worth on held-out data, or on a device's own: the job kind ``evaluate``."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from learners.data.examples import Examples, examples
from learners.models.resident import MODEL_CACHE
from learners.peft.state import as_tensors
from learners.samples import samples_of
from learners.states import extra_inputs, state_of
from learners.task import logits_of, targets_of
from mecsim.errors import JobError
from mecsim.jobs.job import Result

#: Fixed, as sums in another order differ in their last bits.
BATCH_SIZE = 256


def run(params: Mapping[str, Any], inputs: Sequence[Result], name: str = "") -> Result:
    """Execute an ``evaluate`` job: the state of ``inputs[0]`` on a ``split`` of ``inputs[1]``, or ``on`` as in ``train``.

    ``extra`` is as in ``train``. ``by_class`` (true) counts by class too (see ``Score``), where the dataset has classes.
    """
    state, partition = inputs[:2]
    extra = extra_inputs(params, inputs)
    frozen = as_tensors(state_of(extra["frozen"])) if "frozen" in extra else None
    model = MODEL_CACHE.loaded(params["model"], state_of(state), frozen=frozen)
    chosen = torch.from_numpy(samples_of(partition, params.get("on") or {"split": params["split"]}))
    return Result(evaluate(model, examples(params["dataset"], params["model"]), chosen, n_classes_of(params)))


def n_classes_of(params: Mapping[str, Any]) -> int | None:
    """Return the number of classes that an evaluation counts by; None where it does not."""
    return int(params["dataset"]["n_classes"]) if params.get("by_class") else None


@torch.no_grad()
def evaluate(model: nn.Module, everything: Examples, chosen: Tensor, n_classes: int | None = None) -> dict[str, Any]:
    """Return the numbers of ``Score`` over the samples ``chosen``."""
    model.eval()
    score = Score(n_classes)
    for index in chosen.split(BATCH_SIZE):
        batch = everything.pick(index)
        score.add(logits_of(model, batch), batch)
    return score.numbers()


class Score:
    """Counts what is right and what it costs, batch by batch; by class too where it is told how many classes there are."""

    def __init__(self, n_classes: int | None = None) -> None:
        self._n_samples = self._n_rows = self._n_right = self._n_bytes = 0
        self._loss_sum = 0.0
        self._class_right, self._class_n = (torch.zeros(n_classes or 0, dtype=torch.int64) for _ in range(2))

    def add(self, logits: Tensor, batch: Examples) -> None:
        """Count the rows of ``logits`` (rows, outputs) against the targets of ``batch``."""
        wanted = targets_of(batch)
        is_right = logits.argmax(1) == wanted
        self._n_right += int(is_right.sum())
        self._loss_sum += float(F.cross_entropy(logits, wanted, reduction="sum"))
        self._n_rows += len(wanted)
        self._n_samples += len(batch)
        if n_classes := len(self._class_n):
            self._class_n += torch.bincount(wanted, minlength=n_classes)
            self._class_right += torch.bincount(wanted[is_right], minlength=n_classes)
        if batch.n_bytes is not None:
            self._n_bytes += int(batch.n_bytes.sum())

    def numbers(self) -> dict[str, Any]:
        """Return accuracy (share of rows right), loss (nats a row), n_samples; for text also bits_per_byte and perplexity.

        By class also class_n and class_right, lists: how many samples each class has, and how many of them are right.
        """
        loss = self._loss_sum / self._n_rows
        if not math.isfinite(loss):
            raise JobError(f"the loss of an evaluation is {loss}: training diverged, lower learning_rate")
        numbers: dict[str, Any] = {"accuracy": self._n_right / self._n_rows, "loss": loss, "n_samples": self._n_samples}
        if len(self._class_n):
            numbers |= {"class_right": self._class_right.tolist(), "class_n": self._class_n.tolist()}
        if self._n_bytes:
            numbers |= {
                "bits_per_byte": self._loss_sum / math.log(2.0) / self._n_bytes,
                "perplexity": math.exp(min(loss, 700.0)),
            }
        return numbers
