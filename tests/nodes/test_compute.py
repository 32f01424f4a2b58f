import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.errors import MecsimError
from mecsim.nodes.compute import (
    ComputeSettings,
    Segment,
    Throttle,
    compute_energy_j,
    compute_plan,
    compute_time_s,
    done_s,
    end_of_work,
    fedscale_turn_s,
    idle_energy_j,
)
from mecsim.nodes.profiles import PROFILES, CyclesModel, DeviceProfile
from mecsim.nodes.timeline import Constant, Steps

FIGURES = {
    "name": "round-numbers",
    "peak_flops": 1e12,
    "efficiency": 0.2,
    "memory_bandwidth_bytes_per_s": 1e11,
    "memory_bytes": 8e9,
    "usable_memory": 0.5,
    "idle_w": 2.0,
    "active_w": 12.0,
    "launch_s": 0.01,
    "source": "made up",
}
# 1e12 FLOP/s at 20 %: 2e11. 1e11 bytes/s at 75 %: 7.5e10.
DEVICE = DeviceProfile(**FIGURES)
FULL_SPEED = ComputeSettings()
STEADY = Constant(1.0)


def plan(profile=DEVICE, *, flop=4e12, traffic_bytes=7.5e10, n_steps=100, n_samples=0, **settings):
    work = {"flop": flop, "traffic_bytes": traffic_bytes, "n_steps": n_steps, "n_samples": n_samples}
    return compute_plan(profile, ComputeSettings(**settings), **work)


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


def test_a_plan_at_full_speed_is_the_roofline_at_the_dynamic_power():
    whole = plan()
    assert whole.work_s == compute_time_s(DEVICE, flop=4e12, traffic_bytes=7.5e10, n_steps=100)
    assert whole.power_w == 10.0
    assert whole.energy_j == pytest.approx(compute_energy_j(21.0, DEVICE))


def test_half_the_clock_doubles_arithmetic_alone_and_cuts_power_by_eight():
    # 40 s of arithmetic; the steps still take 1 s. (1/2)^3 x 10 W.
    slow = plan(frequency=0.5)
    assert slow.work_s == pytest.approx(41.0)
    assert slow.power_w == pytest.approx(1.25)


def test_the_clock_does_not_change_work_that_waits_for_memory():
    # 3e11 / 7.5e10 = 4 s of traffic against 1 s of arithmetic, 2 s at half the clock.
    work = {"flop": 2e11, "traffic_bytes": 3e11, "n_steps": 0}
    assert plan(frequency=0.5, **work).work_s == plan(**work).work_s == pytest.approx(4.0)


def test_dynamic_power_follows_the_profiles_exponent():
    flat = DeviceProfile(**FIGURES, dvfs_exponent=2.0)
    assert plan(flat, frequency=0.5).power_w == pytest.approx(2.5)


def test_contention_takes_time_and_leaves_the_energy_of_the_work():
    # A quarter of the machine is taken: 21 / 0.75 = 28 s, and 7.5 W are this work's.
    shared = plan(contention=0.25)
    assert shared.work_s == pytest.approx(28.0)
    assert shared.power_w == pytest.approx(7.5)
    assert shared.energy_j == pytest.approx(plan().energy_j)


def test_a_faster_specimen_is_done_sooner_at_the_same_power():
    fast = plan(speed_factor=1.5)
    assert fast.work_s == pytest.approx(14.0)
    assert fast.power_w == 10.0


def test_cycles_a_sample():
    # 2e4 cycles x 500 samples / 2 GHz = 5 ms; 1e-28 x (2e9)^3 = 0.8 W; E = kappa C n f^2 = 1e-28 x 1e7 x 4e18 = 4 mJ.
    model = CyclesModel(kappa=1e-28, cycles_per_sample=2e4, frequency_hz=2e9)
    whole = plan(DeviceProfile(**FIGURES, cycles=model), n_samples=500)
    assert (whole.work_s, whole.power_w) == (pytest.approx(5e-3), pytest.approx(0.8))
    assert whole.energy_j == pytest.approx(4e-3)
    half = plan(DeviceProfile(**FIGURES, cycles=model), n_samples=500, frequency=0.5)
    assert half.energy_j == pytest.approx(1e-3)  # with the square of the clock


def test_milliseconds_a_sample_are_those_of_an_inference():
    # 3 x 200 samples x 5 ms = 3 s, at the profile's power.
    timed = plan(DeviceProfile(**FIGURES, ms_per_sample=5.0), n_samples=200)
    assert (timed.work_s, timed.power_w) == (3.0, 10.0)


@pytest.mark.parametrize(
    "model", [{"ms_per_sample": 5.0}, {"cycles": CyclesModel(kappa=1e-28, cycles_per_sample=1, frequency_hz=1)}]
)
def test_work_that_counts_no_samples_is_not_free_on_a_profile_that_does(model):
    with pytest.raises(MecsimError, match=r"'round-numbers' gives a time a sample.*4e\+12 FLOP"):
        plan(DeviceProfile(**FIGURES, **model))
    assert plan(DeviceProfile(**FIGURES, **model), flop=0.0).work_s == 0.0


def test_fedscale_agrees_with_a_profile_by_the_sample_to_the_last_bit():
    profile = DeviceProfile(**FIGURES, ms_per_sample=7.3)
    computing_s = plan(profile, n_samples=20 * 13).work_s
    assert fedscale_turn_s(20, 13, 7.3, 65536.0, 65536.0, 5321.7) == computing_s + 131072.0 / 5321.7


def test_work_at_full_speed_ends_after_its_seconds():
    assert end_of_work(3.0, 7.0, None, STEADY) == [Segment(10.0, 1.0)]
    assert end_of_work(3.0, 0.0, None, STEADY) == [Segment(3.0, 1.0)]


def test_heat_throttles_after_its_time():
    # 100 s of work: 60 s at full speed, then the other 40 s at half of it, from 5 s on: 5 + 60 + 80 = 145 s.
    assert end_of_work(5.0, 100.0, Throttle(after_s=60.0, factor=0.5), STEADY) == [Segment(65.0, 1.0), Segment(145.0, 0.5)]


def test_work_that_ends_as_the_heat_comes_is_not_throttled():
    assert end_of_work(5.0, 60.0, Throttle(after_s=60.0, factor=0.5), STEADY) == [Segment(65.0, 1.0)]


def test_a_fault_and_heat_multiply():
    # 10 s at 1; from 10 s to 30 s at 0.5 (10 s of work); from 20 s on heat as well: 0.25 up to 30 s, then 0.5.
    # Worked off: 10 + 5 + 2.5 = 17.5 s at 30 s; the last 2.5 s take 5 s.
    slow = Steps([0.0, 10.0, 30.0], [1.0, 0.5, 1.0])
    segments = end_of_work(0.0, 20.0, Throttle(after_s=20.0, factor=0.5), slow)
    assert segments == [Segment(10.0, 1.0), Segment(20.0, 0.5), Segment(30.0, 0.25), Segment(35.0, 0.5)]
    # Cut at 25 s: 10 + 5 + 1.25 s of work were done, and paid for.
    assert done_s(0.0, 25.0, segments) == 16.25
    assert done_s(0.0, 99.0, segments) == 20.0


def test_equal_factors_are_one_stretch():
    # Heat comes in the moment at which the fault goes: 0.5 before and after.
    slow = Steps([0.0, 10.0], [0.5, 1.0])
    assert end_of_work(0.0, 20.0, Throttle(after_s=10.0, factor=0.5), slow) == [Segment(40.0, 0.5)]


def test_a_stopped_machine_goes_on_later_or_never():
    assert end_of_work(0.0, 5.0, None, Steps([0.0, 2.0, 8.0], [1.0, 0.0, 1.0]))[-1] == Segment(11.0, 1.0)
    assert end_of_work(0.0, 5.0, None, Constant(0.0)) == [Segment(math.inf, 0.0)]


factors = st.floats(0.05, 1.0)


@given(
    start_s=st.floats(0.0, 1e4),
    work_s=st.floats(0.0, 1e3),
    after_s=st.floats(0.0, 500.0),
    heat=factors,
    changes_s=st.lists(st.floats(0.0, 2e4), min_size=1, max_size=8, unique=True),
    values=st.lists(factors, min_size=8, max_size=8),
)
def test_all_of_the_work_is_done_and_time_never_runs_back(start_s, work_s, after_s, heat, changes_s, values):
    changes_s = sorted(changes_s)
    speed = Steps(changes_s, values[: len(changes_s)])
    segments = end_of_work(start_s, work_s, Throttle(after_s=after_s, factor=heat), speed)
    ends_s = [start_s, *(segment.until_s for segment in segments)]
    assert ends_s == sorted(ends_s)
    assert done_s(start_s, math.inf, segments) == pytest.approx(work_s, rel=1e-9, abs=1e-9)
    for begin_s, segment in zip(ends_s, segments, strict=False):
        heated = heat if begin_s >= start_s + after_s else 1.0
        assert segment.factor == speed.at(begin_s) * heated


def test_the_device_of_the_papers_draws_kappa_times_the_clock_cubed():
    # 500 samples of 2e4 cycles at 2 GHz: 5 ms at 1e-28 x (2e9)^3 = 0.8 W. At half the clock: 10 ms at 0.1 W.
    profile = PROFILES["mec-device"]
    for frequency, seconds, watts in ((1.0, 0.005, 0.8), (0.5, 0.01, 0.1)):
        plan = compute_plan(
            profile, ComputeSettings(frequency=frequency), flop=1e9, traffic_bytes=0.0, n_steps=1, n_samples=500
        )
        assert (plan.work_s, plan.power_w) == (pytest.approx(seconds), pytest.approx(watts))
    assert profile.active_w - profile.idle_w == pytest.approx(0.8)
