"""The runner executes what is demanded and lacking, once, in an order that needs no recursion."""

import pytest

from mecsim.jobs.job import job
from mecsim.jobs.runner import LocalRunner


def chain(length):
    last = job("step", {"value": 0})
    for value in range(1, length):
        last = job("step", {"value": value}, [last])
    return last


def test_only_what_is_demanded_is_executed(store, arithmetic):
    wanted = job("step", {"value": 1})
    job("step", {"value": 2}, [wanted])  # named, never demanded
    (result,) = LocalRunner(arithmetic, store).demand([wanted])
    assert arithmetic.done == [1]
    assert result.numbers["total"] == 1


def test_inputs_are_executed_first_and_shared_ones_once(store, arithmetic):
    root = job("step", {"value": 1})
    left, right = (job("step", {"value": value}, [root]) for value in (10, 20))
    (result,) = LocalRunner(arithmetic, store).demand([job("step", {"value": 100}, [left, right])])
    assert arithmetic.done == [1, 10, 20, 100]
    assert result.numbers["total"] == 132  # 100 + (10 + 1) + (20 + 1)


def test_a_second_runner_finds_everything_in_the_store(store, arithmetic):
    LocalRunner(arithmetic, store).demand([chain(5)])
    second = LocalRunner(arithmetic, store)
    (result,) = second.demand([chain(5)])
    assert (second.n_executed, result.numbers["total"]) == (0, 10)


def test_a_longer_history_executes_only_what_is_new(store, arithmetic):
    LocalRunner(arithmetic, store).demand([chain(5)])
    runner = LocalRunner(arithmetic, store)
    assert len(runner.missing([chain(8)])) == 3
    runner.demand([chain(8)])
    assert runner.n_executed == 3


def test_a_chain_deeper_than_the_recursion_limit(store, arithmetic):
    (result,) = LocalRunner(arithmetic, store).demand([chain(3000)])
    assert result.numbers["total"] == 3000 * 2999 / 2


def test_a_memory_too_small_for_anything_changes_no_result(store, arithmetic):
    root = job("step", {"value": 1})
    wanted = job("step", {"value": 2}, [root, job("step", {"value": 3}, [root])])
    (result,) = LocalRunner(arithmetic, store, memory_bytes=0).demand([wanted])
    assert result.numbers["total"] == 7  # 2 + 1 + (3 + 1)
    assert arithmetic.done == [1, 3, 2]


def test_a_damaged_entry_is_computed_again(store, arithmetic, tmp_path):
    LocalRunner(arithmetic, store).demand([chain(3)])
    for path in tmp_path.rglob("*.safetensors"):
        path.write_bytes(b"damaged")
    (result,) = LocalRunner(arithmetic, store).demand([chain(3)])
    assert arithmetic.done == [0, 1, 2, 0, 1, 2]
    assert result.numbers["total"] == 3


def test_what_was_done_before_a_failure_is_kept(store, arithmetic):
    def failing(wanted, inputs):
        if '"value":2' in wanted.params:
            raise KeyboardInterrupt
        return arithmetic(wanted, inputs)

    with pytest.raises(KeyboardInterrupt):
        LocalRunner(failing, store).demand([chain(4)])
    assert len(LocalRunner(arithmetic, store).missing([chain(4)])) == 2


def test_every_execution_is_announced(store, arithmetic):
    seen = []
    LocalRunner(arithmetic, store, on_executed=seen.append).demand([chain(3), chain(2)])
    assert seen == [chain(1), chain(2), chain(3)]


def test_a_job_counts_as_running_while_it_is_executed_and_after_a_failure_no_more(store):
    def failing(wanted, inputs):
        seen.append(runner.n_running)
        raise ValueError(wanted.kind)

    seen = []
    with LocalRunner(failing, store) as runner, pytest.raises(ValueError, match="step"):
        runner.demand([chain(1)])
    assert (seen, runner.n_running, runner.n_workers) == ([1], 0, 1)
