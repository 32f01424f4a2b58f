import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.nodes.profiles import RADIO_POWER, RadioPower
from mecsim.nodes.radio_energy import RadioSession, transfer_energy_j
from mecsim.nodes.radio_power import physical_radio

MEASURED = ("lte", "nr-low-band", "nr-mmwave")
# Promotion 2 s at 3 W: 6 J. Tail 10 s at 0.5 W: 5 J.
RADIO = RadioPower(
    name="round-numbers",
    downlink_overhead_w=1.0,
    uplink_overhead_w=2.0,
    downlink_j_per_bit=1e-9,
    uplink_j_per_bit=4e-9,
    source="made up",
    promotion_s=2.0,
    promotion_w=3.0,
    tail_s=10.0,
    tail_w=0.5,
)


@pytest.mark.parametrize(
    ("radio", "direction", "slope_mw_per_mbps", "intercept_mw"),
    [
        ("lte", "downlink", 11.54, 2839.0),
        ("lte", "uplink", 76.68, 2926.0),
        ("nr-low-band", "downlink", 11.54, 3059.0),
        ("nr-low-band", "uplink", 32.17, 3199.0),
        ("nr-mmwave", "downlink", 1.73, 5237.0),
        ("nr-mmwave", "uplink", 8.88, 5664.0),
    ],
)
def test_radio_energy_is_that_of_the_fitted_power(radio, direction, slope_mw_per_mbps, intercept_mw):
    # 10 s at 20 Mb/s, above a base of 2.35 W.
    expected_j = 10.0 * (slope_mw_per_mbps * 20.0 + intercept_mw - 2350.0) / 1e3
    assert transfer_energy_j(10.0, 200e6, direction, RADIO_POWER[radio]) == pytest.approx(expected_j)


def test_radio_energy_in_figures():
    # Low band, 1 MB up in 2 s: (3.199 - 2.35) x 2 + 32.17e-9 x 8e6 = 1.698 + 0.25736 J
    assert transfer_energy_j(2.0, 8e6, "uplink", RADIO_POWER["nr-low-band"]) == pytest.approx(1.95536)


def test_radio_energy_adds_over_parts_of_different_rates():
    radio = RADIO_POWER["lte"]
    parts_j = transfer_energy_j(3.0, 9e6, "downlink", radio) + transfer_energy_j(1.0, 40e6, "downlink", radio)
    assert transfer_energy_j(4.0, 49e6, "downlink", radio) == pytest.approx(parts_j)


def test_overheads_of_connected_radios():
    # Intercepts less the base of 2.35 W, mean of both directions: 0.489 and 0.576, 0.709 and 0.849, 2.887 and 3.314 W.
    overheads_w = {name: RADIO_POWER[name].overhead_w for name in MEASURED}
    assert overheads_w == pytest.approx({"lte": 0.5325, "nr-low-band": 0.779, "nr-mmwave": 3.1005})
    assert {name: RADIO_POWER[name].tail_w for name in MEASURED} == overheads_w


@pytest.mark.parametrize("name", [*MEASURED, "nr-sa", "lte-2012"])
def test_a_bit_costs_more_up_than_down(name):
    assert RADIO_POWER[name].uplink_j_per_bit / RADIO_POWER[name].downlink_j_per_bit > 2.5


@pytest.mark.parametrize("radio", RADIO_POWER.values(), ids=RADIO_POWER)
def test_states_are_in_order(radio):
    assert 0.0 < radio.idle_w < radio.tail_w <= max(radio.downlink_overhead_w, radio.uplink_overhead_w) < 4.0
    assert 0.0 <= radio.promotion_s < 2.0
    assert 0.0 < radio.tail_s < 12.0


def test_an_amplifier_at_full_output():
    # 23 dBm is 199.5 mW; at 35 % that is 0.570 W, and 0.3 W of circuits.
    assert physical_radio(23.0).uplink_overhead_w == pytest.approx(0.870, abs=5e-4)
    assert physical_radio(23.0).uplink_j_per_bit == 0.0


def test_an_amplifier_with_a_hundredth_of_the_output_takes_a_tenth():
    full_w, low_w = (physical_radio(dbm, circuit_w=0.0).uplink_overhead_w for dbm in (23.0, 3.0))
    assert low_w == pytest.approx(full_w / 10.0)


def test_more_than_the_maximum_cannot_be_sent():
    with pytest.raises(ValueError, match=r"output_dbm \(26.0\) is above maximum_dbm \(23.0\)"):
        physical_radio(26.0)


def test_the_first_connection_is_promoted_and_the_tail_charged_once():
    session = RadioSession(RADIO)
    assert session.connect(0.0) == (2.0, 6.0)
    session.transfer_ended(5.0)
    assert session.tail_j(9.0) == pytest.approx(2.0)
    assert session.tail_j(9.0) == 0.0
    assert session.tail_j(math.inf) == pytest.approx(3.0)


def test_a_connection_within_the_tail_ends_it():
    session = RadioSession(RADIO)
    session.connect(0.0)
    session.transfer_ended(5.0)
    assert session.connect(9.0) == (0.0, 0.0)  # 4 s of tail
    assert session.tail_j(9.0) == pytest.approx(2.0)
    session.transfer_ended(12.0)
    assert session.tail_j(math.inf) == pytest.approx(5.0)


def test_the_tails_last_instant_is_within_it():
    session = RadioSession(RADIO)
    session.connect(0.0)
    session.transfer_ended(5.0)
    assert session.connect(15.0).delay_s == 0.0
    session.transfer_ended(20.0)
    assert session.connect(30.5) == (2.0, 6.0)
    assert session.tail_j(30.5) == pytest.approx(10.0)  # both tails, whole


def test_a_tail_that_was_charged_ahead_is_given_back():
    session = RadioSession(RADIO)
    session.connect(0.0)
    session.transfer_ended(5.0)
    assert session.tail_j(math.inf) == pytest.approx(5.0)  # to 15 s
    session.connect(9.0)
    assert session.tail_j(9.0) == pytest.approx(-3.0)  # 6 s too much
    assert session.tail_j(10.0) == 0.0  # while it carries something there is no tail


@given(
    spans_s=st.lists(st.tuples(st.floats(0.0, 30.0), st.floats(0.0, 30.0)), min_size=1, max_size=8),
    asks=st.lists(st.sampled_from(["never", "now", "ahead"]), min_size=8, max_size=8),
)
def test_tails_sum_to_power_times_time_whenever_they_are_asked_for(spans_s, asks):
    # Each span: a transfer, then a pause. A tail lasts as long as the pause, 10 s at most.
    session, now_s, charged_j = RadioSession(RADIO), 0.0, 0.0
    for (transfer_s, pause_s), ask in zip(spans_s, asks, strict=False):
        session.connect(now_s)
        now_s += transfer_s
        session.transfer_ended(now_s)
        charged_j += session.tail_j({"never": now_s, "now": now_s + pause_s / 2.0, "ahead": math.inf}[ask])
        now_s += pause_s
    session.connect(now_s)
    charged_j += session.tail_j(now_s)
    assert charged_j == pytest.approx(0.5 * sum(min(pause_s, 10.0) for _, pause_s in spans_s), abs=1e-9)
