import math

import pandas as pd
import pytest
from made_up_study import write_grid, write_sweep

from analysis.frames import by_label
from analysis.paired import best
from analysis.sweep import Axis, along, axes
from mecsim.errors import UnknownNameError


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return write_grid(tmp_path_factory.mktemp("grid") / "run", labels=("lora", "full"), seeds=(1,))


def test_axes_of_a_grid(grid):
    assert axes(grid.frame("variants")) == (
        Axis("bandwidth_mhz", "Bandwidth (MHz)", ("5", "20", "100"), (5.0, 20.0, 100.0)),
        Axis("fleet", "Fleet", ("equal", "mild", "wild"), None),
    )


def test_points_are_in_the_order_of_their_positions(grid):
    rows = grid.frame("variants").iloc[::-1]
    assert [axis.points for axis in axes(rows)] == [("equal", "mild", "wild"), ("5", "20", "100")]


def test_there_are_no_axes_without_a_sweep(run):
    assert axes(run.frame("variants")) == ()
    with pytest.raises(UnknownNameError, match="axis of the sweep called 'bandwidth_mhz'"):
        along(run.frame("summary"), run.frame("variants"), "bandwidth_mhz")


@pytest.mark.parametrize(
    ("values", "is_numeric", "is_wide"),
    [((1.0, 10.0), True, False), ((1.0, 10.1), True, True), ((0.0, 100.0), True, False), ((-5.0, 100.0), True, False),
     (None, False, False)],
)  # fmt: skip
def test_which_axes_are_wide(values, is_numeric, is_wide):
    axis = Axis("a", "A", ("x", "y"), values)
    assert (axis.is_numeric, axis.is_wide) == (is_numeric, is_wide)


def test_a_point_without_a_number_makes_names_of_them_all(grid):
    rows = grid.frame("variants").query("axis == 'bandwidth_mhz'").copy()
    rows.loc[rows["position"] == 1, "value"] = math.nan
    (axis,) = axes(rows)
    assert axis.values is None
    assert axis.points == ("5", "20", "100")


def test_along_one_axis_the_others_are_facets(grid):
    found = along(by_label(grid.frame("summary")), grid.frame("variants"), "bandwidth_mhz")
    assert list(dict.fromkeys(found["facet"])) == ["Fleet: equal", "Fleet: mild", "Fleet: wild"]
    line = found[(found["facet"] == "Fleet: mild") & (found["label"] == "full")]
    assert line["axis_value"].tolist() == [5.0, 20.0, 100.0]
    assert line["axis_point"].tolist() == ["5", "20", "100"]
    assert line["variant"].tolist() == [f"bandwidth_mhz={mhz}, fleet=mild" for mhz in (5, 20, 100)]
    assert line["uplink_bytes"].gt(0).all()


def test_labels_keep_the_order_of_the_study(grid):
    found = along(by_label(grid.frame("summary")), grid.frame("variants"), "fleet")
    assert list(dict.fromkeys(found["label"])) == ["lora", "full"]
    assert found["axis_value"].isna().all()
    assert found["axis_position"].tolist() == [0, 1, 2] * 6
    assert list(dict.fromkeys(found["facet"])) == [f"Bandwidth (MHz): {mhz}" for mhz in (5, 20, 100)]


def test_facets_are_in_the_order_of_the_study_and_not_of_their_names():
    """Ten comes before nine as text, and after it on the axis."""
    points = [(f"a{i}-n{n}", i, n) for i in range(2) for n in (9, 10)]
    first = [(variant, "a", "A", i, str(i), float(i)) for variant, i, _ in points]
    second = [(variant, "n", "N", n - 9, str(n), float(n)) for variant, _, n in points]
    table = pd.DataFrame([*first, *second], columns=["variant", "axis", "title", "position", "point", "value"])
    rows = pd.DataFrame({"variant": [variant for variant, _, _ in reversed(points)]})
    found = along(rows, table, "a")
    assert found["variant"].tolist() == ["a0-n9", "a1-n9", "a0-n10", "a1-n10"]


def test_seeds_of_a_point_stay_in_their_order(tmp_path):
    swept = write_sweep(tmp_path / "run", labels=("bias",), bandwidths_mhz=(2.0, 100.0))
    found = along(swept.frame("summary"), swept.frame("variants"), "bandwidth_mhz")
    assert found[["axis_value", "seed"]].to_numpy().tolist() == [[mhz, seed] for mhz in (2.0, 100.0) for seed in (1, 2, 3)]
    assert set(found["facet"]) == {""}


def test_where_the_winner_changes_along_the_axis(grid):
    """Frames without labels go along an axis as well."""
    found = along(best(grid.frame("summary"), "update_bytes"), grid.frame("variants"), "bandwidth_mhz")
    assert found["winner"].tolist() == ["lora"] * 9
    assert found["axis_position"].tolist() == [0, 1, 2] * 3


def test_rows_of_another_study_are_refused(run, grid):
    with pytest.raises(ValueError, match="not variants of the sweep"):
        along(run.frame("summary"), grid.frame("variants"), "fleet")
