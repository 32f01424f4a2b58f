"""A whole study without torch: a synthetic learning room stands where training would be."""

import pytest
from synthetic_room import execute, parse, study_of

from mecsim.config.variants import Variant
from mecsim.jobs.runner import LocalRunner
from mecsim.jobs.store import Store
from mecsim.results.records import OUTCOMES, TABLES
from mecsim.trials import plan_trials


@pytest.fixture
def runner(tmp_path):
    store = Store(tmp_path / "store", numerics="test")
    yield LocalRunner(execute, store)
    store.close()


def test_every_table_has_its_rows(runner):
    rows = study_of(parse(), runner).rows
    assert set(rows) == set(TABLES)
    n_schemes = len(parse().schemes)
    counts = {table: len(rows[table]) for table in ("rounds", "clients", "summary", "energy")}
    assert counts == {"rounds": 5 * n_schemes, "clients": 24 * n_schemes, "summary": n_schemes, "energy": 45 * n_schemes}


def test_other_numbers_of_an_evaluation_are_diagnostics(runner):
    rows = [row for row in study_of(parse(), runner).rows["diagnostics"] if row.label == "lora"]
    # Six clients a round: their trainings stand behind the state after two and four rounds.
    assert [(row.round, row.name) for row in rows] == [(0, "trainings"), (2, "trainings"), (4, "trainings")]
    assert [row.value for row in rows] == sorted(row.value for row in rows)


def test_a_scheme_can_ask_fewer_devices_than_the_protocol(runner):
    scenario = parse("schemes=[{name: fedpeft, method: lora}, {name: fedpeft, method: lora, clients_per_round: 2, label: two}]")
    counts = [(row.label, row.turns) for row in study_of(scenario, runner).rows["summary"]]
    assert counts == [("fedpeft-lora", 24), ("two", 8)]


def test_only_due_rounds_are_evaluated(runner):
    rows = [row for row in study_of(parse(), runner).rows["rounds"] if row.label == "lora"]
    assert [row.accuracy is not None for row in rows] == [True, False, True, False, True]


def test_rounds_add_up_to_clients_transfers_energy_and_summary(runner):
    rows = study_of(parse(), runner, peaks_bytes=(1e6, 1e12)).rows
    for summary in rows["summary"]:
        rounds, clients, transfers, energy = (
            [row for row in rows[table] if row.label == summary.label] for table in ("rounds", "clients", "transfers", "energy")
        )
        assert summary.uplink_bytes == sum(row.upload_bytes for row in clients) == sum(row.uplink_bytes for row in rounds)
        down = sum(row.size_bytes for row in transfers if row.direction == "downlink")
        assert summary.downlink_bytes == down == sum(row.download_bytes for row in clients)
        of_devices = summary.device_compute_energy_j + summary.device_radio_energy_j + summary.device_idle_energy_j
        columns = ("connect", "download", "compute", "upload", "tail", "idle")
        parts = sum(getattr(row, f"{column}_energy_j") for row in clients for column in columns)
        assert of_devices == pytest.approx(parts) == pytest.approx(sum(r.energy_j for r in energy if r.node == "devices"))
        assert all(row.selected == sum(getattr(row, outcome) for outcome in OUTCOMES) for row in rounds)
        assert all(row.end_s - row.start_s >= row.download_s + row.compute_s + row.upload_s - 1e-9 for row in clients)


def test_a_scheme_too_large_is_refused_everywhere_and_trains_nothing(runner):
    rows = study_of(parse(), runner, peaks_bytes=(1e6, 1e12)).rows
    refused = rows["summary"][1]
    assert (refused.refused, refused.completed, refused.refused_device_share) == (refused.turns, 0, 1.0)
    assert {row.outcome for row in rows["clients"] if row.label == refused.label} == {"refused"}


def test_a_second_study_executes_nothing_and_gives_the_same_rows(runner):
    first = study_of(parse(), runner)
    before = runner.n_executed
    again = study_of(parse(), runner)
    assert runner.n_executed == before == first.jobs.distinct
    assert again.rows == first.rows


def test_another_bandwidth_trains_nothing_and_changes_times_only(runner):
    wide = study_of(parse(), runner)
    before = runner.n_executed
    narrow = study_of(parse("network.carrier.bandwidth_mhz=2"), runner)
    assert runner.n_executed == before
    assert [row.accuracy for row in narrow.rows["rounds"]] == [row.accuracy for row in wide.rows["rounds"]]
    for before_row, after_row in zip(wide.rows["summary"], narrow.rows["summary"], strict=True):
        assert after_row.sim_time_s > before_row.sim_time_s
        assert after_row.device_radio_energy_j > before_row.device_radio_energy_j


@pytest.mark.parametrize("key", ["seeds.world", "seeds.learning", "seeds.data"])
def test_each_seed_changes_what_it_stands_for(runner, key):
    first, other = study_of(parse(), runner), study_of(parse(f"{key}=99"), runner)
    same_world = [row.sim_time_s for row in first.rows["rounds"]] == [row.sim_time_s for row in other.rows["rounds"]]
    assert same_world == (key != "seeds.world")


def test_replications_are_trials_of_their_own_seeds(runner):
    trials = plan_trials([Variant.only(parse("replications=3"))])
    assert [trial.seed for trial in trials[:3]] == [1, 2, 3]
    assert trials[2].seeds.world == 3
    rows = study_of(parse("replications=2"), runner).rows
    assert len({row.sim_time_s for row in rows["summary"]}) > 1


def test_target_columns_are_those_of_the_first_round_that_reaches_it(runner):
    rows = study_of(parse("target_accuracy=0.5"), runner).rows
    summary = rows["summary"][0]
    rounds = [row for row in rows["rounds"] if row.label == summary.label]
    reached = next(row for row in rounds if row.accuracy is not None and row.accuracy >= 0.5)
    assert summary.time_to_target_s == reached.sim_time_s
    assert summary.uplink_bytes_to_target == sum(row.uplink_bytes for row in rounds if row.round <= reached.round)
    missed = study_of(parse("target_accuracy=1.0"), runner).rows["summary"][0]
    assert (missed.time_to_target_s, missed.uplink_bytes_to_target) == (None, None)
