"""What stands beside a run folder while its run is underway, and stays when that is stopped: which trials are missing."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: Trials that a message names; of the others it says how many they are.
_N_NAMED = 5


def underway_file(folder: Path) -> Path:
    """Return the file that stands beside the run folder ``folder``."""
    return folder.with_name(f".{folder.name}.underway.json")


def write_underway(folder: Path, *, command: str, started_at: str, n_trials: int, missing: Sequence[str]) -> None:
    """Say which trials of the run that will be ``folder`` miss results; an older word is replaced as a whole."""
    path = underway_file(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "command": command,
        "started_at": started_at,
        "process": os.getpid(),
        "n_trials": n_trials,
        "missing": list(missing),
    }
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        temporary.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def clear_underway(folder: Path) -> None:
    """Take the word away: the run folder is there."""
    underway_file(folder).unlink(missing_ok=True)


def underway_text(folder: Path) -> str:
    """Return what is to be said of a run that never ended, or has not yet; "" where there is none of that name."""
    try:
        told = json.loads(underway_file(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return _text(folder, told) if isinstance(told, dict) else ""


def _text(folder: Path, told: Mapping[str, Any]) -> str:
    missing, n_trials = [str(name) for name in told.get("missing") or ()], told.get("n_trials")
    state = "is still running" if _is_alive(told.get("process")) else "has not finished"
    named = "; ".join(missing[:_N_NAMED])
    others = f"; and {len(missing) - _N_NAMED} more" if len(missing) > _N_NAMED else ""
    trials = (
        f"Of its {n_trials} trials, {len(missing)} miss results: {named}{others}." if missing else "All its trials are done."
    )
    return (
        f"The run {folder}, begun {told.get('started_at')}, {state}. {trials} "
        f"Nothing done is lost; the same command goes on: {told.get('command')}"
    )


def _is_alive(process: Any) -> bool:
    if not isinstance(process, int):
        return False
    try:
        os.kill(process, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return True
