import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.radio.min_max import first_reaching, min_max_split, min_max_with_ready_times
from mecsim.radio.rate import shannon
from mecsim.radio.sharing import power_limited_rate


def split(left_bits, full_rate_bps, cap_bps=None, laws=None):
    n = len(left_bits)
    caps = np.full(n, math.inf) if cap_bps is None else np.array(cap_bps, dtype=float)
    return min_max_split(np.array(left_bits, dtype=float), np.array(full_rate_bps, dtype=float), caps, laws or [None] * n)


def uplink(snr_full, carrier_hz=1e6):
    return partial(power_limited_rate, carrier_hz=carrier_hz, snr_full=snr_full, spectral_efficiency=shannon)


def test_two_flows_end_together_after_the_time_that_they_take_one_after_the_other():
    # 10 Mb at 30 Mb/s and 10 Mb at 10 Mb/s: 1/3 s and 1 s alone; together 4/3 s, with a quarter and three quarters.
    end_s, shares = split([10e6, 10e6], [30e6, 10e6])
    assert end_s == pytest.approx(4 / 3, rel=1e-15)
    assert shares == pytest.approx([0.25, 0.75])


def test_a_concave_law_by_hand():
    # r = R sqrt(b), R = 30 and 10 bit/s, 10 bit each: b = (S / (R T))^2, so T^2 = 1/9 + 1.
    laws = [lambda share: 30.0 * math.sqrt(share), lambda share: 10.0 * math.sqrt(share)]
    end_s, shares = split([10.0, 10.0], [30.0, 10.0], laws=laws)
    assert end_s == pytest.approx(math.sqrt(10 / 9), rel=1e-12)
    assert shares == pytest.approx([0.1, 0.9], rel=1e-9)


def test_a_linear_and_a_concave_flow():
    # b1 = 1 / T and b2 = 1 / T^2 sum to 1: T is the golden ratio.
    end_s, shares = split([10.0, 10.0], [10.0, 10.0], laws=[None, lambda share: 10.0 * math.sqrt(share)])
    golden = (1.0 + math.sqrt(5.0)) / 2.0
    assert end_s == pytest.approx(golden, rel=1e-12)
    assert shares == pytest.approx([1 / golden, 1 / golden**2], rel=1e-9)


def test_no_split_of_the_band_ends_two_power_limited_uploads_sooner():
    laws, sizes_bits = [uplink(20.0), uplink(0.05)], [4e6, 1e6]
    end_s, shares = split(sizes_bits, [law(1.0) for law in laws], laws=laws)
    brute_s = min(
        max(sizes_bits[0] / laws[0](share), sizes_bits[1] / laws[1](1.0 - share))
        for share in np.linspace(1e-3, 1 - 1e-3, 9_999)
    )
    assert end_s == pytest.approx(brute_s, rel=1e-3)
    assert end_s <= brute_s
    one_after_the_other_s = sum(size / law(1.0) for size, law in zip(sizes_bits, laws, strict=True))
    assert end_s < 0.99 * one_after_the_other_s  # what a split of the time would take
    assert sizes_bits[0] / laws[0](shares[0]) == pytest.approx(end_s, rel=1e-9)
    assert sizes_bits[1] / laws[1](shares[1]) == pytest.approx(end_s, rel=1e-9)


def test_a_cap_alone_may_decide_the_end():
    # A: 10 bits at 1 bit/s at most: 10 s. B needs 4 bits in 10 s of 10 bit/s: 4 %. The rest stays unused.
    end_s, shares = split([10.0, 4.0], [10.0, 10.0], cap_bps=[1.0, math.inf])
    assert end_s == 10.0
    assert shares == pytest.approx([0.1, 0.04])


def test_a_cap_may_bind_without_deciding_the_end():
    end_s, shares = split([10.0, 10.0], [10.0, 10.0], cap_bps=[6.0, math.inf])
    assert end_s == pytest.approx(2.0, rel=1e-12)
    assert shares == pytest.approx([0.5, 0.5], rel=1e-9)


def test_a_device_that_can_use_a_part_of_the_band_only_gets_no_more():
    # r = min(b, 0.1) bit/s for b of the band, 1 bit: 10 s alone. The other needs 5 of 10 bit/s x 10 s.
    end_s, shares = split([1.0, 50.0], [0.1, 10.0], laws=[lambda share: min(share, 0.1), None])
    assert end_s == pytest.approx(10.0)
    assert shares == pytest.approx([0.1, 0.5], rel=1e-9)


def test_a_law_with_steps_keeps_its_promises():
    # Not concave, nor rising everywhere: each gets its bits in time all the same, out of one carrier.
    def law(share):
        efficiency = 2.0 if share < 0.3 else 1.0
        return share * efficiency

    end_s, shares = split([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], laws=[law] * 3)
    assert shares.sum() <= 1.0
    assert all(law(share) * end_s >= 1.0 - 1e-9 for share in shares)


def test_flows_without_a_rate_have_no_end():
    with pytest.raises(ValueError, match="positive rate on the whole carrier"):
        split([1.0, 1.0], [1.0, 1.0], laws=[lambda share: 0.0, None])


@given(
    snrs=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6),
    sizes_bits=st.lists(st.floats(1e3, 1e8), min_size=6, max_size=6),
)
@settings(deadline=None, max_examples=40)
def test_power_limited_uploads_end_together_and_use_the_whole_band(snrs, sizes_bits):
    laws = [uplink(snr) for snr in snrs]
    sizes_bits = sizes_bits[: len(laws)]
    end_s, shares = split(sizes_bits, [law(1.0) for law in laws], laws=laws)
    assert shares.sum() == pytest.approx(1.0, rel=1e-9)
    assert shares.sum() <= 1.0 + 1e-12
    ends_s = [size / law(share) for size, law, share in zip(sizes_bits, laws, shares, strict=True)]
    assert ends_s == pytest.approx([end_s] * len(laws), rel=1e-6)
    assert end_s <= sum(size / law(1.0) for size, law in zip(sizes_bits, laws, strict=True)) * (1.0 + 1e-12)


def test_who_is_ready_later_gets_more():
    # 1/T + 1/(T - 1.5) = 1 at T = 3.
    end_s, shares = min_max_with_ready_times([10.0, 10.0], [10.0, 10.0], [0.0, 1.5])
    assert end_s == pytest.approx(3.0, rel=1e-12)
    assert shares == pytest.approx([1 / 3, 2 / 3])


def test_ready_at_one_time_is_the_plain_split():
    end_s, shares = min_max_with_ready_times([10e6, 10e6], [30e6, 10e6], [5.0, 5.0])
    assert end_s == pytest.approx(5.0 + 4 / 3, rel=1e-12)
    assert shares == pytest.approx([0.25, 0.75])


@given(
    transfers=st.lists(st.tuples(st.floats(1e3, 1e9), st.floats(1e4, 1e9), st.floats(0.0, 1e3)), min_size=1, max_size=8),
)
@settings(deadline=None)
def test_with_ready_times_all_end_together(transfers):
    sizes, rates, ready = (np.array(column) for column in zip(*transfers, strict=True))
    end_s, shares = min_max_with_ready_times(sizes, rates, ready)
    assert shares.sum() == pytest.approx(1.0, rel=1e-6)
    assert ready + sizes / (shares * rates) == pytest.approx(np.full(len(ready), end_s), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("sizes", "rates", "ready", "message"),
    [
        ([], [], [], "columns of one length"),
        ([1.0], [1.0], [0.0, 1.0], "columns of one length"),
        ([1.0, 0.0], [1.0, 1.0], [0.0, 0.0], "finite and positive"),
        ([1.0], [math.inf], [0.0], "finite and positive"),
    ],
)
def test_senseless_transfers_have_no_split(sizes, rates, ready, message):
    with pytest.raises(ValueError, match=message):
        min_max_with_ready_times(sizes, rates, ready)


@pytest.mark.parametrize(
    ("function", "target", "expected"),
    [
        (lambda x: x, 0.3, 0.3),
        (lambda x: x**9, 1e-6, 10 ** (-6 / 9)),
        (math.sqrt, 1e-4, 1e-8),
        (lambda x: float(x >= 0.7), 0.5, 0.7),  # a step
        (lambda x: min(x, 0.1), 0.1, 0.1),  # a plateau
        (lambda x: x, -1.0, 0.0),
        (lambda x: x, 2.0, 1.0),
    ],
)
def test_the_first_place_at_which_a_function_reaches_its_target(function, target, expected):
    assert first_reaching(function, target, 0.0, 1.0) == pytest.approx(expected, abs=1e-13)


def test_a_smooth_function_takes_few_steps():
    calls = []

    def counted(x):
        calls.append(x)
        return uplink(3.0)(x)

    first_reaching(counted, 1e6, 0.0, 1.0)
    assert len(calls) < 20  # bisection takes 47
