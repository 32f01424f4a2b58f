import pytest

from mecsim.nodes.compute import compute_energy_j, compute_time_s, idle_energy_j, transfer_energy_j
from mecsim.nodes.profiles import RADIO_POWER, DeviceProfile

# 1e12 FLOP/s at 20 %: 2e11. 1e11 bytes/s at 75 %: 7.5e10.
DEVICE = DeviceProfile(
    name="round-numbers",
    peak_flops=1e12,
    efficiency=0.2,
    memory_bandwidth_bytes_per_s=1e11,
    memory_bytes=8e9,
    usable_memory=0.5,
    idle_w=2.0,
    active_w=12.0,
    launch_s=0.01,
    source="made up",
)


def test_time_when_arithmetic_is_the_bottleneck():
    # 4e12 / 2e11 = 20 s against 7.5e10 / 7.5e10 = 1 s; and 100 steps of 0.01 s.
    assert compute_time_s(DEVICE, flop=4e12, traffic_bytes=7.5e10, n_steps=100) == pytest.approx(21.0)


def test_time_when_memory_is_the_bottleneck():
    # 4e11 / 2e11 = 2 s against 3e11 / 7.5e10 = 4 s; and 50 steps of 0.01 s.
    assert compute_time_s(DEVICE, flop=4e11, traffic_bytes=3e11, n_steps=50) == pytest.approx(4.5)


def test_no_work_takes_no_time():
    assert compute_time_s(DEVICE, flop=0.0, traffic_bytes=0.0, n_steps=0) == 0.0


def test_computing_and_idling_add_up_to_the_active_power():
    assert compute_energy_j(5.0, DEVICE) == pytest.approx(50.0)
    assert idle_energy_j(5.0, DEVICE) == pytest.approx(10.0)
    assert compute_energy_j(5.0, DEVICE) + idle_energy_j(5.0, DEVICE) == pytest.approx(12.0 * 5.0)


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
