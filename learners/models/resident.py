"""Models kept built between jobs, so that a job only loads its state."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from learners.models.load import build
from learners.peft.state import load_trainable_state
from mecsim.hashing import canonical_json


@dataclass(frozen=True, slots=True)
class _Resident:
    model: nn.Module
    buffers: Mapping[str, Tensor]
    n_bytes: int


@dataclass
class ModelCache:
    """The models used last, by specification and frozen tensors, within ``limit_bytes`` (one is kept whatever its size)."""

    limit_bytes: int = 2**28
    _models: "OrderedDict[tuple[str, str], _Resident]" = field(default_factory=OrderedDict)

    def loaded(
        self, spec: Mapping[str, Any], state: Mapping[str, NDArray[Any]], frozen: Mapping[str, Tensor] | None = None
    ) -> nn.Module:
        """Return the model of ``spec`` and ``frozen`` with ``state`` in it: equal to a fresh build, whatever was done with it.

        The model is lent until the next call with the same ``spec`` and ``frozen``. What is trainable comes from ``state``,
        buffers from the first build, and the frozen rest has no gradient that could have changed it; who trains other
        parameters than the method's must ``build`` a model of their own.
        """
        resident = self._resident(spec, frozen or {})
        load_trainable_state(resident.model, {name: torch.from_numpy(np.asarray(value)) for name, value in state.items()})
        resident.model.zero_grad(set_to_none=True)
        if resident.buffers:
            for name, buffer in resident.model.named_buffers():
                buffer.copy_(resident.buffers[name])
        return resident.model

    def clear(self) -> None:
        """Forget every model."""
        self._models.clear()

    def _resident(self, spec: Mapping[str, Any], frozen: Mapping[str, Tensor]) -> _Resident:
        key = canonical_json(dict(spec)), tensors_digest(frozen)
        if key not in self._models:
            model = build(spec, frozen)
            buffers = {name: buffer.detach().clone() for name, buffer in model.named_buffers()}
            tensors = [*model.parameters(), *model.buffers()]
            self._models[key] = _Resident(model, buffers, sum(t.numel() * t.element_size() for t in tensors))
            while len(self._models) > 1 and sum(item.n_bytes for item in self._models.values()) > self.limit_bytes:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of named tensors; their order does not matter."""
    hashed = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().contiguous()
        hashed.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        hashed.update(value.numpy().data)
    return hashed.hexdigest()


MODEL_CACHE = ModelCache()
