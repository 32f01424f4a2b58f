import numpy as np
import pytest

from mecsim.radio.power_control import uplink_power_dbm

FULL = {"maximum_dbm": 23.0, "p0_dbm_per_rb": -90.0, "alpha": 1.0, "n_rb": 10.0}


def test_full_compensation_up_to_the_maximum():
    # -90 + 95 + 10 = 15 dBm; at 103 dB just 23 dBm; more loss does not make it louder.
    np.testing.assert_allclose(uplink_power_dbm([95.0, 103.0, 140.0], **FULL), [15.0, 23.0, 23.0])


def test_full_compensation_makes_all_arrive_alike():
    loss_db = np.array([60.0, 80.0, 100.0])
    arriving_dbm = uplink_power_dbm(loss_db, **FULL) - loss_db
    np.testing.assert_allclose(arriving_dbm, -80.0)  # P0 on each of ten blocks


def test_fractional_compensation():
    # -75 + 0.8 x 100 + 10 log10(50) = 5 + 16.99 = 21.99 dBm
    fractional = {"maximum_dbm": 23.0, "p0_dbm_per_rb": -75.0, "alpha": 0.8, "n_rb": 50.0}
    assert uplink_power_dbm(100.0, **fractional) == pytest.approx(21.9897, abs=1e-4)
    # Ten decibels more of loss, two less arrive.
    arriving_dbm = [float(uplink_power_dbm(loss_db, **fractional)) - loss_db for loss_db in (80.0, 90.0)]
    assert arriving_dbm[0] - arriving_dbm[1] == pytest.approx(2.0)


def test_wider_blocks_take_more_power():
    assert uplink_power_dbm(90.0, **FULL, mu=1) - uplink_power_dbm(90.0, **FULL) == pytest.approx(3.0103, abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"alpha": 1.1}, r"alpha must be from 0 to 1, got 1\.1"), ({"n_rb": 0.0}, r"n_rb must be positive, got 0\.0")],
)
def test_senseless_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        uplink_power_dbm(100.0, **(FULL | changes))
