"""Learning that is a formula: the curve, the numbers of samples, the losses of devices. Laws against their theory."""

import json
import math

import numpy as np
import pytest

from mecsim.errors import JobError
from mecsim.jobs.job import job
from mecsim.jobs.synthetic import execute, loss_job, partition_job, quality_job

CURVE = {
    "accuracy_start": 0.1,
    "accuracy_end": 0.9,
    "loss_start": 2.3,
    "loss_end": 0.3,
    "half": 4.0,
    "exponent": 1.0,
}
FIXED = {"kind": "fixed", "mean": 40.4}
LOGNORMAL = {"kind": "lognormal", "mean": 1000.0, "sigma": 0.8}
ZIPF = {"kind": "zipf", "mean": 1000.0, "exponent": 3.0}


def samples(law, n, seed=1):
    return np.array(execute(partition_job(law, n_devices=n, seed=seed), []).numbers["n_samples"])


@pytest.mark.parametrize(
    ("progress", "exponent", "accuracy", "loss"),
    [
        (0.0, 1.0, 0.1, 2.3),
        (4.0, 1.0, 0.5, 1.3),  # half of the way
        (12.0, 1.0, 0.7, 0.8),  # a quarter is left
        (12.0, 0.5, 0.5, 1.3),  # half is left
    ],
)
def test_points_on_the_curve(progress, exponent, accuracy, loss):
    numbers = execute(quality_job(progress, {**CURVE, "exponent": exponent}), []).numbers
    assert numbers == {"accuracy": pytest.approx(accuracy), "loss": pytest.approx(loss), "progress": progress}


def test_a_quality_needs_nothing_to_have_been_executed_before():
    assert quality_job(1.5, CURVE).inputs == ()
    assert quality_job(1.5, CURVE) != quality_job(1.25, CURVE)


def test_everybody_has_as_much():
    assert samples(FIXED, 3).tolist() == [40, 40, 40]


def test_lognormal_samples_have_their_mean_and_spread():
    # Of 40,000 devices the mean of the logarithm is 0.8 / sqrt(40,000) = 0.004 from ln(1000) - 0.32, four of these are 0.016;
    # forgetting the -0.32 would be twenty times that, another sigma by 3 % would be outside as well.
    logs = np.log(samples(LOGNORMAL, 40_000))
    assert logs.mean() == pytest.approx(math.log(1000.0) - 0.5 * 0.8**2, abs=0.016)
    assert logs.std() == pytest.approx(0.8, rel=4 / math.sqrt(2 * 40_000))


def test_zipf_samples_fall_off_as_a_power():
    # P(more than x) = (least / x) ** 3, least = 1000 * 2 / 3: above 1,333 are an eighth; 99.99 % of 40,000 draws: +- 0.0065.
    sizes = samples(ZIPF, 40_000)
    assert sizes.min() == pytest.approx(667, abs=1)
    assert (sizes > 2 * 2000 / 3).mean() == pytest.approx(1 / 8, abs=0.0065)
    assert (sizes > 3 * 2000 / 3).mean() == pytest.approx(1 / 27, abs=0.0037)


@pytest.mark.parametrize("law", [LOGNORMAL, ZIPF])
def test_a_device_more_changes_nobody_elses_samples(law):
    assert samples(law, 11)[:10].tolist() == samples(law, 10).tolist()
    assert samples(law, 10, seed=2).tolist() != samples(law, 10).tolist()


def test_a_device_has_a_sample_at_least():
    assert samples({"kind": "lognormal", "mean": 1.0, "sigma": 3.0}, 1000).min() == 1


@pytest.mark.parametrize("law", [{"kind": "zipf", "mean": 10.0, "exponent": 1.0}, {"kind": "uniform", "mean": 10.0}])
def test_a_law_that_there_is_not(law):
    with pytest.raises(JobError, match="laws are fixed"):
        samples(law, 3)


def test_a_devices_loss_is_the_curves_times_a_factor_of_its_own():
    def losses(progress, n=2000, seed=3):
        made = (loss_job(progress, CURVE, client=client, spread=0.5, seed=seed) for client in range(n))
        return np.array([execute(each, []).numbers["loss"] for each in made])

    before, after = losses(0.0), losses(12.0)
    np.testing.assert_allclose(after / before, 0.8 / 2.3)
    # Mean 1 with a standard deviation of sqrt(e^0.25 - 1) = 0.533: four standard errors of 2,000 are 0.048.
    assert (before / 2.3).mean() == pytest.approx(1.0, abs=0.048)
    assert losses(0.0, n=5, seed=4).tolist() != before[:5].tolist()


def test_numbers_survive_the_store():
    result = execute(partition_job(LOGNORMAL, n_devices=5, seed=1), [])
    assert json.loads(json.dumps(dict(result.numbers))) == result.numbers
    assert result.tensors == {}


def test_other_kinds_are_not_executed():
    with pytest.raises(JobError, match="'train' is no formula: kinds are synthetic-partition"):
        execute(job("train", {}), [])
