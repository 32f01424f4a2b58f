import numpy as np
import pandas as pd
import pytest
from made_up_study import write_demo, write_grid, write_sweep

from analysis.material import Material
from analysis.plots.costs import TIME, cost_axis
from analysis.plots.figures import FIGURES
from analysis.plots.heat import heat_map
from analysis.plots.heat_kinds import accuracy_heat, time_heat
from analysis.plots.study import draw, look_of
from analysis.plots.style import Look, house_style, new_figure
from analysis.plots.sweep_kinds import axis_of
from analysis.plots.sweeps import cost_scale, quality_scale, sweep_lines
from analysis.sweep import Axis
from mecsim.results.records import VariantRow


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return write_sweep(tmp_path_factory.mktemp("sweep") / "sweep")


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return write_grid(tmp_path_factory.mktemp("grid") / "grid")


LOOK = Look(labels=("a", "b"), note="One seed.")
NUMBERS = Axis("width", "Width (MHz)", ("1", "10", "100"), (1.0, 10.0, 100.0))
NAMES = Axis("fleet", "Fleet", ("equal", "wild"), None)


def points(axis, values, facet="", censored=False):
    """Return points of both labels, the second ten times as high as the first."""
    rows = [
        (label, i, point, axis.values[i] if axis.values else np.nan, facet, factor * values[i], np.nan, censored)
        for label, factor in (("a", 1.0), ("b", 10.0))
        for i, point in enumerate(axis.points)
    ]
    columns = ["label", "axis_position", "axis_point", "axis_value", "facet", "value", "half", "censored"]
    return pd.DataFrame(rows, columns=columns)


def lines(axes):
    return [line for line in axes.get_lines() if line.get_label() != "_edge" and len(line.get_xdata())]


def note(figure):
    return figure.texts[0].get_text().replace("\n", " ")


def test_lines_are_the_means_over_seeds(sweep):
    figure = draw(sweep, "sweep_time")
    (axes,) = figure.axes
    summary = sweep.frame("summary")
    means = summary[summary["label"] == "lora"].groupby("variant", sort=False)["sim_time_s"].mean()
    drawn = next(line for line in lines(axes) if line.get_color() == look_of(Material(sweep)).styles()["lora"].colour)
    assert drawn.get_ydata() == pytest.approx(means.to_numpy())
    assert drawn.get_xdata().tolist() == [2.0, 5.0, 20.0, 100.0]
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "Bandwidth (MHz, log scale)")
    assert axes.get_ylabel().replace("\n", " ") == "Simulated time to the end (log scale)"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["2", "5", "20", "100"]
    assert len(axes.collections) == 3, "a band a scheme"


def test_one_seed_has_no_band(tmp_path):
    run = write_sweep(tmp_path / "sweep", seeds=(1,), bandwidths_mhz=(5.0, 20.0))
    figure = draw(run, "sweep_accuracy")
    assert len(figure.axes[0].collections) == 0
    assert note(figure).startswith("One seed, so no interval is given")
    assert figure.axes[0].get_xscale() == "linear", "5 to 20 is no wide axis"


def test_other_axes_are_panels(grid):
    figure = draw(grid, "sweep_time")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == ["Fleet: equal", "Fleet: mild", "Fleet: wild"]
    summary = grid.frame("summary").groupby(["variant", "label"])["sim_time_s"].mean()
    for axes, fleet in zip(shown, ("equal", "mild", "wild"), strict=True):
        expected = [summary[f"bandwidth_mhz={mhz}, fleet={fleet}", "full"] for mhz in (5, 20, 100)]
        assert lines(axes)[0].get_ydata() == pytest.approx(expected)
    assert len({axes.get_ylim() for axes in shown}) == 1


def test_more_than_six_panels_are_told_not_drawn():
    frame = pd.concat([points(NUMBERS, [1.0, 2.0, 3.0], facet=f"Fleet: {i}") for i in range(8)])
    figure = sweep_lines(frame, NUMBERS, LOOK, quality_scale(LOOK))
    assert sum(axes.get_visible() for axes in figure.axes) == 6
    assert "2 of 8 panels are left out: Fleet: 6; Fleet: 7." in note(figure)


def test_names_are_points_that_are_not_joined():
    figure = sweep_lines(points(NAMES, [0.5, 0.6]), NAMES, LOOK, quality_scale(LOOK))
    (axes,) = figure.axes
    assert all(line.get_linestyle() == "None" for line in lines(axes))
    assert [text.get_text() for text in axes.get_xticklabels()] == ["equal", "wild"]
    a, b = lines(axes)
    assert (b.get_xdata() > a.get_xdata()).all(), "schemes stand beside each other"
    assert a.get_ydata() == pytest.approx([50, 60])


def test_what_is_censored_is_an_arrow_and_joins_no_line():
    frame = points(NUMBERS, [60.0, 120.0, 180.0])
    frame.loc[(frame["label"] == "a") & (frame["axis_point"] == "100"), "censored"] = True
    figure = sweep_lines(frame, NUMBERS, LOOK, cost_scale(TIME, frame["value"].tolist(), " to the target"))
    (axes,) = figure.axes
    line, arrow = lines(axes)[:2]
    assert np.isnan(line.get_ydata()).tolist() == [False, False, True]
    assert (arrow.get_xdata().tolist(), arrow.get_ydata().tolist()) == ([100.0], [180.0])
    assert arrow.get_linestyle() == "None"
    assert "Arrows: not every seed reached the target, so the mean lies above." in note(figure)


def test_a_scheme_that_spends_nothing_is_named_below_a_logarithmic_axis():
    drawn = points(NUMBERS, [5.0, 50.0, 500.0])
    assert "logarithmic axis" not in note(sweep_lines(drawn, NUMBERS, LOOK, cost_scale(TIME, drawn["value"], "")))
    drawn.loc[drawn["label"] == "a", "value"] = 0.0
    figure = sweep_lines(drawn, NUMBERS, LOOK, cost_scale(TIME, drawn["value"].tolist(), ""))
    assert note(figure).endswith("Zero, so not on the logarithmic axis: a.")


@pytest.mark.parametrize(
    ("amounts", "is_log", "name"),
    [
        ([600.0, 1200.0], False, "Simulated time (min)"),
        ([600.0, 7000.0], True, "Simulated time (log scale)"),
        ([0.0, 600.0, float("nan")], False, "Simulated time (min)"),
    ],
)
def test_costs_that_differ_much_are_logarithmic(amounts, is_log, name):
    scale = cost_scale(TIME, amounts, "")
    assert (scale.is_log, scale.name) == (is_log, name)


def test_lines_are_over_the_first_axis_that_moves(tmp_path):
    rows = [
        VariantRow(variant=f"seed=1, mhz={mhz}", axis=axis, title=axis, position=position, point=point, value=None)
        for i, mhz in enumerate((5, 20))
        for axis, position, point in (("still", 0, "one"), ("mhz", i, str(mhz)))
    ]
    run = write_demo(tmp_path / "demo", labels=("bias",), variants=("seed=1, mhz=5", "seed=1, mhz=20"), variant_rows=rows)
    assert axis_of(Material(run)).name == "mhz"


@pytest.mark.parametrize(
    ("limits_s", "ticks"),
    [
        ((1.0, 2e6), ["1 s", "1 min", "1 h", "1 d"]),
        ((600.0, 60_000.0), ["10 min", "1 h", "10 h"]),
        ((700.0, 9_000.0), ["20 min", "1 h", "2 h"]),
        ((65.0, 200.0), ["2 min"]),
        ((0.004, 40.0), ["10 ms", "100 ms", "1 s", "10 s"]),
    ],
)
def test_logarithmic_times_have_round_ticks_in_their_own_units(limits_s, ticks):
    with house_style():
        axes = new_figure(3.5, 2).add_subplot()
        axes.set_xlim(limits_s)
        cost_axis(axes, TIME)
        assert [text.get_text() for text in axes.get_xticklabels()] == ticks


def cells(axes):
    return {tuple(round(x) for x in text.get_position()): text.get_text() for text in axes.texts}


def test_cells_are_the_means(sweep):
    figure = draw(sweep, "heat_accuracy")
    means = sweep.frame("summary").groupby(["label", "variant"], sort=False)["final_accuracy"].mean()
    expected = {
        (column, row): f"{100 * means[label, f'bandwidth_mhz={mhz}']:.1f}"
        for row, label in enumerate(("full", "lora", "bias"))
        for column, mhz in enumerate((2, 5, 20, 100))
    }
    assert cells(figure.axes[0]) == expected
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["2", "5", "20", "100"]
    assert figure.axes[0].get_xlabel() == "Bandwidth (MHz)"


def test_the_best_of_each_column_is_framed(sweep):
    summary = sweep.frame("summary").groupby(["variant", "label"], sort=False)["time_to_target_s"].mean().unstack()
    heat = time_heat(Material(sweep))
    assert [heat.labels[row] for row in heat.best] == [summary.loc[variant].idxmin() for variant in Material(sweep).variants]
    figure = heat_map(heat, look_of(Material(sweep)))
    frames = [patch for patch in figure.axes[0].patches if patch.get_linestyle() == "-"]
    assert [(round(f.get_x() + 0.45), round(f.get_y() + 0.41)) for f in frames] == list(enumerate(heat.best))


def test_those_not_told_apart_are_dotted_and_with_one_seed_nobody_is(grid, tmp_path):
    assert any(accuracy_heat(Material(grid)).rivals)
    run = write_sweep(tmp_path / "one", seeds=(1,), bandwidths_mhz=(5.0, 20.0))
    assert not any(accuracy_heat(Material(run)).rivals)
    assert "not told apart" not in note(draw(run, "heat_accuracy"))
    assert "Dotted" not in FIGURES["heat_accuracy"].caption(Material(run))


def test_what_is_censored_is_more_than_its_number(sweep):
    material = Material(sweep)
    summary = sweep.frame("summary")
    missed = (summary["label"] == "bias") & (summary["seed"] == 2)
    names = [name for name in summary if "_to_target" in name]
    summary.loc[missed, names] = None
    material._frames["summary"] = summary
    heat = time_heat(material)
    assert heat.bounds[heat.labels.index("bias")].all()
    assert heat.bounds.sum() == 4
    assert all(heat.labels[row] != "bias" for row in heat.best)
    figure = heat_map(heat, look_of(material))
    assert all(cells(figure.axes[0])[(column, 2)].startswith(">") for column in range(4))
    assert "the mean is more than this" in note(figure)


def test_many_columns_go_on_below(tmp_path):
    run = write_sweep(tmp_path / "wide", seeds=(1,), labels=("bias", "lora"), bandwidths_mhz=range(1, 21))
    figure = draw(run, "heat_accuracy")
    blocks = [axes for axes in figure.axes if axes.texts]
    assert [len(axes.texts) // 2 for axes in blocks] == [7, 7, 6]
    assert len([axes for axes in draw(run, "heat_accuracy", size="page").axes if axes.texts]) == 2


def test_cells_are_legible_on_their_colour(grid):
    from matplotlib.colors import to_rgb

    figure = draw(grid, "heat_time")
    for axes in figure.axes:
        for text in axes.texts:
            column, row = (round(x) for x in text.get_position())
            mesh = axes.collections[0]
            on = mesh.to_rgba(mesh.get_array())[row, column][:3]
            light, dark = sorted((luminance(on), luminance(to_rgb(text.get_color()))), reverse=True)
            assert (light + 0.05) / (dark + 0.05) > 4.5, text.get_text()


def luminance(colour):
    """Return the relative luminance of WCAG 2.2."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("name", ["sweep_time", "sweep_accuracy", "sweep_time_to_target", "heat_accuracy", "heat_time"])
def test_without_a_sweep_there_is_no_such_figure(run, name):
    assert "no sweep" in FIGURES[name].lacks(Material(run))


def test_words_carry_the_numbers(sweep):
    words = FIGURES["sweep_time"].words(Material(sweep))
    assert words.startswith("Line chart, one line a scheme. Simulated time to the end over the sweep's axis Bandwidth (MHz).")
    assert "at 2 and " in words
    assert "The best for each Bandwidth (MHz): 2: full with 91.3 %" in FIGURES["heat_accuracy"].words(Material(sweep))
