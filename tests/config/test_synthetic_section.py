"""The section ``learning`` of kind synthetic: what it says by default, and what it refuses."""

import pytest
from pydantic import ValidationError

from mecsim.config.synthetic import SyntheticLearning


def section(**keys):
    return SyntheticLearning.model_validate({"kind": "synthetic", **keys})


def test_everything_has_a_default():
    assert section().model_dump()["samples"] == {"kind": "fixed", "mean": 100.0}
    assert section(samples={"kind": "zipf"}).model_dump()["samples"] == {"kind": "zipf", "mean": 100.0, "exponent": 2.0}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"samples": {"kind": "zipf", "exponent": 1.0}}, "greater than 1"),
        ({"samples": {"kind": "fixed", "sigma": 1.0}}, "Extra inputs"),
        ({"samples": {"kind": "normal"}}, "'fixed', 'lognormal', 'zipf'"),
        ({"samples": {"kind": "fixed", "mean": 0.5}}, "greater than or equal to 1"),
        ({"curve": {"accuracy_start": 0.9, "accuracy_end": 0.5}}, r"accuracy_end \(0.5\) is below accuracy_start \(0.9\)"),
        ({"curve": {"loss_end": 3.0}}, r"loss_end \(3\) is above loss_start \(2.3\)"),
        ({"curve": {"half": 0.0}}, "greater than 0"),
        ({"epochs": 0}, "greater than or equal to 1"),
        ({"model": "tiny-vit-s"}, "Extra inputs"),
    ],
)
def test_what_it_refuses(keys, message):
    with pytest.raises(ValidationError, match=message):
        section(**keys)
