"""What private training costs, and the section that asks for it."""

import json

import numpy as np
import pytest
from private_training import network, pictures, privacy, privately
from pydantic import ValidationError

from learners.inline import InlineRunner
from learners.privacy import run_epsilon
from learners.schemes.privacy_section import PrivacySection, epsilon_job, reference_noise_std
from mecsim.errors import JobError

pytestmark = pytest.mark.learning


def rdp_epsilon(sigma, rate, n_steps, delta=1e-5):
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    for _ in range(n_steps):
        accountant.step(noise_multiplier=sigma, sample_rate=rate)
    return accountant.get_epsilon(delta=delta)


def epsilon_after(spec, n_steps, *, n_samples=64, batch_size=16, **options):
    wanted = epsilon_job(spec, n_samples, batch_size, n_steps, **options)
    return run_epsilon(json.loads(wanted.params), [], wanted.name).numbers["epsilon"]


def test_epsilon_is_that_of_the_accountant_and_grows_with_steps():
    spec = PrivacySection(kind="dp-sgd", noise_multiplier=1.2).spec(5)
    found = [epsilon_after(spec, n_steps) for n_steps in (0, 1, 8, 64)]
    assert found == [0.0, *(rdp_epsilon(1.2, 0.25, n_steps) for n_steps in (1, 8, 64))]
    assert found == sorted(set(found))
    _, numbers, _ = privately(network("head"), pictures(64), spec, epochs=2, batch_size=16)
    assert numbers == {"noise_multiplier": 1.2, "sample_rate": 0.25, "epsilon_turn": found[2]}


def test_a_full_batch_is_the_gaussian_mechanism():
    """At sample rate 1, order a of one step is a / (2 sigma^2); the conversion is that of Canonne et al. (2020), prop. 12."""
    sigma, delta = 4.0, 1e-5
    orders = np.array([1 + x / 10.0 for x in range(1, 100)] + list(range(12, 64)))
    divergence = 10 * orders / (2 * sigma**2)
    closed_form = divergence - (np.log(delta) + np.log(orders)) / (orders - 1) + np.log((orders - 1) / orders)
    spec = PrivacySection(kind="dp-sgd", noise_multiplier=sigma).spec(1)
    assert epsilon_after(spec, 10, n_samples=16) == pytest.approx(closed_form.min())


def test_the_prv_accountant_is_tighter():
    spec = PrivacySection(kind="dp-sgd", noise_multiplier=1.2, accountant="prv").spec(5)
    assert 0.5 * rdp_epsilon(1.2, 0.25, 20) < epsilon_after(spec, 20) < rdp_epsilon(1.2, 0.25, 20)


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_target_is_reached_when_all_planned_turns_are_taken(epochs):
    section = PrivacySection(kind="dp-sgd", target_epsilon=4.0)
    after = [epsilon_after(section.spec(10), turns * epochs * 4, epochs=epochs) for turns in (1, 5, 10)]
    assert after[0] < after[1] < after[2] <= 4.0 < after[2] + 0.02
    _, numbers, _ = privately(network("head"), pictures(64), section.spec(10), epochs=epochs, batch_size=16)
    assert numbers["epsilon_turn"] == after[0]
    assert rdp_epsilon(numbers["noise_multiplier"], 0.25, 10 * epochs * 4) == pytest.approx(after[2])


def test_what_cannot_be_reached_says_the_way_out():
    section = PrivacySection(kind="dp-sgd", target_epsilon=1e-3)
    with pytest.raises(JobError, match=r"no noise reaches target_epsilon 0.001.*raise target_epsilon"):
        epsilon_after(section.spec(10), 40, epochs=1)
    small = PrivacySection(kind="dp-sgd", noise_multiplier=1e-3, accountant="prv")
    with pytest.raises(JobError, match=r"more than accountant 'prv' can tell: raise noise_multiplier"):
        epsilon_after(small.spec(10), 1)


def test_the_published_formula_has_the_published_values():
    assert reference_noise_std(epsilon=5.0, delta=1e-3, max_grad_norm=1.0) == pytest.approx(3.378, abs=5e-4)
    assert reference_noise_std(epsilon=10.0, delta=1e-3, max_grad_norm=1.0) == pytest.approx(2.388, abs=1e-3)


def test_an_epsilon_job_is_executed():
    spec = PrivacySection(kind="dp-sgd", noise_multiplier=1.0).spec(3)
    wanted = epsilon_job(spec, 20, 8, 30)
    assert InlineRunner().demand(wanted).numbers == {"epsilon": rdp_epsilon(1.0, 0.4, 30)}


def test_defaults_are_spelled_out_and_read_again():
    for given in (
        {"kind": "dp-sgd", "noise_multiplier": 1},
        {"kind": "dp-sgd", "target_epsilon": 8.0},
        {"kind": "reference-noise"},
    ):
        section = PrivacySection.model_validate(given)
        written = section.model_dump(mode="json", exclude_none=True)
        assert PrivacySection.model_validate_json(json.dumps(written)) == section
        assert section.spec(7)["delta"] == (1e-3 if given["kind"] == "reference-noise" else 1e-5)
    assert PrivacySection(kind="dp-sgd", noise_multiplier=1.0).spec(7) == privacy(noise=1.0)
    assert PrivacySection(kind="dp-sgd", noise_multiplier=1.0).spec(7) == PrivacySection(
        kind="dp-sgd", noise_multiplier=1.0
    ).spec(8)
    assert PrivacySection(kind="dp-sgd", target_epsilon=8.0).spec(7)["planned_turns"] == 7
    assert PrivacySection(kind="reference-noise", epsilon=10.0).spec(7) == {
        "kind": "reference-noise",
        "epsilon": 10.0,
        "delta": 1e-3,
        "max_grad_norm": 1.0,
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"kind": "dp-sgd"}, "needs noise_multiplier or target_epsilon, and not both"),
        ({"kind": "dp-sgd", "noise_multiplier": 1.0, "target_epsilon": 1.0}, "and not both"),
        ({"kind": "dp-sgd", "noise_multiplier": 0.0}, "greater than 0"),
        (
            {"kind": "dp-sgd", "noise_multiplier": 1.0, "epsilon": 1.0},
            "epsilon: no key of kind 'dp-sgd'; its keys are noise_multiplier",
        ),
        ({"kind": "reference-noise", "accountant": "rdp"}, "accountant: no key of kind 'reference-noise'"),
        ({"kind": "dp-sgd", "noise_multiplier": 1.0, "delta": 1.0}, "less than 1"),
        ({"kind": "dp-sgd", "target_epsilon": 50.0, "accountant": "prv"}, "above 40 needs accountant 'rdp'"),
        ({"kind": "dp"}, "Input should be 'dp-sgd' or 'reference-noise'"),
        ({"kind": "dp-sgd", "noise_multiplier": 1.0, "sigma": 1.0}, "Extra inputs"),
        ({}, "Field required"),
    ],
)
def test_sections_that_are_wrong(data, message):
    with pytest.raises(ValidationError, match=message):
        PrivacySection.model_validate(data)


def test_questions_that_have_no_answer():
    with pytest.raises(ValueError, match="gives no guarantee, so no epsilon is spent"):
        epsilon_job(PrivacySection(kind="reference-noise").spec(1), 10, 5, 2)
    with pytest.raises(ValueError, match="give epochs"):
        epsilon_job(PrivacySection(kind="dp-sgd", target_epsilon=1.0).spec(1), 10, 5, 2)
    with pytest.raises(ValueError, match="planned_turns must be at least 1"):
        PrivacySection(kind="dp-sgd", target_epsilon=1.0).spec(0)
