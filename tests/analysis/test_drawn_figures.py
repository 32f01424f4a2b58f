import pytest
from made_up_study import write_demo, write_grid, write_sweep

from analysis.material import Material
from analysis.plots.figures import FIGURES
from analysis.plots.study import draw, look_of, save_plots
from mecsim.errors import MecsimError, UnknownNameError


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return write_grid(tmp_path_factory.mktemp("grid") / "grid")


def test_a_sweep_has_the_figures_of_the_study_and_the_overview_of_each_variant(tmp_path, svg_only):
    run = write_sweep(tmp_path / "sweep", seeds=(1,), bandwidths_mhz=(5.0, 20.0))
    plots = save_plots(run, tmp_path / "plots")
    of_study = [plot for plot in plots if not plot.variant]
    whole = Material(run)
    can_be_drawn = [name for name, kind in FIGURES.items() if kind.scope == "study" and not kind.lacks(whole)]
    assert [plot.name for plot in of_study] == can_be_drawn
    assert {"sweep_accuracy", "sweep_energy_to_target", "heat_accuracy", "heat_time"} <= set(can_be_drawn)
    assert [(plot.kind, plot.name, plot.variant) for plot in plots if plot.variant] == [
        ("overview", "overview-1-bandwidth-mhz-5", "bandwidth_mhz=5"),
        ("overview", "overview-2-bandwidth-mhz-20", "bandwidth_mhz=20"),
    ]
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {f"{plot.name}.svg" for plot in plots}


def test_of_many_variants_those_at_the_ends_of_the_axes_have_an_overview(tmp_path, svg_only):
    run = write_grid(
        tmp_path / "grid",
        seeds=(1,),
        labels=("bias",),
        bandwidths_mhz=(1.0, 2.0, 3.0, 4.0, 5.0),
        fleets=("equal", "mild", "wild"),
    )
    shown = [plot.variant for plot in save_plots(run, tmp_path / "plots") if plot.kind == "overview"]
    assert shown == [f"bandwidth_mhz={mhz}, fleet={fleet}" for mhz in (1, 5) for fleet in ("equal", "wild")]


def test_a_figure_that_is_not_there_is_named_with_the_nearest(run):
    with pytest.raises(UnknownNameError, match="pareto_time") as error:
        draw(run, "pareto_tim")
    assert "accuracy_rounds" in str(error.value)


@pytest.mark.parametrize(
    ("settings", "names"), [({"size": "poster"}, "column, page"), ({"font": "comic"}, "latex, sans, serif")]
)
def test_sizes_and_fonts_that_are_not_there(run, settings, names):
    with pytest.raises(UnknownNameError, match=names):
        draw(run, "overview", **settings)


def test_a_figure_of_one_variant_asks_which(grid):
    with pytest.raises(MecsimError, match=r"choose one .*bandwidth_mhz=5, fleet=equal; "):
        draw(grid, "accuracy_time")
    with pytest.raises(UnknownNameError, match="variant"):
        draw(grid, "accuracy_time", "bandwidth_mhz=5")
    figure = draw(grid, "accuracy_time", "bandwidth_mhz=5, fleet=wild")
    assert figure.texts[0].get_text().startswith("bandwidth_mhz=5, fleet=wild. Mean of 2 seeds")


def test_a_figure_of_the_study_takes_no_variant(grid):
    with pytest.raises(MecsimError, match="whole study"):
        draw(grid, "sweep_time", "bandwidth_mhz=5, fleet=wild")


def test_what_cannot_be_drawn_says_why(run):
    with pytest.raises(MecsimError, match=r"sweep_time cannot be drawn of .*: this study has no sweep"):
        draw(run, "sweep_time")


def test_a_variant_without_some_scheme_keeps_the_colours(tmp_path):
    run = write_sweep(tmp_path / "sweep", seeds=(1,), bandwidths_mhz=(5.0, 20.0))
    whole = Material(run)
    for name in ("summary", "rounds"):
        frame = run.frame(name)
        whole._frames[name] = frame[(frame["variant"] != "bandwidth_mhz=5") | (frame["label"] != "full")]
    colours = []
    for variant in whole.variants:
        figure = FIGURES["accuracy_time"].draw(whole.of(variant), look_of(whole, variant))
        colours.append({line.get_label(): line.get_color() for line in figure.axes[0].get_lines() if len(line.get_xdata())})
    assert {"lora", "bias"} <= set(colours[0])
    assert "full" not in colours[0]
    assert all(colours[1][label] == colours[0][label] for label in ("lora", "bias"))


def test_names_of_figures_are_unique_and_those_of_files():
    assert all(name == kind.name and name.replace("_", "").isalnum() for name, kind in FIGURES.items())
    assert {"overview", "accuracy_time", "pareto_uplink", "time_to_target", "sweep_energy", "heat_time"} <= set(FIGURES)


def test_with_no_variant_rows_a_study_of_several_variants_has_its_heat_map(tmp_path):
    run = write_demo(tmp_path / "demo", labels=("bias", "full"), variants=("one", "two"))
    figure = draw(run, "heat_accuracy")
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["one", "two"]


def test_what_was_never_evaluated_has_no_curves(grid):
    whole = Material(grid)
    whole._frames["rounds"] = grid.frame("rounds").assign(accuracy=float("nan"))
    whole._frames["summary"] = grid.frame("summary").assign(final_accuracy=float("nan"), best_accuracy=float("nan"))
    part = whole.of(whole.variants[0])
    for name in ("overview", "accuracy_time", "accuracy_rounds"):
        assert FIGURES[name].lacks(part) == "no round was evaluated"
    for name in ("sweep_accuracy", "heat_accuracy"):
        assert FIGURES[name].lacks(whole) == "no round was evaluated"
    assert FIGURES["sweep_time"].lacks(whole) == ""
