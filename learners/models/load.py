"""Build a model from its specification: backbone, compression, new head, inserted modules."""

from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from torch import Tensor, nn

from learners.models.anatomy import head_of as head_of
from learners.models.architectures import ARCHITECTURES, Architecture
from learners.models.network import network
from learners.models.packaged import converted
from learners.models.sources import architecture_of_model, weights_digest, weights_path
from learners.peft.apply import apply_method
from mecsim.errors import JobError
from mecsim.hashing import seed_of

HEAD_STD = 0.02


def build(spec: Mapping[str, Any], frozen: Mapping[str, Tensor] | None = None) -> nn.Module:
    """Return the network of ``spec`` (see ``model_spec``) with its method applied; a pure function of its arguments.

    ``frozen`` takes the place of the parameters of the same names, as they are called before the method is applied.
    Backbone, head and inserted modules are drawn from streams of their own, so that methods meet the same backbone and head.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("backbone", spec["name"], spec["seed"]))
        model = _backbone(spec)
        _compressed(model, spec["compression"])
        torch.manual_seed(seed_of("head", spec["seed"]))
        _draw_head(model)
        _put(model, frozen or {})
        torch.manual_seed(seed_of("method", spec["seed"]))
        return apply_method(model, spec["method"])


def build_meta(
    architecture: Mapping[str, Any],
    *,
    task: str,
    n_classes: int | None,
    method: Mapping[str, Any],
    compression: Mapping[str, Any] | None = None,
    device: str = "meta",
) -> nn.Module:
    """Return the network of ``architecture`` ({family, config}) without values, for counting.

    Attention is eager, so that nothing is fused.
    """
    shape = Architecture(description="counted", family=architecture["family"], config=architecture["config"])
    with torch.device(device):
        model = network(shape, task, n_classes, attention="eager")
        _compressed(model, compression)
        return apply_method(model, method)


def vit(architecture: str, n_classes: int, *, attention: str) -> Any:
    """Return transformers' image classifier of a registered shape, with fresh weights."""
    return network(ARCHITECTURES[architecture], "image-classification", n_classes, attention=attention)


def input_shape(spec: Mapping[str, Any]) -> tuple[int, int]:
    """Return channels and pixels (height, width) of the images that the model of ``spec`` takes."""
    shape = architecture_of_model(spec["name"])
    if shape.n_channels is None or shape.image_px is None:
        raise JobError(f"model {spec['name']!r} reads text, not images: choose a dataset of texts, or a vision model")
    return shape.n_channels, shape.image_px


def _backbone(spec: Mapping[str, Any]) -> Any:
    name, shape = spec["name"], architecture_of_model(spec["name"])
    wanted: dict[str, Any] = {"task": spec["task"], "n_classes": spec["n_classes"], "attention": "sdpa"}
    if spec["weights"] is None:
        return network(shape, **wanted)
    path, found = weights_path(name), weights_digest(name)
    if found != spec["weights"]:
        raise JobError(
            f"the weights of {name!r} have digest {found[:12]}, the job was named with {spec['weights'][:12]}: run it with the "
            "version of the package or folder that named it, or start the study again"
        )
    if path.suffix == ".safetensors":
        model = network(shape, **wanted)
        _load(model, name, load_tensors(path.read_bytes()))
        return model
    folder = converted(name, path, found, shape) if path.suffix == ".gguf" else path
    return network(shape, **wanted, folder=folder)


def _load(model: nn.Module, name: str, weights: Mapping[str, Tensor]) -> None:
    """Copy embedded half-precision weights into the model's single-precision backbone, which they must cover."""
    own = dict(model.named_parameters())
    wanted = own.keys() - _head_names(model)
    if wanted != weights.keys():
        missing, unexpected = sorted(wanted - weights.keys()), sorted(weights.keys() - wanted)
        raise JobError(f"the embedded weights of {name!r} do not fit its architecture: {missing=} {unexpected=}")
    _put(model, weights)


def _put(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy ``tensors`` over the parameters of the same names and shapes."""
    own = dict(model.named_parameters())
    for name, value in tensors.items():
        if name not in own or own[name].shape != value.shape:
            shape = tuple(own[name].shape) if name in own else "no such parameter"
            raise JobError(f"a tensor {name!r} of shape {tuple(value.shape)} does not fit the model, which has {shape}")
        with torch.no_grad():
            own[name].copy_(value)


def _draw_head(model: nn.Module) -> None:
    """Draw the head anew: matrices from N(0, HEAD_STD), biases zero."""
    head = head_of(model)
    for parameter in () if head is None else head.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=HEAD_STD)
        else:
            nn.init.zeros_(parameter)


def _head_names(model: nn.Module) -> set[str]:
    head = head_of(model)
    inside = set() if head is None else {id(parameter) for parameter in head.parameters()}
    return {name for name, parameter in model.named_parameters() if id(parameter) in inside}


def _compressed(model: nn.Module, compression: Mapping[str, Any] | None) -> None:
    if compression is not None:
        from learners.compress.apply import compress

        compress(model, compression)
