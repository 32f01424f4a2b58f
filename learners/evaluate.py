"""What a state is worth on held-out data: the job kind ``evaluate``."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from learners.data.load import tensors
from learners.models.resident import MODEL_CACHE
from mecsim.errors import JobError
from mecsim.jobs.job import Result

#: Fixed, as sums in another order differ in their last bits.
BATCH_SIZE = 256


def run(params: Mapping[str, Any], inputs: Sequence[Result]) -> Result:
    """Execute an ``evaluate`` job: the state of ``inputs[0]`` on the ``split`` (test or public) of ``inputs[1]``."""
    state, partition = inputs
    model = MODEL_CACHE.loaded(params["model"], state.tensors)
    images, labels = tensors(params["dataset"])
    split = torch.from_numpy(partition.tensors[params["split"]])
    if len(split) == 0:
        raise JobError(f"the {params['split']} split is empty: give it a share above 0")
    accuracy, loss = evaluate(model, images[split], labels[split])
    if not torch.tensor(loss).isfinite():
        raise JobError(f"the loss on the {params['split']} split is {loss}: training diverged, lower learning_rate")
    return Result({"accuracy": accuracy, "loss": loss, "n_samples": len(split)})


@torch.no_grad()
def evaluate(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return the share of ``images`` (n, channels, height, width) classified right, and the mean cross-entropy in nats."""
    model.eval()
    n_right, loss_sum = 0, 0.0
    for batch, wanted in zip(images.split(BATCH_SIZE), labels.split(BATCH_SIZE), strict=True):
        logits = model(pixel_values=batch).logits
        n_right += int((logits.argmax(1) == wanted).sum())
        loss_sum += float(F.cross_entropy(logits, wanted, reduction="sum"))
    return n_right / len(labels), loss_sum / len(labels)
