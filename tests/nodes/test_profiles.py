import pytest

from mecsim.nodes.profiles import PROFILES, RADIO_POWER, CyclesModel, DeviceProfile

DEVICES = {
    "raspberry-pi-4",
    "raspberry-pi-5",
    "raspberry-pi-5-16gb",
    "rk3588-board",
    "jetson-nano",
    "jetson-tx2",
    "jetson-orin-nano",
    "jetson-orin-nano-super",
    "jetson-orin-nx",
    "jetson-agx-orin",
    "phone-low",
    "phone-mid",
    "phone-2019",
    "phone-flagship",
    "phone-flagship-cpu",
    "n100-mini-pc",
    "mac-mini-m4",
    "laptop-cpu",
    "laptop-8945hs",
    "laptop-gpu",
    "mec-device",
}
SERVERS = {"server-t4", "server-l4", "server-4090", "server-a100", "server-h100"}


def test_the_catalogue_is_complete():
    assert set(PROFILES) == DEVICES | SERVERS
    assert set(RADIO_POWER) == {"lte", "nr-low-band", "nr-mmwave", "nr-sa", "wifi", "lte-2012"}
    assert all(name == profile.name for name, profile in PROFILES.items())
    assert all(name == radio.name for name, radio in RADIO_POWER.items())


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
    # What fits into memory fits into storage.
    assert profile.storage_bytes is None or profile.storage_bytes > profile.memory_budget_bytes


@pytest.mark.parametrize(
    ("name", "active_w"),
    [
        ("raspberry-pi-4", 7.2),
        ("raspberry-pi-5", 12.7),
        ("raspberry-pi-5-16gb", 13.8),
        ("mac-mini-m4", 39.6),
        ("laptop-cpu", 41.6),
    ],
)
def test_powers_measured_under_hpl(name, active_w):
    assert PROFILES[name].active_w == active_w


@pytest.mark.parametrize(
    ("name", "hpl_fp64_gflops"),
    [
        ("raspberry-pi-4", 11.889),
        ("raspberry-pi-5", 35.169),
        ("raspberry-pi-5-16gb", 37.888),
        ("rk3588-board", 53.0),
        ("n100-mini-pc", 63.0),
        ("mac-mini-m4", 299.93),
        ("laptop-cpu", 88.8),
    ],
)
def test_single_precision_peaks_are_at_least_twice_what_double_precision_reached(name, hpl_fp64_gflops):
    assert PROFILES[name].peak_flops >= 2e9 * hpl_fp64_gflops


def test_phones_and_laptops_have_batteries():
    with_battery = {name for name, profile in PROFILES.items() if profile.battery_wh is not None}
    phones = {name for name in DEVICES if name.startswith("phone")}
    assert with_battery == phones | {"laptop-cpu", "laptop-8945hs", "mec-device"}


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
        ["jetson-nano", "jetson-tx2", "jetson-orin-nano", "jetson-orin-nano-super"],
        ["phone-low", "phone-mid", "phone-2019", "phone-flagship"],
        ["server-t4", "server-a100", "server-h100", "server-4090"],
    ):
        assert sorted(family, key=speed) == family


def test_a_profile_has_one_model_of_its_time():
    figures = {name: getattr(PROFILES["phone-mid"], name) for name in DeviceProfile.__slots__}
    models = {"cycles": CyclesModel(kappa=1e-28, cycles_per_sample=1e4, frequency_hz=2e9), "ms_per_sample": 5.0}
    with pytest.raises(ValueError, match="both cycles and ms_per_sample"):
        DeviceProfile(**figures | models)
