"""FedPFT with a proxy by device: offers, bytes, versions and server work by hand, and what the proxies learn."""

import json

import numpy as np
import pytest
from made_up_context import digits_context
from pydantic import ValidationError

from learners.data.datasets import DATASETS, dataset_spec
from learners.inline import InlineRunner, inline_scheme, take_round, view
from learners.schemes.context import LocalSettings
from learners.schemes.fedpft import FedPft, FedPftParams
from learners.states import sent_bytes
from mecsim.errors import JobError
from mecsim.federation.contract import PROTOCOLS, ROUND_PROTOCOLS, Settings, Update

#: Round numbers for sheets: the state has 400 bytes, a proxy 150, 100 and 70 kB.
SHEET = {
    "trainable_parameters": 100,
    "state_bytes": 400,
    "backbone_bytes": 100_000,
    "forward_flop_per_sample": 5.0,
    "train_flop_per_sample": 12.0,
    "traffic_bytes_per_step": 11,
    "forward_traffic_bytes_per_step": 4,
    "peak_train_bytes": 5000,
}
WIDE = {
    **SHEET,
    "backbone_bytes": 150_000,
    "forward_flop_per_sample": 6.0,
    "train_flop_per_sample": 15.0,
    "peak_train_bytes": 6000,
}
NARROW = {**SHEET, "backbone_bytes": 70_000, "forward_flop_per_sample": 3.0, "train_flop_per_sample": 9.0}
FULL = {**SHEET, "backbone_bytes": 250_000, "forward_flop_per_sample": 8.0, "forward_traffic_bytes_per_step": 6}
#: tiny-vit-l: 2 narrowed blocks of 384 neurons, hidden width 96; half of those kept move. By keep.
DELTA_BYTES = {keep: 2 * 4 * (n // 2 * (2 * 96 + 1) + 96 + n // 2) for keep, n in {0.5: 192, 0.25: 96, 0.125: 48}.items()}
COUNTS_BYTES = {keep: 2 * (4 * n + 8) for keep, n in {0.5: 192, 0.25: 96, 0.125: 48}.items()}
AT_HALF, AT_QUARTER, AT_EIGHTH = (Settings(choice=keep) for keep in (0.5, 0.25, 0.125))


def scheme(*, controlled=True, keeps=(0.125, 0.5, 0.25), n_public=40, preinstalled=False, **params):
    """Return a scheme over four clients of tiny-vit-l with made-up sheets; nothing is run."""
    sheets = {
        "device": SHEET,
        "full": FULL,
        "device:0.5": WIDE,
        "device:0.25": SHEET,
        "device:0.125": NARROW,
        "device:1.0": FULL,
    }
    context = digits_context(sheets, n_public=n_public, n_rounds=9, backbone_preinstalled=preinstalled, controlled=controlled)
    return FedPft(FedPftParams.model_validate({"keeps": list(keeps), **params}), context)


def offer(of, client, settings=AT_QUARTER, *, number=1):
    return of.offer(view(of.context, client, number, settings=settings))


def merged(of, number, settings):
    """Let the clients of ``settings`` take their turns and return the server's work of the merge."""
    offers = {client: offer(of, client, each, number=number) for client, each in settings.items()}
    samples = of.context.client_samples
    return of.merge([Update(client=client, n_samples=samples[client], job=made.job) for client, made in offers.items()]).work


def keep_of(job):
    return json.loads(job.params)["model"]["compression"]["keep"]


def test_the_knob_goes_from_the_widest_proxy_to_the_narrowest():
    knob = scheme().knob()
    assert (knob.name, knob.choices, knob.default, knob.renews) == ("keep", (0.5, 0.25, 0.125), 0.25, False)


@pytest.mark.parametrize("options", [{"controlled": False}, {"keeps": ()}])
def test_without_a_policy_or_keeps_everything_is_as_it_was(options):
    of, plain = scheme(align_every=1, **options), scheme(align_every=1, controlled=False, keeps=())
    assert (of.knob(), of.ages(frozenset()), of.prepare()) == (None, (), plain.prepare())
    for number in (1, 2):
        assert offer(of, 0, AT_HALF, number=number) == offer(plain, 0, Settings(), number=number)
        assert merged(of, number, {0: AT_HALF, 1: AT_EIGHTH}) == merged(plain, number, {0: Settings(), 1: Settings()})
    assert of.quality() == plain.quality()


def test_all_at_the_schemes_own_keep_is_the_scheme_without_keeps():
    of, plain = scheme(align_every=1), scheme(align_every=1, controlled=False)
    for number in (1, 2):
        assert offer(of, 0, Settings(), number=number).needs == offer(plain, 0, Settings(), number=number).needs
        assert merged(of, number, {0: AT_QUARTER, 1: Settings()}) == merged(plain, number, {0: Settings(), 1: Settings()})
    assert of.quality() == plain.quality()


def test_a_turn_on_a_proxy_of_its_own_by_hand():
    of = scheme(align_every=2)
    for keep, sheet in ((0.5, WIDE), (0.25, SHEET), (0.125, NARROW)):
        made = offer(of, 0, Settings(choice=keep))
        assert (made.choice, made.age) == (keep, 0)
        assert [(payload.kind, payload.size_bytes) for payload in made.needs] == [
            ("backbone", sheet["backbone_bytes"]),
            ("state", 400),
        ]
        assert (made.work.flop, made.work.peak_bytes) == (sheet["train_flop_per_sample"] * 20, sheet["peak_train_bytes"])
        assert keep_of(made.job) == keep
        state, _, frozen = made.job.inputs
        assert (state, frozen.kind, keep_of(frozen)) == (of.state, "narrowed", keep)
        assert made.sends.size_bytes == 400
        counting = offer(of, 0, Settings(choice=keep), number=2)
        assert counting.sends.size_bytes == 400 + COUNTS_BYTES[keep]


def test_a_keep_that_is_none_of_the_choices():
    with pytest.raises(JobError, match=r"device 1: keep 0.75 is none of the scheme's choices: 0.5, 0.25, 0.125"):
        offer(scheme(), 1, Settings(choice=0.75))


def test_epochs_by_device_change_work_and_job():
    once, thrice = (offer(scheme(), 0, Settings(choice=0.5, epochs=epochs)) for epochs in (1, 3))
    assert (once.work.flop, thrice.work.flop) == (15.0 * 20, 3 * 15.0 * 20)
    assert once.job == offer(scheme(), 0, AT_HALF).job != thrice.job


def test_a_device_that_changes_its_keep_fetches_that_proxy_once():
    of, held = scheme(arm="B"), set()

    def fetched(number, settings):
        """Return the bytes that client 0 has to download, and let it take its turn."""
        lacking = [payload for payload in offer(of, 0, settings, number=number).needs if payload.name not in held]
        held.update(payload.name for payload in lacking)
        merged(of, number, {0: settings})
        return sum(payload.size_bytes for payload in lacking)

    plan = [AT_HALF, AT_HALF, AT_EIGHTH, AT_HALF, AT_EIGHTH]
    assert [fetched(number, each) for number, each in enumerate(plan, 1)] == [150_400, 400, 70_400, 400, 400]
    assert of.ages(held) == (0, None, 0)
    assert offer(scheme(preinstalled=True), 0, AT_EIGHTH).needs[0].kind == "state"


def test_each_proxy_is_aligned_by_the_counts_of_its_own_devices():
    of = scheme(align_every=1)
    work = merged(of, 1, {2: AT_HALF, 0: AT_HALF, 1: AT_EIGHTH})
    wide, quarter, narrow = (of.proxies[keep].part.frozen for keep in (0.5, 0.25, 0.125))
    assert (wide.kind, quarter.kind, narrow.kind) == ("align", "narrowed", "align")
    for aligned, keep, clients in ((wide, 0.5, [0, 2]), (narrow, 0.125, [1])):
        state, partition, before, *counted = aligned.inputs
        assert (state, partition, before.kind) == (of.state, of.context.partition, "narrowed")
        assert {keep_of(job) for job in (aligned, before, *counted)} == {keep}
        assert [json.loads(job.params)["on"]["client"] for job in counted] == clients
    # 20 steps of 16 of 30 samples: a forward pass of the full model (8) and three of the proxy (6, 3); the average of 3 states.
    assert work.flop == 2.0 * 100 * 3 + 20 * 16 * (8.0 + 3 * 6.0) + 20 * 16 * (8.0 + 3 * 3.0)
    assert work.peak_bytes == 250_400 + 6000.0
    assert of.part.frozen == quarter  # nobody counted for it


def test_deltas_are_those_of_each_proxy():
    of = scheme(align_every=1)
    merged(of, 1, {0: AT_HALF, 1: AT_EIGHTH})
    merged(of, 2, {1: AT_EIGHTH, 2: AT_EIGHTH})
    assert DELTA_BYTES == {0.5: 149_760, 0.25: 75_264, 0.125: 38_016}
    of_wide = offer(of, 0, AT_HALF, number=3).needs
    assert [(payload.kind, payload.size_bytes) for payload in of_wide[:-1]] == [
        ("backbone", 150_000),
        ("delta", DELTA_BYTES[0.5]),
    ]
    of_narrow = offer(of, 1, AT_EIGHTH, number=3).needs
    delta = ("delta", DELTA_BYTES[0.125])
    assert [(payload.kind, payload.size_bytes) for payload in of_narrow[:-1]] == [("backbone", 70_000), delta, delta]
    names = [job.name for job in of.proxies[0.125].versions]
    assert [payload.name for payload in of_narrow[1:-1]] == names[1:]
    # Who has no proxy of that width gets the newest one whole.
    assert [payload.kind for payload in offer(of, 0, AT_EIGHTH, number=3).needs] == ["backbone", "state"]


def test_ages_are_read_off_what_a_device_holds():
    of = scheme(align_every=1)
    first = {payload.name for payload in offer(of, 0, AT_EIGHTH).needs}
    assert of.ages(frozenset()) == (None, None, None)
    assert of.ages(first) == (None, None, 0)
    for number in (1, 2):
        merged(of, number, {0: AT_EIGHTH, 1: AT_HALF})
    assert of.ages(first) == (None, None, 2)
    deltas = [job.name for job in of.proxies[0.125].versions[1:]]
    assert of.ages(first | {deltas[0]}) == (None, None, 1)
    assert of.ages(first | {deltas[1]}) == (None, None, 2)  # a delta on top of nothing is no proxy
    assert of.ages(first | set(deltas)) == (None, None, 0)
    whole = offer(of, 3, AT_HALF, number=3).needs[0].name
    assert of.ages({whole, deltas[0]}) == (0, None, None)
    installed = scheme(align_every=1, preinstalled=True)
    merged(installed, 1, {0: AT_HALF})
    assert installed.ages(frozenset()) == (1, 0, 0)


def test_the_server_distils_every_proxy_before_the_first_round():
    # 200 steps of 30 samples each.
    assert scheme().prepare().work.flop == 200 * 30 * sum(8.0 + 3 * forward for forward in (6.0, 5.0, 3.0))
    assert scheme(controlled=False).prepare().work.flop == 200 * 30 * (8.0 + 3 * 5.0)
    assert scheme(arm="N").prepare().work.flop == 0.0
    with_full = scheme(keeps=(1.0, 0.25))  # the full model as a proxy has nothing to match
    assert with_full.prepare().work.flop == 200 * 30 * (8.0 + 3 * 5.0)
    assert with_full.proxies[1.0].part.frozen is None
    assert offer(with_full, 0, Settings(choice=1.0), number=9).sends.size_bytes == 400


def test_quality_tells_of_the_proxies_that_were_used():
    def prefixes(of):
        return json.loads(of.quality().params)["prefixes"]

    of = scheme(arm="B")
    assert prefixes(of) == ["", "proxy_"]
    merged(of, 1, {0: AT_HALF, 1: AT_EIGHTH})
    assert prefixes(of) == ["", "proxy_", "proxy_0.5_", "proxy_0.125_"]
    _, mean, wide, narrow = of.quality().inputs
    assert (json.loads(mean.params), mean.inputs) == ({"means": True}, (wide, narrow))
    assert [keep_of(job) for job in (wide, narrow)] == [0.5, 0.125]
    edges = [of.branch(), of.branch()]
    for edge, client, settings in zip(edges, (0, 1), (AT_EIGHTH, AT_QUARTER), strict=True):
        take_round(edge, of.context, 2, [client], settings={client: settings})
    of.join([(edge, 20.0) for edge in edges])
    assert prefixes(of) == ["", "proxy_", "proxy_0.25_", "proxy_0.125_"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"keeps": [0.5, 0.125]}, "keep 0.25 must be one of keeps"),
        ({"keeps": [0.5, 0.25, 0.5]}, "keeps has a choice twice"),
        ({"keeps": [0.25, 0.0]}, "greater than 0"),
        ({"keeps": [0.25, 1.5]}, "less than or equal to 1"),
    ],
)
def test_keeps_that_are_wrong(data, message):
    with pytest.raises(ValidationError, match=message):
        FedPftParams.model_validate(data)


def test_keeps_are_read_as_they_were_written_and_decide_the_protocols():
    params = FedPftParams(keep=1.0, keeps=[1.0, 0.5])
    assert FedPftParams.model_validate_json(json.dumps(params.model_dump(mode="json"))) == params
    assert params.protocols() == ROUND_PROTOCOLS  # the narrow one is aligned
    assert FedPftParams(keep=1.0, keeps=[1.0]).protocols() == frozenset(PROTOCOLS)
    assert FedPftParams(arm="B", keeps=[0.25, 0.5]).protocols() == frozenset(PROTOCOLS)
    with pytest.raises(JobError, match=r"set learning\.public_share above 0, or arm: N"):
        scheme(n_public=1, keep=1.0, keeps=(1.0, 0.5))


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


@pytest.mark.learning
def test_proxies_of_three_widths_are_averaged_into_the_full_model(runner):
    of, context = inline_scheme(
        runner,
        "fedpft",
        {
            "keep": 0.5,
            "keeps": [1.0, 0.5, 0.25],
            "align_every": 1,
            "distillation": {"steps": 5},
            "align": {"steps": 2},
            "learning_rate": 0.03,
        },
        model="tiny-vit-l",
        dataset=dataset_spec("digits", DATASETS["digits"].params(train_per_class=6)),
        partition={"kind": "iid"},
        n_clients=3,
        local=LocalSettings(),
        controlled=True,
    )
    sheets = context.costs
    assert sheets["device:0.5"] == sheets["device"]
    for key in ("backbone_bytes", "train_flop_per_sample", "peak_train_bytes"):
        assert sheets["device:1.0"][key] > sheets["device:0.5"][key] > sheets["device:0.25"][key]
    decided = {client: Settings(choice=keep) for client, keep in enumerate((1.0, 0.5, 0.25))}
    for client, settings in decided.items():
        announced = of.offer(view(context, client, 1, settings=settings))
        assert sent_bytes(runner.demand(announced.job)) == announced.sends.size_bytes
    before = runner.demand(of.quality()).numbers
    updates = take_round(of, context, 1, range(3), settings=decided)
    weights = np.array(context.client_samples, dtype=np.float64)
    states = [runner.demand(update.job).tensors for update in updates]
    for name, value in runner.demand(of.state).tensors.items():
        by_hand = sum(w * state[name].astype(np.float64) for w, state in zip(weights, states, strict=True)) / weights.sum()
        assert np.allclose(value, by_hand, rtol=0, atol=1e-7)
    # Half of 192 and of 96 neurons in 2 blocks; the proxy that is the full model has none to move.
    moved = [runner.demand(of.proxies[keep].part.frozen).numbers["n_neurons"] for keep in (0.5, 0.25)]
    assert moved == [2 * 96, 2 * 48]
    assert len(of.proxies[1.0].versions) == 1
    take_round(of, context, 2, range(3), settings=decided)
    after = runner.demand(of.quality()).numbers
    assert after["loss"] < before["loss"]
    assert (after["proxy_1.0_loss"], after["gap_1.0"]) == (after["loss"], 0.0)
    assert after["proxy_loss"] == pytest.approx(np.mean([after[f"proxy_{keep}_loss"] for keep in (1.0, 0.5, 0.25)]))
    assert after["proxy_0.25_loss"] != after["proxy_0.5_loss"]
