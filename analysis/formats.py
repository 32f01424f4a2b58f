"""Numbers as people read them: three significant digits, with a unit that fits."""

import math

TIMES = "\N{MULTIPLICATION SIGN}"
#: What stands where there is no number.
NOTHING = "-"

_PREFIXES = {-3: "n", -2: "\N{MICRO SIGN}", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T", 5: "P", 6: "E"}
_TIME_UNITS = ((1.0, "s"), (60.0, "min"), (3_600.0, "h"), (86_400.0, "d"))


def is_missing(value: float | None) -> bool:
    """Return whether ``value`` is None or NaN, as an empty cell is read."""
    return value is None or math.isnan(value)


def significant(value: float, digits: int = 3) -> str:
    """Return ``value`` rounded to ``digits`` significant digits, never in exponent notation: 0.0123, 4.56, 1,230."""
    if value == 0.0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}"


def prefix_of(value: float, smallest: int = -3) -> tuple[float, str]:
    """Return the factor and the SI prefix in which ``value`` has one to three digits before the point."""
    rounded = float(f"{abs(value):.2e}")
    power = 0 if rounded == 0.0 else min(max(math.floor(math.log10(rounded) / 3 + 1e-12), smallest), max(_PREFIXES))
    return 1000.0**power, _PREFIXES[power]


def _quantity(value: float | None, half: float | None, unit: str, smallest: int) -> str:
    if value is None or is_missing(value):
        return NOTHING
    factor, prefix = prefix_of(value, smallest)
    return f"{_interval(value / factor, None if half is None else half / factor)} {prefix}{unit}"


def _interval(value: float, half: float | None) -> str:
    """Return "12.3 ± 0.4": the half-width with two digits, the mean to the same place."""
    if half is None or is_missing(half):
        return significant(value)
    if half == 0.0:
        return f"{significant(value)} ± 0"
    decimals = min(max(0, 1 - math.floor(math.log10(half))), 3)
    return f"{value:,.{decimals}f} ± {half:,.{decimals}f}"


def bytes_text(n_bytes: float | None, half: float | None = None) -> str:
    """Return an amount of data in decimal units: 512 B, 1.50 MB; with the half-width of an interval if there is one."""
    return _quantity(n_bytes, half, "B", smallest=0)


def energy_text(energy_j: float | None, half: float | None = None) -> str:
    """Return an energy: 320 mJ, 45.2 J, 1.30 kJ."""
    return _quantity(energy_j, half, "J", smallest=-1)


def flop_text(flop: float | None) -> str:
    """Return a number of floating-point operations: 1.30 GFLOP."""
    return _quantity(flop, None, "FLOP", smallest=0)


def count_text(count: float | None) -> str:
    """Return a whole number: exact with separators below a million, above it in words of three digits."""
    if count is None or is_missing(count):
        return NOTHING
    if abs(count) < 1e6:
        return f"{round(count):,}"
    for factor, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(count) >= factor * 0.9995:
            return f"{significant(count / factor)} {word}"
    return f"{significant(count / 1e6)} million"


def percent_text(share: float | None, half: float | None = None) -> str:
    """Return a share of one with one decimal: 87.3 %; 87.3 ± 0.8 %. Exactly none and all lose their decimal."""
    if share is None or is_missing(share):
        return NOTHING
    if half is None or is_missing(half):
        return f"{100 * share:.0f} %" if share in (0.0, 1.0) else f"{100 * share:.1f} %"
    return f"{100 * share:.1f} ± {100 * half:.1f} %"


def ratio_text(ratio: float | None) -> str:
    """Return how many times something is another: "× 1", "× 1.25", "× 478"."""
    return NOTHING if ratio is None or is_missing(ratio) else f"{TIMES} {times_text(ratio)}"


def times_text(ratio: float) -> str:
    """Return a ratio as it stands in a sentence: "478", "1.25", "1"."""
    text = significant(ratio)
    return text.rstrip("0").rstrip(".") if "." in text else text


def time_unit(span_s: float) -> tuple[float, str]:
    """Return the seconds in a unit and its name, such that a span of this length reads well on an axis."""
    chosen = _TIME_UNITS[0]
    for seconds, name in _TIME_UNITS[1:]:
        if span_s >= 2 * seconds:
            chosen = (seconds, name)
    return chosen


def duration_text(duration_s: float | None, half: float | None = None) -> str:
    """Return a duration in its two largest units: 320 ms, 45.2 s, 12 min 5 s, 1 h 23 min, 2 d 3 h."""
    if duration_s is None or is_missing(duration_s):
        return NOTHING
    if half is not None and not is_missing(half):
        seconds, name = time_unit(duration_s)
        return f"{_interval(duration_s / seconds, half / seconds)} {name}"
    if duration_s < 59.95:
        return (
            f"{significant(duration_s)} s" if duration_s >= 1.0 or duration_s == 0.0 else f"{significant(duration_s * 1e3)} ms"
        )
    if duration_s < 3_599.5:
        return _two_units(round(duration_s), 60, "min", 1, "s")
    if duration_s < 86_370.0:
        return _two_units(60 * round(duration_s / 60), 3_600, "h", 60, "min")
    return _two_units(3_600 * round(duration_s / 3_600), 86_400, "d", 3_600, "h")


def _two_units(total_s: int, large_s: int, large: str, small_s: int, small: str) -> str:
    n_large, rest_s = divmod(total_s, large_s)
    return f"{n_large} {large} {rest_s // small_s} {small}" if rest_s else f"{n_large} {large}"


def diagnostic_text(name: str, value: float, half: float | None = None) -> str:
    """Return a number of an evaluation: accuracies and differences of accuracies as shares, anything else as it is."""
    if name.endswith(("accuracy", "gap", "share")):
        return percent_text(value, half)
    return NOTHING if is_missing(value) else _interval(value, half)
