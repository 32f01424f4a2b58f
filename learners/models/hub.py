"""Models from the Hugging Face hub: the only place that may use the network, and only when a scenario names such a model."""

import re
from pathlib import Path
from typing import Any

from mecsim.errors import MecsimError

#: What is fetched: configuration, tokenizer, safetensors. No pickles, no code.
_PATTERNS = ["*.json", "*.safetensors", "*.txt", "*.model"]
_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


def snapshot(name: str) -> Path:
    """Return the local folder of the hub model OWNER/NAME (or OWNER/NAME@REVISION): from the hub's cache, else fetched."""
    if not _NAME.fullmatch(name):
        raise MecsimError(f"hub:{name} is no model's name: write hub:OWNER/NAME, or hub:OWNER/NAME@REVISION")
    from huggingface_hub import snapshot_download

    repo, _, revision = name.partition("@")
    wanted: dict[str, Any] = {"repo_id": repo, "revision": revision or None, "allow_patterns": _PATTERNS}
    try:
        folder = Path(snapshot_download(**wanted, local_files_only=True))
        if (folder / "config.json").is_file() and any(folder.glob("*.safetensors")):
            return folder
    except (OSError, ValueError):
        pass  # not in the cache
    try:
        return Path(snapshot_download(**wanted))
    except Exception as error:  # whatever the network's layers raise; all of it means that there is no model
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise MecsimError(
            f"cannot fetch hub:{name}: {type(error).__name__}: {reason}. "
            "Without network, fetch it elsewhere and name its folder: path:FOLDER"
        ) from error
