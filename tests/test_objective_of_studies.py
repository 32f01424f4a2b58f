"""The columns ``cost`` of rounds and ``objective`` of the summary: by hand, and up to the target alone."""

import math

import pytest
from control_trials import KEY
from worlds import rows_of

from mecsim.control.objective import Objective
from mecsim.tables import device_energy_j, summary_row

OBJECTIVE = {"quality": 2.0, "time": 0.5, "energy": 3.0, "time_scale_s": 30.0, "energy_scale_j": 500.0}
FACTS = {
    "account_as": "",
    "refused_device_share": 0.0,
    "trainable_parameters": 1,
    "update_bytes": 1,
    "turn_flop": 1.0,
    "peak_memory_bytes": 1.0,
    "inference_flop": 1.0,
}


def by_hand(row):
    seconds = row.sim_time_s - row.opened_at_s
    joules = row.device_compute_energy_j + row.device_radio_energy_j + row.device_idle_energy_j
    return 2.0 * (1.0 - row.accuracy) + 0.5 * seconds / 30.0 + 3.0 * joules / 500.0


@pytest.fixture(scope="module")
def tables():
    return rows_of({"objective": OBJECTIVE, "protocol.rounds": 5})


def test_a_round_costs_its_error_its_time_and_its_energy(tables):
    first, *rounds = tables["rounds"]
    assert first.cost is None  # nobody decides on the server's preparation
    assert [row.cost for row in rounds] == pytest.approx([by_hand(row) for row in rounds])
    (summary,) = tables["summary"]
    assert summary.objective == math.fsum(row.cost for row in rounds)
    # Every part is there, and weighs something.
    assert all(device_energy_j(row) > 0.0 and row.sim_time_s > row.opened_at_s and row.accuracy < 1.0 for row in rounds)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({}, 0.4 + 2.0 + 0.3),
        ({"quality": 10.0}, 4.0 + 2.0 + 0.3),
        ({"time": 0.0}, 0.4 + 0.3),
        ({"energy": 0.0, "time_scale_s": 120.0}, 0.4 + 1.0),
        ({"energy_scale_j": 100.0}, 0.4 + 2.0 + 3.0),
    ],
)
def test_the_formula_by_hand(weights, expected):
    assert Objective(**weights).cost(accuracy=0.6, seconds=120.0, joules=300.0) == pytest.approx(expected)


def test_weights_that_are_not_given_are_one_minute_and_one_kilojoule(tables):
    (summary,) = rows_of({"objective": {}, "protocol.rounds": 2})["summary"]
    rounds = tables["rounds"][1:3]  # the same rounds, priced otherwise
    parts = [(1 - row.accuracy) + (row.sim_time_s - row.opened_at_s) / 60 + device_energy_j(row) / 1000 for row in rounds]
    assert summary.objective == pytest.approx(sum(parts), rel=0.05)  # tails that the end of the study cuts


def test_it_ends_with_the_first_round_at_the_target_and_that_one_counts(tables):
    costs = [row.cost for row in tables["rounds"][1:]]
    for reached in (1, 3, 5):
        (summary,) = rows_of(
            {"objective": OBJECTIVE, "protocol.rounds": 5, "target_accuracy": tables["rounds"][reached].accuracy}
        )["summary"]
        assert summary.objective == pytest.approx(math.fsum(costs[:reached]))
        assert summary.time_to_target_s == tables["rounds"][reached].sim_time_s


def test_a_target_that_is_not_reached_leaves_the_sum_of_all(tables):
    (summary,) = rows_of({"objective": OBJECTIVE, "protocol.rounds": 5, "target_accuracy": 0.999})["summary"]
    assert summary.objective == tables["summary"][0].objective
    assert summary.time_to_target_s is None


def test_a_target_that_is_there_from_the_beginning_costs_nothing(tables):
    at_start = tables["rounds"][0].accuracy
    assert summary_row(KEY, tables["rounds"], at_start, FACTS).objective == 0.0


def test_without_the_section_both_columns_are_empty():
    tables = rows_of({"protocol.rounds": 2})
    assert {row.cost for row in tables["rounds"]} == {None}
    assert tables["summary"][0].objective is None


def test_it_leaves_all_other_columns_alone(tables):
    plain = rows_of({"protocol.rounds": 5})
    for row, other in zip(tables["rounds"], plain["rounds"], strict=True):
        values = {name: getattr(row, name) for name in row.__slots__ if name != "cost"}
        assert values == {name: getattr(other, name) for name in values}
    assert plain["clients"] == tables["clients"]
