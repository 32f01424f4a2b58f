"""The stand-in for learning: sizes as given, and hand-computed progress under every blend."""

import pytest
from scheme_cases import synthetic

from learners.catalog import SCHEMES
from learners.inline import take_turns, view
from mecsim.errors import MecsimError
from mecsim.federation.contract import PROTOCOLS, Blend, ClientView, Refusal, SchemeError, Update, Work
from mecsim.jobs.synthetic import execute

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


def test_it_goes_with_every_protocol_and_with_no_real_learning():
    entry = SCHEMES["synthetic"]
    assert entry.protocols_of(entry.params()) == frozenset(PROTOCOLS)
    assert not entry.learns
    for refused in (entry.create, entry.cost_jobs):
        with pytest.raises(SchemeError, match="stands in for learning and trains nothing"):
            refused(entry.params(), None)
