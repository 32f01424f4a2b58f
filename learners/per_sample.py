"""The gradient of every single sample, and steps of DP-SGD on them, by Opacus.

Gradients come from Opacus' hooks where these are right, which is looked at in every batch, and else from one backward pass a
sample: exact for everything that trains (prompts, position embeddings, any PEFT layer), and slower.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from learners.data.examples import IGNORED, Examples
from learners.task import logits_of, loss_of, targets_of
from mecsim.errors import JobError

#: How far a sum of per-sample gradients may be from the batch's gradient, as a share of their norm: rounding, and no mistake.
#: A tenth of that share of all parameters' norm is added, for those whose true gradient is zero (biases of keys).
_ROUNDING = 1e-4
_OPACUS_ON_PARAMETERS = ("grad_sample", "summed_grad", "_forward_counter", "_current_grad_sample", "_norm_sample")
_OPACUS_ON_MODULES = ("activations", "max_batch_len")


class PerSampleSteps:
    """Steps of a DPOptimizer, with the gradient of every sample in ``grad_sample`` of what trains."""

    def __init__(self, model: nn.Module, private: Any) -> None:
        self._model = model
        self._private = private
        self._hooks: Any = None
        hooks = _hooks_class()
        if all(type(module) in hooks.GRAD_SAMPLERS for module in _owners(model)):
            self._hooks = hooks(model, loss_reduction="sum")

    def take(self, own: Examples, index: Tensor) -> float:
        """Take one step on the samples ``index``, of which there may be none; return the sum of their losses."""
        if len(index) == 0:
            for parameter in self._private.params:
                parameter.grad_sample = parameter.new_zeros((0, *parameter.shape))
            return self._stepped(0.0)
        if self._hooks is not None:
            batch = own.pick(index)
            loss = self._by_hooks(batch)
            if self._right(len(batch)):
                return self._stepped(loss)
            self.detach()
            self._private.zero_grad(set_to_none=True)
        return sum(self._one(own.pick(single), last=k == len(index) - 1) for k, single in enumerate(index.split(1)))

    def detach(self) -> None:
        """Remove the hooks."""
        if self._hooks is not None:
            self._hooks.cleanup()
            self._hooks = None

    def _by_hooks(self, batch: Examples) -> float:
        loss = losses_of(self._model, batch).sum()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Full backward hook is firing")  # layers whose input is frozen
            loss.backward()
        return loss.item()

    def _right(self, n_samples: int) -> bool:
        """Tell whether there is a gradient for each sample, and together they are the batch's.

        They are not where a layer's first axis does not count samples (position embeddings), or a weight is used without its
        layer being called.
        """
        pairs: list[tuple[Any, Any]] = [(getattr(p, "grad_sample", None), p.grad) for p in self._private.params]
        if any(not isinstance(found, Tensor) or whole is None or len(found) != n_samples for found, whole in pairs):
            return False
        norms = torch.stack([found.norm() for found, _ in pairs])
        gaps = torch.stack([(found.sum(0) - whole).norm() for found, whole in pairs])
        return bool((gaps <= _ROUNDING * (norms + 0.1 * norms.norm())).all())

    def _one(self, sample: Examples, *, last: bool) -> float:
        loss = loss_of(self._model(**sample.inputs), sample)
        loss.backward()
        for parameter in self._private.params:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.detach()
            parameter.grad_sample = gradient.unsqueeze(0)
        self._private.signal_skip_step(not last)  # clip and add up; noise and step come with the last sample
        return self._stepped(loss.item())

    def _stepped(self, loss: float) -> float:
        self._private.step()
        self._private.zero_grad(set_to_none=True)
        return loss


@contextmanager
def per_sample_steps(model: nn.Module, private: Any) -> Iterator[PerSampleSteps]:
    """Give steps on ``model``, and remove every trace of Opacus from it in the end."""
    steps = PerSampleSteps(model, private)
    try:
        yield steps
    finally:
        steps.detach()
        for parameter in model.parameters():
            for name in _OPACUS_ON_PARAMETERS:
                vars(parameter).pop(name, None)
        for module in _owners(model):
            for name in _OPACUS_ON_MODULES:
                vars(module).pop(name, None)
            if not module._backward_hooks:
                module._is_full_backward_hook = None


def losses_of(model: nn.Module, batch: Examples) -> Tensor:
    """Return the loss of every sample, (samples,): of a text the mean over its own tokens, whatever the others' lengths are."""
    rows = F.cross_entropy(logits_of(model, batch), targets_of(batch), reduction="none")
    if batch.targets.ndim == 1:
        return rows
    counts = (batch.targets != IGNORED).sum(1)
    sample = torch.arange(len(batch)).repeat_interleave(counts)
    return torch.zeros(len(batch)).index_add(0, sample, rows) / counts.clamp(min=1)


@cache
def _hooks_class() -> Any:
    hooks: Any = opacus().grad_sample.GradSampleHooks

    class OnceAModule(hooks):
        """Opacus' hooks; its own walk meets a module of two parents twice, and would count its gradient twice."""

        def iterate_submodules(self, module: nn.Module) -> list[nn.Module]:
            return _owners(module)

    return OnceAModule


def _owners(model: nn.Module) -> list[nn.Module]:
    """Return the modules that themselves have a parameter that trains."""
    return [module for module in model.modules() if any(p.requires_grad for p in module.parameters(recurse=False))]


def opacus() -> Any:
    """Return the package Opacus with what is used of it loaded; JobError where it is not installed."""
    try:
        import opacus
        import opacus.accountants.utils
        import opacus.grad_sample
        import opacus.optimizers
    except ImportError as error:
        raise JobError("private training needs Opacus: pip install 'mecsim[dp]'") from error
    return opacus
