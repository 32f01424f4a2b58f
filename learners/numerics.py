"""The class of machines and versions within which learning results are equal bit for bit. Loads no torch."""

import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


@cache
def numerics_class() -> str:
    """Return the name of this installation's numerics: a store keeps results of different classes apart."""
    versions = [f"{package}-{version(package)}" for package in ("torch", "transformers", "peft")]
    return "_".join([*versions, platform.machine(), cpu_capability(), "float32", "threads-1"])


def cpu_capability(cpuinfo: Path = _CPUINFO) -> str:
    """Return the widest vector unit that torch's kernels would choose by: avx512, avx2, or other (not told apart)."""
    if not cpuinfo.is_file():
        return "other"
    flags = next((line.split(":")[1].split() for line in cpuinfo.read_text().splitlines() if line.startswith("flags")), [])
    if {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= set(flags):
        return "avx512"
    return "avx2" if "avx2" in flags else "other"
