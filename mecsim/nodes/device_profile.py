"""What a kind of machine can do and draws: computation, memory, storage, power."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CyclesModel:
    """Computation as papers on mobile edge computing count it: cycles a sample, and power that grows with the clock's cube.

    C cycles a sample at a clock of f take C / f seconds and kappa C f^2 joules, which is a power of kappa f^3. Public code
    uses kappa between 5e-29 and 1e-25 J s^2; at 2 GHz 1e-28 is 0.8 W, 1e-27 is 8 W, and 1e-26 is 80 W, which no phone has.
    """

    kappa: float  # effective switched capacitance, W/Hz^3
    cycles_per_sample: float
    frequency_hz: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProfile:
    """A kind of machine. ``efficiency`` and ``bandwidth_efficiency`` are shares of the peaks that training reaches.

    How long work takes follows from the peaks, unless there is a simpler model of it: ``cycles``, or ``ms_per_sample``, the
    milliseconds of an inference. A profile with both is a ValueError.
    """

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
    battery_wh: float | None = None  # None: on the mains
    storage_bytes: float | None = None  # free for what is downloaded; None: no limit
    dvfs_exponent: float = 3.0  # dynamic power goes with this power of the clock; 2 to 3, as the voltage has a floor
    cycles: CyclesModel | None = None
    ms_per_sample: float | None = None

    def __post_init__(self) -> None:
        if self.cycles is not None and self.ms_per_sample is not None:
            raise ValueError(f"profile {self.name!r} has both cycles and ms_per_sample: computing has one model of its time")

    @property
    def memory_budget_bytes(self) -> float:
        """Return the memory that a training may take."""
        return self.usable_memory * self.memory_bytes

    @property
    def dynamic_w(self) -> float:
        """Return the power of computing at full speed, above idle."""
        return self.active_w - self.idle_w
