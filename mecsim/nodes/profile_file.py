"""Device profiles in files of their own, which a scenario names as ``profile: path:FILE``: read strictly, written at once."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from mecsim.config.base import Config, Known, Surroundings
from mecsim.config.problems import to_problems
from mecsim.config.source import FILE, read_document
from mecsim.errors import MecsimError, Problem, ScenarioError
from mecsim.nodes.device_profile import CyclesModel, DeviceProfile
from mecsim.nodes.radio_power import RADIO_POWER

_AROUND = Surroundings({"radios": RADIO_POWER})
_NOT_A_PROFILE = Problem(FILE, "a device profile is a section of keys", "See what 'mecsim calibrate' writes.", 1)


class CyclesSection(Config):
    """Computation as papers on mobile edge computing count it."""

    kappa: float = Field(gt=0.0, description="Effective switched capacitance in W/Hz^3: a core at f Hz draws kappa f^3 W.")
    cycles_per_sample: float = Field(gt=0.0, description="Cycles of the processor that a sample takes.")
    frequency_ghz: float = Field(gt=0.0, description="Highest clock of the processor in GHz.")


class ProfileFile(Config):
    """The file of one device profile."""

    name: str = Field(min_length=1, description="Name of the machine, as results show it.")
    peak_tflops: float = Field(gt=0.0, description="Peak of single-precision arithmetic in TFLOP/s.")
    efficiency: float = Field(gt=0.0, le=1.0, description="Share of that peak that training reaches.")
    memory_bandwidth_gbytes_per_s: float = Field(gt=0.0, description="Peak of the memory's traffic in GB/s.")
    bandwidth_efficiency: float = Field(default=0.75, gt=0.0, le=1.0, description="Share of that peak that training reaches.")
    memory_gb: float = Field(gt=0.0, description="Memory in GB.")
    usable_memory: float = Field(gt=0.0, le=1.0, description="Share of the memory that the system leaves.")
    idle_w: float = Field(ge=0.0, description="Power in watts of being on and doing nothing.")
    active_w: float = Field(gt=0.0, description="Power in watts of computing at full speed, at least idle_w.")
    launch_ms: float = Field(ge=0.0, description="Overhead of a training step in milliseconds.")
    radio: Annotated[str, Known("radio", "radios")] = Field(default="nr-low-band", description="What its radio draws.")
    battery_wh: float | None = Field(default=None, gt=0.0, description="Battery in Wh; null: on the mains.")
    storage_gb: float | None = Field(default=None, gt=0.0, description="Free storage in GB; null: no limit.")
    dvfs_exponent: float = Field(default=3.0, ge=1.0, le=4.0, description="Power of the clock that dynamic power goes with.")
    cycles: CyclesSection | None = Field(default=None, description="Time and energy by cycles a sample, in place of the peaks.")
    ms_per_sample: float | None = Field(
        default=None, gt=0.0, description="Milliseconds of an inference, in place of the peaks."
    )
    source: str = Field(default="not stated", description="Where the figures come from.")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.active_w < self.idle_w:
            raise ValueError(f"active_w ({self.active_w}) is below idle_w ({self.idle_w}): computing takes no negative power")
        if self.cycles is not None and self.ms_per_sample is not None:
            raise ValueError("cycles and ms_per_sample are both given: computing has one model of its time")
        return self


def read_profile(path: Path) -> DeviceProfile:
    """Return the profile in the YAML file ``path``; raise ``ScenarioError`` with every problem that it has."""
    try:
        document = read_document(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        why = "it is not text in UTF-8" if isinstance(error, UnicodeError) else error.strerror
        raise ScenarioError(str(path), [Problem(FILE, f"cannot read it: {why}", "Name a file of a device profile.")]) from error
    problems = list(document.problems)
    if not isinstance(document.data, dict):
        raise ScenarioError(str(path), problems or [_NOT_A_PROFILE])
    try:
        file = ProfileFile.model_validate_json(json.dumps(document.data), context=_AROUND)
    except ValidationError as error:
        raise ScenarioError(str(path), _sorted([*problems, *to_problems(error, ProfileFile, document, _AROUND)])) from error
    if problems:
        raise ScenarioError(str(path), _sorted(problems))
    return _to_profile(file)


def write_profile(path: Path, profile: DeviceProfile, notes: Sequence[str] = ()) -> None:
    """Write ``profile`` to ``path``, all or nothing, with ``notes`` as comments at its top; it may replace another profile.

    MecsimError where the file cannot be written.
    """
    data = _to_file(profile).model_dump(mode="json", exclude_none=True)
    comments = "".join(f"# {line}\n" for note in notes for line in note.splitlines())
    text = comments + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    except OSError as error:
        raise MecsimError(f"cannot write {path}: {error.strerror or error}; name a file in a folder that is there") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise MecsimError if a profile cannot be written to ``path``, or would replace something else than a profile.

    Call it before the work, not after.
    """
    if not path.parent.is_dir():
        raise MecsimError(f"there is no folder {path.parent} to write {path.name} to: make it, or name another one")
    if not path.exists():
        return
    try:
        read_profile(path)
    except ScenarioError as error:
        raise MecsimError(f"{path} is there and is no device profile, so it is left alone: choose another name") from error


def _to_profile(file: ProfileFile) -> DeviceProfile:
    cycles = file.cycles
    return DeviceProfile(
        name=file.name,
        peak_flops=1e12 * file.peak_tflops,
        efficiency=file.efficiency,
        memory_bandwidth_bytes_per_s=1e9 * file.memory_bandwidth_gbytes_per_s,
        bandwidth_efficiency=file.bandwidth_efficiency,
        memory_bytes=1e9 * file.memory_gb,
        usable_memory=file.usable_memory,
        idle_w=file.idle_w,
        active_w=file.active_w,
        launch_s=file.launch_ms / 1e3,
        radio=file.radio,
        battery_wh=file.battery_wh,
        storage_bytes=None if file.storage_gb is None else 1e9 * file.storage_gb,
        dvfs_exponent=file.dvfs_exponent,
        cycles=None
        if cycles is None
        else CyclesModel(
            kappa=cycles.kappa, cycles_per_sample=cycles.cycles_per_sample, frequency_hz=1e9 * cycles.frequency_ghz
        ),
        ms_per_sample=file.ms_per_sample,
        source=file.source,
    )


def _to_file(profile: DeviceProfile) -> ProfileFile:
    cycles = profile.cycles
    return ProfileFile(
        name=profile.name,
        peak_tflops=_tidy(profile.peak_flops / 1e12),
        efficiency=profile.efficiency,
        memory_bandwidth_gbytes_per_s=_tidy(profile.memory_bandwidth_bytes_per_s / 1e9),
        bandwidth_efficiency=profile.bandwidth_efficiency,
        memory_gb=_tidy(profile.memory_bytes / 1e9),
        usable_memory=profile.usable_memory,
        idle_w=profile.idle_w,
        active_w=profile.active_w,
        launch_ms=_tidy(1e3 * profile.launch_s),
        radio=profile.radio,
        battery_wh=profile.battery_wh,
        storage_gb=None if profile.storage_bytes is None else _tidy(profile.storage_bytes / 1e9),
        dvfs_exponent=profile.dvfs_exponent,
        cycles=None
        if cycles is None
        else CyclesSection(
            kappa=cycles.kappa, cycles_per_sample=cycles.cycles_per_sample, frequency_ghz=_tidy(cycles.frequency_hz / 1e9)
        ),
        ms_per_sample=profile.ms_per_sample,
        source=profile.source,
    )


def _tidy(value: float) -> float:
    """Return ``value`` without the last digit, in which a change of units leaves its rounding: 9.515 for 9.514999999999999."""
    return float(f"{value:.15g}")


def _sorted(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: problem.line or 0)
