"""What a job says of its model: enough to build it again, bit for bit, and nothing that needs torch."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from learners.models.architectures import MODELS
from mecsim.errors import MecsimError
from mecsim.hashing import sha256_of

WEIGHTS = Path(__file__).parent / "weights"


def model_spec(model: str, *, n_classes: int, method: Mapping[str, Any], pretrained: bool, seed: int) -> dict[str, Any]:
    """Return the model's part of a job's parameters.

    ``seed`` draws what is random at the start: the new head, the inserted modules, and the backbone where ``pretrained`` is
    false. ``weights`` is the digest of the embedded file, or None.
    """
    return {
        "name": model,
        "weights": weights_digest(model) if pretrained else None,
        "n_classes": n_classes,
        "method": dict(method),
        "seed": seed,
    }


def backbone_digest(spec: Mapping[str, Any]) -> str:
    """Return the name of the backbone: its weights' digest, or what a random one was drawn from."""
    return spec["weights"] or sha256_of(["random backbone", spec["name"], spec["seed"]])


def weights_path(model: str) -> Path:
    """Return where the embedded weights of ``model`` lie."""
    path = WEIGHTS / f"{model}.safetensors"
    if not MODELS[model].embedded or not path.is_file():
        raise MecsimError(f"model {model!r} has no embedded weights: set 'pretrained: false', or choose another model")
    return path


def weights_digest(model: str) -> str:
    """Return the SHA-256 of the embedded weights' file."""
    path = weights_path(model)
    return _file_digest(path, path.stat().st_mtime_ns)


@lru_cache
def _file_digest(path: Path, _changed_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
