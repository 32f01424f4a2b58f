"""Small desktop computers, laptops and servers."""

from mecsim.nodes.device_profile import DeviceProfile
from mecsim.nodes.machines.data_sheet import machine

COMPUTERS = (
    machine(
        "n100-mini-pc",
        tflops=0.35,
        efficiency=0.4,
        gbytes_per_s=38.0,
        memory=(16, 0.7),
        watts=(6.0, 20.5),
        launch_ms=5,
        source="Intel N100; middle of 16-25 W measured under HPL (37-63 GFLOP/s FP64, geerlingguy/top500-benchmark); rest "
        "default",
    ),
    machine(
        "mac-mini-m4",
        tflops=0.6,
        efficiency=0.3,
        gbytes_per_s=120.0,
        memory=(16, 0.7),
        watts=(4.0, 39.6),
        launch_ms=5,
        source="processor cores alone; active power measured under HPL (299.9 GFLOP/s FP64, geerlingguy/top500-benchmark); "
        "rest default",
    ),
    machine(
        "laptop-cpu",
        tflops=1.15,
        efficiency=0.3,
        gbytes_per_s=105.0,
        memory=(16, 0.7),
        watts=(7.0, 41.6),
        launch_ms=5,
        battery_wh=60,
        source="class of Ryzen AI 340; active power measured under HPL (geerlingguy/top500-benchmark); rest default",
    ),
    machine(
        "laptop-8945hs",
        tflops=1.15,
        efficiency=0.33,
        gbytes_per_s=105.0,
        memory=(32, 0.7),
        watts=(7.0, 41.6),
        launch_ms=5,
        battery_wh=60,
        source="Ryzen 9 8945HS, its processor cores; efficiency from FP32 inference of a vision transformer measured at 0.377 "
        "TFLOP/s (branes-ai/graphs); powers of laptop-cpu; rest default",
    ),
    machine(
        "laptop-gpu",
        tflops=11.61,
        efficiency=0.3,
        gbytes_per_s=256.0,
        memory=(8, 0.92),
        watts=(10.0, 115.0),
        launch_ms=5,
        source="RTX 4060 laptop, graphics card alone; TechPowerUp specification; rest default",
    ),
)


def _server(
    name: str,
    *,
    tflops: float,
    efficiency: float,
    gbytes_per_s: float,
    memory_gb: float,
    watts: tuple[float, float],
    chip: str,
) -> DeviceProfile:
    return machine(
        name,
        tflops=tflops,
        efficiency=efficiency,
        gbytes_per_s=gbytes_per_s,
        memory=(memory_gb, 0.92),
        watts=watts,
        launch_ms=5,
        source=f"{chip}, card alone; TechPowerUp specification of peak, bandwidth, memory, board power; rest default",
    )


SERVERS = (
    _server("server-t4", tflops=8.141, efficiency=0.3, gbytes_per_s=320, memory_gb=16, watts=(10, 70), chip="T4"),
    _server("server-l4", tflops=30.29, efficiency=0.3, gbytes_per_s=300, memory_gb=24, watts=(16, 72), chip="L4"),
    _server("server-4090", tflops=82.58, efficiency=0.35, gbytes_per_s=1008, memory_gb=24, watts=(20, 450), chip="RTX 4090"),
    _server("server-a100", tflops=19.49, efficiency=0.4, gbytes_per_s=1555, memory_gb=40, watts=(50, 250), chip="A100 PCIe 40"),
    _server("server-h100", tflops=51.22, efficiency=0.4, gbytes_per_s=2039, memory_gb=80, watts=(60, 350), chip="H100 PCIe 80"),
)
