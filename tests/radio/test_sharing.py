import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.radio.rate import shannon, truncated_shannon, uplink_power_limited_rate
from mecsim.radio.sharing import (
    POLICIES,
    FlowColumns,
    fill,
    multi_user_gain,
    power_limited_rate,
    proportional_fair_policy,
)


def columns(*full_rate_bps, weight=None, cap_bps=None, left_bits=None, assigned=None, rate_of_share=None):
    n = len(full_rate_bps)
    return FlowColumns(
        full_rate_bps=np.array(full_rate_bps, dtype=float),
        weight=np.array(weight or [1.0] * n),
        cap_bps=np.array(cap_bps or [math.inf] * n),
        left_bits=np.array(left_bits or [1.0] * n),
        assigned=np.array(assigned or [math.nan] * n),
        rate_of_share=tuple(rate_of_share or [None] * n),
    )


def root_law(full_rate_bps):
    """A concave law: a quarter of the band gives half of the rate."""
    return lambda share: full_rate_bps * math.sqrt(share)


HAND_CASES = {
    # policy: flows, shares, rates
    "equal": (columns(30.0, 10.0), [1 / 2, 1 / 2], [15.0, 5.0]),
    "rate-fair": (columns(30.0, 10.0), [1 / 4, 3 / 4], [7.5, 7.5]),  # 1 / (1/30 + 1/10)
    "weighted": (columns(30.0, 10.0, 10.0, weight=[1.0, 2.0, 1.0]), [1 / 4, 1 / 2, 1 / 4], [7.5, 5.0, 2.5]),
    "proportional-fair": (columns(30.0, 10.0), [1 / 2, 1 / 2], [21.0, 7.0]),  # H_2 = 1.5 is above the bound of 1.4
    "max-ci": (columns(10.0, 30.0, 20.0), [0.0, 1.0, 0.0], [0.0, 30.0, 0.0]),
    "assigned": (
        columns(10.0, 20.0, 30.0, 40.0, assigned=[0.5, math.nan, 0.2, math.nan]),
        [0.5, 0.15, 0.2, 0.15],
        [5, 3, 6, 6],
    ),
    "fdma": (columns(10.0, 20.0, rate_of_share=[None, root_law(20.0)]), [1 / 2, 1 / 2], [5.0, 20.0 * math.sqrt(0.5)]),
    "min-max": (columns(30.0, 10.0, left_bits=[10.0, 10.0]), [1 / 4, 3 / 4], [7.5, 7.5]),
}


def test_every_policy_has_a_hand_case():
    assert set(HAND_CASES) == set(POLICIES)


@pytest.mark.parametrize("kind", HAND_CASES)
def test_shares_and_rates_of_a_policy(kind):
    flows, shares, rates_bps = HAND_CASES[kind]
    split = POLICIES[kind].split(flows)
    assert split.shares == pytest.approx(shares)
    assert split.rates_bps == pytest.approx(rates_bps)


@pytest.mark.parametrize(
    ("kind", "flows", "rates_bps"),
    [
        # A at 2 of 10 bit/s takes a fifth of the carrier; the others have two fifths each.
        ("equal", columns(10.0, 10.0, 20.0, cap_bps=[2.0, math.inf, math.inf]), [2.0, 4.0, 8.0]),
        # Nobody can use more: half of the carrier is idle.
        ("equal", columns(10.0, 10.0, cap_bps=[2.0, 3.0]), [2.0, 3.0]),
        # A cap above what the flow gets changes nothing.
        ("equal", columns(10.0, 10.0, cap_bps=[5.5, math.inf]), [5.0, 5.0]),
        # Two rates in 3 of 4 of the carrier: 0.75 = r / 30 + r / 10.
        ("rate-fair", columns(30.0, 10.0, 8.0, cap_bps=[math.inf, math.inf, 2.0]), [5.625, 5.625, 2.0]),
        # Without its cap, C would have 16 of 40 bit/s. It takes a tenth; the others share the rest 3 to 1.
        ("weighted", columns(40.0, 40.0, 40.0, weight=[3.0, 1.0, 6.0], cap_bps=[math.inf, math.inf, 4.0]), [27.0, 9.0, 4.0]),
        # G = 1.4: A's cap of 3.5 of 14 bit/s takes a quarter of the carrier, B has three.
        ("proportional-fair", columns(10.0, 10.0, cap_bps=[3.5, math.inf]), [3.5, 10.5]),
        # The best takes its 15 of 30 bit/s, the two next share the other half.
        ("max-ci", columns(10.0, 30.0, 20.0, 20.0, cap_bps=[math.inf, 15.0, math.inf, math.inf]), [0.0, 15.0, 5.0, 5.0]),
        # A holds half of the carrier and can use a fifth: the rest is B's.
        ("assigned", columns(10.0, 10.0, assigned=[0.5, math.nan], cap_bps=[2.0, math.inf]), [2.0, 8.0]),
        # Channels are fixed: what A cannot use is nobody's.
        ("fdma", columns(10.0, 10.0, cap_bps=[2.0, math.inf]), [2.0, 5.0]),
    ],
)
def test_a_cap_limits_its_flow_and_leaves_the_rest_to_the_others(kind, flows, rates_bps):
    split = POLICIES[kind].split(flows)
    assert split.rates_bps == pytest.approx(rates_bps)


def test_flows_that_tie_for_the_best_channel_share_it():
    assert POLICIES["max-ci"].split(columns(20.0, 10.0, 20.0)).rates_bps == pytest.approx([10.0, 0.0, 10.0])


def test_shares_that_were_assigned_stay_idle_if_nobody_is_there_to_use_them():
    assert POLICIES["assigned"].split(columns(10.0, assigned=[0.3])).rates_bps == pytest.approx([3.0])


def test_flows_without_an_assigned_share_starve_if_all_is_assigned():
    split = POLICIES["assigned"].split(columns(10.0, 10.0, assigned=[1.0, math.nan]))
    assert split.rates_bps == pytest.approx([10.0, 0.0])


RATES = st.floats(1.0, 1e9)


@st.composite
def any_flows(draw):
    n = draw(st.integers(1, 12))

    def column(values):
        return draw(st.lists(values, min_size=n, max_size=n))

    shares = np.array(column(st.floats(0.01, 1.0)))
    is_listed = np.array(column(st.booleans()))
    return columns(
        *column(RATES),
        weight=column(st.floats(0.1, 10.0)),
        cap_bps=column(RATES | st.just(math.inf)),
        left_bits=column(st.floats(1.0, 1e9)),
        assigned=np.where(is_listed, shares / shares.sum(), math.nan).tolist(),
    )


@pytest.mark.parametrize("kind", POLICIES)
@given(flows=any_flows())
@settings(deadline=None, max_examples=60)
def test_no_policy_gives_out_more_than_the_carrier_or_more_than_a_cap(kind, flows):
    split = POLICIES[kind].split(flows)
    gain = multi_user_gain(flows.n) if kind == "proportional-fair" else 1.0
    assert split.shares.sum() <= 1.0 + 1e-12
    assert (split.shares >= 0.0).all()
    assert (split.rates_bps <= flows.cap_bps * (1.0 + 1e-12)).all()
    assert (split.rates_bps <= gain * split.shares * flows.full_rate_bps * (1.0 + 1e-9)).all()
    assert split.rates_bps.max() > 0.0  # somebody is served, or the link would wait for ever


@pytest.mark.parametrize("kind", ["equal", "rate-fair", "weighted", "proportional-fair", "max-ci"])
@given(flows=any_flows())
@settings(deadline=None, max_examples=60)
def test_a_work_conserving_policy_leaves_nothing_that_a_flow_could_use(kind, flows):
    split = POLICIES[kind].split(flows)
    is_hungry = split.rates_bps < flows.cap_bps * (1.0 - 1e-9)
    assert split.shares.sum() == pytest.approx(1.0) or not is_hungry.any()


@given(flows=any_flows(), total=st.floats(0.1, 1.0))
@settings(deadline=None)
def test_filling_has_one_level_for_all_that_are_not_limited(flows, total):
    weights, limits = flows.weight, np.minimum(flows.cap_bps / flows.full_rate_bps, 1.0)
    shares = fill(weights, limits, total)
    assert shares.sum() == pytest.approx(min(total, limits.sum()))
    levels, is_limited = shares / weights, shares >= limits
    if not is_limited.all():
        level = levels[~is_limited].max()
        assert levels[~is_limited] == pytest.approx(level)
        assert (levels[is_limited] <= level * (1.0 + 1e-9)).all()


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, 0.0], [1.0, -1.0], [1.0, math.nan]])
def test_weights_must_be_positive(weights):
    with pytest.raises(ValueError, match="each weight must be positive"):
        fill(np.array(weights), np.array([1.0, 1.0]))


def test_the_multi_user_gain_is_bounded_and_is_none_for_one_flow():
    assert [multi_user_gain(n, maximum=math.inf) for n in (1, 2, 4)] == pytest.approx([1.0, 3 / 2, 25 / 12])
    assert [multi_user_gain(n) for n in (1, 2, 10)] == pytest.approx([1.0, 1.4, 1.4])
    split = proportional_fair_policy(2.0).split(columns(12.0, 12.0, 12.0, 12.0))
    assert split.rates_bps == pytest.approx([6.0] * 4)
    with pytest.raises(ValueError, match="multi_user_gain_max must be at least 1, got 0"):
        proportional_fair_policy(0.5)


def schedule(rates_bps, *, memory):
    """The proportional-fair rule slot by slot: serve the greatest ratio of present to mean rate; return who was served."""
    means, served = rates_bps.mean(axis=0), []
    for now_bps in rates_bps:
        served.append(int(np.argmax(now_bps / means)))
        means = memory * means
        means[served[-1]] += (1.0 - memory) * now_bps[served[-1]]
    return np.array(served)


def test_the_scheduler_by_slots_gives_equal_airtime_where_nothing_fades():
    served = schedule(np.tile([30.0, 10.0, 1.0], (20_000, 1)), memory=0.98)
    assert np.bincount(served) / len(served) == pytest.approx([1 / 3] * 3, abs=0.02)


def test_the_scheduler_by_slots_gains_the_harmonic_number_over_rayleigh_fading():
    # Rates in proportion to independent exponential power gains, means 30:10:5:1. A gain of H_4 = 2.083 over a quarter of the
    # mean rate each; a round robin would have 1. Standard error of the mean of 4 x 5,000 served slots: 1.2 / sqrt(20,000).
    gains = np.random.default_rng(5).exponential(size=(20_000, 4))
    served = schedule(gains * [30.0, 10.0, 5.0, 1.0], memory=0.999)
    assert np.bincount(served) / len(served) == pytest.approx([0.25] * 4, abs=0.02)
    assert gains[np.arange(len(served)), served].mean() == pytest.approx(multi_user_gain(4, maximum=9.0), abs=0.03)


def test_a_power_limited_device_gains_snr_in_a_part_of_the_band():
    # SNR 1 over 10 Hz: 10 bit/s. In half of the band SNR 2: 5 log2(3). In a third SNR 3: 20/3.
    law = partial(power_limited_rate, carrier_hz=10.0, snr_full=1.0, spectral_efficiency=shannon)
    assert [law(share) for share in (0.0, 1 / 3, 0.5, 1.0)] == pytest.approx([0.0, 20 / 3, 5 * math.log2(3.0), 10.0])


def test_a_device_uses_only_the_part_on_which_it_is_heard():
    # Least SNR 0.1 (-10 dB), SNR 0.01 over the carrier: a tenth of it can be used. There, with alpha 0.4 and 1 MHz, the rate is
    # 4e4 log2(1.1); in a twentieth the SNR is 0.2.
    efficiency = partial(truncated_shannon, alpha=0.4, snr_min_db=-10.0, max_se=2.0)
    law = partial(power_limited_rate, carrier_hz=1e6, snr_full=0.01, spectral_efficiency=efficiency, snr_min_db=-10.0)
    assert [law(share) for share in (0.05, 0.1, 0.3, 1.0)] == pytest.approx(
        [2e4 * math.log2(1.2), *[4e4 * math.log2(1.1)] * 3], rel=1e-12
    )


@given(snr=st.floats(1e-4, 1e4))
def test_alone_on_the_carrier_a_power_limited_device_has_its_full_rate(snr):
    options = {"spectral_efficiency": partial(truncated_shannon, alpha=0.4, snr_min_db=-10.0, max_se=2.0), "snr_min_db": -10.0}
    full_bps = uplink_power_limited_rate(snr, bandwidth_hz=2e7, minimum_hz=0.0, **options)
    assert power_limited_rate(1.0, carrier_hz=2e7, snr_full=snr, **options) == pytest.approx(float(full_bps), rel=1e-12)


@given(snr=st.floats(1e-3, 1e4), share=st.floats(0.01, 0.99))
def test_a_part_of_the_band_gives_more_than_its_part_of_the_rate(snr, share):
    law = partial(power_limited_rate, carrier_hz=1.0, snr_full=snr, spectral_efficiency=shannon)
    assert law(share) > share * law(1.0)
    assert law(share) < law(1.0)
