"""A study with a sweep, without torch: what variants have in common is learned once, and each gives what it gives alone."""

import functools

import pytest
import synthetic_room
from synthetic_room import Watcher, parse, swept, variants

from mecsim.jobs.pool import PoolRunner
from mecsim.jobs.runner import LocalRunner
from mecsim.jobs.store import Store
from mecsim.results.folder import write_run
from mecsim.results.records import TABLES

BANDWIDTHS = "sweep:\n  - {key: network.carrier.bandwidth_mhz, values: [2, 20, 100]}\n"
GRID = BANDWIDTHS + "  - {key: network.carrier.downlink_share, values: [0.5, 0.75]}\n"
TWO = "schemes=[{name: fedpeft, method: lora, label: lora}, {name: fedpeft, method: bias, label: bias}]"


def make_worker(folder):
    return synthetic_room.execute, Store(folder, numerics="test")


@pytest.fixture
def new_runner(tmp_path):
    """Return runners, each over a store of its own."""
    opened = []

    def call(name, n_workers=1):
        store = Store(tmp_path / "stores" / name, numerics="test")
        opened.append(store)
        if n_workers == 1:
            return LocalRunner(synthetic_room.execute, store)
        return PoolRunner(functools.partial(make_worker, tmp_path / "stores" / name), store, n_workers=n_workers)

    yield call
    for store in opened:
        store.close()


def of_variant(rows, name):
    return {table: [row for row in of if row.variant == name] for table, of in rows.items()}


def content(folder, tables):
    write_run(folder, scenario_yaml="", manifest={}, tables=tables)
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


def test_the_training_of_one_bandwidth_serves_all(new_runner):
    alone, together = new_runner("alone"), new_runner("together")
    swept(variants(TWO, "network.carrier.bandwidth_mhz=2"), alone)
    study = swept(variants(TWO, sweep=BANDWIDTHS), together)
    assert together.n_executed == alone.n_executed == study.jobs.distinct
    assert study.jobs.asked > 2 * study.jobs.distinct
    n_jobs = study.jobs.distinct
    assert dict(study.jobs.by_variant) == {
        "bandwidth_mhz=2": (n_jobs, n_jobs),
        "bandwidth_mhz=20": (n_jobs, 0),
        "bandwidth_mhz=100": (n_jobs, 0),
    }


def test_every_variant_gives_the_bytes_that_it_gives_alone(new_runner, tmp_path):
    every = variants(TWO, "replications=2", sweep=GRID)
    together = swept(every, new_runner("together")).rows
    for number, variant in enumerate(every):
        alone = swept([variant], new_runner(f"alone-{number}")).rows
        expected = content(tmp_path / f"run-{number}", alone)
        assert content(tmp_path / f"part-{number}", of_variant(together, variant.name)) == expected


def test_a_variant_is_what_the_scenario_is_with_that_key_set(new_runner):
    found = of_variant(swept(variants(TWO, sweep=BANDWIDTHS), new_runner("swept")).rows, "bandwidth_mhz=2")
    plain = swept(variants(TWO, "network.carrier.bandwidth_mhz=2"), new_runner("set")).rows
    for table in ("rounds", "clients", "summary", "coverage"):
        values = [[getattr(row, name) for name in TABLES[table].__slots__] for row in found[table]]
        assert values == [[getattr(row, name) for name in TABLES[table].__slots__] for row in plain[table]]


def test_any_number_of_workers_gives_the_same_bytes(new_runner, tmp_path):
    every = variants(TWO, "replications=2", sweep=GRID)
    one = content(tmp_path / "one", swept(every, new_runner("one")).rows)
    with new_runner("two", n_workers=2) as runner:
        two = content(tmp_path / "two", swept(every, runner).rows)
    assert two == one


def test_worlds_that_run_in_workers_are_the_same_worlds(new_runner, tmp_path, monkeypatch):
    every = variants(TWO, sweep=GRID)
    one = content(tmp_path / "one", swept(every, new_runner("one")).rows)
    monkeypatch.setattr("mecsim.study._ALONE_S", 0.0)
    watcher = Watcher()
    with new_runner("two", n_workers=2) as runner:
        two = content(tmp_path / "two", swept(every, runner, watcher=watcher).rows)
    assert two == one
    assert watcher.rounds == []  # no world ran in this process
    assert sorted(watcher.ended) == sorted(watcher.trials)


def test_all_schemes_of_a_variant_and_seed_meet_the_same_world(new_runner):
    rows = swept(variants(TWO, "replications=2", sweep=BANDWIDTHS), new_runner("worlds")).rows
    worlds = {(row.variant, row.seed): set() for row in rows["clients"]}
    for row in rows["clients"]:
        if row.round == 1:
            worlds[row.variant, row.seed].add((row.device, row.distance_m, row.downlink_sinr_db))
    assert all(len({device for device, _, _ in met}) == len(met) for met in worlds.values())
    places = {(row.variant, row.seed, row.device): (row.x_m, row.y_m) for row in rows["devices"]}
    assert len(places) == len(rows["devices"]) == 3 * 2 * synthetic_room.N_DEVICES
    for seed in (1, 2):  # the same places at every bandwidth, others with every seed
        assert len({places[variant, seed, 0] for variant, _, _ in places}) == 1
    assert places["bandwidth_mhz=2", 1, 0] != places["bandwidth_mhz=2", 2, 0]


def test_where_variants_stand_is_a_table(new_runner):
    rows = swept(variants(TWO, sweep=GRID), new_runner("places")).rows["variants"]
    assert [(row.variant, row.axis, row.position, row.value) for row in rows[:4]] == [
        ("bandwidth_mhz=2, downlink_share=0.5", "bandwidth_mhz", 0, 2.0),
        ("bandwidth_mhz=2, downlink_share=0.5", "downlink_share", 0, 0.5),
        ("bandwidth_mhz=2, downlink_share=0.75", "bandwidth_mhz", 0, 2.0),
        ("bandwidth_mhz=2, downlink_share=0.75", "downlink_share", 1, 0.75),
    ]
    assert swept(variants(TWO), new_runner("plain")).rows["variants"] == []


def test_coverage_is_of_the_first_seed(new_runner):
    rows = swept(variants(TWO, "replications=2", sweep=BANDWIDTHS), new_runner("coverage")).rows
    assert {row.seed for row in rows["coverage"]} == {1}
    assert {row.variant for row in rows["coverage"]} == {"bandwidth_mhz=2", "bandwidth_mhz=20", "bandwidth_mhz=100"}


def test_who_watches_hears_of_every_world_and_of_what_is_missing(new_runner):
    runner, watcher = new_runner("watched"), Watcher()
    of = variants(TWO, sweep=BANDWIDTHS)
    swept(of, runner, watcher=watcher)
    assert watcher.trials == watcher.ended
    assert watcher.trials[0] == "lora, bandwidth_mhz=2, seed 1"
    assert len(watcher.trials) == 6
    assert {job.kind for job in watcher.missing} == {"init", "train", "average", "evaluate"}
    again = Watcher()
    swept(of, runner, watcher=again)
    assert again.missing == []


def test_a_policy_that_asks_for_losses_runs_in_the_parent(new_runner, tmp_path):
    of = variants(TWO, "selection={kind: power-of-choice}", sweep=BANDWIDTHS)
    with new_runner("two", n_workers=2) as runner:
        two = content(tmp_path / "two", swept(of, runner).rows)
    assert two == content(tmp_path / "one", swept(of, new_runner("one")).rows)


def test_without_a_sweep_there_is_no_variant_in_any_row(new_runner):
    rows = swept(variants(TWO), new_runner("plain")).rows
    assert {row.variant for of in rows.values() for row in of} == {""}
    assert parse().sweep == ()
