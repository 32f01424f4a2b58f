"""FedPEFT's parameters and offers; its learning is in the contract suite."""

import json

import pytest
from made_up_context import digits_context
from pydantic import ValidationError

from learners.catalog import METHODS, CostQuestion, LocalSettings
from learners.models.spec import backbone_digest, model_spec
from learners.schemes.fedpeft import FedPeft, FedPeftParams, cost_jobs
from mecsim.errors import MecsimError, UnknownNameError
from mecsim.federation.contract import ClientView, Refusal, Update, Work

COSTS = {
    "trainable_parameters": 100,
    "state_bytes": 400,
    "backbone_bytes": 8000,
    "train_flop_per_sample": 7.0,
    "traffic_bytes_per_step": 11,
    "peak_train_bytes": 5000,
    "forward_flop_per_sample": 3.0,
}
TASK = "image-classification"


def scheme(method="lora", *, preinstalled=False, account_as=None, seed=0, epochs=2, optimizer="sgd", **options):
    context = digits_context(
        {"device": {**COSTS, **({"backbone_bytes": 0} if method == "full" else {})}},
        model="tiny-vit-s",
        account_as=account_as,
        client_samples=(20, 20, 20, 20),
        local=LocalSettings(epochs=epochs, batch_size=16, optimizer=optimizer),
        learning_seed=seed,
        backbone_preinstalled=preinstalled,
    )
    return FedPeft(FedPeftParams(method=method, **options), context)


def view(client=0, n_samples=20, memory=1e9, number=0):
    return ClientView(client=client, round=number, n_samples=n_samples, memory_budget_bytes=memory)


def updates(of, *clients):
    return [Update(client=client, n_samples=20 + client, job=of.offer(view(client)).job) for client in clients]


@pytest.mark.parametrize("method", METHODS)
def test_defaults_are_spelled_out_and_read_again(method):
    params = FedPeftParams(method=method)
    written = params.model_dump(mode="json")
    assert params.rate("sgd") == METHODS[method].learning_rates["sgd"]
    assert {key: written[key] for key in METHODS[method].options} == dict(METHODS[method].options)
    assert FedPeftParams.model_validate_json(json.dumps(written)) == params
    assert params.method_spec() == {"name": method, **METHODS[method].options}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"method": "bias", "rank": 4}, "rank: no option of method 'bias'; it has no options"),
        ({"method": "lora", "n_tokens": 4}, "n_tokens: no option of method 'lora'; its options are rank, alpha, targets"),
        ({"method": "lora", "account_as": "vit-base-16"}, "account_as belongs to the scheme's own model"),
        ({"method": "lora", "rnak": 4}, "Extra inputs are not permitted"),
        ({"method": "lora", "rank": 0}, "greater than or equal to 1"),
        ({"method": "lora", "rank": "8"}, "valid integer"),
        ({"method": "lorra"}, "Input should be 'full', 'head'"),
        ({}, "Field required"),
        ({"method": "head", "learning_rate": 0.0}, "greater than 0"),
    ],
)
def test_parameters_that_are_wrong(data, message):
    with pytest.raises(ValidationError, match=message):
        FedPeftParams.model_validate(data)


def test_work_grows_with_samples_and_epochs():
    # 20 samples in batches of 16: two steps an epoch, two epochs.
    assert scheme().offer(view()).work == Work(flop=7.0 * 40, traffic_bytes=44.0, peak_bytes=5000.0, n_steps=4, n_samples=40)


def test_needs_are_the_backbone_and_the_state():
    of = scheme()
    backbone, state = of.offer(view()).needs
    assert (backbone.kind, backbone.size_bytes) == ("backbone", 8000)
    assert (state.kind, state.size_bytes, state.name) == ("state", 400, of.state.name)
    assert of.offer(view()).sends.name == of.offer(view()).job.name
    of.merge(updates(of, 0, 1))
    later = of.offer(view()).needs
    assert later[0] == backbone  # a device fetches it once
    assert later[1].name == of.state.name != state.name


@pytest.mark.parametrize("kwargs", [{"preinstalled": True}, {"method": "full"}])
def test_a_backbone_that_need_not_travel(kwargs):
    assert [payload.kind for payload in scheme(**kwargs).offer(view()).needs] == ["state"]


def test_a_client_without_samples_refuses():
    assert scheme().offer(view(n_samples=0)) == Refusal(reason="samples", needed=1.0, available=0.0)


def test_the_order_of_updates_does_not_matter():
    one, other = scheme(), scheme()
    one.merge(updates(one, 0, 1, 2))
    other.merge(updates(other, 2, 0, 1))
    assert one.state == other.state
    assert json.loads(one.state.params) == {"weights": [20, 21, 22]}


def test_server_work_is_one_multiply_add_a_parameter_and_update():
    of = scheme()
    assert of.prepare().work.flop == 0.0
    assert of.merge(updates(of, 0, 1, 2)).work == Work(flop=600.0, traffic_bytes=1600.0, peak_bytes=1600.0, n_steps=1)


def test_accounting_as_another_architecture_changes_no_training():
    own, accounted = scheme().offer(view()), scheme(account_as="vit-base-16").offer(view())
    assert own.job == accounted.job


def sheet(of_scenario, stand_in, **params):
    question = CostQuestion(
        model=of_scenario,
        account_as=stand_in,
        task=TASK,
        n_classes=10,
        batch_size=16,
        length=None,
        optimizer="sgd",
        head_start="random",
    )
    return cost_jobs(FedPeftParams(method="bias", **params), question)["device"]


def test_cost_job_is_named_by_the_accounted_architecture():
    own = sheet("tiny-vit-s", None)
    assert own == sheet("tiny-vit-l", "tiny-vit-s") == sheet("tiny-vit-l", "vit-base-16", model="tiny-vit-s")
    assert own != sheet("tiny-vit-s", "vit-base-16")
    with pytest.raises(UnknownNameError, match="Did you mean 'vit-base-16'"):
        sheet("tiny-vit-s", "vit-base-61")


def test_a_model_of_its_own_may_be_accounted_as_another():
    assert sheet("tiny-vit-l", "vit-large-16", model="tiny-vit-s", account_as="vit-base-16") == sheet(
        "tiny-vit-s", "vit-base-16"
    )
    assert scheme(model="tiny-vit-l").offer(view()).job != scheme().offer(view()).job


def test_the_rate_is_the_one_of_the_optimizer_unless_told():
    def rate(**kwargs):
        return json.loads(scheme(**kwargs).offer(view()).job.params)["learning_rate"]

    assert rate(optimizer="adamw") == METHODS["lora"].learning_rates["adamw"]
    assert rate(optimizer="adamw", learning_rate=0.5) == 0.5


def test_weights_are_samples_batches_or_all_alike():
    def weights(weighting):
        of = scheme(weighting=weighting)
        of.merge(updates(of, 0, 1))
        return json.loads(of.state.params)["weights"]

    # 20 and 21 samples: two batches of 16 each.
    assert [weights(kind) for kind in ("samples", "batches", "uniform")] == [[20, 21], [32, 32], [1, 1]]


def test_carried_momentum_is_the_devices_own_and_comes_from_its_last_turn():
    of = scheme(momentum="carried")
    first = of.offer(view(0)).job
    of.merge(updates(of, 0, 1))
    assert of.offer(view(0)).job.inputs[2] == first
    assert len(of.offer(view(2)).job.inputs) == 2  # has had no turn yet
    assert of.offer(view(0)).sends.size_bytes == 400  # momentum does not travel


def test_privacy_that_was_spent_is_told_of_the_client_that_spent_most():
    of = scheme(privacy={"kind": "dp-sgd", "noise_multiplier": 1.0})
    assert of.quality().kind == "evaluate"
    of.merge(updates(of, 0, 1))
    of.merge(updates(of, 1))
    told = of.quality()
    evaluation, spent = told.inputs
    assert (told.kind, evaluation.kind, json.loads(spent.params)) == ("collect", "evaluate", {"maxima": True})
    # Turns of two epochs in two batches: one turn of client 0, two of client 1.
    assert [json.loads(each.params)["steps"] for each in spent.inputs] == [4, 8]


def test_a_random_backbone_is_named_by_its_seed():
    def spec(seed, pretrained):
        return model_spec("tiny-vit-s", task=TASK, n_classes=10, method={"name": "head"}, pretrained=pretrained, seed=seed)

    assert backbone_digest(spec(1, False)) != backbone_digest(spec(2, False))
    assert backbone_digest(spec(1, True)) == backbone_digest(spec(2, True))


def test_a_model_without_weights_says_the_way_out(monkeypatch, tmp_path):
    from learners.models import sources

    monkeypatch.setattr(sources, "WEIGHTS", tmp_path)
    with pytest.raises(MecsimError, match="'tiny-vit-s' has no embedded weights: set 'pretrained: false'"):
        scheme()


def test_settings_that_cannot_be():
    with pytest.raises(ValueError, match="at least 1"):
        LocalSettings(epochs=0)
    with pytest.raises(ValueError, match="nesterov needs a momentum"):
        LocalSettings(momentum=0.0)


def test_names_of_jobs_stay():
    # Stored results are found by these names: when this test fails, either undo the change or raise mecsim.jobs.job.FORMAT.
    of = scheme(pretrained=False, learning_rate=0.01)
    of.merge(updates(of, 0, 1))
    assert of.state.name == "eeb95aae580a43fbf219b090a3d02e04ee0811e19e9b2031eee5d902772c16b8"
    assert of.evaluation("public").name == "7d065e1d756ad962f0432a329222a3373f7fbbff603b001b5471e1b9bf7a6567"
    assert of.quality().name == "f23ba8bbb6139df8a09e05edbee070e1945e05c91497d9fc84f4445d45032596"
