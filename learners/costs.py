"""What a method costs on an architecture, counted and not measured: the job kind ``cost``.

Everything runs on the meta device, so no weights are needed. Attention is counted unfused (eager): with a fused kernel a device
would need less memory than is stated here. FLOPs are those of matrix products and convolutions, two a multiply-add.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from learners.compress.apply import stored_bytes
from learners.compress.rules import compressed_layers
from learners.data.examples import Examples
from learners.memory import LiveBytes
from learners.models.anatomy import blocks, family_of
from learners.models.load import build_meta, head_of
from learners.optimizers import optimizer_of
from learners.task import loss_of
from mecsim.errors import JobError
from mecsim.jobs.job import Result

_SETTINGS = {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
_TOKEN_BYTES = 4


def run(params: Mapping[str, Any], inputs: Sequence[Result] = (), name: str = "") -> Result:
    """Execute a ``cost`` job."""
    return Result(cost_sheet(**params))


def cost_sheet(
    *,
    architecture: Mapping[str, Any],
    task: str,
    n_classes: int | None,
    method: Mapping[str, Any],
    batch_size: int,
    length: int | None = None,
    compression: Mapping[str, Any] | None = None,
    optimizer: str = "sgd",
    per_sample: bool = False,
    device: str = "meta",
) -> dict[str, int | float]:
    """Count a method's parameters, bytes, FLOPs and peak memory, for batches of ``batch_size`` (texts of ``length`` tokens).

    ``state_bytes`` is what travels, ``backbone_bytes`` what is frozen and has to be on the device, as it is sent, and
    ``compressed_bytes`` those of it in blocks that ``compression`` changes.
    ``peak_train_bytes`` holds weights, gradients, the optimizer's memory, activations and temporaries of a step, no framework;
    ``per_sample`` adds a gradient of what trains for each sample of a batch, as private training holds them. Traffic a step is
    estimated: 2 * weights + 5 * trainable + 2 * saved activations: weights read forward and backward, gradients and momentum
    written and read, activations written and read; that of a forward pass alone is weights + 2 * activations. Quantised weights
    count with their bits in what is sent and held, pruned ones in what is sent.
    """
    model = _built(architecture, task, n_classes, method, compression, device)
    batch = _batch(model, task, batch_size, length, device)
    trained = [value for value in model.parameters() if value.requires_grad]
    frozen = [value for value in model.parameters() if not value.requires_grad]
    forward_flop, train_flop = _count_flop(model, batch)
    peak_bytes, saved_bytes = _follow_steps(model, batch, optimizer)
    state_bytes, frozen_bytes, buffer_bytes = _n_bytes(trained), _n_bytes(frozen), _n_bytes(_kept_buffers(model))
    sent_bytes = stored_bytes(model, compression, frozen)
    held_bytes = sent_bytes if compression and compression["kind"] == "quantise" else frozen_bytes
    head = head_of(model)
    return {
        "trainable_parameters": sum(value.numel() for value in trained),
        "head_parameters": 0 if head is None else sum(value.numel() for value in head.parameters()),
        "total_parameters": sum(value.numel() for value in model.parameters()),
        "state_bytes": state_bytes,
        "backbone_bytes": sent_bytes + buffer_bytes,
        "compressed_bytes": _compressed_bytes(model, compression),
        "forward_flop_per_sample": forward_flop / batch_size,
        "train_flop_per_sample": train_flop / batch_size,
        "peak_train_bytes": peak_bytes - (frozen_bytes - held_bytes) + (batch_size * state_bytes if per_sample else 0),
        "traffic_bytes_per_step": 2 * (state_bytes + frozen_bytes) + 5 * state_bytes + 2 * saved_bytes,
        "forward_traffic_bytes_per_step": state_bytes + frozen_bytes + 2 * saved_bytes,
        "sample_bytes": _sample_bytes(batch),
    }


def _built(
    architecture: Mapping[str, Any],
    task: str,
    n_classes: int | None,
    method: Mapping[str, Any],
    compression: Mapping[str, Any] | None,
    device: str,
) -> nn.Module:
    try:
        return build_meta(architecture, task=task, n_classes=n_classes, method=method, compression=compression, device=device)
    except JobError as error:
        raise JobError(f"{error} (while counting its costs on a {architecture['family']}, without values)") from error


def _compressed_bytes(model: nn.Module, compression: Mapping[str, Any] | None) -> int:
    if compression is None:
        return 0
    layers = blocks(model)
    inside = [value for index in compressed_layers(compression, len(layers)) for value in layers[index].parameters()]
    return stored_bytes(model, compression, [value for value in inside if not value.requires_grad])


def _kept_buffers(model: nn.Module) -> list[Tensor]:
    """Return the buffers that belong to the model's state, and are not made anew from its configuration."""
    state = model.state_dict()
    return [buffer for name, buffer in model.named_buffers() if name in state]


def _n_bytes(tensors: Iterable[Tensor]) -> int:
    return sum(value.numel() * value.element_size() for value in tensors)


def _batch(model: Any, task: str, batch_size: int, length: int | None, device: str) -> Examples:
    """Return a batch of nothing in the shapes that the model takes."""
    config = model.config
    labels = torch.zeros(batch_size, dtype=torch.int64, device=device)
    if task == "image-classification":
        shape = (batch_size, config.num_channels, config.image_size, config.image_size)
        return Examples({"pixel_values": torch.zeros(shape, device=device)}, labels)
    if length is None:
        raise JobError("the costs of a text model need the length of a text in tokens")
    tokens = torch.zeros(batch_size, length, dtype=torch.int64, device=device)
    inputs = {"input_ids": tokens}
    if family_of(model).kind == "causal":
        # Without a mask transformers looks for packed texts in the values, of which there are none on the meta device.
        inputs["attention_mask"] = torch.ones_like(tokens)
    return Examples(inputs, tokens if task == "language-modelling" else labels)


def _sample_bytes(batch: Examples) -> int:
    """Return what a sample takes when it travels as it is: a byte a pixel and channel, four a token."""
    if "pixel_values" in batch.inputs:
        return batch.inputs["pixel_values"][0].numel()
    return _TOKEN_BYTES * batch.inputs["input_ids"][0].numel()


def _count_flop(model: nn.Module, batch: Examples) -> tuple[int, int]:
    """Return the FLOPs of a forward pass and of a training step (forward and backward) on one batch."""
    model.train()
    with FlopCounterMode(display=False) as forward:
        loss = loss_of(model(**batch.inputs), batch)
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    model.zero_grad(set_to_none=True)
    return forward.get_total_flops(), forward.get_total_flops() + backward.get_total_flops()


def _follow_steps(model: nn.Module, batch: Examples, optimizer_name: str) -> tuple[int, int]:
    """Return the highest number of live bytes over two training steps, and those that the forward pass leaves for backward.

    Two steps, as the optimizer's memory is there from the end of the first one.
    """
    optimizer = optimizer_of(model, {**_SETTINGS, "optimizer": optimizer_name})
    model.train()
    with LiveBytes() as memory:
        memory.follow([*model.parameters(), *model.buffers(), *batch.inputs.values(), batch.targets])
        for _ in range(2):
            before = memory.live_bytes
            loss = loss_of(model(**batch.inputs), batch)
            saved_bytes = memory.live_bytes - before
            loss.backward()
            del loss
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    return memory.peak_bytes, saved_bytes
