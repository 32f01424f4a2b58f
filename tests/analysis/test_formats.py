import math

import pytest

from analysis.formats import (
    bytes_text,
    count_text,
    duration_text,
    energy_text,
    flop_text,
    percent_text,
    ratio_text,
    significant,
    time_unit,
    times_text,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.01234, "0.0123"), (1.0, "1.00"), (9.999, "10.0"), (12.345, "12.3"), (99.96, "100"), (478.4, "478"),
        (1_234.0, "1,230"), (1_234_567.0, "1,230,000"), (-45.67, "-45.7"),
    ],
)  # fmt: skip
def test_significant(value, text):
    assert significant(value) == text


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 B"), (1, "1.00 B"), (512, "512 B"), (999.6, "1.00 kB"), (1_000, "1.00 kB"), (717_000, "717 kB"),
        (999_499, "999 kB"), (999_500, "1.00 MB"), (1.5e6, "1.50 MB"), (22.3e9, "22.3 GB"), (3e12, "3.00 TB"),
        (None, "-"), (math.nan, "-"),
    ],
)  # fmt: skip
def test_bytes(n_bytes, text):
    assert bytes_text(n_bytes) == text


@pytest.mark.parametrize(
    ("energy_j", "text"),
    [
        (0.0, "0 J"), (0.0000032, "0.00320 mJ"), (0.32, "320 mJ"), (45.23, "45.2 J"), (999.7, "1.00 kJ"),
        (1_300.0, "1.30 kJ"), (3.6e6, "3.60 MJ"), (None, "-"),
    ],
)  # fmt: skip
def test_energy(energy_j, text):
    assert energy_text(energy_j) == text


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (0.0, "0 s"), (0.32, "320 ms"), (1.0, "1.00 s"), (45.23, "45.2 s"), (59.94, "59.9 s"), (59.96, "1 min"),
        (60.0, "1 min"), (725.0, "12 min 5 s"), (3_599.4, "59 min 59 s"), (3_599.6, "1 h"), (4_980.0, "1 h 23 min"),
        (86_369.0, "23 h 59 min"), (86_370.0, "1 d"), (2 * 86_400 + 3 * 3_600, "2 d 3 h"), (None, "-"), (math.nan, "-"),
    ],
)  # fmt: skip
def test_duration(duration_s, text):
    assert duration_text(duration_s) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (energy_text(12_340.0, 410.0), "12.34 ± 0.41 kJ"),
        (energy_text(12_340.0, 4_100.0), "12.3 ± 4.1 kJ"),
        (bytes_text(64.53e6, 0.0), "64.5 ± 0 MB"),
        (bytes_text(64.53e6, math.nan), "64.5 MB"),
        (duration_text(5_100.0, 174.0), "85.0 ± 2.9 min"),
        (percent_text(0.873, 0.0081), "87.3 ± 0.8 %"),
        (energy_text(1_000.0, 25_000.0), "1 ± 25 kJ"),
    ],
)
def test_intervals(text, expected):
    assert text == expected


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0 %"), (1.0, "100 %"), (0.873, "87.3 %"), (1 / 3, "33.3 %"), (None, "-"), (math.nan, "-")]
)
def test_percent(share, text):
    assert percent_text(share) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(1.0, "1"), (1.25, "1.25"), (1.297, "1.3"), (10.0, "10"), (478.3, "478"), (1_434.0, "1,430"), (100.0, "100")],
)
def test_ratio(ratio, text):
    assert times_text(ratio) == text
    assert ratio_text(ratio) == f"\N{MULTIPLICATION SIGN} {text}"


def test_no_ratio():
    assert ratio_text(math.nan) == "-"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (179_250, "179,250"), (999_999, "999,999"), (1_000_000, "1.00 million"), (85.8e6, "85.8 million"),
     (999.7e6, "1.00 billion"), (6.74e9, "6.74 billion"), (None, "-")],
)  # fmt: skip
def test_count(count, text):
    assert count_text(count) == text


def test_flop():
    assert flop_text(9.1e13) == "91.0 TFLOP"


@pytest.mark.parametrize(
    ("span_s", "unit"), [(0.0, "s"), (119.0, "s"), (120.0, "min"), (7_199.0, "min"), (7_200.0, "h"), (172_800.0, "d")]
)
def test_time_unit(span_s, unit):
    assert time_unit(span_s)[1] == unit
