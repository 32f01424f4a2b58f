"""What accuracy is set against: each cost with its columns, its name, and how it stands on an axis."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analysis.formats import bytes_text, duration_text, energy_text, prefix_of, time_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

#: Amounts whose largest is more than this many times the smallest stand on a logarithmic axis.
LINEAR_SPAN = 10.0
#: Ticks on a logarithmic axis: decades alone beyond the first, their halves and fifths too within the second.
_DECADES_ALONE, _WITH_FIFTHS = 300.0, 12.0


def _joules(span_j: float) -> tuple[float, str]:
    unit_j, prefix = prefix_of(span_j, smallest=-1)
    return unit_j, f"{prefix}J"


def _bytes(span: float) -> tuple[float, str]:
    unit, prefix = prefix_of(span, smallest=0)
    return unit, f"{prefix}B"


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost of a trial.

    ``spent`` is its column in ``frames.cumulative`` (with ``with_totals``), ``total`` the one of ``frames.by_label`` and
    ``measures.with_measures``, ``to_target`` that of what was spent until the target; ``unit_of`` gives the factor and the
    name of the unit for an axis of some length, ``text`` one amount (and the half-width of its interval) in words.
    ``spreads`` says that schemes differ by orders of magnitude, so that its axes are logarithmic from the start.
    """

    name: str
    title: str
    phrase: str
    spent: str
    total: str
    to_target: str
    unit_of: Callable[[float], tuple[float, str]]
    text: Callable[[float | None, float | None], str]
    spreads: bool = False

    @property
    def log_note(self) -> str:
        """Return what stands in brackets behind the title on a logarithmic axis, whose ticks have their own units."""
        return "bytes, log scale" if self.spreads else "log scale"


TIME = Cost(
    "time", "Simulated time", "simulated time", "sim_time_s", "sim_time_s", "time_to_target_s", time_unit, duration_text
)
ENERGY = Cost(
    "energy", "Device energy", "the energy of all devices (computing, radio and idle)", "cum_device_energy_j",
    "device_energy_j", "device_energy_to_target_j", _joules, energy_text,
)  # fmt: skip
UPLINK = Cost(
    "uplink", "Uplink data", "the data that all devices have sent", "cum_uplink_bytes", "uplink_bytes",
    "uplink_bytes_to_target", _bytes, bytes_text, spreads=True,
)  # fmt: skip
DOWNLINK = Cost(
    "downlink", "Downlink data", "the data that all devices have received", "cum_downlink_bytes", "downlink_bytes",
    "downlink_bytes_to_target", _bytes, bytes_text, spreads=True,
)  # fmt: skip
BYTES = Cost(
    "bytes", "Uplink and downlink data", "the data that all devices have sent and received", "cum_total_bytes", "total_bytes",
    "total_bytes_to_target", _bytes, bytes_text, spreads=True,
)  # fmt: skip


def needs_log(values: "list[float]") -> bool:
    """Return whether positive ``values`` differ too much for a linear axis; those that are 0 or less do not count."""
    positive = [value for value in values if value > 0]
    return bool(positive) and max(positive) > LINEAR_SPAN * min(positive)


def plain(value: float) -> str:
    """Return the number of a tick in full, without exponent: 0.3, 20, 1,000."""
    return f"{value:,.10g}"


def byte_tick(n_bytes: float) -> str:
    """Return an amount of data as it stands at a tick: 10 kB, 300 MB."""
    return bytes_text(n_bytes).replace(".00", "").replace("0.0 ", "0 ")


def _energy_tick(energy_j: float) -> str:
    return energy_text(energy_j).replace(".00 ", " ").replace("0.0 ", "0 ")


def _time_tick(time_s: float) -> str:
    seconds, name = next(unit for unit in reversed(_TIME_UNITS) if time_s >= unit[0] or unit[0] == _TIME_UNITS[0][0])
    return f"{time_s / seconds:,.10g} {name}"


_TIME_UNITS = ((1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3_600.0, "h"), (86_400.0, "d"))
#: Round times, in sets from the coarsest to the finest: an axis takes the first that gives it enough ticks.
_ROUND_TIMES_S = tuple(
    [
        factor * unit_s
        for (unit_s, name) in _TIME_UNITS
        for factor in (*of_all, *(of_days if name == "d" else of_ms * (name == "ms")))
    ]
    for of_all, of_ms, of_days in (
        ((1,), (30,), (30, 1000)),
        ((1, 10), (100,), (100, 1000)),
        ((1, 3, 10, 30), (100, 300), (100, 300, 1000, 3000)),
        ((1, 2, 5, 10, 20), (50, 100, 200, 500), (50, 100, 200, 500, 1000)),
    )
)
_N_TICKS = (3, 6)


def _time_ticks(low_s: float, high_s: float) -> list[float]:
    """Return round times between the ends of an axis: of the coarsest set with enough of them, at most six."""
    for times_s in _ROUND_TIMES_S:
        inside = [time_s for time_s in times_s if low_s <= time_s <= high_s]
        if len(inside) >= _N_TICKS[0]:
            break
    return inside[:: -(-len(inside) // _N_TICKS[1])] if inside else []


def cost_axis(axes: "Axes", cost: Cost, which: Literal["x", "y"] = "x", *, up_to: float | None = None) -> None:
    """Make an axis of ``cost`` in SI units logarithmic and name it; each tick has its own unit, none is above ``up_to``."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

    log_axis(axes, byte_tick if cost.spreads else _energy_tick, which)
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    high = high if up_to is None else min(high, up_to)
    if cost is TIME:
        ticks = _time_ticks(low, high)
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter(FixedFormatter([_time_tick(tick) for tick in ticks]))
        axis.set_minor_locator(NullLocator())
    elif up_to is not None:
        inside = [float(tick) for tick in axis.get_major_locator().tick_values(low, high) if low <= tick <= high]
        axis.set_major_locator(FixedLocator(inside))
        axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def byte_axis(axes: "Axes", which: Literal["x", "y"] = "x") -> None:
    """Make an axis logarithmic in bytes, with at most five labelled decades."""
    log_axis(axes, byte_tick, which)


def log_axis(axes: "Axes", text: Callable[[float], str], which: Literal["x", "y"] = "x") -> None:
    """Make an axis logarithmic, its decades (on shorter axes also numbers between) labelled by ``text``."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    axis: Axis = axes.xaxis if which == "x" else axes.yaxis
    span = high / low
    subs = (1.0,) if span > _DECADES_ALONE else (1.0, 3.0) if span > _WITH_FIFTHS else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=subs, numticks=5))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_formatter(NullFormatter())
