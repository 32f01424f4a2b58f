"""Parameters of the schemes that tune around emulators, and what one rho means. No torch."""

import json

import pytest
from pydantic import ValidationError

from learners.catalog import CostQuestion
from learners.compress.rules import kept_blocks
from learners.schemes import fedpeat
from learners.schemes.emulation import check_rho, compression_of
from learners.schemes.fedot import FedOtParams
from learners.schemes.fedpeat import FedPeatParams

UNDISTILLED = {"distillation": {"steps": 0}}


def ask(**options):
    """Return a question for the costs of a model of 4 blocks."""
    given = {
        "model": "tiny-vit-l",
        "account_as": None,
        "task": "image-classification",
        "n_classes": 10,
        "batch_size": 16,
        "length": None,
        "optimizer": "sgd",
        "head_start": "random",
    }
    return CostQuestion(**{**given, **options})


def test_defaults_are_spelled_out_and_read_again():
    for params in (FedPeatParams(), FedOtParams()):
        written = params.model_dump(mode="json")
        assert (written["bottom"], written["top"], written["method"], written["rank"]) == (1, 1, "lora", 8)
        assert written["distillation"]["steps"] == 200
        assert type(params).model_validate_json(json.dumps(written)) == params
    assert FedPeatParams().ladder == [0.5]
    assert FedPeatParams().server_takes_part


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"ladder": [1.0]}, r"ladder has 1: rho is in \[0, 1\)"),
        ({"ladder": []}, "at least 1 item"),
        ({"ladder": [0.5, 0.5]}, "names a rho twice"),
        ({"compression": "quantise"}, r"which 0.5 is not for a whole number of bits: 0.75 \(8 bits\)"),
        ({"policy": "memory"}, "Extra inputs are not permitted"),
        ({"bottom": 0, "top": 0}, "no block would be tuned"),
        ({"realign_every": 2, **UNDISTILLED}, "set distillation.steps above 0, or realign_every to 0"),
        ({"distillation": {"hidden_weight": 0.0}}, "leaves nothing to learn from"),
        ({"method": "head"}, "Input should be 'full', 'bias'"),
        ({"method": "bias", "rank": 4}, "rank: no option of method 'bias'"),
        ({"compression": "shrink"}, "Input should be 'drop'"),
    ],
)
def test_parameters_that_are_wrong(data, message):
    with pytest.raises(ValidationError, match=message):
        FedPeatParams.model_validate(data)


def test_one_rho_means_a_share_for_every_kind():
    def of(kind, rho):
        return compression_of(kind, rho, {"bottom": 1, "top": 2}, [0, 4, 5])

    assert of("drop", 0.9) == {"kind": "drop", "bottom": 1, "top": 2, "keep": 0.1}
    assert of("narrow", 0.25) == {"kind": "narrow", "keep": 0.75, "retained": [0, 4, 5]}
    assert of("prune", 0.3) == {"kind": "prune", "bottom": 1, "top": 2, "sparsity": 0.3}
    assert of("quantise", 0.875) == {"kind": "quantise", "bottom": 1, "top": 2, "bits": 4}
    assert all(of(kind, 0.0) is None for kind in ("drop", "narrow", "prune", "quantise"))
    for bits in range(2, 9):
        check_rho("quantise", 1 - bits / 32)


def test_weights_of_the_losses_are_those_of_offsite_tuning():
    distillation = FedPeatParams().distillation
    assert distillation.weights(None) == (30.0, 1.0)
    assert distillation.weights(10) == (1.0, 0.0)


def test_fedot_keeps_as_many_blocks_of_twelve_as_fedpft_compares_with():
    (rho,) = FedOtParams().emulation().ladder
    compression = compression_of("drop", rho, {"bottom": 1, "top": 1}, [0, 11])
    assert len(kept_blocks(compression, 12)) == 7


def test_a_narrowed_middle_grows_with_the_depth_as_the_adapter_does():
    jobs = fedpeat.cost_jobs(FedPeatParams(compression="narrow"), ask(account_as="vit-base-16"))
    params = json.loads(jobs["device"].params)
    assert params["method"]["blocks"] == [0, 1, 2, 9, 10, 11]
    assert params["compression"] == {"kind": "narrow", "keep": 0.5, "retained": [0, 1, 2, 9, 10, 11]}
    assert params["architecture"]["config"]["num_hidden_layers"] == 12
