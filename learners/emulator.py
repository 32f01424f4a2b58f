"""A stand-in for a model's middle, distilled towards it: the job kind ``emulator``."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from learners.compress.apply import compress
from learners.compress.quantise import rounded
from learners.compress.rules import compressed_layers
from learners.data.examples import Examples, examples
from learners.distil import AdamW, block_outputs, distil, non_zero_masks, rms_normalised
from learners.evaluate import BATCH_SIZE
from learners.models.anatomy import blocks, family_of, part, plain
from learners.models.load import build
from learners.models.resident import MODEL_CACHE
from learners.peft.state import as_tensors, load_trainable_state
from learners.samples import samples_of
from learners.states import extra_inputs, state_of
from learners.task import loss_of
from mecsim.hashing import seed_of
from mecsim.jobs.job import Result

#: Share of the steps over which the rate rises; then it falls along a cosine, as in offsite-tuning's scripts.
_WARMUP_SHARE = 0.1


def run(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    """Execute an ``emulator`` job: distil the middle of ``teacher`` into that of ``model``, which has a compression.

    Both hold the state of ``inputs[0]``; samples are those ``on`` of ``inputs[1]``. With "frozen" in ``extra``, the third input
    is the emulator's last version, and distillation goes on from there. The result has the middle blocks' parameters, by their
    names before any PEFT method, and the hidden loss over those samples before and after.
    """
    teacher = MODEL_CACHE.loaded(params["teacher"], state_of(inputs[0]))
    emulator = _emulator(params, inputs)
    own = examples(params["dataset"], params["model"]).pick(torch.from_numpy(samples_of(inputs[1], params["on"])))
    middle = middle_of(emulator, params["model"]["compression"])
    before = hidden_loss(teacher, emulator, own, middle[-1])
    distil_middle(emulator, teacher, own, params, torch.Generator().manual_seed(seed_of("batches", name)))
    after = hidden_loss(teacher, emulator, own, middle[-1])
    return Result({"hidden_loss_before": before, "hidden_loss_after": after}, _tensors(emulator, middle))


def distil_middle(
    emulator: nn.Module, teacher: nn.Module, own: Examples, params: Mapping[str, Any], generator: torch.Generator
) -> None:
    """Train the middle of ``emulator``, and nothing else, as ``params`` of the job say; batches are drawn from ``own``.

    Pruned entries stay zero; quantised matrices are rounded in every step and at the end.
    """
    compression = params["model"]["compression"]
    middle = middle_of(emulator, compression)
    with _as_held(emulator, compression, middle):
        trainable = [value for index in middle for value in blocks(emulator)[index].parameters()]
        distil(
            emulator,
            teacher,
            lambda generator: own.pick(torch.randperm(len(own), generator=generator)[: params["batch_size"]]),
            layers=[middle[-1]],
            trainable=trainable,
            optimizer=AdamW(learning_rate=params["learning_rate"], warmup_share=_WARMUP_SHARE, decay="cosine"),
            n_steps=params["n_steps"],
            generator=generator,
            hidden_weight=params["hidden_weight"],
            task_weight=params["task_weight"],
            task_loss=_task_loss,
            masks=non_zero_masks(trainable) if compression["kind"] == "prune" else None,
        )


def middle_of(model: nn.Module, compression: Mapping[str, Any]) -> list[int]:
    """Return the numbers of the blocks between the adapter's, dropped ones too."""
    return compressed_layers(compression, len(blocks(model)))


@torch.no_grad()
def hidden_loss(teacher: nn.Module, emulator: nn.Module, own: Examples, layer: int) -> float:
    """Return the rms-normalised distance of what block ``layer`` returns, weighted by samples over batches of fixed size."""
    total = 0.0
    for model in (teacher, emulator):
        model.eval()
    for index in torch.arange(len(own)).split(BATCH_SIZE):
        batch = own.pick(index)
        with block_outputs(teacher, [layer]) as wanted, block_outputs(emulator, [layer]) as found:
            teacher(**batch.inputs)
            emulator(**batch.inputs)
        loss = rms_normalised(wanted[layer], found[layer], batch.inputs.get("attention_mask"))
        total += float(loss) * len(batch)
    return total / len(own)


@contextmanager
def _as_held(emulator: nn.Module, compression: Mapping[str, Any], middle: Sequence[int]) -> Iterator[None]:
    """Let the emulator compute with the quantised matrices that a device will hold; afterwards they are its own.

    To round after training alone would undo it: steps are smaller than the grid.
    """
    if compression["kind"] != "quantise":
        yield
        return
    family = family_of(emulator)
    paths = (*family.attention, *family.ffn_in, family.ffn_out)
    layers = [plain(part(blocks(emulator)[index], path)) for index in middle for path in paths]
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", _Rounded(compression["bits"], transposed=family.transposed))
    yield
    for layer in layers:
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    compress(emulator, compression)


class _Rounded(nn.Module):
    """A matrix on its grid, with the gradient of the matrix itself (straight-through estimator, Bengio et al., 2013)."""

    def __init__(self, bits: int, *, transposed: bool) -> None:
        super().__init__()
        self.bits, self.transposed = bits, transposed

    def forward(self, weight: Tensor) -> Tensor:
        """Map (rows, columns) to the same shape."""
        on_grid = rounded(weight.T, self.bits).T if self.transposed else rounded(weight, self.bits)
        return weight + (on_grid - weight).detach()


def _emulator(params: Mapping[str, Any], inputs: Sequence[Result]) -> nn.Module:
    """Build the emulator anew: what trains here is frozen in a resident model."""
    extra = extra_inputs(params, inputs)
    model = build(params["model"], as_tensors(state_of(extra["frozen"])) if "frozen" in extra else None)
    load_trainable_state(model, as_tensors(state_of(inputs[0])))
    return model


def _task_loss(output: Any, batch: Any) -> Tensor:
    """Return ``loss_of``; ``distil`` knows batches by less than what they are."""
    return loss_of(output, batch)


def _tensors(model: nn.Module, layers: Sequence[int]) -> dict[str, Any]:
    prefix = family_of(model).blocks
    return {
        f"{prefix}.{index}.{name}": value.detach().numpy()
        for index in layers
        for name, value in blocks(model)[index].named_parameters()
    }
