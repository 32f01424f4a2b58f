"""What devices and servers can do and draw: computation, memory, power, radio.

Peaks are FP32 without tensor cores (TF32 is not counted); where a figure is known as a range, its middle is taken. Every
``source`` says what is measured or published and what is a default to be calibrated; the efficiencies (the share of the
peak that the training of a small transformer reaches), the idle powers and ``launch_s`` are defaults throughout. A GB is 1e9
bytes, as in scenarios, though memory is sold by the binary gigabyte: the budgets err on the low side by 7 %.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProfile:
    """A kind of machine. ``efficiency`` and ``bandwidth_efficiency`` are shares of the peaks that training reaches."""

    name: str
    peak_flops: float  # FLOP/s
    efficiency: float
    memory_bandwidth_bytes_per_s: float
    memory_bytes: float
    usable_memory: float  # share left by the system
    idle_w: float
    active_w: float
    launch_s: float  # overhead of a training step, whatever its size: kernel launches, dispatch
    source: str
    bandwidth_efficiency: float = 0.75
    radio: str = "nr-low-band"

    @property
    def memory_budget_bytes(self) -> float:
        """Return the memory that a training may take."""
        return self.usable_memory * self.memory_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioPower:
    """Power of a connected radio above the idle device, affine in the throughput: an overhead, and joules a bit."""

    name: str
    downlink_overhead_w: float
    uplink_overhead_w: float
    downlink_j_per_bit: float
    uplink_j_per_bit: float
    source: str

    @property
    def overhead_w(self) -> float:
        """Return the power of being connected with nothing to carry (the tail): the mean of both directions' overheads."""
        return 0.5 * (self.downlink_overhead_w + self.uplink_overhead_w)


_BASE_W = 2.35  # the phone of the measurement with its screen on and no transfer
_MEASURED = (
    "least-squares fit, over 1 s samples, to the whole-phone power measured by Narayanan et al., SIGCOMM 2021 (public "
    "artifact), less a base of about 2.35 W"
)


def _measured_radio(
    name: str, *, downlink_mw_per_mbps: float, downlink_mw: float, uplink_mw_per_mbps: float, uplink_mw: float
) -> RadioPower:
    """Return the record of a fitted line power [mW] = intercept + slope x throughput [Mb/s]; 1 mW per Mb/s is 1 nJ a bit."""
    return RadioPower(
        name=name,
        downlink_overhead_w=downlink_mw / 1e3 - _BASE_W,
        uplink_overhead_w=uplink_mw / 1e3 - _BASE_W,
        downlink_j_per_bit=downlink_mw_per_mbps * 1e-9,
        uplink_j_per_bit=uplink_mw_per_mbps * 1e-9,
        source=_MEASURED,
    )


RADIO_POWER: dict[str, RadioPower] = {
    radio.name: radio
    for radio in (
        _measured_radio("lte", downlink_mw_per_mbps=11.54, downlink_mw=2839, uplink_mw_per_mbps=76.68, uplink_mw=2926),
        _measured_radio("nr-low-band", downlink_mw_per_mbps=11.54, downlink_mw=3059, uplink_mw_per_mbps=32.17, uplink_mw=3199),
        _measured_radio("nr-mmwave", downlink_mw_per_mbps=1.73, downlink_mw=5237, uplink_mw_per_mbps=8.88, uplink_mw=5664),
    )
}


def _machine(
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
) -> DeviceProfile:
    """Return the profile from a data sheet's units; ``memory`` is GB and usable share, ``watts`` idle and active."""
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
    )


_BOARDS = (
    _machine(
        "raspberry-pi-4",
        tflops=0.048,
        efficiency=0.35,
        gbytes_per_s=12.8,
        bandwidth_efficiency=0.4,
        memory=(4, 0.8),
        watts=(2.7, 7.2),
        launch_ms=10,
        source="active power measured under HPL (11.9 GFLOP/s FP64, geerlingguy/top500-benchmark); peak is 4 cores x 8 FLOP x "
        "1.5 GHz; 4-6 GB/s reached in practice; memory of the 4 GB variant; rest default",
    ),
    _machine(
        "raspberry-pi-5",
        tflops=0.1536,
        efficiency=0.40,
        gbytes_per_s=17.1,
        memory=(8, 0.8),
        watts=(3.0, 12.7),
        launch_ms=5,
        source="active power measured under HPL (35.2 GFLOP/s FP64, 8 GB variant, geerlingguy/top500-benchmark); peak is 4 "
        "cores x 16 FLOP x 2.4 GHz; LPDDR4X-4267, 32 bit; rest default",
    ),
    _machine(
        "jetson-nano",
        tflops=0.2358,
        efficiency=0.25,
        gbytes_per_s=25.6,
        memory=(4, 0.8),
        watts=(1.5, 7.5),
        launch_ms=50,
        source="TechPowerUp specification, not checked with the maker; middle of the 5-10 W modes; rest default",
    ),
    _machine(
        "jetson-orin-nano",
        tflops=1.28,
        efficiency=0.25,
        gbytes_per_s=68.0,
        memory=(8, 0.8),
        watts=(3.5, 11.0),
        launch_ms=50,
        source="TechPowerUp specification; FP32 GEMM of 0.64 TFLOP/s and STREAM triad of 62 GB/s measured in the 15 W mode "
        "(branes-ai/graphs); middle of 7-15 W; rest default",
    ),
    _machine(
        "jetson-orin-nx",
        tflops=1.88,
        efficiency=0.2,
        gbytes_per_s=102.4,
        memory=(16, 0.8),
        watts=(4.0, 17.5),
        launch_ms=50,
        source="TechPowerUp specification, not checked with the maker; middle of the 10-25 W modes; rest default",
    ),
    _machine(
        "jetson-agx-orin",
        tflops=5.325,
        efficiency=0.175,
        gbytes_per_s=204.8,
        memory=(64, 0.8),
        watts=(9.0, 37.5),
        launch_ms=50,
        source="TechPowerUp specification; efficiency from FP32 inference measured at batch 1 (ViT-L/16 0.95, ViT-B/16 0.58 "
        "TFLOP/s, branes-ai/graphs); middle of 15-60 W; rest default",
    ),
)

_PHONES_AND_LAPTOPS = (
    _machine(
        "phone-low",
        tflops=0.385,
        efficiency=0.12,
        gbytes_per_s=15.45,
        memory=(4, 0.45),
        watts=(0.5, 2.5),
        launch_ms=20,
        source="class of Snapdragon 662/695, graphics unit; middles of published ranges; all default",
    ),
    _machine(
        "phone-mid",
        tflops=0.72,
        efficiency=0.15,
        gbytes_per_s=17.0,
        memory=(8, 0.45),
        watts=(0.6, 3.5),
        launch_ms=20,
        source="class of Snapdragon 768G, graphics unit; peak and bandwidth as listed by nanoreview.net; rest default",
    ),
    _machine(
        "phone-flagship",
        tflops=3.7,
        efficiency=0.15,
        gbytes_per_s=76.8,
        memory=(12, 0.45),
        watts=(0.8, 5.0),
        launch_ms=20,
        source="class of Snapdragon 8 Gen 3, graphics unit; LPDDR5X-4800 bandwidth published; middle of 4-6 W sustained; "
        "rest default",
    ),
    _machine(
        "laptop-cpu",
        tflops=1.15,
        efficiency=0.3,
        gbytes_per_s=105.0,
        memory=(16, 0.7),
        watts=(7.0, 41.6),
        launch_ms=5,
        source="class of Ryzen AI 340; active power measured under HPL (geerlingguy/top500-benchmark); rest default",
    ),
    _machine(
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
    return _machine(
        name,
        tflops=tflops,
        efficiency=efficiency,
        gbytes_per_s=gbytes_per_s,
        memory=(memory_gb, 0.92),
        watts=watts,
        launch_ms=5,
        source=f"{chip}, card alone; TechPowerUp specification of peak, bandwidth, memory, board power; rest default",
    )


_SERVERS = (
    _server("server-t4", tflops=8.141, efficiency=0.3, gbytes_per_s=320, memory_gb=16, watts=(10, 70), chip="T4"),
    _server("server-l4", tflops=30.29, efficiency=0.3, gbytes_per_s=300, memory_gb=24, watts=(16, 72), chip="L4"),
    _server("server-4090", tflops=82.58, efficiency=0.35, gbytes_per_s=1008, memory_gb=24, watts=(20, 450), chip="RTX 4090"),
    _server("server-a100", tflops=19.49, efficiency=0.4, gbytes_per_s=1555, memory_gb=40, watts=(50, 250), chip="A100 PCIe 40"),
    _server("server-h100", tflops=51.22, efficiency=0.4, gbytes_per_s=2039, memory_gb=80, watts=(60, 350), chip="H100 PCIe 80"),
)

PROFILES: dict[str, DeviceProfile] = {profile.name: profile for profile in (*_BOARDS, *_PHONES_AND_LAPTOPS, *_SERVERS)}
