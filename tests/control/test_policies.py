"""What every built-in policy keeps, whatever it is shown."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observed import created, observed
from pydantic import ValidationError

from mecsim.control.branches import Branches
from mecsim.control.catalog import POLICIES
from mecsim.control.learned import FACTS_FILE, facts_of
from mecsim.errors import MecsimError

NAMES = ["fixed", "random", "memory", "greedy-finish", "greedy-energy", "greedy-novelty", "min-max-delay"]
VARIANTS = [
    *((name, {}) for name in NAMES),
    ("random", {"vary_number": True, "bandwidths": [1.0, 2.5]}),
    *((name, {"renew": "never"}) for name in NAMES if name != "random"),
]
#: Those that ask for nothing but what a device can do.
ONLY_FEASIBLE = {"random", "greedy-finish", "greedy-energy", "greedy-novelty"}


@st.composite
def observations(draw):
    n, c = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    download = rng.uniform(0, 1e6, (n, c)) * (rng.random((n, c)) < 0.8)
    return observed(
        n,
        tuple(range(c)),
        devices=np.sort(rng.choice(100, n, replace=False)),
        n_asked=draw(st.integers(1, n + 2)),
        round_number=draw(st.integers(1, 5)),
        renews=draw(st.booleans()),
        default=draw(st.integers(0, c - 1)),
        available=rng.random(n) < 0.7,
        feasible=rng.random((n, c)) < 0.6,
        compute_s=rng.uniform(0, 100, (n, c)),
        downlink_bps=rng.uniform(1e5, 1e8, n),
        download_bytes=download,
        kept_download_bytes=download * rng.integers(0, 2, (n, c)),
        upload_bytes=rng.uniform(0, 1e6, (n, c)) * (rng.random((n, 1)) < 0.8),
        expected_s=rng.choice([1.0, 2.0, 3.0, np.inf], (n, c)),
        expected_j=rng.choice([1.0, 2.0, 3.0, np.inf], (n, c)),
        age=rng.choice([np.nan, 0.0, 1.0], (n, c)),
        novelty=rng.choice([np.nan, 0.0, 0.5, 1.0], n),
    )


@pytest.mark.parametrize(("name", "params"), VARIANTS)
@settings(max_examples=60, deadline=None)
@given(observation=observations(), seed=st.integers(0, 3))
def test_a_decision_can_be_carried_out(name, params, observation, seed):
    policy = created(name, observation, seed=seed, **params)
    decision = policy.decide(observation)
    row = {int(device): place for place, device in enumerate(observation.devices)}
    assert len(set(decision.devices)) == len(decision.devices)
    assert all(type(device) is int for device in decision.devices)
    if policy.chooses_devices:
        assert len(decision.assignments) <= observation.n_asked
        assert set(decision.devices) <= set(observation.devices[observation.available].tolist())
    else:
        assert decision.devices == tuple(observation.devices.tolist())
    for each in decision.assignments:
        choice = each.settings.choice
        assert choice is None if observation.n_choices == 1 else choice in observation.choices
        place = 0 if choice is None else observation.choices.index(choice)
        assert name not in ONLY_FEASIBLE or observation.feasible[row[each.device], place]
        assert math.isfinite(each.bandwidth)
    # A fresh policy of another trial with the same seed decides the same, and the same one does again when asked again.
    assert created(name, observation, seed=seed, **params).decide(observation) == decision
    assert policy.decide(observation) == decision


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_says_what_it_sets_and_refuses_what_it_does_not_know(name):
    entry = POLICIES[name]
    params = entry.params()
    assert entry.description
    assert all(field.description for field in entry.params.model_fields.values())
    assert entry.divides(params) == (name == "min-max-delay")
    assert not entry.powers(params)
    assert not entry.asks_quality(params)
    with pytest.raises(ValidationError):
        entry.params.model_validate({"chioce": 1.0})
    with pytest.raises(ValidationError):
        params.renew = "never"


def test_what_sets_bandwidth_or_power_says_so():
    drawn, fixed = POLICIES["random"], POLICIES["fixed"]
    assert drawn.divides(drawn.params(bandwidths=[1.0, 2.0]))
    assert fixed.powers(fixed.params(power_db=-3.0))
    for wrong in ({"power_db": 1.0}, {"epochs": 0}, {"renew": "sometimes"}):
        with pytest.raises(ValidationError):
            fixed.params(**wrong)
    with pytest.raises(ValidationError):
        drawn.params(bandwidths=[0.0])


def test_of_a_learned_policy_its_file_says_what_it_sets(tmp_path):
    entry, params = POLICIES["learned"], POLICIES["learned"].params(policy=tmp_path)
    with pytest.raises(MecsimError, match=r"policy\.json"):
        created("learned", policy=tmp_path)
    for bandwidths, asks in (((1.0,), True), ((1.0, 2.0), False)):
        branches = Branches(n_choices=2, renews=False, bandwidths=bandwidths)
        facts = facts_of(knob="rho", choices=(0.0, 0.5), branches=branches, training={})
        facts = facts.model_copy(update={"asks_quality": asks})
        (tmp_path / FACTS_FILE).write_text(facts.model_dump_json())
        assert entry.divides(params) == (len(bandwidths) > 1)
        assert entry.asks_quality(params) == asks
