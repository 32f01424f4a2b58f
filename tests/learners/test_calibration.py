"""What is measured of a machine; the figures themselves are the machine's."""

import pytest

pytestmark = pytest.mark.learning


@pytest.fixture(scope="module")
def measured():
    from learners.calibrate import measure

    return measure(1.0)


def test_what_is_measured_is_possible(measured):
    assert 1e8 < measured.training_flops < 1e14
    assert 1e9 < measured.matrix_flops < 1e14
    assert 1e8 < measured.copy_bytes_per_s < 1e13
    assert 1e9 < measured.memory_bytes < 1e14
    assert 0.0 <= measured.launch_s < measured.large_step_s
    assert measured.n_threads >= 1


def test_a_step_is_the_time_of_its_samples_and_its_own(measured):
    samples_s = measured.large_step_flop / measured.training_flops
    assert samples_s + measured.launch_s == pytest.approx(measured.large_step_s)


def test_powers_are_measured_where_there_is_a_meter():
    from learners.calibrate import measure

    class Meter:
        is_there = True
        n_starts = 0

        def start(self):
            self.n_starts += 1

        def mean_w(self):
            return 10.0 * self.n_starts

    found = measure(1.0, Meter())
    assert (found.idle_w, found.active_w) == (10.0, 20.0)


@pytest.mark.parametrize(
    ("small_s", "large_s", "sample_s", "launch_s"),
    [
        # (130 - 10) / (64 - 4) = 2 ms a sample; 10 - 4 x 2 = 2 ms a step.
        (0.010, 0.130, 0.002, 0.002),
        # Noise: a small step that took longer, or a line that begins below zero.
        (0.200, 0.128, 0.002, 0.0),
        (0.001, 0.128, 0.002, 0.0),
    ],
)
def test_a_step_is_split(small_s, large_s, sample_s, launch_s):
    from learners.calibrate import split_step

    assert split_step(small_s, large_s) == pytest.approx((sample_s, launch_s))
