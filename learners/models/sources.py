"""Where a model comes from by its name: a registered one, ``path:FOLDER``, ``hub:OWNER/NAME``. No torch.

Jobs name content and no place: a folder or a hub model goes by "folder:" and its digest, and this process remembers where it
lies.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

from learners.models.architectures import MODELS, Architecture, ModelEntry, architecture_of
from learners.models.hub import snapshot
from learners.models.packaged import package_path
from mecsim.errors import MecsimError
from mecsim.hashing import sha256_of

WEIGHTS = Path(__file__).parent / "weights"

#: Beside the weights, what decides how a folder's model reads and computes.
_TEXT_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "tokenizer.model",
    "sentencepiece.bpe.model",
)
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")

# Folders by the first 16 digits of their digest.
_SEEN: dict[str, Path] = {}


def model_entry(name: str) -> ModelEntry:
    """Return the entry of a registered model, or one made from the folder that ``name`` stands for; UnknownNameError else."""
    if (folder := folder_of(name)) is None:
        return MODELS[name]  # raises with suggestions
    found = architecture_of(str(folder))
    return ModelEntry(description=found.description, architecture=str(folder), tasks=found.tasks)


def architecture_of_model(name: str) -> Architecture:
    """Return the shape of the model that ``name`` stands for."""
    return architecture_of(model_entry(name).architecture)


def job_name(name: str) -> str:
    """Return what jobs call the model: its registered name, or "folder:" with its digest, remembered in this process."""
    if (folder := folder_of(name)) is None:
        MODELS[name]  # raises with suggestions
        return name
    digest = folder_digest(folder)[:16]
    _SEEN[digest] = folder
    return f"folder:{digest}"


def weights_digest(name: str) -> str:
    """Return the SHA-256 that pins the weights: of the embedded or packaged file, or over a folder's files."""
    path = weights_path(name)
    return folder_digest(path) if path.is_dir() else file_digest(path)


def weights_path(name: str) -> Path:
    """Return the embedded safetensors file, the packaged GGUF file or the Hugging Face folder of a model's weights."""
    folder = folder_of(name)
    if folder is not None:
        return folder
    entry = MODELS[name]
    if entry.package is not None:
        return package_path(name, entry)
    path = WEIGHTS / f"{name}.safetensors"
    if not entry.embedded or not path.is_file():
        raise MecsimError(f"model {name!r} has no embedded weights: set 'pretrained: false', or choose another model")
    return path


def folder_of(name: str) -> Path | None:
    """Return the checked local folder of a ``path:``, ``hub:`` or ``folder:`` name; None for other names."""
    kind, _, rest = name.partition(":")
    if kind == "path" and rest:
        return _checked(Path(rest).expanduser().resolve())
    if kind == "hub" and rest:
        return _checked(snapshot(rest))
    if kind == "folder" and rest:
        if rest not in _SEEN:
            raise MecsimError(
                f"the model folder {rest} was not named in this process: name it as path:FOLDER or hub:OWNER/NAME"
            )
        folder = _checked(_SEEN[rest])
        if (found := folder_digest(folder)[:16]) != rest:
            raise MecsimError(
                f"the model's folder has digest {found} now, the job was named with {rest}: start the study again"
            )
        return folder
    return None


def folder_digest(folder: Path) -> str:
    """Return the SHA-256 over names and contents of a folder's configuration, safetensors and tokenizer files."""
    weights = [*folder.glob("*.safetensors"), *folder.glob("*.safetensors.index.json")]
    files = sorted([*weights, *(folder / name for name in _TEXT_FILES if (folder / name).is_file())])
    return sha256_of([[path.name, file_digest(path)] for path in files])


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, read again only when the file has changed."""
    status = path.stat()
    return _file_digest(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _file_digest(path: Path, _changed_ns: int, _n_bytes: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(folder: Path) -> Path:
    """Return ``folder`` if a model can be loaded from it without running anything that it brings."""
    if not (folder / "config.json").is_file():
        raise MecsimError(
            f"{folder} is not a model's folder: it needs config.json and *.safetensors, as save_pretrained writes them"
        )
    if any(folder.glob("*.safetensors")):
        return folder
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        raise MecsimError(
            f"the weights in {folder} are pickles ({', '.join(pickles[:3])}), which can run code when they are read: load them "
            "where you trust them, and write safetensors with save_pretrained(FOLDER)"
        )
    raise MecsimError(f"{folder} has no weights: *.safetensors are needed, as save_pretrained writes them")
