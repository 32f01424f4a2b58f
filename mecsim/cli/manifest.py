"""How a run came about: versions, seeds, host, what it cost. The only file of a run folder that differs from run to run."""

import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mecsim
from mecsim.config.scenario import Scenario
from mecsim.config.variants import Variant
from mecsim.hashing import sha256_of
from mecsim.study import JobCounts

_PACKAGES = ("numpy", "pandas", "peft", "pyarrow", "pydantic", "safetensors", "scikit-learn", "simpy", "torch", "transformers")


def manifest(
    scenario: Scenario,
    variants: Sequence[Variant],
    *,
    n_variants: int,
    command: str,
    started_at: datetime.datetime,
    real_seconds: float,
    n_run: int,
    n_workers: int,
    jobs: JobCounts,
    numerics: str,
    reconstructions: list[str],
) -> dict[str, Any]:
    """Return the manifest of a run of ``variants``, which may be some of the ``n_variants`` that the scenario has.

    ``jobs_run`` were executed and ``jobs_reused`` come from the store; together they are the different jobs of the study.
    ``jobs_asked`` counts them once for each trial that stands on them, and ``jobs_by_variant`` says how many a variant has, and
    how many of those no variant before it has.
    """
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
        "jobs_reused": jobs.distinct - n_run,
        "jobs_asked": jobs.asked,
        "jobs_by_variant": {name: {"jobs": all_, "new": new} for name, (all_, new) in jobs.by_variant.items()},
        "workers": n_workers,
        "variants": [variant.name for variant in variants if variant.name],
        "variants_in_scenario": n_variants,
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
