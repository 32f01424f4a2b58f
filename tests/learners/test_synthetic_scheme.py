"""The stand-in for learning: sizes as given, and hand-computed progress under every blend."""

import pytest
from pydantic import ValidationError
from scheme_cases import synthetic

from learners.catalog import SCHEMES
from learners.inline import take_turns, view
from mecsim.errors import MecsimError
from mecsim.federation.contract import PROTOCOLS, Blend, ClientView, Refusal, SchemeError, Update, Work
from mecsim.jobs.synthetic import execute
from mecsim.knobs import Knob, Settings

PARAMS = {
    "backbone_mb": 10.0,
    "download_mb": 2.0,
    "update_mb": 1.0,
    "flop_per_sample": 1e9,
    "traffic_bytes_per_sample": 1e6,
    "peak_memory_gb": 0.5,
    "trainable_parameters": 100,
    "inference_flop": 7.0,
}
SAMPLES = (10, 30, 60)  # of 100


def made(**params):
    return synthetic("synthetic", {**PARAMS, **params}, client_samples=SAMPLES)


def updates(scheme, context, *clients, staleness=(), weights=()):
    fresh = take_turns(scheme, context, 1, clients)
    behind, weights = staleness or [0] * len(fresh), weights or [1.0] * len(fresh)
    return [
        Update(client=each.client, n_samples=each.n_samples, job=each.job, base=each.base, staleness=stale, weight=weight)
        for each, stale, weight in zip(fresh, behind, weights, strict=True)
    ]


def test_a_turn_has_the_given_sizes_and_work():
    scheme, context = made()
    offered = scheme.offer(view(context, 1, 1))
    backbone, state = offered.needs
    assert (backbone.size_bytes, state.size_bytes, offered.sends.size_bytes) == (10_000_000, 2_000_000, 1_000_000)
    # 30 samples in batches of 16: two steps.
    assert offered.work == Work(flop=3e10, traffic_bytes=3e7, peak_bytes=5e8, n_steps=2, n_samples=30)
    assert scheme.facts().trainable_parameters == 100
    assert scheme.facts().inference_flop == 7.0


def test_a_backbone_of_no_size_does_not_travel():
    scheme, context = made(backbone_mb=0.0)
    assert [payload.kind for payload in scheme.offer(view(context, 0, 1)).needs] == ["state"]


def test_a_device_without_samples_refuses():
    scheme, _ = made()
    asked = ClientView(client=0, round=1, n_samples=0, memory_budget_bytes=1e9)
    assert scheme.offer(asked) == Refusal(reason="samples", needed=1.0, available=0.0)


def test_progress_counts_passes_over_all_samples():
    scheme, context = made(progress_rate=2.0)
    scheme.merge(updates(scheme, context, 0, 1, 2))
    assert scheme.progress == pytest.approx(2.0)
    scheme.merge(updates(scheme, context, 1))
    assert scheme.progress == pytest.approx(2.0 + 2.0 * 0.3)


@pytest.mark.parametrize(
    ("blend", "staleness", "weights", "expected"),
    [
        # 40 of 100 samples, from three merges ago: 4 ** -0.5 is a half.
        (Blend(), (3, 3), (), 0.4 * 0.5),
        # Ten fresh ones and thirty that are worth half: (10 + 15) / 40.
        (Blend(), (0, 3), (), 0.4 * 25 / 40),
        # The stale ones weigh half as much as well: (10 + 15 / 2) / 25.
        (Blend(), (0, 3), (1.0, 0.5), 0.4 * 17.5 / 25),
        (Blend(kind="mix", rate=0.6), (0, 0), (), 0.6 * 0.4),
        # Differences: (1 * 1 + 0.5 * 0.5) / 2, at rate 0.8.
        (Blend(kind="deltas", rate=0.8), (0, 3), (1.0, 0.5), 0.8 * 0.4 * 0.625),
    ],
)
def test_progress_of_a_merge(blend, staleness, weights, expected):
    scheme, context = made()
    scheme.merge(updates(scheme, context, 0, 1, staleness=staleness, weights=weights), blend)
    assert scheme.progress == pytest.approx(expected)


def test_branches_add_up_what_each_has_gained():
    scheme, context = made()
    scheme.merge(updates(scheme, context, 0))
    branches = [scheme.branch(), scheme.branch(), scheme.branch()]
    for branch, clients in zip(branches, ([0], [1], [2]), strict=True):
        branch.merge(updates(branch, context, *clients))
    branches[1].merge(updates(branches[1], context, 1))
    scheme.join([(branches[0], 10.0), (branches[1], 30.0), (branches[2], 0.0)])
    assert scheme.progress == pytest.approx(0.1 + 0.1 + 2 * 0.3)  # the third has no part


def test_the_server_averages_two_flop_a_number_and_state():
    scheme, context = made()
    step = scheme.merge(updates(scheme, context, 0, 1))
    assert step.work == Work(flop=400.0, traffic_bytes=6e6, peak_bytes=6e6, n_steps=1)
    assert scheme.merge(updates(scheme, context, 0, 1), Blend(kind="mix", rate=0.5)).work.flop == 600.0


def test_quality_is_the_point_on_the_curve_and_nothing_has_to_be_executed_before():
    scheme, context = made()
    scheme.merge(updates(scheme, context, 0, 1, 2))
    assert scheme.quality().inputs == ()
    assert execute(scheme.quality(), []).numbers["accuracy"] == pytest.approx(0.1 + 0.85 / 2)  # half of the way, by default


def test_one_merge_after_the_other_has_a_state_of_its_own_and_equal_merges_have_equal_ones():
    one, context = made()
    other, _ = made()
    names = []
    for scheme in (one, other):
        for _ in range(2):
            scheme.merge(updates(scheme, context, 0))
            names.append(scheme.exchange().name)
    assert names[:2] == names[2:]
    assert len(set(names)) == 2


def test_updates_without_weight_are_refused():
    scheme, context = made()
    with pytest.raises(MecsimError, match="have no mean"):
        scheme.merge(updates(scheme, context, 0, weights=(0.0,)))


# What is set for single devices


def at(scheme, context, client, **decided):
    return scheme.offer(view(context, client, 1, held=decided.pop("held", set()), settings=Settings(**decided)))


def entering(scheme, context, **decided_of):
    """Merge a turn of each client by what was decided for it, and return the progress that this made."""
    before = scheme.progress
    offers = {int(name[1:]): at(scheme, context, int(name[1:]), **decided) for name, decided in decided_of.items()}
    scheme.merge([Update(client=each, n_samples=SAMPLES[each], job=made.job) for each, made in offers.items()])
    return scheme.progress - before


def test_a_choice_scales_backbone_work_and_memory_of_a_turn():
    scheme, context = made(choices=[0.25, 1.0])
    assert scheme.knob() == Knob(name="scale", choices=(1.0, 0.25), default=1.0)
    whole, quarter = at(scheme, context, 1), at(scheme, context, 1, choice=0.25)
    assert (whole.choice, quarter.choice) == (1.0, 0.25)
    assert quarter.work == Work(flop=7.5e9, traffic_bytes=7.5e6, peak_bytes=1.25e8, n_steps=2, n_samples=30)
    assert [payload.size_bytes for payload in quarter.needs] == [2_500_000, 2_000_000]
    assert quarter.sends.size_bytes == whole.sends.size_bytes == 1_000_000
    assert quarter.needs[0].name != whole.needs[0].name
    assert quarter.job != whole.job
    plain, _ = made()
    assert (whole.work, whole.needs[0].size_bytes) == (at(plain, context, 1).work, at(plain, context, 1).needs[0].size_bytes)


def test_what_was_decided_is_what_an_update_is_worth():
    # 10, 30 and 60 of 100 samples; merged as one mean by samples.
    scheme, context = made(choices=[1.0, 0.5, 0.25])
    assert entering(scheme, context, _0={}, _1={}, _2={}) == pytest.approx(1.0)
    assert entering(scheme, context, _0={"choice": 0.25}) == pytest.approx(0.025)
    assert entering(scheme, context, _1={"choice": 0.5}, _2={}) == pytest.approx(0.15 + 0.6)
    assert entering(scheme, context, _1={"epochs": 3}, _2={}) == pytest.approx(0.9 + 0.6)


def test_a_backbone_of_before_is_worth_less_and_need_not_be_fetched():
    scheme, context = made(choices=[1.0, 0.5], renew_every=2)
    assert scheme.knob().renews
    first = {at(scheme, context, 2).needs[0].name}
    for number, age in ((1, 0), (2, 1), (3, 1), (4, 2)):
        entering(scheme, context, _0={})
        assert scheme.ages(first) == (age, None), number
    entering(scheme, context, _0={})
    entering(scheme, context, _0={})
    kept = at(scheme, context, 2, held=first, renew=False)
    assert (kept.age, {payload.name for payload in kept.needs[:-1]}) == (3, first)
    renewed, other = at(scheme, context, 2, held=first), at(scheme, context, 2, held=first, choice=0.5, renew=False)
    assert (renewed.age, other.age) == (0, 0)
    assert renewed.needs[0].size_bytes == kept.needs[0].size_bytes == 2 * other.needs[0].size_bytes
    # Three versions behind: 4 ** -0.5 is a half.
    assert entering(scheme, context, _2={"held": first, "renew": False}) == pytest.approx(0.3)


def test_a_branch_makes_no_version_and_a_join_counts_as_a_merge():
    scheme, context = made(choices=[1.0], renew_every=1)
    first = {at(scheme, context, 2).needs[0].name}
    branch = scheme.branch()
    entering(branch, context, _0={})
    assert branch.ages(first) == scheme.ages(first) == (0,)
    scheme.join([(branch, 1.0)])
    assert (branch.ages(first), scheme.ages(first), scheme.branch().ages(first)) == ((0,), (1,), (1,))


def test_a_preinstalled_backbone_is_the_first_version_of_every_choice():
    params = {**PARAMS, "choices": [1.0, 0.5], "renew_every": 1}
    scheme, context = synthetic("synthetic", params, client_samples=SAMPLES, backbone_preinstalled=True)
    assert scheme.ages(set()) == (0, 0)
    entering(scheme, context, _0={})
    assert scheme.ages(set()) == (1, 1)
    assert [payload.kind for payload in at(scheme, context, 1, choice=0.5, renew=False).needs] == ["state"]
    assert [payload.size_bytes for payload in at(scheme, context, 1, choice=0.5).needs] == [5_000_000, 2_000_000]


@pytest.mark.parametrize(
    ("choices", "message"),
    [([0.0, 1.0], "choices has 0: each is above 0"), ([1.5], "at most 1"), ([0.5, 0.5], "names a number twice")],
)
def test_choices_that_are_none(choices, message):
    with pytest.raises(ValidationError, match=message):
        made(choices=choices)
    scheme, context = made(choices=[1.0, 0.5])
    with pytest.raises(SchemeError, match=r"at scale 0.3: choose one of 1, 0.5"):
        at(scheme, context, 0, choice=0.3)


def test_it_goes_with_every_protocol_and_with_no_real_learning():
    entry = SCHEMES["synthetic"]
    assert entry.protocols_of(entry.params()) == frozenset(PROTOCOLS)
    assert not entry.learns
    for refused in (entry.create, entry.cost_jobs):
        with pytest.raises(SchemeError, match="stands in for learning and trains nothing"):
            refused(entry.params(), None)
