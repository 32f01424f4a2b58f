"""What branches share and what they leave to the cloud, in schemes that have more than a state. Nothing is trained."""

import json

import pytest
from scheme_cases import federated, offer, shared_runner

from learners.catalog import SCHEMES
from learners.inline import take_round, take_turns
from mecsim.federation.contract import PROTOCOLS, Blend, SchemeError
from mecsim.knobs import Settings

pytestmark = pytest.mark.learning

QUICK = {"distillation": {"steps": 5}}
SMALL = {"small": "tiny-vit-s"}


def made(name, **params):
    return federated(shared_runner(), name, params)


def edge_round(scheme, context, *shards, settings=None):
    """Let a branch each take a round over its own clients; return the branches with their samples."""
    branches = []
    for clients in shards:
        branch = scheme.branch()
        branch.merge(take_turns(branch, context, 1, clients, settings=settings or {}))
        branches.append((branch, float(sum(context.client_samples[client] for client in clients))))
    return branches


def protocols(name, **params):
    entry = SCHEMES[name]
    return entry.protocols_of(entry.params.model_validate(params))


def test_a_device_goes_on_with_its_own_momentum_whichever_server_it_talks_to():
    scheme, context = made("fedpeft", method="lora", momentum="carried")
    last = take_turns(scheme, context, 1, [0])[0].job
    _, (elsewhere, _) = edge_round(scheme, context, [0], [1, 2])
    assert offer(elsewhere, context, client=0, number=2).job.inputs[2] == last


def test_privacy_is_spent_in_every_branch():
    scheme, context = made("fedpeft", method="lora", privacy={"kind": "dp-sgd", "noise_multiplier": 1.0})
    branches = edge_round(scheme, context, [0], [1, 2])
    branches[0][0].merge(take_turns(branches[0][0], context, 1, [0]))
    scheme.join(branches)
    _, spent = scheme.quality().inputs
    steps = {json.loads(each.params)["steps"] for each in spent.inputs}
    own = context.local.n_steps(context.client_samples[0])
    assert steps == {own, 2 * own}


def test_the_server_that_takes_part_enters_at_the_cloud_and_once():
    scheme, context = made("fedpeat", **QUICK)
    assert scheme.alongside(1).work.flop > 0.0
    (own,) = scheme.own_updates()
    branches = edge_round(scheme, context, [0], [1, 2])
    assert all(own.job not in branch.state.inputs and branch.alongside(1).work.flop == 0.0 for branch, _ in branches)
    scheme.join(branches)
    assert json.loads(scheme.state.params)["weights"] == [*(weight for _, weight in branches), float(own.n_samples)]
    assert scheme.state.inputs[-1] == own.job
    assert scheme.own_updates() == []


def test_emulators_are_realigned_by_the_cloud_alone():
    scheme, context = made("fedpeat", **QUICK, realign_every=1)
    first = scheme.emulators[0.5].frozen
    branches = edge_round(scheme, context, [0], [1, 2])
    assert all(branch.emulators[0.5].frozen == scheme.emulators[0.5].frozen == first for branch, _ in branches)
    plain, _ = made("fedpeat", **QUICK)
    assert scheme.join(branches).work.flop > plain.join(edge_round(plain, context, [0], [1, 2])).work.flop
    assert scheme.emulators[0.5].frozen != first
    assert branches[0][0].emulators[0.5].frozen == first


def test_emulators_in_use_are_those_of_any_branch():
    def around(shards, choices):
        scheme, context = made("fedpeat", **QUICK, compression="narrow", ladder=[0.0, 0.25, 0.5])
        settings = {client: Settings(choice=choice) for client, choice in choices.items()}
        scheme.join(edge_round(scheme, context, *shards, settings=settings))
        prefixes = json.loads(scheme.quality().params)["prefixes"]
        return {prefix for prefix in prefixes if prefix.startswith("emulator_0") and "distilled" not in prefix}

    assert around([[0], [1]], {0: 0.5, 1: 0.25}) == {"emulator_0.5_", "emulator_0.25_"}
    assert around([[0, 1], [2]], {0: 0.5, 1: 0.5}) == {"emulator_0.5_", "emulator_0.0_"}


def test_a_branch_trains_around_the_versions_that_the_cloud_made():
    scheme, context = made("fedpeat", **QUICK, compression="narrow", ladder=[0.25, 0.5], realign_every=1)
    first = {payload.name for payload in offer(scheme, context, choice=0.5).needs}
    scheme.join(edge_round(scheme, context, [0], [1, 2]))
    branch = scheme.branch()
    assert branch.ages(first) == scheme.ages(first) == (None, 1)
    kept = offer(branch, context, held=first, choice=0.5, renew=False)
    assert (kept.choice, kept.age) == (0.5, 1)
    branch.merge(take_turns(branch, context, 2, [0]))
    assert branch.ages(first) == (None, 1)  # an edge server makes no version
    scheme.join([(branch, 1.0)])
    assert (scheme.ages(first), branch.ages(first)) == ((None, 2), (None, 1))


def test_the_small_model_is_distilled_by_the_cloud_alone():
    scheme, context = made("fedpt", **SMALL)
    branches = edge_round(scheme, context, [0], [1, 2])
    assert {branch.state.kind for branch, _ in branches} == {"average"}
    step = scheme.join(branches)
    assert (scheme.state.kind, scheme.tuned.kind) == ("proxy_distil", "average")
    assert step.work.n_steps > 1
    # The next branch begins with what was distilled, and is worth what the cloud is worth until it has merged.
    assert (scheme.branch().state, scheme.branch().quality()) == (scheme.state, scheme.quality())


def test_fedpt_mixes_into_what_the_devices_had_and_distils_that():
    scheme, context = made("fedpt", **SMALL)
    take_round(scheme, context, 1, [0])
    distilled = scheme.state
    take_round(scheme, context, 2, [1], Blend(kind="mix", rate=0.25))
    assert scheme.tuned.inputs[0] == distilled
    assert json.loads(scheme.tuned.params) == {"coefficients": [0.75, 0.25]}


@pytest.mark.parametrize(("arm", "aligns"), [("full", True), ("D", True), ("B", False), ("N", False)])
def test_a_proxy_that_is_aligned_between_rounds_needs_rounds(arm, aligns):
    fitting = protocols("fedpft", arm=arm)
    assert fitting == (frozenset({"sync", "deadline"}) if aligns else frozenset(PROTOCOLS))
    scheme, context = made("fedpft", arm=arm, **QUICK)
    if aligns:
        with pytest.raises(SchemeError, match=f"arm {arm} aligns .*: choose arm B or N; or set .* sync, deadline"):
            scheme.branch()
    else:
        scheme.join(edge_round(scheme, context, [0], [1, 2]))


def test_a_server_that_takes_part_needs_rounds():
    assert protocols("fedpeat") == frozenset({"sync", "deadline", "hierarchical"})
    assert protocols("fedpeat", server_takes_part=False) == protocols("fedot") == frozenset(PROTOCOLS)
    scheme, context = made("fedpeat", **QUICK)
    with pytest.raises(SchemeError, match=r"set server_takes_part to false; or set .* sync, deadline, hierarchical"):
        scheme.merge(take_turns(scheme, context, 1, [0]), Blend(kind="mix", rate=0.5))


def test_a_loss_of_ones_own_is_of_what_the_device_holds():
    scheme, context = made("local-only")
    take_round(scheme, context, 1, [0])
    assert scheme.client_loss(0).inputs[0] == scheme.own_state(0) != scheme.client_loss(1).inputs[0] == scheme.state
    around, _ = made("fedpeat", **QUICK, compression="narrow", ladder=[0.25, 0.5])
    compression = json.loads(around.client_loss(0).params)["model"]["compression"]
    assert compression["keep"] == 0.5  # the smallest that is in use: every device can hold that one
    assert json.loads(around.client_loss(2).params)["on"] == {"client": 2}


def test_a_device_without_samples_has_no_loss():
    scheme, context = made("full")
    object.__setattr__(context, "client_samples", (20, 0, 20))
    assert [scheme.client_loss(client) is None for client in range(3)] == [False, True, False]
