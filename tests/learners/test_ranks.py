"""LoRA's rank by device: truncating and padding by hand, and FedPEFT's offers and averages."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_context import digits_context
from pydantic import ValidationError

from learners.inline import take_round, take_turns, view
from learners.ranks import padded, run_pad, run_truncate, truncated
from learners.schemes.context import LocalSettings
from learners.schemes.fedpeft import FedPeft, FedPeftParams
from mecsim.errors import JobError
from mecsim.federation.contract import REPLACE, Blend, Settings, Update
from mecsim.jobs.job import Result

A, B, HEAD = "q.lora_A.default.weight", "q.lora_B.default.weight", "head.bias"


def state_of_rank(rank, *, first=1.0):
    """Return A (rank, 2), B (3, rank) and a head; component i is first + i in A and ten times that in B."""
    values = first + np.arange(rank, dtype=np.float32)
    return {
        A: np.outer(values, np.ones(2, np.float32)),
        B: np.outer(np.ones(3), 10 * values).astype(np.float32),
        HEAD: values[:1],
    }


def rows(state):
    """Return what A has in each component, and B."""
    return state[A][:, 0].tolist(), state[B][0].tolist()


def test_a_truncated_state_has_the_first_components_and_all_else():
    small = truncated(state_of_rank(4), 2)
    assert rows(small) == ([1.0, 2.0], [10.0, 20.0])
    assert (small[A].shape, small[B].shape, small[HEAD].tolist()) == ((2, 2), (3, 2), [1.0])
    assert small[B].flags.c_contiguous


def test_a_padded_state_has_zeros_behind_its_components():
    assert rows(padded(state_of_rank(2), 4)) == ([1.0, 2.0, 0.0, 0.0], [10.0, 20.0, 0.0, 0.0])
    assert padded(state_of_rank(2), 4)[B].dtype == np.float32


def test_components_that_no_update_has_are_those_of_the_state():
    rest = state_of_rank(4, first=5.0)
    assert rows(padded(state_of_rank(1), 4, rest=rest, kept_from=2)) == ([1.0, 0.0, 7.0, 8.0], [10.0, 0.0, 70.0, 80.0])
    assert rows(padded(state_of_rank(2), 4, rest=rest, kept_from=2))[0] == [1.0, 2.0, 7.0, 8.0]


def test_jobs_leave_statistics_and_what_is_kept_where_they_are():
    update = Result({}, {**state_of_rank(2), "kept/momentum": np.ones(1), "statistics/zeros": np.ones(1)})
    for wide in (run_pad({"rank": 3}, [update]), run_truncate({"rank": 1}, [update])):
        assert wide.tensors.keys() == state_of_rank(2).keys()
    assert run_pad({"rank": 3, "kept_from": 2}, [update, Result({}, state_of_rank(3))]).tensors[A][2, 0] == 3.0


def test_ranks_that_do_not_fit():
    with pytest.raises(JobError, match=r"rank 2, which cannot be truncated to 3"):
        truncated(state_of_rank(2), 3)
    with pytest.raises(JobError, match=r"rank 3, which does not fit into 2"):
        padded(state_of_rank(3), 2)
    with pytest.raises(JobError, match=r"rank 3, which does not fit into 2"):
        padded(state_of_rank(3), 4, rest=state_of_rank(4), kept_from=2)


@given(st.integers(1, 6), st.integers(0, 6), st.integers(0, 6))
def test_what_was_padded_can_be_truncated_again(rank, more, further):
    state = state_of_rank(rank)
    wide = padded(state, rank + more)
    assert all(np.array_equal(truncated(wide, rank)[name], state[name]) for name in state)
    assert all(
        np.array_equal(padded(wide, rank + more + further)[name], padded(state, rank + more + further)[name]) for name in state
    )


@given(st.integers(1, 5), st.integers(0, 4))
def test_padding_changes_nothing_of_the_product(rank, more):
    state = state_of_rank(rank)
    wide = padded(state, rank + more)
    assert np.array_equal(wide[B] @ wide[A], state[B] @ state[A])


SHEET = {
    "trainable_parameters": 100,
    "state_bytes": 800,
    "backbone_bytes": 8000,
    "train_flop_per_sample": 70.0,
    "traffic_bytes_per_step": 11,
    "peak_train_bytes": 5000,
    "forward_flop_per_sample": 3.0,
}
SHEETS = {
    "device": SHEET,
    "device:8": SHEET,
    "device:4": {**SHEET, "state_bytes": 400, "train_flop_per_sample": 60.0, "peak_train_bytes": 4000},
    "device:2": {**SHEET, "state_bytes": 200, "train_flop_per_sample": 50.0, "peak_train_bytes": 3500},
}
AT_2, AT_4, AT_8 = (Settings(choice=float(rank)) for rank in (2, 4, 8))


def scheme(*, controlled=True, ranks=(4, 8, 2), preinstalled=False, epochs=2, **params):
    """Return FedPEFT over four clients with made-up sheets; nothing is run."""
    context = digits_context(
        SHEETS,
        model="tiny-vit-s",
        local=LocalSettings(epochs=epochs, batch_size=16),
        backbone_preinstalled=preinstalled,
        controlled=controlled,
    )
    return FedPeft(FedPeftParams(method="lora", ranks=ranks, **params), context)


def offer(of, client=0, settings=AT_8):
    return of.offer(view(of.context, client, 1, settings=settings))


def merged(of, settings, blend=REPLACE):
    return take_round(of, of.context, 1, list(settings), blend, settings=settings)


def test_the_knob_goes_from_the_highest_rank_to_the_lowest():
    knob = scheme().knob()
    assert (knob.name, knob.choices, knob.default, knob.renews) == ("rank", (8.0, 4.0, 2.0), 8.0, False)
    assert scheme().ages({"whatever"}) == (None, None, None)


@pytest.mark.parametrize("options", [{"controlled": False}, {"ranks": ()}])
def test_without_a_policy_or_ranks_everything_is_as_it_was(options):
    of, plain = scheme(**options), scheme(controlled=False, ranks=())
    assert (of.knob(), of.ages(frozenset())) == (None, ())
    assert offer(of, settings=AT_2) == offer(plain, settings=Settings())
    for one in (of, plain):
        merged(one, {0: AT_2, 1: AT_8})
    assert of.state == plain.state


def test_the_highest_rank_is_what_everybody_gets_without_a_decision():
    of, plain = scheme(), scheme(controlled=False)
    decided, default, before = offer(of), offer(of, settings=Settings()), offer(plain)
    assert decided == default
    assert (decided.job, decided.needs, decided.work, decided.base) == (before.job, before.needs, before.work, before.base)
    assert (decided.choice, before.choice) == (8.0, None)


def test_a_turn_at_a_lower_rank_by_hand():
    of = scheme()
    low = offer(of, settings=AT_2)
    assert (low.choice, low.age) == (2.0, 0)
    assert [(payload.kind, payload.size_bytes) for payload in low.needs] == [("backbone", 8000), ("state", 200)]
    assert low.needs[0] == offer(of).needs[0]  # what is frozen is the same at all ranks
    assert (low.sends.size_bytes, low.sends.name) == (200, low.job.name)
    assert (low.work.flop, low.work.peak_bytes, low.work.n_steps) == (50.0 * 20 * 2, 3500.0, 4)
    assert (low.base.kind, low.base.inputs, json.loads(low.base.params)) == ("truncate", (of.state,), {"rank": 2})
    assert low.needs[1].name == low.base.name == low.job.inputs[0].name
    # alpha / rank is 16 / 8 at all ranks.
    assert json.loads(low.job.params)["model"]["method"] == {"name": "lora", "rank": 2, "alpha": 4.0, "targets": "qv"}
    assert [payload.kind for payload in offer(scheme(preinstalled=True), settings=AT_2).needs] == ["state"]


def test_a_rank_that_is_none_of_the_choices():
    with pytest.raises(JobError, match=r"device 3: rank 3 is none of the scheme's choices: 8, 4, 2"):
        offer(scheme(), 3, Settings(choice=3.0))


def test_updates_of_lower_rank_are_padded_with_zeros_for_the_average():
    of = scheme()
    before = of.state
    updates = merged(of, {0: AT_8, 1: AT_2, 2: AT_4})
    assert json.loads(of.state.params) == {"weights": [20, 21, 22]}
    full, two, four = of.state.inputs
    assert full == updates[0].job
    for wide, update in ((two, updates[1]), (four, updates[2])):
        assert (wide.kind, wide.inputs, json.loads(wide.params)) == ("pad", (update.job,), {"rank": 8})
    assert full.inputs[0] == before


def test_components_beyond_every_update_are_kept():
    of = scheme()
    before = of.state
    updates = merged(of, {0: AT_2, 1: AT_4})
    assert [json.loads(wide.params) for wide in of.state.inputs] == [{"rank": 8, "kept_from": 4}] * 2
    assert [wide.inputs for wide in of.state.inputs] == [(update.job, before) for update in updates]


def test_differences_are_zero_beyond_the_rank_of_an_update():
    of = scheme()
    before = of.state
    updates = merged(of, {1: AT_2}, Blend(kind="deltas", rate=0.5))
    kept, gained, base = of.state.inputs
    assert json.loads(of.state.params) == {"coefficients": [1.0, 0.5, -0.5]}
    assert kept == before
    assert (gained.inputs, base.inputs) == ((updates[0].job,), (updates[0].base,))
    assert json.loads(gained.params) == json.loads(base.params) == {"rank": 8}


def test_the_order_of_updates_does_not_matter():
    states = []
    for clients in ((0, 1, 2), (2, 0, 1)):
        of = scheme()
        merged(of, dict(zip(clients, [{0: AT_8, 1: AT_2, 2: AT_4}[client] for client in clients], strict=True)))
        states.append(of.state)
    assert states[0] == states[1]


def test_server_work_counts_whole_states():
    of, plain = scheme(), scheme(controlled=False)
    updates = [take_turns(one, one.context, 1, [0, 1], settings={0: AT_2, 1: AT_4}) for one in (of, plain)]
    assert of.merge(updates[0]).work == plain.merge(updates[1]).work


def test_epochs_by_device_change_work_and_job():
    of = scheme()
    once, thrice = (offer(of, settings=Settings(choice=4.0, epochs=epochs)) for epochs in (1, 3))
    assert (once.work.flop, thrice.work.flop) == (60.0 * 20, 3 * 60.0 * 20)
    assert json.loads(thrice.job.params)["epochs"] == 3
    assert offer(of, settings=Settings(epochs=2)).job == offer(of).job  # what the scenario says is no other job


def test_privacy_spent_counts_the_steps_of_each_turn():
    of = scheme(privacy={"kind": "dp-sgd", "noise_multiplier": 1.0})
    merged(of, {0: Settings(choice=2.0, epochs=1), 1: Settings(epochs=3)})
    merged(of, {0: Settings(choice=8.0, epochs=2)})
    _, spent = of.quality().inputs
    # Two batches an epoch: 2 + 4 of device 0, 6 of device 1.
    assert [json.loads(each.params)["steps"] for each in spent.inputs] == [6, 6]
    planned = scheme(privacy={"kind": "dp-sgd", "target_epsilon": 8.0})
    assert offer(planned, settings=Settings(epochs=2)).job == offer(planned).job
    with pytest.raises(JobError, match="planned for turns of 2 epochs, and device 0 was given 3"):
        offer(planned, settings=Settings(epochs=3))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"method": "bias", "ranks": [4]}, "ranks are those of lora, and the method is 'bias'"),
        ({"method": "lora", "ranks": [4, 2]}, "rank 8 must be the highest of ranks"),
        ({"method": "lora", "ranks": [16, 8]}, "rank 8 must be the highest of ranks"),
        ({"method": "lora", "ranks": [8, 4, 4]}, "ranks has a choice twice"),
        ({"method": "lora", "ranks": [8, 0]}, "greater than or equal to 1"),
        ({"method": "lora", "ranks": [8, 0.5]}, "valid integer"),
        ({"method": "lora", "ranks": [8, 4], "momentum": "carried"}, "momentum: carried has the shape of one rank"),
    ],
)
def test_ranks_that_are_wrong(data, message):
    with pytest.raises(ValidationError, match=message):
        FedPeftParams.model_validate(data)


def test_ranks_are_read_as_they_were_written():
    params = FedPeftParams(method="lora", rank=16, ranks=[4, 16])
    assert params.ranks == (4, 16)
    assert FedPeftParams.model_validate_json(json.dumps(params.model_dump(mode="json"))) == params
    assert scheme(ranks=(8,)).knob().choices == (8.0,)


def test_a_turn_that_comes_back_after_a_merge_has_its_own_base():
    of = scheme()
    (late,) = take_turns(of, of.context, 1, [1], settings={1: AT_4})
    merged(of, {0: AT_8})
    of.merge([Update(client=1, n_samples=21, job=late.job, base=late.base)], Blend(kind="deltas", rate=1.0))
    assert of.state.inputs[2].inputs[0].inputs == late.base.inputs != (of.state.inputs[0],)
