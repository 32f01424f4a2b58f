import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.foretold import errors, residuals_by_round

SHARE = st.floats(0.0, 1.0)


def points(rows, label="learned"):
    names = ["source", "trial", "world", "round", "predicted", "observed"]
    return pd.DataFrame(rows, columns=names).assign(label=label)


def test_errors_by_hand():
    """Gaps of 0.1, -0.3 and 0.2: squares 0.14 of 3, mean 0. Observed 0.2, 0.5, 0.8: a spread of 0.18 around 0.5."""
    frame = points([("fit", "a", "1", 1, 0.3, 0.2), ("fit", "a", "1", 2, 0.2, 0.5), ("fit", "a", "2", 1, 1.0, 0.8)])
    (row,) = errors(frame).to_dict("records")
    assert (row["source"], row["trial"], row["n_trials"], row["n_worlds"], row["n"]) == ("fit", "", 2, 2, 3)
    assert row["rmse"] == pytest.approx(math.sqrt(0.14 / 3))
    assert row["bias"] == pytest.approx(0.0)
    assert row["r2"] == pytest.approx(1 - 0.14 / 0.18)


def test_sources_are_in_reading_order_and_schemes_of_the_run_stand_apart():
    rows = [
        ("run", "a", "1", 1, 0.5, 0.4), ("run", "b", "1", 1, 0.5, 0.7), ("held-out", "x", "1", 1, 0.5, 0.5),
        ("fit", "x", "1", 1, 0.5, 0.5),
    ]  # fmt: skip
    found = errors(points(rows))
    assert found[["source", "trial"]].to_numpy().tolist() == [
        ["fit", ""],
        ["held-out", ""],
        ["run", ""],
        ["run", "a"],
        ["run", "b"],
    ]
    assert found["bias"].tolist() == pytest.approx([0.0, 0.0, -0.05, 0.1, -0.2])
    assert found["r2"].isna().tolist() == [True, True, False, True, True]


def test_each_surrogate_has_its_own_errors():
    frame = pd.concat([points([("run", "a", "1", 1, 0.6, 0.5)], "p"), points([("run", "a", "1", 1, 0.5, 0.5)], "q")])
    assert errors(frame).set_index("label")["bias"].to_dict() == pytest.approx({"p": 0.1, "q": 0.0})


def test_quartiles_by_round_by_hand():
    """Gaps of round 1 in points: 0, 1, 2, 3, 10; of round 2: 4 alone."""
    rows = [("fit", "a", str(i), 1, 0.5 + gap, 0.5) for i, gap in enumerate((0.0, 0.01, 0.02, 0.03, 0.1))]
    first, second = residuals_by_round(points([*rows, ("fit", "a", "9", 2, 0.54, 0.5)])).to_dict("records")
    assert (first["round"], first["n"]) == (1, 5)
    assert [first["low"], first["median"], first["high"]] == pytest.approx([0.01, 0.02, 0.03])
    assert [second["low"], second["median"], second["high"]] == pytest.approx([0.04] * 3)


def test_nothing_foretold_has_no_errors():
    assert errors(points([])).empty
    assert residuals_by_round(points([])).empty


@given(st.lists(st.tuples(SHARE, SHARE), min_size=1, max_size=20))
def test_the_error_is_no_less_than_the_bias(pairs):
    frame = points([("run", "a", "1", i, foretold, observed) for i, (foretold, observed) in enumerate(pairs)])
    row = errors(frame).iloc[0]
    assert abs(row["bias"]) <= row["rmse"] + 1e-12
    assert row["rmse"] <= 1.0
