"""No federation at all: nothing travels, nothing is trained, and the quality is that of the model as it is."""

import json

import pytest
from small_federations import digits, federated, offer, partition_of, text

from learners.inline import InlineRunner
from learners.models.spec import model_spec
from learners.schemes import zero_shot
from learners.schemes.parts import evaluate_job
from mecsim.errors import JobError
from mecsim.federation.contract import NO_STEP, NO_WORK, ClientView, Offer
from mecsim.jobs.job import job

pytestmark = pytest.mark.learning


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


def zero(runner, *, model="tiny-vit-s", **options):
    params = {"pretrained": options.pop("pretrained", True)}
    return federated(runner, zero_shot.ENTRY, params, model=model, **options)


def test_a_turn_is_nothing(runner):
    scheme, context = zero(runner)
    nothing = Offer(needs=(), work=NO_WORK, sends=None, job=None)
    assert offer(scheme, context) == nothing
    # Not even samples or memory are needed.
    assert scheme.offer(ClientView(client=1, round=3, n_samples=0, memory_budget_bytes=0.0)) == nothing
    assert scheme.alongside(1) == NO_STEP


def test_quality_is_that_of_the_model_with_a_fitted_head_in_every_round(runner):
    scheme, context = zero(runner)
    quality = scheme.quality()
    scheme.merge([])
    assert scheme.quality() == quality
    (fitted,) = quality.inputs[0].inputs
    params = json.loads(fitted.params)
    assert (fitted.kind, params["on"], params["model"]["method"]) == ("train", {"split": "public_fit"}, {"name": "head"})
    method = {"name": "head"}
    spec = model_spec("tiny-vit-s", task=context.task, n_classes=10, method=method, pretrained=True, seed=0)
    shared = {"model": spec, "dataset": context.dataset, "split": "test", "by_class": True}
    by_hand = runner.demand(job("evaluate", shared, [fitted, context.partition])).numbers
    untrained = runner.demand(job("evaluate", shared, [job("init", {"model": spec}), context.partition])).numbers
    assert runner.demand(quality).numbers == by_hand
    assert by_hand["accuracy"] > untrained["accuracy"] + 0.4


def test_the_head_is_fitted_whatever_the_scenario_says(runner):
    random_head, context = zero(runner, head_start="random")
    public_head, _ = zero(runner, head_start="public")
    assert random_head.quality() == public_head.quality()
    assert random_head.prepare() == public_head.prepare()
    costs, n_fit = context.costs["device"], 134
    assert random_head.prepare().work.flop == pytest.approx(20 * n_fit * costs["train_flop_per_sample"])


def test_pretraining_is_what_it_is_worth(runner):
    numbers = [runner.demand(zero(runner, pretrained=pretrained)[0].quality()).numbers for pretrained in (True, False)]
    assert numbers[0]["accuracy"] > numbers[1]["accuracy"] + 0.1


def test_facts_are_of_the_accounted_model(runner):
    scheme, context = zero(runner, account_as="vit-base-16")
    own, _ = zero(runner)
    assert scheme.facts().account_as == "vit-base-16"
    assert scheme.facts().trainable_parameters == 0
    assert scheme.facts().inference_flop == context.costs["device"]["forward_flop_per_sample"] > own.facts().inference_flop
    assert scheme.quality() == own.quality()


def test_a_language_model_stays_as_it_was_pretrained(runner):
    scheme, context = zero(runner, model="tiny-lm-s", dataset=text(), pretrained=False)
    assert scheme.prepare() == NO_STEP
    state = scheme.quality().inputs[0]
    assert (state.kind, state.inputs) == ("init", ())
    numbers = runner.demand(scheme.quality()).numbers
    assert {"accuracy", "loss", "bits_per_byte"} <= numbers.keys()
    assert 4.0 < numbers["loss"] < 7.0  # ln 257 is 5.5: it knows nothing
    assert scheme.quality() == evaluate_job(scheme._part, state, context)


def test_without_public_data_there_is_no_head(runner):
    scheme, _ = zero(runner, public_share=0.0)
    with pytest.raises(JobError, match=r"public_fit.*learning.public_share"):
        runner.demand(scheme.quality())
    assert runner.demand(partition_of(digits(), public_share=0.0)).numbers["n_public"] == 0
