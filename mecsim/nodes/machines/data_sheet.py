"""A profile in the units of data sheets."""

from mecsim.nodes.device_profile import DeviceProfile


def machine(
    name: str,
    *,
    tflops: float,
    efficiency: float,
    gbytes_per_s: float,
    memory: tuple[float, float],
    watts: tuple[float, float],
    launch_ms: float,
    source: str,
    bandwidth_efficiency: float = 0.75,
    battery_wh: float | None = None,
    storage_gb: float | None = None,
) -> DeviceProfile:
    """Return a profile; ``memory`` is GB and the share that is usable, ``watts`` are idle and active."""
    return DeviceProfile(
        name=name,
        peak_flops=tflops * 1e12,
        efficiency=efficiency,
        memory_bandwidth_bytes_per_s=gbytes_per_s * 1e9,
        memory_bytes=memory[0] * 1e9,
        usable_memory=memory[1],
        idle_w=watts[0],
        active_w=watts[1],
        launch_s=launch_ms / 1e3,
        source=source,
        bandwidth_efficiency=bandwidth_efficiency,
        battery_wh=battery_wh,
        storage_bytes=None if storage_gb is None else storage_gb * 1e9,
    )
