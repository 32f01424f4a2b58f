import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.errors import MecsimError
from mecsim.radio.numerology import RESOURCE_BLOCKS, CarrierError, NrCarrier, peak_rate_bps, resource_blocks, tdd_shares

CARRIERS = [
    (frequency_range, scs_khz, bandwidth_mhz)
    for frequency_range, by_spacing in RESOURCE_BLOCKS.items()
    for scs_khz, by_bandwidth in by_spacing.items()
    for bandwidth_mhz in by_bandwidth
]


@pytest.mark.parametrize(
    ("bandwidth_mhz", "scs_khz", "frequency_range", "n_rb"),
    [(20, 15, "FR1", 106), (20.0, 30, "FR1", 51), (100, 30, "FR1", 273), (100, 60, "FR1", 135), (100, 60, "FR2", 132),
     (400, 120, "FR2", 264)],
)  # fmt: skip
def test_resource_blocks(bandwidth_mhz, scs_khz, frequency_range, n_rb):
    assert resource_blocks(bandwidth_mhz, scs_khz, frequency_range) == n_rb


@pytest.mark.parametrize(("frequency_range", "scs_khz", "bandwidth_mhz"), CARRIERS)
def test_every_carrier_fits_into_its_bandwidth_with_a_guard_band(frequency_range, scs_khz, bandwidth_mhz):
    # A wrong digit in the table would leave a negative guard band or one of more than a fifth. 5 and 10 MHz with the widest
    # subcarriers they allow are the loosest, at 79 %.
    carrier = NrCarrier(bandwidth_mhz, scs_khz, frequency_range=frequency_range)
    assert 0.79 <= carrier.used_hz / (bandwidth_mhz * 1e6) < 0.99
    assert carrier.n_rb == resource_blocks(bandwidth_mhz, scs_khz, frequency_range)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((45, 30), "FR1 has no carrier of 45 MHz with 30 kHz subcarriers; it has 5, 10, 15, 20, .*, 90, 100 MHz"),
        ((5, 60), "FR1 has no carrier of 5 MHz with 60 kHz subcarriers; it has 10, 15"),
        ((100, 120), "FR1 has no subcarrier spacing of 120 kHz; it has 15, 30, 60 kHz, FR2 has 60, 120 kHz"),
        ((100, 30, "FR2"), "FR2 has no subcarrier spacing of 30 kHz; it has 60, 120 kHz, FR1 has 15, 30, 60 kHz"),
    ],
)
def test_a_carrier_that_there_is_not_is_answered_with_what_there_is(arguments, message):
    with pytest.raises(CarrierError, match=message):
        resource_blocks(*arguments)
    assert issubclass(CarrierError, MecsimError)


def test_a_carrier_of_100_mhz():
    carrier = NrCarrier(100, 30, "DDDSU")
    assert (carrier.n_rb, carrier.mu, carrier.slot_s, carrier.symbols_per_s) == (273, 1, 0.5e-3, 28_000.0)
    assert carrier.used_hz == 98.28e6  # 273 x 12 x 30 kHz
    assert (carrier.downlink_share, carrier.uplink_share) == (52 / 70, 16 / 70)
    assert (carrier.overhead("downlink"), carrier.overhead("uplink")) == (0.14, 0.08)
    # 273 x 12 x 28 000 elements a second, 52 of 70 down, 86 % of them data.
    assert carrier.data_symbols_per_s("downlink") == pytest.approx(273 * 12 * 28_000 * 52 / 70 * 0.86)
    assert carrier.data_symbols_per_s("uplink") == pytest.approx(273 * 12 * 28_000 * 16 / 70 * 0.92)


def test_a_millimetre_wave_carrier():
    carrier = NrCarrier(400, 120, "DDDSU", frequency_range="FR2")
    assert (carrier.mu, carrier.slot_s, carrier.n_rb) == (3, 0.125e-3, 264)
    assert (carrier.overhead("downlink"), carrier.overhead("uplink")) == (0.18, 0.10)


def test_fdd_has_all_of_the_time_both_ways():
    carrier = NrCarrier(20, 15)
    assert (carrier.downlink_share, carrier.uplink_share, carrier.slot_s) == (1.0, 1.0, 1e-3)


@pytest.mark.parametrize("arguments", [(45, 30), (20, 15, "DDX"), (20, 15, "DDDSU", "FR1", (10, 2, 3))])
def test_a_senseless_carrier_is_refused_at_once(arguments):
    with pytest.raises(CarrierError):
        NrCarrier(*arguments)


def test_tdd_shares():
    # DDDSU: 3 x 14 + 10 of 70 symbols down, 14 + 2 up. DU without S: half and half.
    assert tdd_shares("DDDSU") == (52 / 70, 16 / 70)
    assert tdd_shares("DU") == (0.5, 0.5)
    assert tdd_shares("S", special=(6, 4, 4)) == (6 / 14, 4 / 14)
    assert tdd_shares("DDDDDDDSUU", special=(6, 4, 4)) == (104 / 140, 32 / 140)


@given(pattern=st.text("DUS", min_size=1, max_size=20), down=st.integers(1, 12), idle=st.integers(0, 1))
def test_shares_and_guard_add_up(pattern, down, idle):
    special = (down, idle, 14 - down - idle)
    if "S" not in pattern and len(set(pattern)) < 2:
        with pytest.raises(CarrierError, match="one direction is cut off"):
            tdd_shares(pattern, special)
        return
    guard = pattern.count("S") * idle / (14 * len(pattern))
    assert sum(tdd_shares(pattern, special)) + guard == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("pattern", "special", "message"),
    [
        ("", (10, 2, 2), "a TDD pattern has the letters D, U and S, as in DDDSU, got ''"),
        ("dddsu", (10, 2, 2), "got 'dddsu'"),
        ("DDDSU", (10, 2, 1), r"an S slot has 14 symbols, got 10 down \+ 2 idle \+ 1 up"),
        ("DDDSU", (15, -2, 1), r"an S slot has 14 symbols, got 15 down \+ -2 idle \+ 1 up"),
        ("DDDS", (12, 2, 0), "'DDDS' has 54 symbols down and 0 up: one direction is cut off"),
    ],
)
def test_senseless_patterns_are_refused(pattern, special, message):
    with pytest.raises(CarrierError, match=message):
        tdd_shares(pattern, special)


def test_peak_rate_of_one_block():
    # 12 subcarriers x 14 000 symbols x 2 bits x 1/2, nothing taken off: 168 kbit/s; twice that with twice the spacing.
    assert peak_rate_bps(1, 2, 1, 0, overhead=0.0, code_rate=0.5) == 168e3
    assert peak_rate_bps(1, 2, 1, 1, overhead=0.0, code_rate=0.5) == 336e3
    assert peak_rate_bps(2, 2, 1, 0, overhead=0.25, scaling=0.5, code_rate=0.5) == 126e3


def test_peak_rate_agrees_with_the_carrier():
    carrier = NrCarrier(100, 30)
    expected_bps = 4 * 8 * 948 / 1024 * carrier.data_symbols_per_s("downlink")
    assert peak_rate_bps(4, 8, carrier.n_rb, carrier.mu, overhead=carrier.overhead("downlink")) == pytest.approx(expected_bps)
