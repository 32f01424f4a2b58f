"""The command ``calibrate``: this machine as a device profile."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from learners.calibrate import Measured
    from mecsim.nodes.device_profile import DeviceProfile

#: Stands in for powers that cannot be read.
_POWERS_OF = "laptop-cpu"
_USABLE_MEMORY = 0.8


def calibrate(
    out: Annotated[Path, typer.Option(help="The profile's file, e.g. my-machine.yaml.", show_default=False, dir_okay=False)],
    seconds: Annotated[float, typer.Option(min=1.0, help="How long to measure, about.")] = 10.0,
) -> None:
    """Measure the processor of this machine in real training steps; write a device profile.

    A scenario names it as 'profile: path:my-machine.yaml'. Leave the machine alone meanwhile.

    Example: mecsim calibrate --out my-machine.yaml
    """
    from mecsim.nodes.profile_file import check_writable, write_profile

    check_writable(out)
    from learners.calibrate import measure

    measured = measure(seconds)
    profile, notes = to_profile(out.stem, measured)
    write_profile(out, profile, notes)
    for note in notes:
        typer.echo(note)
    typer.echo(f"Profile: {out}; in a scenario: 'profile: path:{out}'")


def to_profile(name: str, measured: "Measured") -> "tuple[DeviceProfile, list[str]]":
    """Return a measured machine as a profile, figures to four digits, and sentences on what was measured and what was not.

    The bandwidth is what copying reached, so training reaches all of it. Where training was faster than products of large
    matrices, it is the peak itself.
    """
    from mecsim.nodes.device_profile import DeviceProfile
    from mecsim.nodes.profiles import PROFILES

    stand_in = PROFILES[_POWERS_OF]
    peak_flops = max(measured.matrix_flops, measured.training_flops)
    idle_w = stand_in.idle_w if measured.idle_w is None else measured.idle_w
    active_w = stand_in.active_w if measured.active_w is None else max(measured.active_w, idle_w)
    readable = measured.idle_w is not None and measured.active_w is not None
    powers = "powers of its packages by RAPL" if readable else f"powers not readable: those of {_POWERS_OF}"
    profile = DeviceProfile(
        name=name,
        peak_flops=_rounded(peak_flops),
        efficiency=_rounded(measured.training_flops / peak_flops),
        memory_bandwidth_bytes_per_s=_rounded(measured.copy_bytes_per_s),
        bandwidth_efficiency=1.0,
        memory_bytes=_rounded(measured.memory_bytes),
        usable_memory=_USABLE_MEMORY,
        idle_w=_rounded(idle_w),
        active_w=_rounded(active_w),
        launch_s=_rounded(measured.launch_s),
        source=f"measured by 'mecsim calibrate' with {measured.n_threads} threads; {powers}; usable memory default",
    )
    return profile, _notes(measured, profile, powers)


def _notes(measured: "Measured", profile: "DeviceProfile", powers: str) -> list[str]:
    from mecsim.nodes.compute import compute_time_s

    simulated_s = compute_time_s(
        profile, flop=measured.large_step_flop, traffic_bytes=measured.large_step_traffic_bytes, n_steps=1
    )
    return [
        f"Products of matrices reached {measured.matrix_flops / 1e9:.4g} GFLOP/s, the training of samples "
        f"{measured.training_flops / 1e9:.4g} GFLOP/s, on {measured.n_threads} threads.",
        f"Copying reached {measured.copy_bytes_per_s / 1e9:.4g} GB/s, read and written.",
        f"A large training step took {1e3 * measured.large_step_s:.4g} ms; a simulated device of this profile takes "
        f"{1e3 * simulated_s:.4g} ms.",
        f"Power: {powers[0].lower()}{powers[1:]} ({profile.idle_w:g} W idle, {profile.active_w:g} W computing).",
    ]


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
