"""The energy counters that many processors have (RAPL), as Linux shows them to who may read them. Loads no torch."""

import time
from pathlib import Path

_POWERCAP = Path("/sys/class/powercap")


class PowerMeter:
    """Reads the energy counters of all processor packages: cores, graphics unit and caches, no memory, disk or screen."""

    def __init__(self, root: Path = _POWERCAP) -> None:
        self._packages = [folder for folder in sorted(root.glob("intel-rapl:*")) if _is_readable_package(folder)]
        self._started_s = 0.0
        self._start_uj: list[int] = []

    @property
    def is_there(self) -> bool:
        """Tell whether there is a counter that this process may read."""
        return bool(self._packages)

    def start(self) -> None:
        """Begin a measurement."""
        self._start_uj = [_read(folder / "energy_uj") for folder in self._packages]
        self._started_s = time.perf_counter()

    def mean_w(self) -> float | None:
        """Return the mean power since ``start``, or None where there is no counter. A counter may have wrapped once."""
        if not self._packages:
            return None
        duration_s = time.perf_counter() - self._started_s
        used_uj = 0
        for folder, start_uj in zip(self._packages, self._start_uj, strict=True):
            now_uj = _read(folder / "energy_uj")
            used_uj += now_uj - start_uj if now_uj >= start_uj else now_uj - start_uj + _read(folder / "max_energy_range_uj")
        return used_uj / 1e6 / duration_s


def _is_readable_package(folder: Path) -> bool:
    # Domains inside a package have two colons; "psys" is the whole platform, which holds the packages.
    try:
        return (
            folder.name.count(":") == 1
            and (folder / "name").read_text().startswith("package")
            and _read(folder / "energy_uj") >= 0
        )
    except (OSError, ValueError):
        return False


def _read(path: Path) -> int:
    return int(path.read_text())
