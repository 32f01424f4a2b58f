"""How long work takes on a machine, and with what power; what slows it down, and what it takes away."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from mecsim.errors import MecsimError
from mecsim.nodes.device_profile import DeviceProfile
from mecsim.nodes.radio_energy import Direction, transfer_energy_j
from mecsim.nodes.timeline import Timeline

__all__ = [
    "ComputePlan",
    "ComputeSettings",
    "Direction",
    "Segment",
    "Throttle",
    "compute_energy_j",
    "compute_plan",
    "compute_time_s",
    "done_s",
    "end_of_work",
    "fedscale_turn_s",
    "idle_energy_j",
    "transfer_energy_j",
]

_PASSES = 3.0  # forward and backward against the forward pass alone: what FedScale multiplies an inference's time by


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """Heat: after ``after_s`` of computing without a break, a machine goes on at ``factor`` of its speed.

    Phones: a factor of 0.5 to 0.7 after 2 to 5 minutes, as a default that is not verified.
    """

    after_s: float
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSettings:
    """How a device is run.

    ``frequency`` is the share of its highest clock, ``contention`` the share of its time that other programs take, and
    ``speed_factor`` how much faster than its profile this one specimen is.
    """

    frequency: float = 1.0
    contention: float = 0.0
    throttle: Throttle | None = None
    speed_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class ComputePlan:
    """Work as seconds at full speed, and the power that it takes there, above idle."""

    work_s: float
    power_w: float

    @property
    def energy_j(self) -> float:
        """Return the energy of all of the work, above idle.

        Slowed down, a machine draws less in proportion (see ``Segment``): neither throttling nor a fault changes this.
        """
        return self.work_s * self.power_w


class Segment(NamedTuple):
    """A stretch of computing up to ``until_s``, at ``factor`` of the plan's speed and of its power."""

    until_s: float
    factor: float


def compute_time_s(profile: DeviceProfile, *, flop: float, traffic_bytes: float, n_steps: int, frequency: float = 1.0) -> float:
    """Return how long ``n_steps`` like steps take that need ``flop`` and ``traffic_bytes`` in total.

    The roofline (Williams, Waterman and Patterson, 2009): arithmetic and memory traffic overlap, the longer one counts. On
    top, an overhead for each step. Of these only arithmetic goes with the clock.
    """
    arithmetic_s = flop / (profile.peak_flops * profile.efficiency * frequency)
    traffic_s = traffic_bytes / (profile.memory_bandwidth_bytes_per_s * profile.bandwidth_efficiency)
    return max(arithmetic_s, traffic_s) + n_steps * profile.launch_s


def compute_plan(
    profile: DeviceProfile,
    settings: ComputeSettings,
    *,
    flop: float,
    traffic_bytes: float,
    n_steps: int,
    n_samples: int,
) -> ComputePlan:
    """Return the work of ``n_samples`` in ``n_steps`` that need ``flop`` and ``traffic_bytes`` in total.

    The time is the roofline's (``compute_time_s``), or that of the profile's simpler model: cycles a sample over the clock, or
    three inferences a sample. Power goes with a power of the clock (dynamic voltage and frequency scaling). What other
    programs take leaves less speed and less of the power to this work, so that its energy stays. MecsimError for work of a
    profile that counts samples and gets none.
    """
    simple = profile.cycles is not None or profile.ms_per_sample is not None
    if simple and flop > 0.0 and n_samples == 0:
        raise MecsimError(
            f"profile {profile.name!r} gives a time a sample, and there is work of {flop:.3g} FLOP for which the scheme counts "
            "no samples: choose a profile without 'cycles' and 'ms_per_sample'"
        )
    share = 1.0 - settings.contention
    alone_s, power_w = _alone(profile, settings.frequency, flop, traffic_bytes, n_steps, n_samples)
    return ComputePlan(alone_s / (share * settings.speed_factor), power_w * share)


def _alone(
    profile: DeviceProfile, frequency: float, flop: float, traffic_bytes: float, n_steps: int, n_samples: int
) -> tuple[float, float]:
    """Return seconds and watts of work that has the machine for itself."""
    if profile.cycles is not None:
        clock_hz = profile.cycles.frequency_hz * frequency
        return profile.cycles.cycles_per_sample * n_samples / clock_hz, profile.cycles.kappa * clock_hz**3
    power_w = profile.dynamic_w * frequency**profile.dvfs_exponent
    if profile.ms_per_sample is not None:
        return _PASSES * n_samples * profile.ms_per_sample / 1000.0 / frequency, power_w
    return compute_time_s(profile, flop=flop, traffic_bytes=traffic_bytes, n_steps=n_steps, frequency=frequency), power_w


def end_of_work(start_s: float, work_s: float, throttle: Throttle | None, speed: Timeline) -> list[Segment]:
    """Return the stretches of computing from ``start_s`` until ``work_s`` seconds at full speed are done.

    ``speed`` is the factor that faults leave; at a change, the new one counts. There is at least one stretch, and the last one
    ends with the work: at infinity if the speed stays 0.
    """
    hot_s = math.inf if throttle is None else start_s + throttle.after_s
    segments: list[Segment] = []
    now_s, left_s = start_s, work_s
    while True:
        heat = 1.0 if throttle is None or now_s < hot_s else throttle.factor
        factor = speed.at(now_s) * heat
        change_s = min(speed.next_change(now_s), hot_s if now_s < hot_s else math.inf)
        end_s = now_s + left_s / factor if factor > 0.0 else math.inf
        until_s = min(end_s, change_s)
        if segments and segments[-1].factor == factor:
            segments.pop()  # nothing changed: one stretch
        segments.append(Segment(until_s, factor))
        if end_s <= change_s:
            return segments
        left_s = max(left_s - (until_s - now_s) * factor, 0.0)
        now_s = until_s


def done_s(start_s: float, until_s: float, segments: list[Segment]) -> float:
    """Return the seconds at full speed that are worked off from ``start_s`` to ``until_s``, at which work may be cut."""
    total_s, now_s = 0.0, start_s
    for segment in segments:
        end_s = min(segment.until_s, until_s)
        if end_s > now_s:
            total_s += (end_s - now_s) * segment.factor
            now_s = end_s
    return total_s


def compute_energy_j(duration_s: float, profile: DeviceProfile) -> float:
    """Return the energy that computing at full speed for ``duration_s`` takes above idling."""
    return profile.dynamic_w * duration_s


def idle_energy_j(duration_s: float, profile: DeviceProfile) -> float:
    """Return the energy of being on for ``duration_s``, which is due whatever else the device does."""
    return profile.idle_w * duration_s


def fedscale_turn_s(
    batch_size: int, local_steps: int, ms_per_sample: float, upload_size: float, download_size: float, bandwidth: float
) -> float:
    """Return a device's turn as FedScale reckons it, equal to the last bit (``ClientMetadata.get_completion_time``).

    Three inferences a sample, and both payloads over one bandwidth, in units that match: no latency, nothing shared.
    """
    computing_s = _PASSES * batch_size * local_steps * float(ms_per_sample) / 1000.0
    return computing_s + (upload_size + download_size) / float(bandwidth)
