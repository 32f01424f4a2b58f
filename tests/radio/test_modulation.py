import numpy as np
import pytest

from mecsim.radio.modulation import CQI_64QAM, CQI_256QAM, MCS_64QAM, MCS_256QAM

TABLES = pytest.mark.parametrize(("qualities", "schemes"), [(CQI_64QAM, MCS_64QAM), (CQI_256QAM, MCS_256QAM)])


@TABLES
def test_qualities_are_formats_of_the_mcs_table(qualities, schemes):
    # The least quality alone, of code rate 78 / 1024, has no scheme of its own.
    formats = [(quality.modulation_order, quality.code_rate_1024) for quality in qualities]
    assert formats[0] == (2, 78)
    assert set(formats[1:]) <= set(schemes)


@TABLES
def test_a_better_quality_needs_more_and_carries_more(qualities, schemes):
    assert [quality.index for quality in qualities] == list(range(1, 16))
    for column in ("efficiency", "snr_db", "modulation_order"):
        values = [getattr(quality, column) for quality in qualities]
        assert values == sorted(values)
    assert len({quality.efficiency for quality in qualities}) == 15


@TABLES
def test_no_quality_beats_shannon(qualities, schemes):
    # Gaps from 0.4 to 2.4 dB. Neighbours are 1.5 to 4 dB apart: a row that slipped would be above the limit or 3 dB from it.
    needed_db = [10.0 * np.log10(2.0**quality.efficiency - 1.0) for quality in qualities]
    gaps_db = np.array([quality.snr_db for quality in qualities]) - needed_db
    assert gaps_db.min() > 0.3
    assert gaps_db.max() < 2.5


@TABLES
def test_modulation_orders_rise_along_the_mcs_table(qualities, schemes):
    orders = [order for order, _ in schemes]
    assert orders == sorted(orders)
    assert all(0.0 < rate < 1024.0 for _, rate in schemes)


def test_sizes_of_the_mcs_tables():
    assert (len(MCS_64QAM), len(MCS_256QAM)) == (29, 28)


def test_which_snrs_are_extrapolated():
    assert [quality.index for quality in CQI_64QAM if quality.extrapolated] == [1, 2, 3]
    assert [quality.index for quality in CQI_256QAM if quality.extrapolated] == [1, 2, 15]
