"""Build a model from its specification: backbone, new head, inserted modules."""

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from torch import nn

from learners.models.architectures import ARCHITECTURES, MODELS
from learners.models.spec import weights_path
from learners.peft.apply import apply_method
from mecsim.errors import JobError
from mecsim.hashing import seed_of

HEAD_STD = 0.02


def build(spec: Mapping[str, Any]) -> nn.Module:
    """Return the classifier of ``spec`` (see ``model_spec``) with its method applied; a pure function of ``spec``.

    Backbone, head and inserted modules are drawn from streams of their own, so that methods meet the same backbone and head.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("backbone", spec["name"], spec["seed"]))
        model = vit(MODELS[spec["name"]].architecture, spec["n_classes"], attention="sdpa")
        if spec["weights"] is not None:
            _load_embedded(model, spec["name"], spec["weights"])
        torch.manual_seed(seed_of("head", spec["seed"]))
        nn.init.normal_(model.classifier.weight, std=HEAD_STD)
        nn.init.zeros_(model.classifier.bias)
        torch.manual_seed(seed_of("method", spec["seed"]))
        return apply_method(model, spec["method"])


def build_meta(architecture: str, n_classes: int, method: Mapping[str, Any], *, device: str = "meta") -> nn.Module:
    """Return the classifier of ``architecture`` without values, for counting; eager attention, so that nothing is fused."""
    with torch.device(device):
        return apply_method(vit(architecture, n_classes, attention="eager"), method)


def vit(architecture: str, n_classes: int, *, attention: str) -> Any:
    """Return transformers' image classifier with fresh weights; no dropout."""
    from transformers import ViTConfig, ViTForImageClassification

    shape = ARCHITECTURES[architecture]
    config = ViTConfig(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.n_layers,
        num_attention_heads=shape.n_heads,
        intermediate_size=shape.ffn,
        image_size=shape.image_px,
        patch_size=shape.patch_px,
        num_channels=shape.n_channels,
        num_labels=n_classes,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        attn_implementation=attention,
    )
    return ViTForImageClassification(config)


def _load_embedded(model: nn.Module, name: str, digest: str) -> None:
    """Copy the embedded half-precision weights into the model's single-precision backbone."""
    blob = weights_path(name).read_bytes()
    found = hashlib.sha256(blob).hexdigest()
    if found != digest:
        raise JobError(
            f"the embedded weights of {name!r} have digest {found[:12]}, the job was named with {digest[:12]}: "
            "run it with the version of the package that named it, or start the study again"
        )
    missing, unexpected = model.load_state_dict({key: value.float() for key, value in load_tensors(blob).items()}, strict=False)
    if unexpected or any(not key.startswith("classifier.") for key in missing):
        raise JobError(f"the embedded weights of {name!r} do not fit its architecture: {missing=} {unexpected=}")
