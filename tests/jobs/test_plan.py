"""The plan of a demand: its order is that of one who works alone, and nothing is taken before its inputs are there."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.errors import MecsimError
from mecsim.jobs.job import Result, job
from mecsim.jobs.plan import MAX_RETURNS, Plan, in_order
from mecsim.jobs.runner import LocalRunner
from mecsim.jobs.ticket import Bench, Ticket


class Kept(dict):
    """A store in memory."""

    def put(self, wanted, result):
        self[wanted] = result


@st.composite
def graphs(draw):
    """Draw up to 14 jobs, each with inputs among the earlier ones (one twice now and then), and a demand of some of them."""
    jobs = []
    for value in range(draw(st.integers(1, 14))):
        inputs = draw(st.lists(st.sampled_from(jobs), max_size=4)) if jobs else []
        jobs.append(job("add", {"value": value}, inputs))
    return jobs, draw(st.lists(st.sampled_from(jobs), min_size=1, max_size=5))


def executed_alone(wanted, stored):
    done = []

    def execute(each, inputs):
        done.append(each)
        return Result()

    LocalRunner(execute, Kept(dict.fromkeys(stored, Result()))).demand(wanted)
    return done


@settings(deadline=None, max_examples=60)
@given(graphs(), st.data())
def test_the_order_is_that_of_the_local_runner(graph, data):
    jobs, wanted = graph
    stored = data.draw(st.sets(st.sampled_from(jobs)))
    assert in_order(wanted, skip=stored.__contains__) == executed_alone(wanted, stored)
    assert len(Plan(wanted, dict.fromkeys(stored))) == len(executed_alone(wanted, stored))


@settings(deadline=None, max_examples=60)
@given(graphs(), st.data())
def test_whatever_ends_first_nothing_is_taken_twice_or_early(graph, data):
    jobs, wanted = graph
    stored = data.draw(st.sets(st.sampled_from(jobs)))
    needed = set(executed_alone(wanted, stored))
    store = dict.fromkeys(stored)
    plan, running, taken = Plan(wanted, store), [], []
    while not plan.is_settled:
        while (each := plan.take()) is not None:
            assert all(needed_one in store for needed_one in each.inputs)
            running.append(each)
            taken.append(each)
        done = running.pop(data.draw(st.integers(0, len(running) - 1)))
        store[done] = None
        plan.finished(done)
    assert len(taken) == len(set(taken))
    assert set(taken) == needed
    assert len(plan) == 0


@settings(deadline=None, max_examples=60)
@given(graphs(), st.data())
def test_whatever_ends_first_the_failure_is_the_one_that_is_met_alone(graph, data):
    _, wanted = graph
    alone = executed_alone(wanted, ())
    bad = data.draw(st.sets(st.sampled_from(alone), min_size=1))
    store, running = {}, []
    plan = Plan(wanted, store)
    while not plan.is_settled:
        while (each := plan.take()) is not None:
            running.append(each)
        done = running.pop(data.draw(st.integers(0, len(running) - 1)))
        if done in bad:
            plan.failed(done, ValueError(done.name))
        else:
            store[done] = None
            plan.finished(done)
    assert str(plan.error) == next(each.name for each in alone if each in bad)


def test_an_input_that_is_gone_is_planned_again_and_once():
    root, other = job("add", {"value": 1}), job("add", {"value": 2})
    left, right = job("add", {"value": 3}, [root, other]), job("add", {"value": 4}, [root])
    store = dict.fromkeys([root, other])
    plan = Plan([left, right], store)
    assert [plan.take(), plan.take(), plan.take()] == [left, right, None]
    del store[root]
    plan.lacked(left, [root.name])
    plan.lacked(right, [root.name])
    assert [plan.take(), plan.take()] == [root, None]
    store[root] = None
    plan.finished(root)
    assert [plan.take(), plan.take(), plan.take()] == [left, right, None]


def test_a_store_that_always_loses_is_told_of():
    root = job("add", {"value": 1})
    wanted = job("add", {"value": 2}, [root])
    plan = Plan([wanted], {})
    for _ in range(MAX_RETURNS):
        plan.finished(plan.take())
        plan.lacked(plan.take(), [root.name])
    plan.finished(plan.take())
    with pytest.raises(MecsimError, match="loses results"):
        plan.lacked(plan.take(), [root.name])


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_a_ticket_has_the_name_of_its_job(graph):
    jobs, _ = graph
    for each in jobs:
        told = Ticket.of(each).job()
        assert (told.name, told.kind, told.params) == (each.name, each.kind, each.params)
        assert [needed.name for needed in told.inputs] == [needed.name for needed in each.inputs]


def test_a_bench_says_what_it_lacks_and_executes_once_it_is_there():
    one, two = job("add", {"value": 1}), job("add", {"value": 2})
    wanted = job("add", {"value": 3}, [two, one, two])
    kept, seen = Kept(), []

    def execute(each, inputs):
        seen.append([each.name, *(result.numbers["of"] for result in inputs)])
        return Result({"of": "wanted"})

    bench = Bench(execute, kept)
    kept.put(two, Result({"of": "two"}))
    assert bench(Ticket.of(wanted)).lacking == (one.name,)
    kept.put(one, Result({"of": "one"}))
    assert bench(Ticket.of(wanted)).executed
    assert not bench(Ticket.of(wanted)).executed
    assert seen == [[wanted.name, "two", "one", "two"]]
