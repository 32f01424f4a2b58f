"""FedPEAT and FedOT: which emulator goes where, what it costs, and when it is no emulator at all."""

import json
from dataclasses import replace

import numpy as np
import pytest

from learners.catalog import SCHEMES, LocalSettings, dataset_spec
from learners.data.datasets import DATASETS
from learners.inline import InlineRunner, inline_scheme, take_round, view
from learners.schemes.fedpeat import FedPeatParams
from learners.schemes.parts import train_job, train_work
from learners.states import sent_bytes
from mecsim.errors import JobError
from mecsim.federation.contract import NO_STEP, NO_WORK, Update
from mecsim.federation.turn import memory_refusal
from mecsim.knobs import AS_IT_IS, Settings

pytestmark = pytest.mark.learning

UNDISTILLED = {"distillation": {"steps": 0}}
SHORT = {"distillation": {"steps": 5}}
LOCAL = LocalSettings(epochs=1, batch_size=16)


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


def federated(runner, params, *, name="fedpeat", **options):
    """Return a scheme over a small federation of digits and a model of 4 blocks, and its context."""
    dataset = dataset_spec("digits", DATASETS["digits"].params(train_per_class=6))
    options = {"model": "tiny-vit-l", "n_clients": 3, "public_share": 0.02, "local": LOCAL, **options}
    return inline_scheme(runner, name, params, dataset=dataset, partition={"kind": "iid"}, **options)


# Identities


@pytest.mark.parametrize("method", ["lora", "full"])
def test_an_emulator_that_is_the_middle_changes_nothing(runner, method):
    # 10 % of two middle blocks is none: the emulator is built by dropping, and nothing is dropped.
    from learners import train

    made, context = federated(runner, {"ladder": [0.1], "method": method, **UNDISTILLED})
    around_emulator = made.offer(view(context, 0)).job
    around_middle = train_job(made.part, made.state, context, {"client": 0}, made.learning_rate)
    assert around_emulator != around_middle
    tensors = [
        train.run(json.loads(job.params), [runner.demand(given) for given in job.inputs], "one name, so one order").tensors
        for job in (around_emulator, around_middle)
    ]
    assert tensors[0].keys() == tensors[1].keys()
    assert all(tensors[0][name].tobytes() == tensors[1][name].tobytes() for name in tensors[0])
    take_round(made, context, 1, range(3))
    numbers = runner.demand(made.quality()).numbers
    assert (numbers["accuracy"], numbers["loss"]) == (numbers["emulator_accuracy"], numbers["emulator_loss"])
    assert numbers["gap"] == 0.0


@pytest.mark.parametrize("kind", ["drop", "narrow", "prune", "quantise"])
def test_rho_zero_is_the_whole_model_and_is_not_distilled(runner, kind):
    made, context = federated(runner, {"compression": kind, "ladder": [0.0]})
    assert made.offer(view(context, 0)).job == train_job(made.part, made.state, context, {"client": 0}, made.learning_rate)
    assert made.prepare().work == NO_WORK
    assert context.costs["device"] == context.costs["server"]


@pytest.mark.parametrize(
    "method",
    [
        {"method": "full"},
        {"method": "bias"},
        {"method": "lora", "targets": "linear"},
        {"method": "adapter"},
        {"method": "adapter", "shared": False},
        {"method": "prompt"},
        {"method": "peft", "peft_type": "IA3"},
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [{"bottom": 1, "top": 1}, {"bottom": 0, "top": 1}], ids=str)
def test_a_device_trains_tensors_of_the_servers_names_and_shapes(runner, method, options):
    from learners.models.load import build
    from learners.peft.state import trainable_state

    made, context = federated(runner, {**method, **options, **UNDISTILLED})
    states = [trainable_state(build(part.spec)) for part in (made.emulators[0.5], made.part)]
    shapes = [{name: tuple(value.shape) for name, value in state.items()} for state in states]
    assert shapes[0] == shapes[1]
    ends = {0, 3} if options["bottom"] else {3}
    blocks = {int(name.split("layers.")[1].split(".")[0]) for name in shapes[0] if "layers." in name}
    assert blocks <= ends
    assert any("classifier" in name for name in shapes[0])
    sent = sum(value.numel() * 4 for value in states[0].values())
    assert sent == context.costs["device"]["state_bytes"] == context.costs["server"]["state_bytes"]


# Offers


@pytest.mark.parametrize("kind", [{}, {"compression": "narrow"}, {"compression": "quantise", "ladder": [0.75]}], ids=str)
def test_a_device_uploads_what_it_announces(runner, kind):
    made, context = federated(runner, {**kind, **SHORT})
    offer = made.offer(view(context, 0))
    assert sent_bytes(runner.demand(offer.job)) == offer.sends.size_bytes == context.costs["device"]["state_bytes"]
    around, emulator, state = offer.needs
    sheet = context.costs["device"]
    assert (emulator.kind, emulator.size_bytes) == ("emulator", sheet["compressed_bytes"])
    assert (around.kind, around.size_bytes) == ("backbone", sheet["backbone_bytes"] - sheet["compressed_bytes"])
    assert (state.kind, state.name) == ("state", made.state.name)
    assert offer.work == train_work(context.costs["device"], context.client_samples[0], LOCAL)


def test_emulators_are_smaller_and_lighter_than_the_middle(runner):
    for kind, rho in (("drop", 0.5), ("narrow", 0.5), ("prune", 0.5), ("quantise", 0.75)):
        costs = federated(runner, {"compression": kind, "ladder": [rho], **UNDISTILLED})[1].costs
        assert costs["device"]["backbone_bytes"] < costs["server"]["backbone_bytes"], kind
        lighter = costs["device"]["train_flop_per_sample"] < costs["server"]["train_flop_per_sample"]
        assert lighter == (kind in ("drop", "narrow")), kind


def test_without_bottom_blocks_no_gradient_enters_the_emulator(runner):
    sandwich = federated(runner, UNDISTILLED)[1].costs["device"]
    top_alone = federated(runner, {"bottom": 0, "top": 1, "ladder": [0.4], **UNDISTILLED})[1].costs["device"]
    # Three blocks each; a backward pass through one of them is much less than through all.
    assert top_alone["forward_flop_per_sample"] < 1.01 * sandwich["forward_flop_per_sample"]
    assert top_alone["train_flop_per_sample"] < 0.8 * sandwich["train_flop_per_sample"]


def test_a_policy_decides_which_emulator_a_device_gets(runner):
    made, context = federated(runner, {"ladder": [0.5, 0.0], **UNDISTILLED}, controlled=True)
    small, large = (context.costs[f"device:{rho}"]["peak_train_bytes"] for rho in (0.5, 0.0))
    assert small < large
    light, heavy = (made.offer(view(context, 0, settings=Settings(choice=rho))) for rho in (0.5, 0.0))
    assert (light.choice, heavy.choice) == (0.5, 0.0)
    assert heavy.needs[-2].name != light.needs[-2].name
    assert heavy.needs[-1] == light.needs[-1]
    assert (light.work.peak_bytes, heavy.work.peak_bytes) == (small, large)
    assert memory_refusal(heavy.work, small).needed == large
    assert memory_refusal(light.work, small) is None
    assert made.offer(view(context, 0)) == light  # the ladder's first, where nothing was decided


def test_without_control_all_get_the_ladders_first_and_only_that_is_distilled(runner):
    made, context = federated(runner, {"ladder": [0.5, 0.0], **SHORT})
    (alone, _) = federated(runner, {"ladder": [0.5], **SHORT})
    assert {made.rho_for(view(context, 0, settings=each)) for each in (AS_IT_IS, Settings(renew=False))} == {0.5}
    assert set(context.costs) == {"device", "device:0.5", "device:0.0", "server"}
    assert made.offer(view(context, 0)) == alone.offer(view(context, 0))
    assert (made.knob(), made.offer(view(context, 0)).choice, made.ages(set())) == (None, None, ())
    assert made.prepare() == alone.prepare()
    assert made.quality() == alone.quality()


def test_a_device_with_the_backbone_makes_an_emulator_of_whole_blocks_itself(runner):
    def kinds(**params):
        made, context = federated(runner, params)
        there = replace(context, backbone_preinstalled=True)
        made = SCHEMES["fedpeat"].create(FedPeatParams.model_validate(params), there)
        return [payload.kind for payload in made.offer(view(there, 0)).needs]

    assert kinds(**UNDISTILLED) == ["state"]
    assert kinds(**SHORT) == ["emulator", "state"]
    assert kinds(compression="prune", **UNDISTILLED) == ["emulator", "state"]
    assert kinds(compression="prune", ladder=[0.0]) == ["state"]


# Rounds


def test_an_emulator_is_sent_once_and_again_after_it_was_realigned(runner):
    made, context = federated(runner, {"realign_every": 2, **SHORT})
    versions, works = [], []
    for number in (1, 2, 3):
        versions.append(made.offer(view(context, 0, number)).needs[1])
        made.alongside(number)
        updates = [_update(made, context, client, number) for client in range(3)]
        works.append(made.merge(updates).work)
    versions.append(made.offer(view(context, 0, 4)).needs[1])
    assert made.offer(view(context, 0, 4)).needs[0] == federated(runner, SHORT)[0].offer(view(context, 0)).needs[0]
    assert versions[0] == versions[1]
    assert versions[2] == versions[3]
    assert versions[2].name != versions[1].name
    assert versions[2].size_bytes == versions[1].size_bytes
    assert works[1].flop == pytest.approx(works[0].flop + made.prepare().work.flop)
    assert works[2] == works[0]
    numbers = runner.demand(made.quality()).numbers
    assert numbers["emulator_distilled_hidden_loss_after"] < numbers["emulator_distilled_hidden_loss_before"]


def _update(made, context, client, number):
    job = made.offer(view(context, client, number)).job
    return Update(client=client, n_samples=context.client_samples[client], job=job)


def test_the_server_enters_the_average_by_its_samples(runner):
    made, context = federated(runner, UNDISTILLED)
    n_own = context.n_public - -(-context.n_public // 4)
    step = made.alongside(1)
    assert step.work == train_work(context.costs["server"], n_own, LOCAL)
    updates = [_update(made, context, client, 1) for client in range(3)]
    merged = made.merge(updates).work
    own, *others = made.state.inputs
    assert json.loads(own.params)["on"] == {"split": "public_fit"}
    assert json.loads(own.params)["model"] == made.part.spec
    assert others == [update.job for update in updates]
    weights = [n_own, *context.client_samples]
    assert json.loads(made.state.params)["weights"] == weights
    assert merged.flop == 2.0 * context.costs["server"]["trainable_parameters"] * 4
    states = [runner.demand(job).tensors for job in made.state.inputs]
    for name, value in runner.demand(made.state).tensors.items():
        mean = sum(weight * state[name].astype(float) for weight, state in zip(weights, states, strict=True)) / sum(weights)
        np.testing.assert_allclose(value, mean, rtol=1e-5, atol=1e-7)
    assert runner.demand(own).numbers["n_samples"] == n_own


def test_a_server_that_is_left_out_does_nothing(runner):
    for name, params in (("fedpeat", {"server_takes_part": False, **UNDISTILLED}), ("fedot", UNDISTILLED)):
        made, context = federated(runner, params, name=name)
        assert made.alongside(1) == NO_STEP
        take_round(made, context, 1, range(3))
        assert len(made.state.inputs) == 3


def test_a_round_without_devices_forgets_what_the_server_tuned(runner):
    made, context = federated(runner, UNDISTILLED)
    made.alongside(1)
    made.alongside(2)
    made.merge([_update(made, context, 0, 2)])
    assert len(made.state.inputs) == 2


def test_distillation_is_charged_before_the_first_round(runner):
    made, context = federated(runner, {"distillation": {"steps": 7, "batch_size": 4}})
    device, server = context.costs["device"], context.costs["server"]
    flop = 7 * 4 * (server["forward_flop_per_sample"] + 3 * device["forward_flop_per_sample"])
    work = made.prepare().work
    assert work.flop == pytest.approx(flop)
    assert work.n_steps == 7
    assert federated(runner, UNDISTILLED)[0].prepare().work == NO_WORK


def test_a_fitted_head_is_the_servers_work_and_every_devices_start(runner):
    made, context = federated(runner, UNDISTILLED, head_start="public")
    assert made.prepare().work.n_steps > 0
    assert [given.kind for given in made.state.inputs] == ["train"]
    assert runner.demand(made.quality()).numbers["accuracy"] > 0.5
    assert "head" in context.costs


def test_public_samples_are_asked_for_where_they_are_needed(runner):
    with pytest.raises(JobError, match=r"raise learning.public_share, or set distillation.steps to 0"):
        federated(runner, {}, public_share=0.0)
    with pytest.raises(JobError, match="or set server_takes_part to false"):
        federated(runner, UNDISTILLED, public_share=0.0)
    made, context = federated(runner, {"server_takes_part": False, **UNDISTILLED}, public_share=0.0)
    assert made.offer(view(context, 0)).job is not None


def test_a_model_without_a_middle_is_refused(runner):
    with pytest.raises(JobError, match="bottom 1 and top 1 leave no middle block of 2"):
        federated(runner, UNDISTILLED, model="tiny-vit-s")


# Quality


def test_quality_tells_the_plug_in_from_the_emulator(runner):
    made, context = federated(runner, SHORT)
    take_round(made, context, 1, range(3))
    numbers = runner.demand(made.quality()).numbers
    assert {"accuracy", "loss", "emulator_accuracy", "emulator_loss", "gap"} <= numbers.keys()
    assert numbers["gap"] == numbers["accuracy"] - numbers["emulator_accuracy"]
    plugged, around, distilled = made.quality().inputs
    assert json.loads(plugged.params)["model"] == made.part.spec
    assert json.loads(around.params)["model"] == made.emulators[0.5].spec
    assert distilled == made.emulators[0.5].frozen == around.inputs[-1] == made.offer(view(context, 0)).job.inputs[-1]
    assert numbers["accuracy"] == runner.demand(plugged).numbers["accuracy"]
    assert made.facts().inference_flop == context.costs["server"]["forward_flop_per_sample"]


def test_several_emulators_are_told_apart_and_only_those_in_use_are_evaluated(runner):
    made, context = federated(runner, {"ladder": [0.0, 0.5, 0.75], "compression": "narrow", **UNDISTILLED}, controlled=True)

    def numbers(*, of):
        told = runner.demand(made.quality()).numbers
        assert {float(name.split("_")[1]) for name in told if name.startswith("emulator_0")} == of
        assert {float(name.split("_")[1]) for name in told if name.startswith("gap_")} == of
        return told

    before = numbers(of={0.0})  # what a device gets where nothing was decided
    assert before["emulator_loss"] == before["emulator_0.0_loss"] == before["loss"]
    assert before["gap_0.0"] == 0.0
    take_round(made, context, 1, [0, 1], settings={1: Settings(choice=0.5)})
    both = numbers(of={0.0, 0.5})
    assert both["emulator_loss"] == pytest.approx((both["emulator_0.0_loss"] + both["emulator_0.5_loss"]) / 2)
    assert both["gap_0.5"] == both["accuracy"] - both["emulator_0.5_accuracy"]
    take_round(made, context, 2, [2], settings={2: Settings(choice=0.75)})
    after = numbers(of={0.75})
    assert after["emulator_loss"] == after["emulator_0.75_loss"] != after["loss"]


@pytest.mark.parametrize("kind", [{}, {"compression": "narrow"}], ids=str)
def test_accounting_as_a_large_model_changes_costs_and_no_learning(runner, kind):
    own, _ = federated(runner, {**kind, **SHORT})
    large, context = federated(runner, {**kind, **SHORT}, account_as="vit-base-16")
    take_round(own, context, 1, range(3))
    take_round(large, context, 1, range(3))
    assert own.quality() == large.quality()
    assert large.offer(view(context, 0)).work.flop > own.offer(view(context, 0)).work.flop


def test_a_language_model_is_tuned_around_an_emulator(runner):
    options = DATASETS["docstrings"].params(window=64, groups=2, bytes_per_group=4096, public_bytes=4000)
    made, context = inline_scheme(
        runner,
        "fedpeat",
        SHORT,
        model="tiny-lm-s",
        dataset=dataset_spec("docstrings", options),
        partition={"kind": "iid"},
        n_clients=2,
        local=LOCAL,
    )
    distilled = json.loads(made.emulators[0.5].frozen.params)
    assert (distilled["hidden_weight"], distilled["task_weight"]) == (30.0, 1.0)
    offer = made.offer(view(context, 0))
    state = runner.demand(offer.job).tensors
    assert all(".lora_" in name for name in state)  # a language model has no head of its own
    assert sent_bytes(runner.demand(offer.job)) == offer.sends.size_bytes
    take_round(made, context, 1, range(2))
    numbers = runner.demand(made.quality()).numbers
    assert numbers["perplexity"] < numbers["emulator_perplexity"]
