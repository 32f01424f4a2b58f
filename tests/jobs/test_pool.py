"""The runner with workers gives what the local one gives, whatever happens to its processes. All processes are real."""

import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pool_jobs
import pytest
from pool_jobs import is_gone, notes, until

from mecsim.errors import JobError, MecsimError
from mecsim.jobs.job import job
from mecsim.jobs.pool import PoolRunner
from mecsim.jobs.runner import LocalRunner
from mecsim.jobs.store import Store


@pytest.fixture
def pool(tmp_path):
    """Return a maker of runners over one store; their workers are gone afterwards."""
    made = []

    def runner(n_workers=2, make=pool_jobs.make, **options):
        store = Store(tmp_path / "store", numerics="test")
        made.append((PoolRunner(functools.partial(make, tmp_path), store, n_workers=n_workers, **options), store))
        return made[-1][0]

    yield runner
    for each, store in made:
        each.close()
        store.close()
    assert workers() == []


def workers():
    return [process.pid for process in multiprocessing.active_children() if process.name == "mecsim-worker"]


def add(value, *inputs):
    return job("add", {"value": value}, inputs)


def chain(length):
    last = add(0)
    for value in range(1, length):
        last = add(value, last)
    return last


def random_graph(seed, n_jobs=24):
    """Return jobs with up to three inputs among the earlier ones each, and a demand of five of them, one twice."""
    drawn, jobs = np.random.default_rng(seed), []
    for value in range(n_jobs):
        inputs = [jobs[i] for i in drawn.integers(0, value, drawn.integers(0, 4))] if value else []
        jobs.append(add(value, *inputs))
    wanted = [jobs[i] for i in drawn.integers(0, n_jobs, 5)]
    return [*wanted, wanted[0]]


def content(folder):
    """Return every file of results, and every row of the index without its time."""
    store = Store(folder / "store", numerics="test")
    rows = store._index.execute("SELECT key, kind, numbers, sha256, size_bytes FROM results ORDER BY key").fetchall()
    store.close()
    return {path.name: path.read_bytes() for path in (folder / "store").rglob("*.safetensors")}, rows


def locally(folder, jobs):
    folder.mkdir()
    execute, store = pool_jobs.make(folder)
    results = LocalRunner(execute, store).demand(jobs)
    store.close()
    return results


@pytest.mark.parametrize("n_workers", [1, 2, 3])
def test_any_number_of_workers_gives_the_same_bytes_and_executes_each_job_once(tmp_path, n_workers):
    (tmp_path / "pool").mkdir()
    _, store = pool_jobs.make(tmp_path / "pool")
    with PoolRunner(functools.partial(pool_jobs.make, tmp_path / "pool"), store, n_workers=n_workers) as runner:
        graphs = [random_graph(seed) for seed in range(6)]
        n_missing = len(runner.missing([each for wanted in graphs for each in wanted]))
        found = [runner.demand(wanted) for wanted in graphs]
        assert [runner.missing(wanted) for wanted in graphs] == [[]] * 6
    store.close()
    expected = locally(tmp_path / "local", [each for wanted in graphs for each in wanted])
    for one, other in zip([each for results in found for each in results], expected, strict=True):
        assert one.numbers == other.numbers
        np.testing.assert_array_equal(one.tensors["sum"], other.tensors["sum"])
    assert content(tmp_path / "pool") == content(tmp_path / "local")
    done = notes(tmp_path / "pool")
    assert len(done) == len(set(done)) == runner.n_executed == n_missing
    if n_workers == 1:
        assert done == notes(tmp_path / "local")
    else:
        assert set(done) == set(notes(tmp_path / "local"))


def test_what_is_stored_starts_no_worker(tmp_path, pool):
    execute, store = pool_jobs.make(tmp_path)
    LocalRunner(execute, store).demand([chain(3)])
    store.close()
    runner = pool()
    (result,) = runner.demand([chain(3)])
    assert (result.numbers["total"], runner.n_executed, workers()) == (3, 0, [])
    assert runner.demand([]) == []


def test_independent_jobs_are_executed_side_by_side_and_workers_stay(pool):
    runner = pool()
    assert (runner.n_workers, workers()) == (2, [])
    results = runner.demand([job("meet", {"me": 1, "other": 2}), job("meet", {"me": 2, "other": 1})])
    assert [result.numbers["met"] for result in results] == [True, True]
    before = sorted(workers())
    assert len(before) == 2
    runner.demand([add(1), add(2), add(3)])
    assert sorted(workers()) == before


def test_a_chain_deeper_than_the_recursion_limit(pool):
    length = sys.getrecursionlimit() + 100
    (result,) = pool(1).demand([chain(length)])
    assert result.numbers["total"] == length * (length - 1) / 2


def test_workers_that_remember_nothing_change_no_result(tmp_path, pool):
    wanted = random_graph(7)
    found = pool(memory_bytes=0).demand(wanted)
    assert [result.numbers for result in found] == [result.numbers for result in locally(tmp_path / "local", wanted)]


def test_every_execution_is_announced_once_in_the_callers_process(pool):
    seen = []
    runner = pool(on_executed=lambda done: seen.append((done, os.getpid())))
    runner.demand([chain(3), chain(2), add(7)])
    assert sorted(done.name for done, _ in seen) == sorted(each.name for each in (chain(1), chain(2), chain(3), add(7)))
    assert {pid for _, pid in seen} == {os.getpid()}
    runner.demand([chain(3)])
    assert runner.n_executed == len(seen) == 4


# Damage


@pytest.mark.parametrize("length", [3, 4])
def test_damaged_results_are_computed_again(tmp_path, pool, length):
    pool().demand([chain(3)])
    for path in tmp_path.rglob("*.safetensors"):
        path.write_bytes(b"damaged")
    # What is demanded is found damaged by the parent, an input by a worker.
    (result,) = pool().demand([chain(length)])
    assert result.numbers["total"] == length * (length - 1) / 2
    assert [notes(tmp_path).count(chain(each).name) for each in (1, 2, 3)] == [2, 2, 2]


def test_damage_in_the_middle_of_a_demand(tmp_path, pool):
    broken = job("damage", {}, [chain(3)])
    wanted = add(100, chain(3), chain(2))
    # With no memory, the second demand has to read what was damaged.
    runner = pool(1, memory_bytes=0)
    runner.demand([broken])
    (result,) = runner.demand([wanted])
    assert result.numbers["total"] == 104
    assert [notes(tmp_path).count(chain(length).name) for length in (1, 2, 3)] == [2, 2, 2]


# Death


def test_a_killed_workers_job_is_executed_again_and_the_other_worker_is_left_alone(tmp_path, pool):
    runner = pool()
    wanted = [job("wait", {"s": 1.0}), job("die", {"times": 2}), *(add(value) for value in range(5))]
    results = runner.demand(wanted)
    assert results[1].numbers == {"deaths": 2}
    done = notes(tmp_path)
    assert [done.count(each.name) for each in wanted] == [1, 3, 1, 1, 1, 1, 1]
    assert runner.n_executed == len(wanted)


def test_idle_workers_that_were_killed_are_replaced(pool):
    runner = pool()
    runner.demand([job("meet", {"me": 1, "other": 2}), job("meet", {"me": 2, "other": 1})])
    for pid in workers():
        os.kill(pid, signal.SIGKILL)
    assert [result.numbers["total"] for result in runner.demand([add(1), add(2)])] == [1, 2]


def test_a_job_that_every_worker_dies_of_is_named(tmp_path, pool):
    runner, deadly = pool(), job("die", {"times": 99})
    with pytest.raises(MecsimError, match=rf"(?s)'die' job {deadly.name[:12]}.*SIGKILL.*memory.*--workers"):
        runner.demand([add(1), deadly, job("wait", {"s": 600})])
    assert notes(tmp_path).count(deadly.name) == 3
    assert workers() == []
    assert runner.missing([add(1)]) == []


def test_workers_that_cannot_be_made_or_end_while_they_start_are_told_of(pool):
    with pytest.raises(JobError, match="no worker can be made here"):
        pool(make=pool_jobs.make_failing).demand([add(1)])
    with pytest.raises(MecsimError, match=r"ended while they started, the last one with exit code 3.*__main__"):
        pool(make=pool_jobs.make_dying).demand([add(1)])


def test_close_ends_long_jobs_at_once_and_a_closed_runner_can_be_used_again(pool):
    runner = pool()
    calls = runner.map(pool_jobs.long_if_zero, [1, 0])
    assert next(calls) == (0, 1)
    assert runner.n_running == 1
    pids = workers()
    began = time.monotonic()
    runner.close()
    assert time.monotonic() - began < 20.0
    assert all(is_gone(pid) for pid in pids)
    assert runner.n_running == 0
    with pytest.raises(MecsimError, match="long_if_zero for argument 1 was stopped"):
        next(calls)
    assert runner.demand([add(1)])[0].numbers["total"] == 1


# Failure


@pytest.mark.parametrize("how", ["job", "scenario", "name", "value", "exit"])
def test_an_exception_is_the_one_of_the_local_runner(tmp_path, pool, how):
    wanted = add(1, job("fail", {"how": how}))
    caught = []
    for demand in (pool(1).demand, lambda jobs: locally(tmp_path / "local", jobs)):
        with pytest.raises(BaseException) as raised:  # noqa: PT011 (any)
            demand([wanted])
        caught.append(raised.value)
    assert (type(caught[0]), str(caught[0]), caught[0].args) == (type(caught[1]), str(caught[1]), caught[1].args)
    assert "in execute" in caught[0].__notes__[0]
    if how == "scenario":
        assert caught[0].problems == caught[1].problems


def test_an_exception_that_cannot_travel_is_told_of(pool):
    with pytest.raises(JobError, match="HeldError: holds a file"):
        pool(1).demand([job("fail", {"how": "held"})])


def test_the_first_failure_in_the_order_of_the_demand_is_raised_and_what_is_before_it_is_kept(tmp_path, pool):
    late = job("fail", {"how": "value"})
    early = add(1, job("fail", {"how": "job", "after": late.name}))
    runner = pool()
    with pytest.raises(JobError, match="do not fit"):
        runner.demand([chain(4), early, late, add(5)])
    assert runner.missing([chain(4)]) == []
    assert late.name in notes(tmp_path)
    assert add(5).name not in notes(tmp_path)
    with pytest.raises(ValueError, match="a value"):
        runner.demand([late])


def test_an_exception_of_on_executed_ends_the_demand_and_loses_nothing(pool):
    def interrupt(done):
        raise KeyboardInterrupt

    runner = pool(on_executed=interrupt)
    with pytest.raises(KeyboardInterrupt):
        runner.demand([add(1), job("wait", {"s": 600})])
    assert workers() == []
    assert runner.missing([add(1)]) == []


# map


def test_map_gives_results_as_they_come(tmp_path, pool):
    runner = pool()
    assert sorted(runner.map(pool_jobs.double, range(9))) == [(index, 2 * index) for index in range(9)]
    function = functools.partial(pool_jobs.first_ends_last, tmp_path)
    assert [index for index, _ in runner.map(function, range(4))] == [1, 2, 3, 0]
    assert list(runner.map(pool_jobs.double, [])) == []
    assert runner.n_executed == 0


def test_the_local_map_is_in_order_and_lazy(store, arithmetic):
    asked = []
    results = LocalRunner(arithmetic, store).map(pool_jobs.double, (asked.append(i) or i for i in range(3)))
    assert (next(results), asked) == ((0, 0), [0])
    assert list(results) == [(1, 2), (2, 4)]


def test_map_raises_the_first_failure_after_the_results_before_it(pool):
    found = []
    with pytest.raises(JobError, match="-2 is negative"):
        found.extend(each for each in gathered(pool(), [1, 3, -2, 5, -4], found))
    assert sorted(found) == [(0, 2), (1, 6)]


def gathered(runner, arguments, found):
    for each in runner.map(pool_jobs.double_or_fail, arguments):
        found.append(each)
    return []


def test_map_survives_a_death_and_refuses_what_cannot_travel(tmp_path, pool):
    runner = pool()
    ((_, pid),) = runner.map(pool_jobs.die_once, [tmp_path / "marker"])
    assert pid in workers()
    with pytest.raises(Exception, match=r"[Pp]ickle"):
        list(runner.map(pool_jobs.lambda_of, [1]))


def test_a_demand_between_the_results_of_a_map(pool):
    runner = pool()
    totals = [
        runner.demand([add(value), chain(index + 2)])[0].numbers["total"]
        for index, value in runner.map(pool_jobs.double, range(7))
    ]
    assert sorted(totals) == [0, 2, 4, 6, 8, 10, 12]


def test_a_map_that_is_dropped_leaves_nobody_working(pool):
    runner = pool()
    calls = runner.map(pool_jobs.long_if_zero, [1, 0])
    next(calls)
    calls.close()
    assert workers() == []


# The parent


@pytest.fixture
def parent(tmp_path):
    """Start a process that executes a job, then waits for two long ones; give it when its workers are at these."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    process = subprocess.Popen(
        [sys.executable, "-c", f"import pool_jobs; pool_jobs.main({str(tmp_path)!r})"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    # The workers as well, should they have outlived it: they are of its session.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def waiting(folder):
    return [int(path.name.removeprefix("waits-")) for path in folder.glob("waits-*")]


def test_workers_do_not_outlive_a_killed_parent(tmp_path, parent):
    assert until(lambda: len(waiting(tmp_path)) == 2)
    parent.kill()
    assert until(lambda: all(is_gone(pid) for pid in waiting(tmp_path)))


def test_ctrl_c_ends_a_demand_at_once_and_keeps_what_is_stored(tmp_path, parent):
    assert until(lambda: len(waiting(tmp_path)) == 2)
    os.killpg(parent.pid, signal.SIGINT)
    out, err = parent.communicate(timeout=pool_jobs.PATIENCE_S)
    assert (out, err) == ("begins\ninterrupted after 1\n", "")
    assert all(is_gone(pid) for pid in waiting(tmp_path))
    store = Store(tmp_path / "store", numerics="test")
    assert add(1) in store
    store.close()


@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.3])
def test_ctrl_c_while_workers_start_leaves_no_traceback(tmp_path, parent, after_s):
    assert parent.stdout.readline() == "begins\n"
    time.sleep(after_s)
    os.killpg(parent.pid, signal.SIGINT)
    out, err = parent.communicate(timeout=pool_jobs.PATIENCE_S)
    assert (out.partition(" after")[0], err) == ("interrupted", "")
