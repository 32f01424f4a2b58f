import pytest

from mecsim.nodes.profiles import PROFILES, RADIO_POWER

DEVICES = {
    "raspberry-pi-4",
    "raspberry-pi-5",
    "jetson-nano",
    "jetson-orin-nano",
    "jetson-orin-nx",
    "jetson-agx-orin",
    "phone-low",
    "phone-mid",
    "phone-flagship",
    "laptop-cpu",
    "laptop-gpu",
}
SERVERS = {"server-t4", "server-l4", "server-4090", "server-a100", "server-h100"}


def test_the_catalogue_is_complete():
    assert set(PROFILES) == DEVICES | SERVERS
    assert set(RADIO_POWER) == {"lte", "nr-low-band", "nr-mmwave"}
    assert all(name == profile.name for name, profile in PROFILES.items())


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_ranges(profile):
    assert 4e10 < profile.peak_flops < 1e14
    assert 0.1 <= profile.efficiency <= 0.5
    assert 1e10 < profile.memory_bandwidth_bytes_per_s < 3e12
    assert 0.3 <= profile.bandwidth_efficiency <= 0.95
    assert 4e9 <= profile.memory_bytes <= 80e9
    assert 0.4 <= profile.usable_memory <= 0.95
    assert 0.0 < profile.idle_w < profile.active_w <= 450.0
    assert 0.0 < profile.launch_s < 0.1
    assert profile.radio in RADIO_POWER
    assert "default" in profile.source


@pytest.mark.parametrize(("name", "active_w"), [("raspberry-pi-4", 7.2), ("raspberry-pi-5", 12.7), ("laptop-cpu", 41.6)])
def test_powers_measured_under_hpl(name, active_w):
    assert PROFILES[name].active_w == active_w


@pytest.mark.parametrize(
    ("name", "budget_bytes"),
    [("phone-mid", 3.6e9), ("raspberry-pi-5", 6.4e9), ("jetson-orin-nano", 6.4e9), ("server-t4", 14.72e9)],
)
def test_memory_budgets(name, budget_bytes):
    assert PROFILES[name].memory_budget_bytes == pytest.approx(budget_bytes)


def test_families_are_in_order():
    def speed(name):
        return PROFILES[name].peak_flops * PROFILES[name].efficiency

    for family in (
        ["raspberry-pi-4", "raspberry-pi-5", "jetson-orin-nano", "jetson-orin-nx", "jetson-agx-orin"],
        ["phone-low", "phone-mid", "phone-flagship"],
        ["server-t4", "server-a100", "server-h100", "server-4090"],
    ):
        assert sorted(family, key=speed) == family


def test_overheads_of_connected_radios():
    # Intercepts less the base of 2.35 W, mean of both directions: 0.489 and 0.576, 0.709 and 0.849, 2.887 and 3.314 W.
    overheads_w = {name: radio.overhead_w for name, radio in RADIO_POWER.items()}
    assert overheads_w == pytest.approx({"lte": 0.5325, "nr-low-band": 0.779, "nr-mmwave": 3.1005})


@pytest.mark.parametrize("radio", RADIO_POWER.values(), ids=RADIO_POWER)
def test_a_bit_costs_more_up_than_down(radio):
    assert radio.uplink_j_per_bit / radio.downlink_j_per_bit > 2.5
