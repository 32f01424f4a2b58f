"""Write a run folder as a whole or not at all."""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from mecsim.errors import RunFolderError
from mecsim.results.records import SCHEMA_VERSION, TABLES, Row

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"
SCENARIO = "scenario.yaml"
#: Key of the schema version in the metadata of each Parquet file.
SCHEMA_KEY = b"mecsim_schema_version"


def write_run(
    folder: Path,
    *,
    scenario_yaml: str,
    manifest: Mapping[str, Any],
    tables: Mapping[str, Sequence[Row]],
    extras: Callable[[Path], None] | None = None,
) -> None:
    """Write a complete run folder and put it in the place of an older run of that name.

    ``tables`` has every name of ``TABLES``, with rows in the order in which they are to be kept; ``manifest`` gets this
    package's schema version. ``extras`` may add files to the folder before it takes its place; it is handed the temporary
    folder, which can be opened like any run. On any exception the older run stays as it was. A folder that is not a run
    is never replaced.
    """
    folder = folder.resolve()
    check_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temp = folder.with_name(f".{folder.name}.tmp-{os.getpid()}")
    shutil.rmtree(temp, ignore_errors=True)
    try:
        temp.mkdir()
        _write_files(temp, scenario_yaml, manifest, tables)
        if extras is not None:
            extras(temp)
        _swap(temp, folder)
    finally:
        shutil.rmtree(temp, ignore_errors=True)


def check_replaceable(folder: Path) -> None:
    """Raise RunFolderError if ``folder`` holds something other than a run: call it before the work, not after."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise RunFolderError(f"{folder} is a file, so no run can be written there. Choose another name for the run.")
    if not (folder / MANIFEST).exists() and any(folder.iterdir()):
        raise RunFolderError(
            f"{folder} holds files but no {MANIFEST}, so it is not a run and is left alone. "
            f"Move it away, or choose another name for the run."
        )


def _write_files(temp: Path, scenario_yaml: str, manifest: Mapping[str, Any], tables: Mapping[str, Sequence[Row]]) -> None:
    if tables.keys() != TABLES.keys():
        raise ValueError(f"a run has the tables {', '.join(TABLES)}; got {', '.join(tables) or 'none'}")
    (temp / SCENARIO).write_text(scenario_yaml, encoding="utf-8", newline="\n")
    for name, row_type in TABLES.items():
        _write_table(temp / f"{name}.parquet", row_type, tables[name])
    stamped = {**manifest, "schema_version": SCHEMA_VERSION}
    text = json.dumps(stamped, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (temp / MANIFEST).write_text(text + "\n", encoding="utf-8", newline="\n")


def _write_table(path: Path, row_type: type[Row], rows: Sequence[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for row in rows:
        if type(row) is not row_type:
            raise ValueError(f"{path.name} holds {row_type.__name__}, got {type(row).__name__}")
    schema = arrow_schema(row_type)
    columns = [pa.array([getattr(row, field.name) for row in rows], type=field.type) for field in schema]
    for field, column in zip(schema, columns, strict=True):
        if column.null_count and not field.nullable:
            raise ValueError(f"{path.name}: column {field.name} has {column.null_count} empty values, which it may not have")
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path, compression="zstd")


def arrow_schema(row_type: type[Row]) -> "pa.Schema":
    """Return the Parquet schema of a record type: its fields in their order, nullable where the type allows None."""
    import pyarrow as pa

    arrow_types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    hints = get_type_hints(row_type)
    columns = []
    for field in fields(row_type):
        options = get_args(hints[field.name]) or (hints[field.name],)
        (plain,) = (option for option in options if option is not NoneType)
        columns.append(pa.field(field.name, arrow_types[plain], nullable=NoneType in options))
    return pa.schema(columns, metadata={SCHEMA_KEY: str(SCHEMA_VERSION)})


def _swap(temp: Path, folder: Path) -> None:
    """Put ``temp`` in the place of ``folder`` by renames; the older run comes back if the second rename fails."""
    check_replaceable(folder)
    if not folder.exists():
        temp.rename(folder)
        return
    old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    try:
        temp.rename(folder)
    except BaseException:
        if not folder.exists():
            old.rename(folder)
        raise
    finally:
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
