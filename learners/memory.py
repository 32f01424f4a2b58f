"""Bytes that live tensors hold, followed through every operation."""

import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary


class LiveBytes(TorchDispatchMode):
    """Count the bytes of storages from the first operation that returns them to the moment they are freed.

    Views share a storage and count once. Works on the meta device too, where a storage has a size and no memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live_bytes = 0
        self.peak_bytes = 0
        self._known = WeakIdKeyDictionary()

    def follow(self, tensors: Iterable[Tensor]) -> None:
        """Count tensors that were there before."""
        for tensor in tensors:
            storage = tensor.untyped_storage()
            if storage in self._known:
                continue
            n_bytes = storage.nbytes()
            self._known[storage] = n_bytes
            self.live_bytes += n_bytes
            weakref.finalize(storage, self._free, n_bytes)
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)

    def _free(self, n_bytes: int) -> None:
        self.live_bytes -= n_bytes

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self.follow(leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor))
        return result
