"""What is decided for single devices: FedPEAT's emulators and their versions by hand, and epochs in every scheme."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheme_cases import federated, offer, shared_runner, synthetic

from learners.catalog import SCHEMES
from learners.compress.rules import kept_blocks
from learners.inline import InlineRunner, take_round, take_turns, view
from learners.schemes.emulation import emulator_work
from mecsim.federation.contract import NO_WORK, Knob, SchemeError
from mecsim.knobs import Settings

pytestmark = pytest.mark.learning

QUICK = {"distillation": {"steps": 5}}
LADDER = {**QUICK, "compression": "narrow", "ladder": [0.5, 0.0, 0.75], "realign_every": 1}
SMALL = {"small": "tiny-vit-s"}
PARAMS = {"fedpt": SMALL, "mixture": SMALL, "small-only": {**SMALL, "method": "lora"}, "fedpeft": {"method": "lora"}}
CENTRAL = ("zero-shot", "centralised")  # devices train nothing


def made(name="fedpeat", params=LADDER, **options):
    """Return a scheme under control, and its context."""
    return federated(shared_runner(), name, params, **{"controlled": True, **options})


class Device:
    """One that keeps all that it fetches, save states: it needs a new one in every turn."""

    def __init__(self):
        self.held = set()

    def takes(self, scheme, context, **decided):
        """Take a turn's offer, and return it with the kinds and bytes of what had to be fetched."""
        offered = offer(scheme, context, held=self.held, **decided)
        lacking = [(payload.kind, payload.size_bytes) for payload in offered.needs if payload.name not in self.held]
        self.held |= {payload.name for payload in offered.needs if payload.kind != "state"}
        return offered, lacking


def realign(scheme, context, number=1):
    """Merge a round of another device, behind which the server distils."""
    return scheme.merge(take_turns(scheme, context, number, [2]))


# The knob


def test_the_ladder_is_the_knob_from_the_least_compressed_on_and_its_first_the_default():
    scheme, context = made()
    assert scheme.knob() == Knob(name="rho", choices=(0.0, 0.5, 0.75), default=0.5, renews=True)
    assert made(params={**LADDER, "realign_every": 0})[0].knob().renews is False
    assert offer(scheme, context).choice == 0.5
    sheets = [context.costs[f"device:{rho}"] for rho in scheme.knob().choices]
    for cost in ("backbone_bytes", "train_flop_per_sample", "peak_train_bytes"):
        dear, middling, cheap = (sheet[cost] for sheet in sheets)
        assert dear > middling > cheap, cost


def test_a_choice_that_is_none_of_the_ladder_is_named_with_those_that_are():
    scheme, context = made()
    with pytest.raises(SchemeError, match=r"device 1 .* of rho 0.25: choose one of 0, 0.5, 0.75"):
        offer(scheme, context, client=1, choice=0.25)
    with pytest.raises(ValueError, match="at least 1"):
        offer(scheme, context, epochs=0)


def test_a_choice_shapes_what_is_sent_trained_and_priced():
    scheme, context = made(params={**LADDER, "compression": "drop", "ladder": [0.0, 0.5]})
    for rho in (0.0, 0.5):
        sheet, n_samples = context.costs[f"device:{rho}"], context.client_samples[0]
        offered = offer(scheme, context, choice=rho)
        assert offered.choice == rho
        assert offered.work.flop == sheet["train_flop_per_sample"] * n_samples
        assert offered.work.peak_bytes == sheet["peak_train_bytes"]
        assert sum(payload.size_bytes for payload in offered.needs) == sheet["backbone_bytes"] + sheet["state_bytes"]
        assert offered.sends.size_bytes == sheet["state_bytes"]
        compression = json.loads(offered.job.params)["model"]["compression"]
        n_blocks = 4 if compression is None else len(kept_blocks(compression, 4))
        assert n_blocks == (4 if rho == 0.0 else 3)


def test_all_of_the_ladder_is_distilled_before_the_first_round_and_at_each_alignment():
    scheme, context = made()
    works = [emulator_work(scheme.part, scheme.emulators[rho], context, scheme.distillation) for rho in (0.5, 0.75)]
    flop = sum(work.flop for work in works)
    assert works[0].flop > works[1].flop > 0.0
    assert scheme.prepare().work.flop == pytest.approx(flop)
    plain, _ = made(params={**LADDER, "realign_every": 0})
    assert realign(scheme, context).work.flop == pytest.approx(realign(plain, context).work.flop + flop)


# Versions


def test_bytes_and_ages_of_a_device_that_renews_or_goes_on_with_what_it_holds():
    scheme, context = made()
    sheet, device = context.costs["device:0.5"], Device()
    around = ("backbone", sheet["backbone_bytes"] - sheet["compressed_bytes"])
    emulator, state = ("emulator", sheet["compressed_bytes"]), ("state", sheet["state_bytes"])
    assert scheme.ages(device.held) == (None, None, None)

    first, fetched = device.takes(scheme, context)
    assert fetched == [around, emulator, state]
    assert (first.age, scheme.ages(device.held)) == (0, (None, 0, None))
    realign(scheme, context)
    assert scheme.ages(device.held) == (None, 1, None)
    kept, fetched = device.takes(scheme, context, renew=False)
    assert (kept.age, fetched) == (1, [state])
    assert kept.needs[:2] == first.needs[:2]
    realign(scheme, context, 2)
    kept, fetched = device.takes(scheme, context, renew=False)
    assert (kept.age, fetched) == (2, [state])
    renewed, fetched = device.takes(scheme, context)
    assert (renewed.age, fetched) == (0, [emulator, state])
    assert scheme.ages(device.held) == (None, 0, None)
    realign(scheme, context, 3)
    assert device.takes(scheme, context, renew=False)[0].age == 1  # the newer of the two that it holds


def test_who_holds_no_version_fetches_the_newest_whatever_was_decided():
    scheme, context = made()
    device = Device()
    device.takes(scheme, context, choice=0.5)
    realign(scheme, context)
    offered, fetched = device.takes(scheme, context, choice=0.75, renew=False)
    assert (offered.age, [kind for kind, _ in fetched]) == (0, ["emulator", "state"])  # what is around is that of 0.5
    assert offered == offer(scheme, context, choice=0.75)
    assert scheme.ages(device.held) == (None, 1, 0)


def test_the_middle_itself_has_one_version():
    scheme, context = made()
    device = Device()
    _, fetched = device.takes(scheme, context, choice=0.0)
    costs = context.costs["device:0.0"]
    assert fetched == [("emulator", costs["backbone_bytes"]), ("state", costs["state_bytes"])]
    for number in (1, 2):
        realign(scheme, context, number)
        assert scheme.ages(device.held) == (0, None, None)
        assert device.takes(scheme, context, choice=0.0)[1] == [("state", costs["state_bytes"])]


def test_a_device_trains_around_the_version_that_it_holds():
    scheme, context = made()
    device = Device()
    first = device.takes(scheme, context)[0].job.inputs[-1]
    assert first == scheme.emulators[0.5].frozen
    realign(scheme, context)
    newest = scheme.emulators[0.5].frozen
    assert newest.inputs[-1] == first  # distilled from its last version on
    kept, renewed = (device.takes(scheme, context, renew=renew)[0].job for renew in (False, True))
    assert (kept.inputs[-1], renewed.inputs[-1]) == (first, newest)
    assert (kept.params, kept.inputs[:-1]) == (renewed.params, renewed.inputs[:-1])
    runner = shared_runner()
    trained = [runner.demand(each).tensors for each in (kept, renewed)]
    assert any((trained[0][name] != trained[1][name]).any() for name in trained[0])


def test_an_emulator_that_devices_make_themselves_is_held_by_all():
    scheme, context = made(params={"ladder": [0.5], "distillation": {"steps": 0}})
    assert scheme.ages(set()) == (None,)
    object.__setattr__(context, "backbone_preinstalled", True)
    there = SCHEMES["fedpeat"].create(SCHEMES["fedpeat"].params(ladder=[0.5], distillation={"steps": 0}), context)
    assert there.ages(set()) == (0,)
    assert [payload.kind for payload in offer(there, context, renew=False).needs] == ["state"]


def test_a_round_of_mixed_emulators_and_versions_is_learnt_from():
    scheme, context = made()
    scheme.merge(take_turns(scheme, context, 1, [0, 1, 2], settings={0: Settings(choice=0.0), 1: Settings(choice=0.75)}))
    old = made()[0].offer(view(context, 1, 1)).needs
    jobs = [offer(scheme, context, client=0, choice=0.75), offer(scheme, context, 1, held={p.name for p in old}, renew=False)]
    assert [each.age for each in jobs] == [0, 1]
    take_round(scheme, context, 2, [0, 1], settings={0: Settings(choice=0.75)})
    numbers = shared_runner().demand(scheme.quality()).numbers
    assert {"emulator_0.75_accuracy", "emulator_0.5_accuracy"} <= numbers.keys()
    assert "emulator_0.0_accuracy" not in numbers
    assert 0.0 <= numbers["accuracy"] <= 1.0


class Shelf:
    """What a device holds, told again in the plainest way: by choice, the merges after which its versions were made."""

    def __init__(self, choices, fixed):
        self.made_after = {choice: {} for choice in choices}
        self.fixed = fixed

    def version(self, choice, n_merged, *, renew):
        """Return the version that a device is to train on, which it then holds."""
        newest = 0 if choice in self.fixed else n_merged
        held = self.made_after[choice]
        used = max(held) if held and not renew else newest
        held[used] = True
        return used, newest - used

    def ages(self, n_merged):
        """Return by how many versions each choice is behind."""
        newest = {choice: 0 if choice in self.fixed else n_merged for choice in self.made_after}
        return tuple(newest[choice] - max(held) if held else None for choice, held in self.made_after.items())


TURNS = st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.booleans(), st.booleans()), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None)
@given(turns=TURNS, name=st.sampled_from(["fedpeat", "synthetic"]))
def test_any_course_of_decisions_keeps_count_of_versions(turns, name):
    if name == "fedpeat":
        scheme, context = made()
    else:
        scheme, context = synthetic(name, {"choices": [0.5, 1.0, 0.25], "renew_every": 1})
    choices = scheme.knob().choices
    shelf, device, n_merged, versions = Shelf(choices, {0.0}), Device(), 0, {}
    for place, renew, merges in turns:
        choice = choices[place]
        version, age = shelf.version(choice, n_merged, renew=renew)
        offered, _ = device.takes(scheme, context, choice=choice, renew=renew)
        assert (offered.choice, offered.age) == (choice, age)
        frozen = offered.needs[-2]
        assert versions.setdefault((choice, version), frozen) == frozen  # one version, one payload
        if merges:
            n_merged += 1
            realign(scheme, context, n_merged)
        assert scheme.ages(device.held) == shelf.ages(n_merged)
    assert len({payload.name for payload in versions.values()}) == len(versions)


# Epochs


@pytest.mark.parametrize("name", [name for name in SCHEMES if name not in CENTRAL])
def test_twice_the_epochs_are_twice_the_work_of_another_job(name):
    scheme, context = federated(shared_runner(), name, PARAMS.get(name, QUICK if name in ("fedpeat", "fedot") else {}))
    plain, same, twice = (offer(scheme, context, epochs=epochs) for epochs in (None, 1, 2))
    assert twice.work.flop == pytest.approx(2 * plain.work.flop)
    assert twice.work.n_steps == 2 * plain.work.n_steps
    assert twice.work.n_samples == 2 * plain.work.n_samples
    assert twice.work.peak_bytes == plain.work.peak_bytes
    assert twice.needs == plain.needs
    assert twice.job != plain.job
    if not SCHEMES[name].learns:
        return
    assert same == plain  # the scenario's own number says nothing new
    params = [json.loads(each.job.params) for each in (plain, twice)]
    assert params[1] == {**params[0], "epochs": 2}
    assert twice.job.inputs == plain.job.inputs


@pytest.mark.parametrize("name", ["fedpeft", "fedpeat", "local-only"])
def test_the_steps_that_are_priced_are_those_that_are_taken(name):
    scheme, context = federated(shared_runner(), name, PARAMS.get(name, QUICK if name == "fedpeat" else {}))
    offered = offer(scheme, context, epochs=3)
    numbers = InlineRunner(shared_runner().results).demand(offered.job).numbers
    assert numbers["n_steps"] == offered.work.n_steps == 3 * -(-context.client_samples[0] // 16)


# Schemes with nothing to set


@pytest.mark.parametrize("name", SCHEMES)
def test_without_control_and_without_choices_there_is_no_knob(name):
    scheme, context = federated(shared_runner(), name, PARAMS.get(name, {}))
    offered = offer(scheme, context)
    assert (scheme.knob(), scheme.ages({"anything"})) == (None, ())
    assert (offered.choice, offered.age) == (None, 0)
    if offered.work == NO_WORK:
        assert name in CENTRAL
