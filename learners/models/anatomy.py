"""Find the parts of a model by its family: blocks, projections, FFN, head; also where a PEFT method has wrapped them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from torch import Tensor, nn

from learners.models.families import FAMILIES, Family
from mecsim.errors import JobError, suggestion

#: Attributes under which peft's layers and those of ``learners.peft`` hold the module that they wrap.
_WRAPPED = ("base_layer", "block", "mlp", "inner")
_WRAPPERS = ("peft.", "learners.")


class PassThrough(nn.Module):
    """The place of a block that was dropped: no parameters, and the hidden states go through unchanged."""

    def forward(self, hidden_states: Tensor, *_args: Any, **_kwargs: Any) -> Tensor:
        """Return (batch, tokens, hidden) as it came; masks, positions and caches are for the blocks that are there."""
        return hidden_states


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter of a block's FFN: its name before any PEFT method, its owner, and which axis counts neurons (or None)."""

    name: str
    owner: nn.Module
    attribute: str
    axis: int | None

    @property
    def parameter(self) -> nn.Parameter:
        """Return the parameter that stands there now."""
        return getattr(self.owner, self.attribute)


class FfnMaps(NamedTuple):
    """An FFN without activation and biases: ``w_in`` (neurons, hidden), ``w_out`` (hidden, neurons)."""

    w_in: Tensor
    w_out: Tensor


def family_of(model: nn.Module) -> Family:
    """Return where things are in ``model``, by its configuration's model_type; JobError where that is not known."""
    config: Any = getattr(model, "config", None)
    name = str(getattr(config, "model_type", None))
    if name not in FAMILIES:
        raise JobError(
            f"where the parts of a {name!r} model are is not known. {suggestion(name, FAMILIES)} To add a family, put into "
            "learners.models.families the paths of its blocks, its attention projections (query, key, value, output), its FFN "
            "(layers into the neurons and out of them, the module as a whole), its norms and its embeddings"
        )
    family = FAMILIES[name]
    if name == "opt" and not config.do_layer_norm_before:  # OPT-350m has its norms behind the sums, as BERT has
        return replace(family, post_norm="final_layer_norm", final_norm=None)
    return family


def blocks(model: nn.Module) -> nn.ModuleList:
    """Return the model's blocks in order; dropped ones are ``PassThrough``, prompted ones are wrapped."""
    found = part(model, family_of(model).blocks)
    if not isinstance(found, nn.ModuleList):
        raise JobError(f"the blocks of a {type(model).__name__} are a {type(found).__name__}, not a ModuleList")
    return found


def present(model: nn.Module) -> list[int]:
    """Return the numbers of the blocks that were not dropped."""
    return [index for index, block in enumerate(blocks(model)) if not isinstance(plain(block), PassThrough)]


def part(module: nn.Module, dotted: str) -> nn.Module:
    """Return the module at ``dotted``, looking through wrappers on the way; what stands there may be a wrapper itself."""
    for name in dotted.split("."):
        module = getattr(_holder(module, name, dotted), name)
    return module


def set_part(module: nn.Module, dotted: str, new: nn.Module) -> None:
    """Put ``new`` at ``dotted``, inside any wrappers on the way there."""
    parent, _, name = dotted.rpartition(".")
    setattr(_holder(part(module, parent) if parent else module, name, dotted), name, new)


def plain(module: nn.Module) -> nn.Module:
    """Return what is inside all wrappers: the model's own layer or block."""
    while (inner := _inside(module)) is not None:
        module = inner
    return module


def head_of(model: nn.Module) -> nn.Module | None:
    """Return the module that makes class scores (classifier or score); None for a language model."""
    for name in ("classifier", "score"):
        if isinstance(head := getattr(model, name, None), nn.Module):
            return head
    return None


def n_parameters(modules: Iterable[nn.Module]) -> int:
    """Return how many numbers the parameters of ``modules`` have; one that is shared counts once."""
    return sum({id(value): value.numel() for module in modules for value in module.parameters()}.values())


def ffn_slots(model: nn.Module, layer: int) -> list[Slot]:
    """Return the FFN's parameters of block ``layer`` and those of the norm behind it, if the family has that norm there.

    Names are those of ``named_parameters()`` before any PEFT method. Biases that are absent are left out.
    """
    family, block = family_of(model), _block(model, layer)
    into, out = (1, 0) if family.transposed else (0, 1)
    axes: list[tuple[str, dict[str, int | None]]] = [(path, {"weight": into, "bias": 0}) for path in family.ffn_in]
    axes.append((family.ffn_out, {"weight": out, "bias": None}))
    if family.post_norm is not None:
        axes.append((family.post_norm, {"weight": None, "bias": None}))
    return [
        Slot(f"{family.blocks}.{layer}.{path}.{attribute}", owner, attribute, axis)
        for path, attributes in axes
        for owner in [plain(part(block, path))]
        for attribute, axis in attributes.items()
        if getattr(owner, attribute, None) is not None
    ]


def n_neurons(model: nn.Module, layer: int) -> int:
    """Return how many neurons the FFN of block ``layer`` has."""
    return next(slot.parameter.shape[slot.axis] for slot in ffn_slots(model, layer) if slot.axis is not None)


def ffn_maps(model: nn.Module, layer: int) -> FfnMaps:
    """Return the two matrices of block ``layer``'s FFN; with a gate, those of the path that the gate multiplies."""
    family, block = family_of(model), _block(model, layer)
    w_in: Any = plain(part(block, family.ffn_in[-1])).weight
    w_out: Any = plain(part(block, family.ffn_out)).weight
    return FfnMaps(w_in.T, w_out.T) if family.transposed else FfnMaps(w_in, w_out)


def matrices(model: nn.Module, layer: int) -> list[nn.Parameter]:
    """Return the weight matrices of block ``layer``'s attention and FFN; none of a dropped block."""
    family, block = family_of(model), blocks(model)[layer]
    if isinstance(plain(block), PassThrough):
        return []
    owners: list[Any] = [plain(part(block, path)) for path in (*family.attention, *family.ffn_in, family.ffn_out)]
    return [owner.weight for owner in owners]


def _block(model: nn.Module, layer: int) -> nn.Module:
    block = blocks(model)[layer]
    if isinstance(plain(block), PassThrough):
        raise JobError(f"block {layer} was dropped and has no FFN; the blocks that are there: {present(model)}")
    return block


def _holder(module: nn.Module, name: str, dotted: str) -> nn.Module:
    """Return ``module`` or the first module wrapped in it that has ``name``."""
    found: nn.Module | None = module
    while found is not None and not hasattr(found, name):
        found = _inside(found)
    if found is None:
        raise JobError(
            f"a {type(module).__name__} has no {name!r} (on the way to {dotted!r}): the table of families does not fit this "
            "model; use one of transformers' classes with a task's head, or correct learners.models.families"
        )
    return found


def _inside(module: nn.Module) -> nn.Module | None:
    """Return what a wrapper of peft's or ours wraps; None for a layer that is no wrapper."""
    if not type(module).__module__.startswith(_WRAPPERS):
        return None
    return next((inner for name in _WRAPPED if isinstance(inner := getattr(module, name, None), nn.Module)), None)
