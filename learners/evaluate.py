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

    ``extra`` is as in ``train``.
    """
    state, partition = inputs[:2]
    extra = extra_inputs(params, inputs)
    frozen = as_tensors(state_of(extra["frozen"])) if "frozen" in extra else None
    model = MODEL_CACHE.loaded(params["model"], state_of(state), frozen=frozen)
    chosen = torch.from_numpy(samples_of(partition, params.get("on") or {"split": params["split"]}))
    return Result(evaluate(model, examples(params["dataset"], params["model"]), chosen))


@torch.no_grad()
def evaluate(model: nn.Module, everything: Examples, chosen: Tensor) -> dict[str, float]:
    """Return the numbers of ``Score`` over the samples ``chosen``."""
    model.eval()
    score = Score()
    for index in chosen.split(BATCH_SIZE):
        batch = everything.pick(index)
        score.add(logits_of(model, batch), batch)
    return score.numbers()


class Score:
    """Counts what is right and what it costs, batch by batch."""

    def __init__(self) -> None:
        self._n_samples = self._n_rows = self._n_right = self._n_bytes = 0
        self._loss_sum = 0.0

    def add(self, logits: Tensor, batch: Examples) -> None:
        """Count the rows of ``logits`` (rows, outputs) against the targets of ``batch``."""
        wanted = targets_of(batch)
        self._n_right += int((logits.argmax(1) == wanted).sum())
        self._loss_sum += float(F.cross_entropy(logits, wanted, reduction="sum"))
        self._n_rows += len(wanted)
        self._n_samples += len(batch)
        if batch.n_bytes is not None:
            self._n_bytes += int(batch.n_bytes.sum())

    def numbers(self) -> dict[str, float]:
        """Return accuracy (share of rows right), loss (nats a row), n_samples; for text also bits_per_byte and perplexity."""
        loss = self._loss_sum / self._n_rows
        if not math.isfinite(loss):
            raise JobError(f"the loss of an evaluation is {loss}: training diverged, lower learning_rate")
        numbers = {"accuracy": self._n_right / self._n_rows, "loss": loss, "n_samples": self._n_samples}
        if self._n_bytes:
            numbers |= {
                "bits_per_byte": self._loss_sum / math.log(2.0) / self._n_bytes,
                "perplexity": math.exp(min(loss, 700.0)),
            }
        return numbers
