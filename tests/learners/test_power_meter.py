import pytest

from learners import power_meter
from learners.power_meter import PowerMeter


class Counters:
    """Energy counters as Linux shows them, in a folder."""

    def __init__(self, root):
        self.root = root

    def put(self, folder, name, energy_uj, largest_uj=262_143_328_850):
        path = self.root / folder
        path.mkdir(exist_ok=True)
        (path / "name").write_text(f"{name}\n")
        (path / "energy_uj").write_text(f"{energy_uj}\n")
        (path / "max_energy_range_uj").write_text(f"{largest_uj}\n")


@pytest.fixture
def counters(tmp_path):
    return Counters(tmp_path)


@pytest.fixture
def clock(monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr(power_meter.time, "perf_counter", lambda: now_s[0])
    return now_s


def test_packages_add_up_and_their_parts_do_not_count_again(counters, clock):
    counters.put("intel-rapl:0", "package-0", 1_000_000)
    counters.put("intel-rapl:1", "package-1", 5_000_000)
    counters.put("intel-rapl:0:0", "core", 0)
    counters.put("intel-rapl:2", "psys", 0)
    meter = PowerMeter(counters.root)
    meter.start()
    clock[0] += 2.0
    counters.put("intel-rapl:0", "package-0", 31_000_000)  # 30 J
    counters.put("intel-rapl:1", "package-1", 15_000_000)  # 10 J
    counters.put("intel-rapl:0:0", "core", 9_000_000)
    counters.put("intel-rapl:2", "psys", 90_000_000)
    assert meter.is_there
    assert meter.mean_w() == pytest.approx(20.0)


def test_a_counter_that_wraps(counters, clock):
    counters.put("intel-rapl:0", "package-0", 95_000_000, largest_uj=100_000_000)
    meter = PowerMeter(counters.root)
    meter.start()
    clock[0] += 1.0
    counters.put("intel-rapl:0", "package-0", 7_000_000, largest_uj=100_000_000)
    assert meter.mean_w() == pytest.approx(12.0)


def test_without_counters_there_is_no_power(counters, tmp_path):
    (tmp_path / "intel-rapl:0").mkdir()
    (tmp_path / "intel-rapl:0" / "name").write_text("package-0\n")  # and no counter that can be read
    meter = PowerMeter(tmp_path)
    meter.start()
    assert not meter.is_there
    assert meter.mean_w() is None
    assert not PowerMeter(tmp_path / "nowhere").is_there
