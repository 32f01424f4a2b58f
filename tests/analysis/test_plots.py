import re
import subprocess
import sys

import pytest
from made_up_study import write_demo

from analysis.frames import by_label, cumulative, with_diagnostic
from analysis.plots.curves import accuracy_energy, accuracy_time, accuracy_uplink
from analysis.plots.overview import overview
from analysis.plots.study import KINDS, look_of, quality_of, save_plots
from analysis.plots.style import COLUMN_IN, PAGE_IN, Look, save


def drawn(run):
    """Return each figure of a run without a sweep."""
    series, labels = cumulative(run.frame("rounds")), by_label(run.frame("summary"))
    look = look_of(labels)
    return {
        "overview": overview(series, labels, look),
        "accuracy_time": accuracy_time(series, look),
        "accuracy_energy": accuracy_energy(series, look),
        "accuracy_uplink": accuracy_uplink(series, look),
    }


@pytest.fixture(scope="module")
def figures(run):
    return drawn(run)


@pytest.fixture(scope="module")
def figures_again(run):
    return drawn(run)


def test_axes_have_units(figures):
    names = {kind: [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes] for kind, figure in figures.items()}
    assert names["accuracy_time"] == [("Simulated time (min)", "Accuracy (%)")]
    assert names["accuracy_energy"] == [("Device energy (kJ)", "Accuracy (%)")]
    assert names["accuracy_uplink"] == [("Uplink data (bytes, log scale)", "Accuracy (%)")]
    assert all(re.search(r"\(.*(min|kJ|bytes|%).*\)$", x) for x, _ in names["overview"])


def test_sizes_are_those_of_a_paper(figures):
    assert figures["overview"].get_size_inches()[0] == PAGE_IN
    assert all(figures[kind].get_size_inches()[0] == COLUMN_IN for kind in KINDS[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_drawing_again_gives_the_same_bytes(figures, figures_again, kind, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    save(figures[kind], tmp_path / "one", kind)
    save(figures_again[kind], tmp_path / "two", kind)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
    assert sorted(path.suffix for path in (tmp_path / "one").iterdir()) == [".pdf", ".png", ".svg"]


def test_curves_are_the_frame(run, figures):
    rounds = run.frame("rounds")
    bias = rounds[rounds["label"] == "bias"]
    line = next(line for line in figures["accuracy_time"].axes[0].get_lines() if line.get_label() == "bias")
    assert line.get_xdata() == pytest.approx(bias["sim_time_s"].to_numpy() / 60)
    assert line.get_ydata() == pytest.approx(100 * bias["accuracy"].to_numpy())


def test_accuracy_begins_at_round_0_save_on_the_logarithmic_axis(figures):
    n_points = {kind: len(figures[kind].axes[0].get_lines()[0].get_xdata()) for kind in KINDS[1:]}
    assert n_points == {"accuracy_time": 16, "accuracy_energy": 16, "accuracy_uplink": 15}
    assert figures["accuracy_uplink"].axes[0].get_xscale() == "log"


def test_a_label_looks_the_same_in_every_figure(figures):
    looks = set()
    for kind in KINDS[1:]:
        line = next(line for line in figures[kind].axes[0].get_lines() if line.get_label() == "lora")
        looks.add((line.get_color(), line.get_marker(), str(line._unscaled_dash_pattern)))
    assert len(looks) == 1


@pytest.mark.parametrize("n_labels", [7, 21])
def test_labels_differ_in_more_than_colour(n_labels):
    styles = Look(labels=tuple(f"scheme {i}" for i in range(n_labels))).styles().values()
    assert len({(str(style.line), style.marker) for style in styles}) == n_labels
    assert len({(style.colour, str(style.line)) for style in styles}) == n_labels


def notes(figure):
    return "\n".join(text.get_text() for text in figure.texts).replace("\n", " ")


def test_stand_in_costs_are_said_in_each_figure(figures):
    for figure in figures.values():
        assert "Bytes, FLOPs and memory are those of vit-base-16; accuracy is of the model trained here." in notes(figure)


def test_one_seed_has_no_band_and_says_so(figures):
    for figure in figures.values():
        assert "One seed, so no interval is given" in notes(figure)
    assert len(figures["accuracy_time"].axes[0].collections) == 0


def test_seeds_have_a_band(seeded_run):
    figure = drawn(seeded_run)["accuracy_time"]
    assert len(figure.axes[0].collections) == 2
    assert "Mean of 3 seeds with its 95 % t-interval" in notes(figure)


@pytest.mark.parametrize("kind", KINDS)
def test_legend_and_note_lie_below_all_axes(figures, kind):
    figure = figures[kind]
    figure.canvas.draw()
    lowest = min(axes.get_tightbbox().y0 for axes in figure.axes)
    (legend,) = figure.legends
    assert legend.get_window_extent().y1 <= lowest
    (note,) = figure.texts
    assert 0 <= note.get_window_extent().y0 < note.get_window_extent().y1 <= legend.get_window_extent().y0
    assert legend.get_window_extent().x0 >= 0
    assert legend.get_window_extent().x1 <= figure.bbox.width
    assert [text.get_text() for text in legend.get_texts()] == ["full", "head", "bias", "lora", "adapter", "prompt"]


@pytest.mark.parametrize(
    "labels",
    [
        ("bias",),
        ("full $x$ <b>", "bias " + 74 * "x", "lora " + 18 * "abc ", "head _"),
        tuple(f"lora rank {rank}" for rank in range(1, 17)),
    ],
)
def test_labels_of_any_number_and_length_fit(tmp_path, labels, svg_only):
    run = write_demo(tmp_path / "demo", labels=labels)
    for plot in save_plots(run, tmp_path / "plots"):
        assert (tmp_path / "plots" / f"{plot.name}.svg").stat().st_size > 10_000


def test_a_scheme_that_nobody_can_hold_is_drawn(run):
    series, summary = cumulative(run.frame("rounds")), run.frame("summary")
    nobody = summary["label"] == "full"
    summary.loc[nobody, ["uplink_bytes", "final_accuracy"]] = [0, 0.1]
    series.loc[series["label"] == "full", "cum_uplink_bytes"] = 0
    labels = by_label(summary)
    figure = overview(series, labels, look_of(labels))
    figure.canvas.draw()
    texts = [text.get_text() for text in figure.axes[3].texts]
    assert texts[0] == "0 B"


def test_importing_loads_neither_pyplot_nor_matplotlib():
    code = (
        "import sys, analysis.report, analysis.tables; assert 'matplotlib' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_texts_are_drawn_in_bits_a_byte_and_what_costs_nothing_is_a_level_line(run):
    series, labels = cumulative(run.frame("rounds")), by_label(run.frame("summary"))
    recorded = run.frame("diagnostics").assign(name="bits_per_byte")
    assert quality_of(labels, run.frame("diagnostics")) == "accuracy"
    assert quality_of(labels, recorded[recorded["label"] != "full"]) == "accuracy"
    assert quality_of(labels, recorded) == "bits_per_byte"
    series = with_diagnostic(series, recorded, "bits_per_byte")
    series.loc[series["label"] == "bias", "cum_uplink_bytes"] = 0
    figure = accuracy_uplink(series, look_of(labels, quality="bits_per_byte"))
    (axes,) = figure.axes
    assert axes.get_ylabel() == "Bits a byte"
    level = next(line for line in axes.get_lines() if line.get_label() == "bias")
    assert set(level.get_ydata()) == {series.loc[series["label"] == "bias", "bits_per_byte"].iloc[-1]}
    assert len(axes.get_lines()) == len(labels), "the target is of the accuracy, and is not drawn"
