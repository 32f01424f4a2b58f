"""Time and energy of what a device does: compute, wait, transfer."""

from typing import Literal

from mecsim.nodes.profiles import DeviceProfile, RadioPower

Direction = Literal["downlink", "uplink"]


def compute_time_s(profile: DeviceProfile, *, flop: float, traffic_bytes: float, n_steps: int) -> float:
    """Return how long ``n_steps`` like steps take that need ``flop`` and ``traffic_bytes`` in total.

    The roofline (Williams, Waterman and Patterson, 2009): arithmetic and memory traffic overlap, the longer one counts. On
    top, an overhead for each step.
    """
    arithmetic_s = flop / (profile.peak_flops * profile.efficiency)
    traffic_s = traffic_bytes / (profile.memory_bandwidth_bytes_per_s * profile.bandwidth_efficiency)
    return max(arithmetic_s, traffic_s) + n_steps * profile.launch_s


def compute_energy_j(duration_s: float, profile: DeviceProfile) -> float:
    """Return the energy that computing for ``duration_s`` takes above idling."""
    return (profile.active_w - profile.idle_w) * duration_s


def idle_energy_j(duration_s: float, profile: DeviceProfile) -> float:
    """Return the energy of being on for ``duration_s``, which is due whatever else the device does."""
    return profile.idle_w * duration_s


def transfer_energy_j(duration_s: float, bits: float, direction: Direction, radio: RadioPower) -> float:
    """Return the radio's energy above idle for a transfer of ``bits`` that took ``duration_s``.

    Exact however the rate went up and down meanwhile, as power is affine in the throughput.
    """
    match direction:
        case "downlink":
            return radio.downlink_overhead_w * duration_s + radio.downlink_j_per_bit * bits
        case "uplink":
            return radio.uplink_overhead_w * duration_s + radio.uplink_j_per_bit * bits
