"""Weights that other Python packages ship: found without importing them, and turned into safetensors where they are GGUF."""

import json
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from learners.models.architectures import Architecture, ModelEntry, as_params
from mecsim.errors import JobError, MecsimError

#: Raise it when the conversion gives other numbers.
_CONVERSION = 1


def package_path(name: str, entry: ModelEntry) -> Path:
    """Return where the package of ``entry`` keeps the weights: a Hugging Face folder, or a GGUF file."""
    package, _, inside = str(entry.package).partition("/")
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise MecsimError(
            f"model {name!r} needs a package that is not installed: run 'mecsim fetch {name}', or set 'pretrained: false'"
        )
    path = Path(found.submodule_search_locations[0]) / inside
    if not path.exists():
        raise MecsimError(
            f"package {package!r} has no {inside!r}: install {', '.join(entry.requires)} with 'mecsim fetch {name}'"
        )
    return path


def cache_folder() -> Path:
    """Return the user's folder for what can be made again: MECSIM_CACHE, else mecsim in the desktop's cache folder."""
    given = os.environ.get("MECSIM_CACHE")
    if given:
        return Path(given).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mecsim"


def converted(name: str, gguf: Path, digest: str, architecture: Architecture) -> Path:
    """Return a folder in Hugging Face format made from the file ``gguf`` of that digest; made once, in half precision.

    Half precision rounds far below what the file's own 4 bits lost.
    """
    folder = cache_folder() / "models" / f"{name}-{digest[:16]}-{_CONVERSION}"
    if folder.is_dir():
        return folder
    if find_spec("gguf") is None:
        raise MecsimError(f"reading the weights of {name!r} needs the package 'gguf': run 'mecsim fetch {name}'")
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _convert(gguf, making, architecture)
        making.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


def _convert(gguf: Path, folder: Path, architecture: Architecture) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from learners.models.network import quiet

    with torch.random.fork_rng(devices=[]), quiet():
        model: Any = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
        AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)
    # Named parameters, as a tied output matrix is there once.
    weights = {key: value.detach().half().contiguous() for key, value in model.named_parameters()}
    n_parameters = sum(value.numel() for value in weights.values())
    if n_parameters != architecture.backbone_parameters:
        raise JobError(f"{gguf.name} has {n_parameters:,} parameters, {architecture.backbone_parameters:,} were expected")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    described = as_params(architecture)
    (folder / "config.json").write_text(json.dumps({"model_type": described["family"], **described["config"]}, indent=1) + "\n")
