"""FedPT and the mixture as the world sees them: parameters, payloads, prices, and which jobs they name."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError
from small_federations import LOCAL, digits, federated, offer, run_round

from learners.catalog import METHODS
from learners.inline import InlineRunner
from learners.schemes import fedpt, mixture
from learners.schemes.context import CostQuestion
from learners.schemes.fedpt import BoundedDistillation, FedPtParams, FullDistillation, NoDistillation
from learners.schemes.mixture import MixtureParams
from mecsim.errors import JobError, UnknownNameError
from mecsim.federation.contract import Work

pytestmark = pytest.mark.learning

SMALL = {"small": "tiny-vit-s"}
NONE = {"distillation": {"kind": "none"}}


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


def work(numbers, n_samples):
    """Return the work of a forward pass over so many samples in batches of 16."""
    n_steps = -(-n_samples // 16)
    return Work(
        flop=numbers["forward_flop_per_sample"] * n_samples,
        traffic_bytes=numbers["forward_traffic_bytes_per_step"] * n_steps,
        peak_bytes=numbers["state_bytes"] + numbers["backbone_bytes"],
        n_steps=n_steps,
        n_samples=n_samples,
    )


def test_defaults_are_spelled_out_and_read_again():
    params = FedPtParams(**SMALL)
    assert params.method_spec() == {"name": "lora", **METHODS["lora"].options}
    assert (params.proxy_alpha, params.distillation) == (1.0, BoundedDistillation())
    written = params.model_dump(mode="json", exclude_none=True)
    assert written["distillation"] == {
        "kind": "bounded",
        "batch_size": 16,
        "temperature": 2.0,
        "labels_weight": 0.0,
        "steps": 10,
        "max_drift": 0.25,
    }
    assert FedPtParams.model_validate_json(json.dumps(written)) == params
    assert MixtureParams(**SMALL).weight == 0.5


@pytest.mark.parametrize("kind", [NoDistillation, BoundedDistillation, FullDistillation])
def test_distillation_is_chosen_by_its_kind(kind):
    chosen = FedPtParams.model_validate_json(json.dumps({**SMALL, "distillation": {"kind": kind().kind}}))
    assert chosen.distillation == kind()


def test_alphas_of_lora_and_proxy_are_two_things():
    params = FedPtParams(**SMALL, alpha=4.0, proxy_alpha=0.5)
    assert (params.method_spec()["alpha"], params.proxy_alpha) == (4.0, 0.5)
    assert FedPtParams(**SMALL, proxy_alpha="tuned").proxy_alpha == "tuned"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "small\n  Field required"),
        ({"small": "tiny-vit-xs"}, "no model called 'tiny-vit-xs'. Did you mean 'tiny-vit-s'"),
        ({**SMALL, "proxy_alpha": -0.1}, "greater than or equal to 0"),
        ({**SMALL, "proxy_alpha": "best"}, "Input should be 'tuned'"),
        ({**SMALL, "method": "bias", "rank": 4}, "rank: no option of method 'bias'"),
        ({**SMALL, "distillation": {"kind": "some"}}, "'none', 'bounded', 'full'"),
        ({**SMALL, "distillation": {"kind": "full", "steps": 3}}, "Extra inputs are not permitted"),
        ({**SMALL, "distillation": {"kind": "bounded", "max_drift": 0.0}}, "greater than 0"),
        ({**SMALL, "distillation": {"kind": "bounded", "labels_weight": 1.5}}, "less than or equal to 1"),
    ],
)
def test_parameters_that_are_wrong(data, message):
    with pytest.raises(ValidationError, match=message):
        FedPtParams.model_validate(data)


@pytest.mark.parametrize("entry", [fedpt.ENTRY, mixture.ENTRY])
def test_nothing_of_the_large_model_is_sent(runner, entry):
    one, context = federated(runner, entry, SMALL)
    other, other_context = federated(runner, entry, SMALL, model="tiny-vit-s")
    before = offer(one, context)
    # The same devices with another large model fetch, compute and send the same.
    assert before == offer(other, other_context)
    sheet = context.costs["device"]
    assert [(need.kind, need.size_bytes) for need in before.needs] == [
        ("backbone", sheet["backbone_bytes"]),
        ("state", sheet["state_bytes"]),
    ]
    assert before.sends.size_bytes == sheet["state_bytes"] == runner.demand(before.job).size_bytes
    assert before.work.flop == sheet["train_flop_per_sample"] * context.client_samples[0]
    assert before.work.peak_bytes == sheet["peak_train_bytes"]


def test_the_small_backbone_is_fetched_once_and_the_state_each_round(runner):
    scheme, context = federated(runner, fedpt.ENTRY, SMALL)
    backbone, state = offer(scheme, context).needs
    run_round(scheme, context)
    later = offer(scheme, context, number=2).needs
    assert later[0] == backbone
    assert later[1].name == scheme.state.name != state.name
    assert later[1].size_bytes == state.size_bytes


def test_all_of_the_small_model_travels_where_all_of_it_trains(runner):
    scheme, context = federated(runner, fedpt.ENTRY, {**SMALL, "method": "full"})
    (state,) = offer(scheme, context).needs
    assert state.size_bytes == 4 * context.costs["device"]["total_parameters"]


def test_the_next_round_starts_from_the_distilled_model_and_the_average_is_deployed(runner):
    scheme, context = federated(runner, fedpt.ENTRY, SMALL)
    run_round(scheme, context)
    assert (scheme.state.kind, scheme.tuned.kind) == ("proxy_distil", "average")
    assert scheme.state.inputs[1] == scheme.tuned == scheme.quality().inputs[1]
    assert offer(scheme, context, number=2).job.inputs[0] == scheme.state
    # The small model that is subtracted stays that of round 0.
    run_round(scheme, context, 2)
    assert scheme.quality().inputs[2] == scheme.state.inputs[2] == scheme.start


def test_without_distillation_fedpt_trains_what_the_mixture_trains(runner):
    one, context = federated(runner, fedpt.ENTRY, {**SMALL, **NONE})
    other, _ = federated(runner, mixture.ENTRY, SMALL)
    for number in (1, 2):
        assert run_round(one, context, number) == run_round(other, context, number)
        assert one.state == one.tuned == other.state
        assert one.state.kind == "average"
    assert one.quality().inputs == other.quality().inputs


def test_what_the_server_computes(runner):
    n_public, n_fit = 179, 134  # of 1,797 digits; three quarters are for fitting
    plain, context = federated(runner, fedpt.ENTRY, {**SMALL, **NONE})
    assert context.n_public == n_public
    small, large = context.costs["device"], context.costs["large"]
    averaged = run_round(plain, context).work
    assert averaged.flop == 2 * 3 * small["trainable_parameters"]

    def distilled(n_met, n_seen, n_steps):
        steps = Work(
            flop=small["train_flop_per_sample"] * n_seen,
            traffic_bytes=small["traffic_bytes_per_step"] * n_steps,
            peak_bytes=small["peak_train_bytes"],
            n_steps=n_steps,
            n_samples=n_seen,
        )
        return averaged + work(large, n_met) + work(small, n_met) + work(small, n_met) + steps

    def merged(**params):
        scheme, _ = federated(runner, fedpt.ENTRY, {**SMALL, **params})
        return run_round(scheme, context).work

    assert merged(distillation={"kind": "bounded", "steps": 3}) == distilled(48, 48, 3)
    # Nine steps are a pass, the last of it over six samples; the tenth starts another.
    assert merged(distillation={"kind": "bounded", "steps": 10}) == distilled(n_fit, n_fit + 16, 10)
    assert merged(distillation={"kind": "full", "epochs": 2}) == distilled(n_fit, 2 * n_fit, 18)
    tuned = merged(**NONE, proxy_alpha="tuned")
    n_validation = n_public - n_fit
    assert tuned == averaged + work(large, n_validation) + work(small, n_validation) + work(small, n_validation)


def test_heads_of_both_models_are_fitted_first(runner):
    scheme, context = federated(runner, fedpt.ENTRY, SMALL)
    epochs, n_fit = 20, 134
    per_sample = context.costs["head"]["train_flop_per_sample"] + context.costs["large"]["train_flop_per_sample"]
    assert scheme.prepare().work.flop == pytest.approx(per_sample * epochs * n_fit)
    same, _ = federated(runner, fedpt.ENTRY, SMALL, head_start="public")
    assert same.start == scheme.start
    for start in (scheme.start, scheme.large_state):
        (fitted,) = start.inputs
        assert json.loads(fitted.params)["on"] == {"split": "public_fit"}


def test_facts_tell_both_architectures_and_what_a_query_costs(runner):
    accounted = {**SMALL, "small_account_as": "vit-base-16"}
    scheme, context = federated(runner, fedpt.ENTRY, accounted, account_as="vit-large-16")
    facts, forward = scheme.facts(), "forward_flop_per_sample"
    assert facts.account_as == "vit-large-16, small: vit-base-16"
    assert facts.inference_flop == context.costs["large"][forward] + 2 * context.costs["device"][forward]
    assert facts.trainable_parameters == context.costs["device"]["trainable_parameters"]
    plain, context = federated(runner, mixture.ENTRY, SMALL)
    assert plain.facts().account_as == ""
    assert plain.facts().inference_flop == context.costs["large"][forward] + context.costs["device"][forward]


def test_accounting_changes_costs_and_no_learning(runner):
    own, context = federated(runner, fedpt.ENTRY, SMALL)
    large, _ = federated(runner, fedpt.ENTRY, {**SMALL, "small_account_as": "vit-base-16"}, account_as="vit-large-16")
    assert offer(large, context).work.flop > offer(own, context).work.flop
    assert run_round(large, context).work.flop > run_round(own, context).work.flop
    assert large.quality() == own.quality()


def test_public_data_are_needed_and_asked_for(runner):
    with pytest.raises(JobError, match=r"0 public samples and needs some: raise learning.public_share"):
        federated(runner, mixture.ENTRY, SMALL, public_share=0.0)
    _, context = federated(runner, fedpt.ENTRY, {**SMALL, **NONE})
    of_tokens = replace(context, task="language-modelling", n_classes=None, n_public=0)
    for params in ({}, {**NONE, "proxy_alpha": "tuned"}):
        with pytest.raises(JobError, match="public samples"):
            fedpt.FedPt(FedPtParams(**SMALL, **params), of_tokens)


def question(model, task, n_classes):
    return CostQuestion(
        model=model,
        account_as=None,
        task=task,
        n_classes=n_classes,
        batch_size=LOCAL.batch_size,
        length=32,
        optimizer="sgd",
        head_start="random",
    )


def test_models_of_different_tokens_are_refused_before_anything_runs():
    with pytest.raises(JobError, match=r"'smollm2-135m' predicts \d+ tokens and 'tiny-lm-s' 257: .* same tokenizer"):
        fedpt.cost_jobs(FedPtParams(small="tiny-lm-s"), question("smollm2-135m", "language-modelling", None))
    fine = fedpt.cost_jobs(FedPtParams(small="tiny-lm-s"), question("tiny-lm-l", "language-modelling", None))
    assert fine.keys() == {"device", "head", "large"}
    # For classes, each model may read the text in its own way.
    assert fedpt.cost_jobs(FedPtParams(small="tiny-lm-s"), question("minilm", "text-classification", 2))


def test_an_unknown_architecture_is_answered_with_suggestions():
    params = FedPtParams(**SMALL, small_account_as="vit-base-61")
    with pytest.raises(UnknownNameError, match="Did you mean 'vit-base-16'"):
        fedpt.cost_jobs(params, question("tiny-vit-l", "image-classification", digits()["n_classes"]))
