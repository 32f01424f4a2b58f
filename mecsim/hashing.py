"""Names of values: canonical JSON and its SHA-256."""

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """Return the one JSON text of ``value``: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def sha256_of(value: Any) -> str:
    """Return the hexadecimal SHA-256 of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def seed_of(*parts: Any) -> int:
    """Return a seed in [0, 2**63) that depends on all ``parts`` and on nothing else."""
    return int(sha256_of(list(parts))[:16], 16) >> 1
