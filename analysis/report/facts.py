"""How a run came about, in words: what is needed to run it again, and what it took."""

from collections.abc import Mapping
from typing import Any

from analysis.formats import NOTHING, duration_text

#: Fact of a manifest -> how it is told, in this order.
_TOLD = {
    "mecsim_version": "mecsim",
    "commit": "commit",
    "seeds": "seeds",
    "python": "Python",
    "platform": "platform",
    "numerics": "numerics",
    "host": "host",
    "started_at": "started",
    "real_seconds": "real time taken",
    "workers": "workers",
    "jobs_run": "learning jobs run",
    "jobs_reused": "jobs from the store",
}
_ALWAYS = ("mecsim_version", "seeds", "python", "platform", "host", "started_at", "real_seconds", "jobs_run", "jobs_reused")


def facts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return name and value of each fact, in the order in which it is told."""
    told = dict(manifest)
    if told.get("real_seconds") is not None:
        told["real_seconds"] = duration_text(float(told["real_seconds"]))
    shown = [key for key in _TOLD if key in _ALWAYS or plain(told.get(key)) != NOTHING]
    return [(_TOLD[key], plain(told.get(key))) for key in shown] + [("table format", f"version {told.get('schema_version')}")]


def versions(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the packages and their versions, by name."""
    return sorted((str(name), str(version)) for name, version in dict(manifest.get("versions") or {}).items())


def plain(value: Any) -> str:
    """Return a value of a manifest as text."""
    match value:
        case None | "" | [] | {}:
            return NOTHING
        case Mapping():
            return ", ".join(f"{key} {plain(item)}" for key, item in value.items())
        case list() | tuple():
            return ", ".join(plain(item) for item in value)
        case _:
            return str(value)
