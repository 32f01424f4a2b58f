import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.pareto import front, hypervolume, hypervolumes, nadir, share_on_front
from mecsim.errors import MecsimError

# Few different numbers, so that ties and duplicates are frequent.
coarse = st.tuples(st.integers(0, 5), st.integers(0, 5)).map(lambda point: (float(point[0]), float(point[1])))
fine = st.tuples(st.floats(0.0, 10.0), st.floats(0.0, 10.0))
points = st.one_of(st.lists(coarse, max_size=12), st.lists(fine, max_size=12))


def is_dominated(point, others):
    return any(
        other[0] <= point[0] and other[1] >= point[1] and (other[0] < point[0] or other[1] > point[1]) for other in others
    )


def mask_of(found):
    return front([cost for cost, _ in found], [quality for _, quality in found])


@given(points)
def test_the_front_is_what_nothing_dominates(found):
    assert mask_of(found) == [not is_dominated(point, found) for point in found]


@given(points.filter(bool))
def test_a_front_is_never_empty_and_its_own_front(found):
    winners = [point for point, is_on in zip(found, mask_of(found), strict=True) if is_on]
    assert winners
    assert all(mask_of(winners))


def test_ties_and_duplicates():
    #          best at 1   same     dearer   worse    dearer, better
    found = [(1.0, 0.5), (1.0, 0.5), (2.0, 0.5), (1.0, 0.4), (2.0, 0.9)]
    assert mask_of(found) == [True, True, False, False, True]


def test_a_missing_number_is_on_no_front_and_keeps_nobody_off():
    assert front([1.0, math.nan, 0.5], [0.5, 0.9, math.nan]) == [True, False, False]
    assert front([], []) == []
    with pytest.raises(ValueError, match="shorter"):
        front([1.0, 2.0], [1.0])


def test_an_area_by_hand():
    # Down to (10, 0): 9 wide and 2 high, then 6 wide and 3 more high, then 1 wide and 1 more.
    found = [(4.0, 5.0), (1.0, 2.0), (9.0, 6.0), (5.0, 4.0), (1.0, 2.0)]
    assert hypervolume(found, (10.0, 0.0)) == 9 * 2 + 6 * 3 + 1 * 1


@pytest.mark.parametrize("point", [(10.0, 5.0), (11.0, 5.0), (3.0, 0.0), (3.0, -1.0), (math.nan, 5.0), (3.0, math.nan)])
def test_what_is_not_better_than_the_reference_adds_nothing(point):
    assert hypervolume([point], (10.0, 0.0)) == 0.0
    assert hypervolume([(4.0, 5.0), point], (10.0, 0.0)) == 30.0


def test_an_area_against_monte_carlo():
    rng = np.random.default_rng(1)
    found = rng.uniform(0.0, 1.0, (8, 2))
    darts = rng.uniform(0.0, 1.0, (200_000, 2))
    hit = ((found[:, 0, None] <= darts[:, 0]) & (found[:, 1, None] >= darts[:, 1])).any(axis=0)
    error = math.sqrt(hit.mean() * (1 - hit.mean()) / len(darts))
    assert hypervolume([(x, y) for x, y in found.tolist()], (1.0, 0.0)) == pytest.approx(hit.mean(), abs=4 * error)


@given(st.lists(coarse, max_size=12), coarse)
def test_an_area_grows_with_each_point_and_stays_for_dominated_ones(found, more):
    before, after = hypervolume(found, (11.0, -1.0)), hypervolume([*found, more], (11.0, -1.0))
    assert after >= before - 1e-9
    if is_dominated(more, found):
        assert after == pytest.approx(before)
    elif more not in found:
        assert after > before


def test_the_nadir_leaves_out_what_is_missing():
    assert nadir([1.0, math.nan, 7.0], [0.5, 0.4, math.nan]) == (7.0, 0.4)
    with pytest.raises(MecsimError, match="no trade-off"):
        nadir([math.nan], [0.4])


def trials(table, variant="", quality="final_accuracy"):
    """Return a row a trial of label -> (energy, quality) by seed."""
    rows = [(variant, label, seed, *point) for label, found in table.items() for seed, point in enumerate(found)]
    return pd.DataFrame(rows, columns=["variant", "label", "seed", "device_energy_j", quality])


def test_how_often_each_is_on_the_front():
    """c costs what b does and is better with seed 1 alone: it is on the front of half of the draws that have both seeds."""
    table = {
        "a": [(1.0, 0.5), (1.0, 0.5)],
        "b": [(5.0, 0.8), (5.0, 0.8)],
        "c": [(5.0, 0.7), (5.0, 0.95)],
        "d": [(6.0, 0.4), (6.0, 0.4)],
    }
    found = share_on_front(trials(table), "device_energy_j").set_index("label")
    assert found["on_front"].to_dict() == {"a": True, "b": False, "c": True, "d": False}
    assert found.loc["c", ["cost", "quality"]].tolist() == pytest.approx([5.0, 0.825])
    assert found.loc[["a", "d"], "share"].tolist() == [1.0, 0.0]
    # Of four equally likely draws only that of seed 0 twice leaves c below b.
    assert found.loc["c", "share"] == pytest.approx(3 / 4, abs=0.05)
    assert found.loc["b", "share"] == pytest.approx(1 / 4, abs=0.05)


def test_one_seed_has_a_front_and_no_shares():
    found = share_on_front(trials({"a": [(1.0, 0.5)], "b": [(2.0, 0.4)]}), "device_energy_j")
    assert found["on_front"].tolist() == [True, False]
    assert found["share"].isna().all()


def test_who_did_not_reach_is_not_compared():
    table = {"a": [(1.0, 0.5), (1.0, 0.5)], "b": [(0.1, 0.9), (math.nan, 0.9)]}
    found = share_on_front(trials(table), "device_energy_j").set_index("label")
    assert found["on_front"].to_dict() == {"a": True, "b": False}
    assert math.isnan(found.loc["b", "cost"])
    assert math.isnan(found.loc["b", "share"])


def test_of_bits_a_byte_fewer_are_better():
    table = {"a": [(1.0, 3.0)], "b": [(2.0, 2.0)], "c": [(3.0, 2.5)]}
    found = share_on_front(trials(table, quality="bits_per_byte"), "device_energy_j", "bits_per_byte")
    assert found["on_front"].tolist() == [True, True, False]
    assert found["quality"].tolist() == [3.0, 2.0, 2.5]
    (row,) = hypervolumes(trials(table, quality="bits_per_byte"), "device_energy_j", "bits_per_byte").itertuples()
    # Down to (3 J, 3 bits): only b is better in both, by 1 and 1, of the ideal's 2 and 1.
    assert (row.reference_cost, row.reference_quality, row.hypervolume, row.share) == (3.0, 3.0, 1.0, 0.5)


def test_a_cost_is_something_of_which_less_is_better():
    with pytest.raises(MecsimError, match="best_accuracy is no cost"):
        share_on_front(trials({"a": [(1.0, 0.5)]}), "best_accuracy")


def test_one_reference_for_all_variants():
    near = trials({"a": [(1.0, 0.5)], "b": [(4.0, 0.9)]}, "near")
    far = trials({"a": [(2.0, 0.5)], "b": [(10.0, 0.8)]}, "far")
    found = hypervolumes(pd.concat([near, far]), "device_energy_j").set_index("variant")
    assert found["reference_cost"].tolist() == [10.0, 10.0]
    assert found["reference_quality"].tolist() == [0.5, 0.5]
    assert found.loc["near", "hypervolume"] == pytest.approx(6.0 * 0.4)
    assert found.loc["near", "share"] == pytest.approx(6.0 * 0.4 / (9.0 * 0.4))
    assert found.loc["far", "hypervolume"] == 0.0
    assert found[["low", "high", "by_seed_half"]].isna().all(axis=None)


def test_volumes_of_several_seeds():
    rng = np.random.default_rng(1)
    table = {
        "a": [(1.0 + luck, 0.5) for luck in rng.uniform(0, 0.1, 6)],
        "b": [(4.0 + luck, 0.9) for luck in rng.uniform(0, 0.5, 6)],
        "worst": [(9.0, 0.1)] * 6,
    }
    (row,) = hypervolumes(trials(table), "device_energy_j").itertuples()
    each = [hypervolume([table[label][seed] for label in table], (9.0, 0.1)) for seed in range(6)]
    assert row.by_seed == pytest.approx(np.mean(each))
    # Where the same labels are on every seed's front, and qualities are fixed, the volume is linear in costs.
    assert row.hypervolume == pytest.approx(row.by_seed)
    assert row.low < row.hypervolume < row.high
    assert row.low >= min(each) - 1e-9
    (again,) = hypervolumes(trials(table), "device_energy_j").itertuples()
    assert again == row


def test_of_a_made_up_study(seeded_run):
    """Made columns are made, and three seeds have no bootstrap interval but one over the seeds' own fronts."""
    found = share_on_front(seeded_run.frame("summary"), "total_bytes_to_target", "best_accuracy")
    assert found["label"].tolist() == ["full", "bias"]
    assert found["on_front"].all()
    (row,) = hypervolumes(seeded_run.frame("summary"), "device_energy_j").itertuples()
    assert row.n == 3
    assert math.isnan(row.low)
    assert row.by_seed_half > 0
