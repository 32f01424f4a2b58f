"""Where results live: an index in SQLite, tensors as safetensors files, every read verified by checksum."""

import hashlib
import json
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mecsim.errors import MecsimError
from mecsim.jobs.job import Job, Result

_SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, numbers TEXT NOT NULL, sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL, used_at REAL NOT NULL
) WITHOUT ROWID
"""
# Another process may hold the index for a moment; it never does so for long.
_BUSY_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """How much a store holds: results and bytes of each kind of job."""

    n_results: dict[str, int]
    size_bytes: dict[str, int]


class Store:
    """Results by job name and numerics class, in a folder that several processes may share.

    ``numerics`` names what may change the last bits of a result (versions, processor); results of other classes are not seen.
    A result is whole or absent: its file is renamed into place before the index learns of it. What fails its checksum is
    forgotten, so that it is computed again.
    """

    def __init__(self, folder: Path, *, numerics: str) -> None:
        self._folder = folder
        self._numerics = numerics
        try:
            (folder / "objects").mkdir(parents=True, exist_ok=True)
            self._index = sqlite3.connect(folder / "index.sqlite", timeout=_BUSY_TIMEOUT_S, isolation_level=None)
            self._index.execute("PRAGMA journal_mode=WAL")
            self._index.execute("PRAGMA synchronous=NORMAL")
            self._index.execute(_SCHEMA)
        except (OSError, sqlite3.DatabaseError) as error:
            raise MecsimError(
                f"the job store {folder} cannot be opened: {error}. Name another folder with --store, or delete this one."
            ) from error

    def __contains__(self, job: Job) -> bool:
        row = self._index.execute("SELECT 1 FROM results WHERE key = ?", (self._key(job),)).fetchone()
        return row is not None

    def get(self, job: Job) -> Result | None:
        """Return the stored result of ``job``, or None when there is none that is whole."""
        key = self._key(job)
        row = self._index.execute("SELECT numbers, sha256, size_bytes FROM results WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        numbers, checksum, size_bytes = row
        blob = self._read(key) if size_bytes else b""
        if blob is None or _checksum(numbers, blob) != checksum:
            self._forget([key])
            return None
        self._index.execute("UPDATE results SET used_at = ? WHERE key = ?", (time.time(), key))
        return Result(json.loads(numbers), _unpack(blob))

    def put(self, job: Job, result: Result) -> None:
        """Keep ``result`` under the name of ``job``."""
        key = self._key(job)
        numbers = json.dumps(dict(result.numbers), sort_keys=True)
        blob = _pack(result)
        if blob:
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{uuid.uuid4().hex}.tmp")
            try:
                temporary.write_bytes(blob)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        row = (key, job.kind, numbers, _checksum(numbers, blob), len(blob), time.time())
        self._index.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?)", row)

    def info(self) -> StoreInfo:
        """Return how many results of each kind there are, of every numerics class, and their bytes."""
        rows = self._index.execute(
            "SELECT kind, COUNT(*), SUM(size_bytes + LENGTH(numbers)) FROM results GROUP BY kind ORDER BY kind"
        ).fetchall()
        return StoreInfo({kind: count for kind, count, _ in rows}, {kind: size for kind, _, size in rows})

    def prune(self, *, unused_for_s: float) -> int:
        """Forget what nobody read or wrote for ``unused_for_s`` seconds; return how many results went."""
        before = time.time() - unused_for_s
        keys = [key for (key,) in self._index.execute("SELECT key FROM results WHERE used_at < ?", (before,)).fetchall()]
        self._forget(keys)
        return len(keys)

    def clear(self) -> int:
        """Forget everything; return how many results went."""
        (count,) = self._index.execute("SELECT COUNT(*) FROM results").fetchone()
        self._index.execute("DELETE FROM results")
        shutil.rmtree(self._folder / "objects", ignore_errors=True)
        return int(count)

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def _key(self, job: Job) -> str:
        return hashlib.sha256(f"{self._numerics}\n{job.name}".encode()).hexdigest()

    def _path(self, key: str) -> Path:
        return self._folder / "objects" / key[:2] / f"{key}.safetensors"

    def _read(self, key: str) -> bytes | None:
        try:
            return self._path(key).read_bytes()
        except OSError:
            return None

    def _forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            # The index first: a row without its file would be found damaged, a file without its row is only litter.
            self._index.execute("DELETE FROM results WHERE key = ?", (key,))
            self._path(key).unlink(missing_ok=True)


def _checksum(numbers: str, blob: bytes) -> str:
    digest = hashlib.sha256(numbers.encode())
    digest.update(b"\n")
    digest.update(blob)
    return digest.hexdigest()


def _pack(result: Result) -> bytes:
    if not result.tensors:
        return b""
    from safetensors.numpy import save

    # Not ascontiguousarray: it would make a vector of a scalar.
    tensors = {name: np.asarray(tensor, order="C") for name, tensor in result.tensors.items()}
    return bytes(save(tensors))


def _unpack(blob: bytes) -> dict[str, Any]:
    if not blob:
        return {}
    from safetensors.numpy import load

    return dict(load(blob))
