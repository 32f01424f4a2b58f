"""How a run came about: versions, seeds, host, what it cost. The only file of a run folder that differs from run to run."""

import datetime
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mecsim
from mecsim.config.scenario import Scenario
from mecsim.hashing import sha256_of

_PACKAGES = ("numpy", "pandas", "peft", "pyarrow", "pydantic", "safetensors", "scikit-learn", "simpy", "torch", "transformers")


def manifest(
    scenario: Scenario,
    *,
    command: str,
    started_at: datetime.datetime,
    real_seconds: float,
    n_run: int,
    n_jobs: int,
    numerics: str,
    reconstructions: list[str],
) -> dict[str, Any]:
    """Return the manifest of a run."""
    return {
        "name": scenario.name,
        "scenario_sha256": sha256_of(scenario.model_dump(mode="json", by_alias=True)),
        "command": command,
        "mecsim_version": mecsim.__version__,
        "commit": _commit(),
        "versions": {package: version(package) for package in _PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "numerics": numerics,
        "host": f"{platform.node()}, {os.cpu_count()} CPUs",
        "seeds": [scenario.seed + replication for replication in range(scenario.replications)],
        "started_at": started_at.isoformat(timespec="seconds"),
        "real_seconds": round(real_seconds, 3),
        "jobs_run": n_run,
        "jobs_reused": n_jobs - n_run,
        "account_as": getattr(scenario.learning, "account_as", None) or "",
        "reconstructions": reconstructions,
    }


def command_line() -> str:
    """Return the command that is running, as a user would type it."""
    return " ".join(["mecsim", *sys.argv[1:]])


def _commit() -> str | None:
    """Return the commit of the source tree that mecsim runs from; None when it is an installed package."""
    folder = Path(mecsim.__file__).resolve().parent.parent
    if not (folder / ".git").exists():
        return None
    found = subprocess.run(  # noqa: S603  # a fixed command
        ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or None
