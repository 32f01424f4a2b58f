"""Open a run folder and read its tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mecsim.errors import RunFolderError, UnknownNameError
from mecsim.results.folder import MANIFEST, SCENARIO
from mecsim.results.records import SCHEMA_VERSION, TABLES
from mecsim.results.underway import underway_text

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished run: who made it and how, what was asked, and its tables."""

    folder: Path
    manifest: Mapping[str, Any]
    scenario_yaml: str

    def frame(self, name: str) -> "pd.DataFrame":
        """Return the table ``name`` of ``TABLES``, read anew at each call; an empty cell is NaN."""
        if name not in TABLES:
            raise UnknownNameError("table", name, TABLES)
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.folder / f"{name}.parquet"
        try:
            return pq.read_table(path).to_pandas()
        except (OSError, pa.ArrowException) as error:
            raise RunFolderError(f"{path} cannot be read ({error}). {_AGAIN}") from error


_AGAIN = "Run the study again: what it has learned is in the job store, and only the folder is written anew."


def open_run(folder: Path) -> Run:
    """Open a run folder; RunFolderError if it is missing, unfinished, or of another schema version."""
    if not folder.is_dir():
        raise RunFolderError(underway_text(folder) or f"there is no run folder {folder}. `mecsim run SCENARIO.yaml` makes one.")
    manifest = _manifest(folder)
    needed = (SCENARIO, *(f"{name}.parquet" for name in TABLES))
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        raise RunFolderError(f"the run folder {folder} is incomplete: {', '.join(missing)} missing. {_AGAIN}")
    scenario_yaml = (folder / SCENARIO).read_text(encoding="utf-8")
    return Run(folder=folder, manifest=MappingProxyType(manifest), scenario_yaml=scenario_yaml)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise RunFolderError(f"{folder} has no {MANIFEST}: it is not a run folder, or its run never ended. {_AGAIN}")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunFolderError(f"{path} is not valid JSON ({error}). {_AGAIN}") from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if version != SCHEMA_VERSION:
        maker = manifest.get("mecsim_version", "an unknown version") if isinstance(manifest, dict) else "an unknown version"
        raise RunFolderError(
            f"{folder} has schema version {version}, made by mecsim {maker}; this mecsim reads {SCHEMA_VERSION}. "
            f"Run its scenario.yaml again, or read it with the mecsim that made it."
        )
    return dict(manifest)
