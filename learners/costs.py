"""What a method costs on an architecture, counted and not measured: the job kind ``cost``.

Everything runs on the meta device, so no weights are needed. Attention is counted unfused (eager): with a fused kernel a device
would need less memory than is stated here. FLOPs are those of matrix products and convolutions, two a multiply-add.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from learners.memory import LiveBytes
from learners.models.architectures import ARCHITECTURES
from learners.models.load import build_meta
from learners.train import sgd
from mecsim.errors import JobError
from mecsim.jobs.job import Result

_SETTINGS = {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}


def run(params: Mapping[str, Any]) -> Result:
    """Execute a ``cost`` job."""
    return Result(cost_sheet(params["architecture"], params["n_classes"], params["method"], batch_size=params["batch_size"]))


def cost_sheet(
    architecture: str, n_classes: int, method: Mapping[str, Any], *, batch_size: int, device: str = "meta"
) -> dict[str, int | float]:
    """Count a method's parameters, bytes, FLOPs and peak memory, for batches of ``batch_size`` and SGD with momentum.

    ``state_bytes`` is what travels, ``backbone_bytes`` what is frozen and has to be on the device. ``peak_train_bytes`` holds
    weights, gradients, momentum, activations and temporaries of a step, no framework. ``traffic_bytes_per_step`` is estimated:
    2 * weights + 5 * trainable + 2 * saved activations: weights read forward and backward, gradients and momentum written and
    read, activations written and read.
    """
    model = _built(architecture, n_classes, method, device)
    trained = [value for value in model.parameters() if value.requires_grad]
    frozen = [value for value in [*model.parameters(), *model.buffers()] if not value.requires_grad]
    forward_flop, train_flop = _count_flop(model, architecture, batch_size, device)
    peak_bytes, saved_bytes = _follow_steps(model, architecture, batch_size, device)
    state_bytes, backbone_bytes = _n_bytes(trained), _n_bytes(frozen)
    return {
        "trainable_parameters": sum(value.numel() for value in trained),
        "head_parameters": sum(value.numel() for value in model.get_submodule("classifier").parameters()),
        "total_parameters": sum(value.numel() for value in model.parameters()),
        "state_bytes": state_bytes,
        "backbone_bytes": backbone_bytes,
        "forward_flop_per_sample": forward_flop / batch_size,
        "train_flop_per_sample": train_flop / batch_size,
        "peak_train_bytes": peak_bytes,
        "traffic_bytes_per_step": 2 * (state_bytes + backbone_bytes) + 5 * state_bytes + 2 * saved_bytes,
    }


def _built(architecture: str, n_classes: int, method: Mapping[str, Any], device: str) -> nn.Module:
    try:
        return build_meta(architecture, n_classes, method, device=device)
    except JobError as error:
        raise JobError(f"{error} (while counting its costs on {architecture!r}, without values)") from error


def _n_bytes(tensors: Iterable[Tensor]) -> int:
    return sum(value.numel() * value.element_size() for value in tensors)


def _batch(architecture: str, batch_size: int, device: str) -> tuple[Tensor, Tensor]:
    shape = ARCHITECTURES[architecture]
    images = torch.zeros(batch_size, shape.n_channels, shape.image_px, shape.image_px, device=device)
    return images, torch.zeros(batch_size, dtype=torch.int64, device=device)


def _count_flop(model: nn.Module, architecture: str, batch_size: int, device: str) -> tuple[int, int]:
    """Return the FLOPs of a forward pass and of a training step (forward and backward) on one batch."""
    images, labels = _batch(architecture, batch_size, device)
    model.train()
    with FlopCounterMode(display=False) as forward:
        loss = F.cross_entropy(model(pixel_values=images).logits, labels)
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    model.zero_grad(set_to_none=True)
    return forward.get_total_flops(), forward.get_total_flops() + backward.get_total_flops()


def _follow_steps(model: nn.Module, architecture: str, batch_size: int, device: str) -> tuple[int, int]:
    """Return the highest number of live bytes over two training steps, and those that the forward pass leaves for backward.

    Two steps, as the momentum is there from the end of the first one.
    """
    optimizer = sgd(model, _SETTINGS)
    batch = _batch(architecture, batch_size, device)
    model.train()
    with LiveBytes() as memory:
        memory.follow([*model.parameters(), *model.buffers(), *batch])
        for _ in range(2):
            before = memory.live_bytes
            loss = F.cross_entropy(model(pixel_values=batch[0]).logits, batch[1])
            saved_bytes = memory.live_bytes - before
            loss.backward()
            del loss
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    return memory.peak_bytes, saved_bytes
