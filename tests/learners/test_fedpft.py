"""FedPFT's parameters, jobs, bytes and server work; what it learns is in test_fedpft_learning."""

import json
from dataclasses import replace

import pytest
from made_up_context import digits_context
from pydantic import ValidationError

from learners.inline import view
from learners.models.architectures import ARCHITECTURES, as_params
from learners.peft.defaults import METHODS
from learners.schemes.fedpft import FedPft, FedPftParams, alignment_sizes
from mecsim.errors import JobError
from mecsim.federation.contract import Update, Work

#: Round numbers for sheets, so that sums can be done by hand. The state has 400 bytes, the proxy 100 kB.
PROXY = {
    "trainable_parameters": 100,
    "state_bytes": 400,
    "backbone_bytes": 100_000,
    "forward_flop_per_sample": 5.0,
    "train_flop_per_sample": 12.0,
    "traffic_bytes_per_step": 11,
    "forward_traffic_bytes_per_step": 4,
    "peak_train_bytes": 5000,
}
FULL = {**PROXY, "backbone_bytes": 250_000, "forward_flop_per_sample": 8.0, "forward_traffic_bytes_per_step": 6}
HEAD = {**PROXY, "train_flop_per_sample": 3.0, "traffic_bytes_per_step": 2}
#: tiny-vit-l: 2 narrowed blocks, 96 of 384 neurons, hidden width 96; half of them move.
DELTA_BYTES = 2 * 4 * (48 * (2 * 96 + 1) + 96 + 48)
COUNTS_BYTES = 2 * (4 * 96 + 8)


def scheme(*, account_as=None, n_public=40, n_rounds=4, preinstalled=False, proxy_bytes=100_000, head="random", **params):
    """Return a scheme over four clients of tiny-vit-l with made-up sheets; nothing is run."""
    context = digits_context(
        {"device": {**PROXY, "backbone_bytes": proxy_bytes}, "full": FULL, "head": HEAD},
        account_as=account_as,
        n_public=n_public,
        n_rounds=n_rounds,
        backbone_preinstalled=preinstalled,
        head_start=head,
    )
    return FedPft(FedPftParams.model_validate(params), context)


def offers(of, number, *clients):
    return {client: of.offer(view(of.context, client, number)) for client in clients}


def merged(of, number, *clients):
    updates = [
        Update(client=client, n_samples=of.context.client_samples[client], job=offer.job)
        for client, offer in offers(of, number, *clients).items()
    ]
    return of.merge(updates)


def kinds(wanted):
    """Return the kinds of all jobs behind ``wanted``, each job once."""
    seen, left = {}, [wanted]
    while left:
        if (one := left.pop()) not in seen:
            seen[one] = one.kind
            left.extend(one.inputs)
    return list(seen.values())


def test_defaults_are_those_of_the_published_code():
    params = FedPftParams()
    assert (params.keep, params.retained, params.arm, params.align_every, params.proportion) == (0.25, (0, -1), "full", 10, 0.5)
    assert (params.distillation.learning_rate, params.distillation.weight_alpha) == (6e-4, 0.01)
    assert params.method_spec() == {"name": "lora", "rank": 8, "alpha": 16.0, "targets": "qkvo"}
    assert FedPftParams.model_validate_json(json.dumps(params.model_dump(mode="json"))) == params
    assert FedPftParams.model_validate({"retained": [1, 2]}).retained == (1, 2)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"keep": 0.0}, "greater than 0"),
        ({"keep": 1.1}, "less than or equal to 1"),
        ({"retained": ["0"]}, "valid integer"),
        ({"arm": "C"}, "'full', 'B', 'D' or 'N'"),
        ({"proportion": 0.0}, "greater than 0"),
        ({"align": {"stepps": 3}}, "Extra inputs"),
        ({"distillation": {"steps": 0}}, "greater than or equal to 1"),
    ],
)
def test_parameters_that_are_wrong(data, message):
    with pytest.raises(ValidationError, match=message):
        FedPftParams.model_validate(data)


def test_settings_that_do_not_fit_name_the_way_out():
    with pytest.raises(JobError, match=r"set learning\.public_share above 0, or arm: N"):
        scheme(n_public=1)
    assert scheme(n_public=1, arm="N").prepare().work.n_steps == 0
    with pytest.raises(JobError, match="retained names all 4 blocks"):
        scheme(retained=[0, 1, 2, -1])


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [("linear", [1.0, 0.75, 0.5, 0.25]), ("exponential", [1.0, 0.95, 0.9025, 0.857375]), ("constant", [1.0] * 4)],
)
def test_rates_of_rounds(schedule, rates):
    of = scheme(learning_rate=1.0, rate_schedule=schedule)
    assert [of.rate(number) for number in (1, 2, 3, 4)] == pytest.approx(rates)
    assert of.rate(9) == of.rate(4) > 0.0
    assert json.loads(offers(of, 3, 0)[0].job.params)["learning_rate"] == of.rate(3)
    assert scheme(rate_schedule="constant").rate(1) == METHODS["lora"].learning_rates["sgd"]


def test_bert_base_moves_what_was_computed_for_the_paper():
    sizes = alignment_sizes(ARCHITECTURES["bert-base"], n_narrowed=10, keep=0.25, proportion=0.5)
    assert sizes.delta_bytes == 4 * 5_925_120 + 4 * 10 * 384
    assert sizes.counts_bytes == 10 * (4 * 768 + 8)
    # 4 blocks are trained, of which the first and the last stay whole: that is 10 of 12 narrowed.
    of = scheme(account_as="bert-base", align_every=1, proxy_bytes=292_000_000)
    merged(of, 1, 0)
    assert of.offer(view(of.context, 0, 2)).needs[1].size_bytes == 4 * 5_925_120 + 15_360
    assert of.offer(view(of.context, 0, 2)).sends.size_bytes == 400 + 30_800


@pytest.mark.learning
@pytest.mark.parametrize(
    ("architecture", "task"),
    [
        ("bert-base", "text-classification"),
        ("roberta-base", "text-classification"),
        ("vit-base-16", "image-classification"),
        ("gpt2-xl", "language-modelling"),
        ("opt-1.3b", "language-modelling"),
        ("tinyllama-1.1b", "language-modelling"),
        ("qwen2.5-0.5b", "language-modelling"),
        ("tiny-vit-s", "image-classification"),
    ],
)
@pytest.mark.parametrize(("keep", "proportion"), [(0.25, 0.5), (0.3, 0.29), (1.0, 1.0)])
def test_sizes_are_those_of_the_network_itself(architecture, task, keep, proportion):
    from learners.models.load import build_meta
    from learners.neurons import changed_parameters, n_updated

    shape = ARCHITECTURES[architecture]
    model = build_meta(
        as_params(shape),
        task=task,
        n_classes=2,
        method={"name": "head"},
        compression={"kind": "narrow", "keep": keep, "retained": [0]},
    )
    layers = list(range(1, shape.n_layers))
    sizes = alignment_sizes(shape, n_narrowed=len(layers), keep=keep, proportion=proportion)
    n_kept = (sizes.counts_bytes // len(layers) - 8) // 4
    n_indices = n_updated(n_kept, proportion) * len(layers)
    assert sizes.delta_bytes == 4 * (changed_parameters(model, layers, proportion) + n_indices)


def test_downloads_of_a_sequence_of_rounds_by_hand():
    of, held = scheme(align_every=1, n_rounds=5), {client: set() for client in range(4)}

    def fetched(number, *clients):
        """Return the bytes that each client has to download, as the world would let it, and let the round end."""
        sizes = []
        for client, offer in offers(of, number, *clients).items():
            lacking = [payload for payload in offer.needs if payload.name not in held[client]]
            held[client] |= {payload.name for payload in lacking}
            sizes.append(sum(payload.size_bytes for payload in lacking))
        merged(of, number, *clients)
        return sizes

    state, whole = 400, 100_000
    assert DELTA_BYTES == 75_264
    assert fetched(1, 0, 1) == [whole + state] * 2
    assert fetched(2, 0, 2) == [DELTA_BYTES + state, whole + state]  # a newcomer gets the aligned proxy at once
    assert fetched(3, 2, 3) == [DELTA_BYTES + state, whole + state]
    assert fetched(4, 0, 1) == [whole + state] * 2  # two and three deltas would be more than the proxy
    assert fetched(5, 0, 3) == [DELTA_BYTES + state, whole + state]


def test_a_device_that_missed_alignments_fetches_all_deltas_in_their_order_while_that_is_less():
    of = scheme(align_every=1, n_rounds=5, proxy_bytes=200_000)
    merged(of, 1, 0, 1)
    for number in (2, 3, 4):
        merged(of, number, 0)
    names = [job.name for job in of.proxies[0.25].versions]
    deltas = [(name, "delta", DELTA_BYTES) for name in names[1:]]
    mine, theirs, new = (offer.needs for offer in offers(of, 5, 0, 1, 2).values())
    assert [(payload.name, payload.kind, payload.size_bytes) for payload in mine[1:-1]] == deltas
    assert mine[0].size_bytes == 200_000  # held since round 1, so the world skips it
    assert [payload.kind for payload in theirs] == ["backbone", "state"]  # four deltas are more than the proxy
    assert theirs[:1] == new[:1] != mine[:1]
    assert mine[-1] == theirs[-1] == new[-1]


def test_between_alignments_only_the_state_is_new():
    of = scheme(align_every=2)
    first = offers(of, 1, 0)[0].needs
    merged(of, 1, 0)
    second = offers(of, 2, 0)[0].needs
    assert first[0] == second[0]
    assert first[1] != second[1]
    assert [offers(of, number, 0)[0].sends.size_bytes for number in (1, 2, 3, 4)] == [400, 400 + COUNTS_BYTES] * 2


def test_a_preinstalled_proxy_is_the_first_one():
    of = scheme(align_every=1, preinstalled=True)
    assert [payload.kind for payload in offers(of, 1, 0)[0].needs] == ["state"]
    merged(of, 1, 0)
    assert [payload.kind for payload in offers(of, 2, 1)[1].needs] == ["delta", "state"]


@pytest.mark.parametrize(
    ("params", "present"),
    [
        ({"arm": "full"}, {"narrowed", "align"}),
        ({"arm": "B"}, {"narrowed"}),
        ({"arm": "D"}, {"align"}),
        ({"arm": "N"}, set()),
        ({"arm": "full", "keep": 1.0}, set()),
        ({"arm": "full", "align_every": 4}, {"narrowed"}),  # aligned if t < R, and R is 4
    ],
)
def test_arms_leave_out_jobs_work_and_bytes(params, present):
    of = scheme(**{"align_every": 2, **params})
    assert (of.prepare().work.flop > 0.0) == ("narrowed" in present)
    work = [merged(of, number, 0, 1).work for number in (1, 2, 3)]
    assert (work[1] != work[0]) == ("align" in present)
    assert work[2] == work[0]
    assert set(kinds(of.quality())) & {"narrowed", "align"} == present
    proxy = next(job for job in of.quality().inputs if job.inputs[0] == of.state and '"narrow"' in job.params)
    assert [job.kind for job in proxy.inputs[2:]] == (["align"] if "align" in present else sorted(present))


def test_alignments_follow_each_other():
    of = scheme(align_every=1)
    for number in (1, 2):
        merged(of, number, 2, 0, 1)
    aggregate, partition, frozen, *updates = of.part.frozen.inputs
    assert (of.part.frozen.kind, frozen.kind, frozen.inputs[2].kind) == ("align", "align", "narrowed")
    assert aggregate == of.state
    assert partition == of.context.partition
    assert [json.loads(update.params)["on"]["client"] for update in updates] == [0, 1, 2]
    assert json.loads(updates[0].params)["count_zeros"] == {"layers": [1, 2], "threshold": 0.0}
    assert json.loads(of.state.params) == {"weights": [20, 21, 22]}


def test_options_reach_the_jobs():
    of = scheme(
        align_every=1,
        weighting="uniform",
        zero_threshold=0.1,
        align_student="last-client",
        proportion=0.3,
        distillation={"steps": 7, "reference_weight_term": True},
    )
    narrowed = json.loads(of.part.frozen.params)
    assert (narrowed["steps"], narrowed["weight_alpha"]) == (7, 0.0)  # without gradients the term trains nothing
    merged(of, 1, 0, 1)
    aligned = json.loads(of.part.frozen.params)
    assert (aligned["student"], aligned["proportion"], aligned["steps"]) == ("last-client", 0.3, 20)
    assert json.loads(of.part.frozen.inputs[-1].params)["count_zeros"]["threshold"] == 0.1
    assert json.loads(of.state.params) == {"weights": [1, 1]}


def test_the_order_of_updates_does_not_matter():
    one, other = scheme(align_every=1), scheme(align_every=1)
    merged(one, 1, 0, 1, 2)
    merged(other, 1, 2, 0, 1)
    assert one.part.frozen == other.part.frozen


def test_server_work_is_that_of_both_networks():
    of = scheme(align_every=1, head="public")
    distilling = (
        Work(  # 30 of 40 public samples are for fitting: 200 steps of 30, a pass of the full model and three of the proxy
            flop=200 * 30 * (8.0 + 3 * 5.0),
            traffic_bytes=200 * (6 + 11.0),
            peak_bytes=250_400 + 5000.0,
            n_steps=200,
            n_samples=200 * 30,
        )
    )
    head = Work(flop=20 * 30 * 3.0, traffic_bytes=20 * 2 * 2.0, peak_bytes=5000.0, n_steps=40, n_samples=20 * 30)
    assert of.prepare().work == head + distilling
    averaging = Work(flop=2.0 * 100 * 2, traffic_bytes=3 * 400.0, peak_bytes=3 * 400.0, n_steps=1)
    aligning = Work(flop=20 * 16 * 23.0, traffic_bytes=20 * 17.0, peak_bytes=255_400.0, n_steps=20, n_samples=20 * 16)
    assert merged(of, 1, 0, 1).work == averaging + aligning
    assert of.facts().inference_flop == 8.0  # queries go to the full model


def test_the_head_is_fitted_on_the_full_model():
    (head,) = scheme(head="public").state.inputs
    assert json.loads(head.params)["model"]["compression"] is None
    assert kinds(head).count("narrowed") == 0


def test_accounting_as_a_large_model_changes_no_learning():
    own, accounted = (scheme(align_every=1, proxy_bytes=10**9, account_as=name) for name in (None, "vit-base-16"))
    for of in (own, accounted):
        merged(of, 1, 0, 1)
    assert own.quality() == accounted.quality()
    assert offers(own, 2, 0)[0].needs[1].size_bytes < offers(accounted, 2, 0)[0].needs[1].size_bytes


def test_an_update_of_an_older_proxy_is_remembered_as_such():
    of = scheme(align_every=1, proxy_bytes=10**6)
    late = offers(of, 1, 3)[3].job
    merged(of, 1, 0)
    of.merge([Update(client=3, n_samples=23, job=late)])
    kinds_of = [payload.kind for payload in offers(of, 3, 3)[3].needs]
    assert kinds_of == ["backbone", "delta", "delta", "state"]


def test_the_context_decides_nothing_else():
    of = scheme()
    assert offers(of, 1, 0) == offers(of, 1, 0)  # to ask again changes nothing
    other = FedPft(of.params, replace(of.context, learning_seed=1))
    assert offers(other, 1, 0)[0].job != offers(of, 1, 0)[0].job
