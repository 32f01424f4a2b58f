import re
import subprocess
import sys

import pytest
from made_up_study import write_demo, write_sweep

from analysis.frames import by_label
from analysis.material import Material
from analysis.plots import study
from analysis.plots.costs import UPLINK
from analysis.plots.curves import accuracy_over
from analysis.plots.figures import FIGURES
from analysis.plots.overview import overview
from analysis.plots.study import draw, look_of, save_plots
from analysis.plots.style import COLUMN_IN, FONTS, PAGE_IN, Look, house_style, lay_out, new_figure, save, write
from mecsim.errors import UnknownNameError

CURVES = ("accuracy_time", "accuracy_energy", "accuracy_uplink", "accuracy_downlink", "accuracy_bytes", "accuracy_rounds")
KINDS = ("overview", *CURVES)


@pytest.fixture(scope="module")
def figures(run):
    return {kind: draw(run, kind) for kind in KINDS}


def line_of(axes, label):
    return next(line for line in axes.get_lines() if line.get_label() == label)


def notes(figure):
    return "\n".join(text.get_text() for text in figure.texts).replace("\n", " ")


def test_axes_have_units(figures):
    names = {kind: [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes] for kind, figure in figures.items()}
    assert names["accuracy_time"] == [("Simulated time (min)", "Accuracy (%)")]
    assert names["accuracy_energy"] == [("Device energy (kJ)", "Accuracy (%)")]
    assert names["accuracy_uplink"] == [("Uplink data (bytes, log scale)", "Accuracy (%)")]
    assert names["accuracy_downlink"] == [("Downlink data (bytes, log scale)", "Accuracy (%)")]
    assert names["accuracy_bytes"] == [("Uplink and downlink data (bytes, log scale)", "Accuracy (%)")]
    assert names["accuracy_rounds"] == [("Rounds (without rounds: merges)", "Accuracy (%)")]
    assert all(re.search(r"\(.*(min|kJ|bytes|%).*\)$", x) for x, _ in names["overview"])


def test_sizes_are_those_of_a_paper(figures):
    assert figures["overview"].get_size_inches()[0] == PAGE_IN
    assert all(figures[kind].get_size_inches()[0] == COLUMN_IN for kind in CURVES)


@pytest.mark.parametrize("kind", ["overview", "accuracy_time"])
def test_drawing_again_gives_the_same_bytes(run, figures, kind, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    save(figures[kind], tmp_path / "one", kind)
    save(draw(run, kind), tmp_path / "two", kind)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
    assert sorted(path.suffix for path in (tmp_path / "one").iterdir()) == [".pdf", ".png", ".svg"]


def test_files_do_not_depend_on_which_was_written_before(figures, tmp_path):
    figure = figures["accuracy_time"]
    for name in ("a.svg", "a.png", "a.pdf", "b.png", "b.pdf", "b.svg"):
        write(figure, tmp_path / name)
    for suffix in ("svg", "png", "pdf"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_a_png_has_200_dots_an_inch(figures, tmp_path):
    from PIL import Image

    write(figures["accuracy_time"], tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.size[0] == COLUMN_IN * 200


def test_another_file_type_is_refused(figures, tmp_path):
    with pytest.raises(UnknownNameError, match="format of figures"):
        write(figures["accuracy_time"], tmp_path / "a.jpeg")


@pytest.mark.parametrize(
    ("kind", "column", "unit"),
    [("accuracy_time", "sim_time_s", 60.0), ("accuracy_rounds", "round", 1.0)],
)
def test_curves_are_the_frame(run, figures, kind, column, unit):
    rounds = run.frame("rounds")
    bias = rounds[rounds["label"] == "bias"]
    line = line_of(figures[kind].axes[0], "bias")
    assert line.get_xdata() == pytest.approx(bias[column].to_numpy() / unit)
    assert line.get_ydata() == pytest.approx(100 * bias["accuracy"].to_numpy())


def test_bytes_are_those_of_both_directions(run, figures):
    rounds = run.frame("rounds")
    bias = rounds[rounds["label"] == "bias"]
    total = (bias["uplink_bytes"] + bias["downlink_bytes"]).cumsum().to_numpy()
    assert line_of(figures["accuracy_bytes"].axes[0], "bias").get_xdata() == pytest.approx(total[1:])
    down = bias["downlink_bytes"].cumsum().to_numpy()
    assert line_of(figures["accuracy_downlink"].axes[0], "bias").get_xdata() == pytest.approx(down[1:])


def test_accuracy_begins_at_round_0_save_on_the_logarithmic_axis(figures):
    n_points = {kind: len(figures[kind].axes[0].get_lines()[0].get_xdata()) for kind in CURVES}
    logarithmic = {"accuracy_uplink", "accuracy_downlink", "accuracy_bytes"}
    assert n_points == {kind: 15 if kind in logarithmic else 16 for kind in CURVES}
    assert {kind for kind in CURVES if figures[kind].axes[0].get_xscale() == "log"} == logarithmic


def test_a_label_looks_the_same_in_every_figure(figures):
    looks = set()
    for kind in CURVES:
        line = line_of(figures[kind].axes[0], "lora")
        looks.add((line.get_color(), line.get_marker(), str(line._unscaled_dash_pattern)))
    assert len(looks) == 1


@pytest.mark.parametrize("n_labels", [7, 21])
def test_labels_differ_in_more_than_colour(n_labels):
    styles = Look(labels=tuple(f"scheme {i}" for i in range(n_labels))).styles().values()
    assert len({(str(style.line), style.marker) for style in styles}) == n_labels
    assert len({(style.colour, str(style.line)) for style in styles}) == n_labels


def test_stand_in_costs_are_said_in_each_figure(figures):
    for figure in figures.values():
        assert "Bytes, FLOPs and memory are those of vit-base-16; accuracy is of the model trained here." in notes(figure)


def test_one_seed_has_no_band_and_says_so(figures):
    for figure in figures.values():
        assert "One seed, so no interval is given" in notes(figure)
        assert "Dashed line: target accuracy of 85.0 %." in notes(figure)
    assert len(figures["accuracy_time"].axes[0].collections) == 0


def test_seeds_have_a_band(seeded_run):
    figure = draw(seeded_run, "accuracy_time")
    assert len(figure.axes[0].collections) == 2
    assert "Mean of 3 seeds with its 95 % t-interval" in notes(figure)


@pytest.mark.parametrize("kind", KINDS)
def test_legend_and_note_lie_below_all_axes(figures, kind):
    assert_legend_and_note_are_below(figures[kind])
    (legend,) = figures[kind].legends
    assert [text.get_text() for text in legend.get_texts()] == ["full", "head", "bias", "lora", "adapter", "prompt"]


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("size", ["column", "page"])
def test_every_font_fits_in_both_sizes(run, size, font):
    figure = draw(run, "overview", size=size, font=font)
    assert figure.get_size_inches()[0] == (COLUMN_IN if size == "column" else PAGE_IN)
    assert_legend_and_note_are_below(figure)


def assert_legend_and_note_are_below(figure):
    figure.canvas.draw()
    lowest = min(axes.get_tightbbox().y0 for axes in figure.axes)
    (legend,) = figure.legends
    assert legend.get_window_extent().y1 <= lowest
    (note,) = figure.texts
    assert 0 <= note.get_window_extent().y0 < note.get_window_extent().y1 <= legend.get_window_extent().y0
    assert legend.get_window_extent().x0 >= 0
    assert legend.get_window_extent().x1 <= figure.bbox.width


@pytest.mark.parametrize(
    "labels",
    [
        ("bias",),
        ("full $x$ <b>", "bias " + 74 * "x", "lora " + 18 * "abc ", "head _"),
        tuple(f"lora rank {rank}" for rank in range(1, 17)),
    ],
)
def test_labels_of_any_number_and_length_fit(tmp_path, labels):
    run = write_demo(tmp_path / "demo", labels=labels)
    for name in ("overview", "accuracy_time"):
        figure = draw(run, name)
        (legend,) = figure.legends
        assert ["".join(text.get_text().split()) for text in legend.get_texts()] == ["".join(label.split()) for label in labels]
        assert all(axes.bbox.height > 15 * len(labels) for axes in figure.axes[3:])
        assert all(axes.bbox.height > 150 for axes in figure.axes[:3])


def test_a_scheme_that_nobody_can_hold_is_drawn(run):
    material = Material(run)
    series, summary = material.series.copy(), run.frame("summary")
    nobody = summary["label"] == "full"
    summary.loc[nobody, ["uplink_bytes", "final_accuracy"]] = [0, 0.1]
    series.loc[series["label"] == "full", "cum_uplink_bytes"] = 0
    figure = overview(series, by_label(summary), look_of(material, size="page"))
    figure.canvas.draw()
    texts = [text.get_text() for text in figure.axes[3].texts]
    assert texts[0] == "0 B"


def test_importing_loads_neither_pyplot_nor_matplotlib():
    code = (
        "import sys, analysis.report, analysis.tables, analysis.plots.study, analysis.plots.figures; "
        "assert 'matplotlib' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_texts_are_drawn_in_bits_a_byte_and_what_costs_nothing_is_a_level_line(run):
    material = Material(run)
    recorded = run.frame("diagnostics").assign(name="bits_per_byte")
    material._frames["diagnostics"] = recorded[recorded["label"] != "full"]
    assert material.quality == "accuracy"
    material = Material(run)
    material._frames["diagnostics"] = recorded
    assert material.quality == "bits_per_byte"
    series = material.series.copy()
    series.loc[series["label"] == "bias", "cum_uplink_bytes"] = 0
    figure = accuracy_over(series, look_of(material), UPLINK)
    (axes,) = figure.axes
    assert axes.get_ylabel() == "Bits a byte"
    level = line_of(axes, "bias")
    assert set(level.get_ydata()) == {series.loc[series["label"] == "bias", "bits_per_byte"].iloc[-1]}
    assert len(axes.get_lines()) == 6, "the target is of the accuracy, and is not drawn"
    assert "arget" not in notes(figure)


@pytest.mark.parametrize(("font", "family"), [("sans", "DejaVu Sans"), ("serif", "STIXGeneral"), ("latex", "cmr10")])
def test_texts_are_set_in_the_font_asked_for(run, font, family):
    from matplotlib.text import Text

    figure = draw(run, "accuracy_time", font=font)
    figure.canvas.draw()
    assert {text.get_fontfamily()[0] for text in figure.findobj(Text) if text.get_text()} == {family}


def test_what_computer_modern_draws_wrongly_is_set_in_its_neighbour():
    with house_style("latex"):
        figure = new_figure(2, 1)
        figure.add_subplot()
        texts = {text: figure.text(0.1, 0.1, text) for text in ("lora_8", "> 2 h", "1.0 ± 0.1", "lora 8", "5 \N{MICRO SIGN}J")}
    lay_out(figure, "latex")
    families = {name: text.get_fontfamily()[0] for name, text in texts.items()}
    assert families.pop("lora 8") == "cmr10"
    assert set(families.values()) == {"STIXGeneral"}


def test_a_saved_figure_does_not_depend_on_the_users_settings(run, figures, tmp_path):
    from matplotlib import rc_context

    write(figures["accuracy_time"], tmp_path / "a.svg")
    with rc_context({"font.family": "serif", "font.size": 20, "svg.fonttype": "none", "lines.linewidth": 9}):
        write(draw(run, "accuracy_time"), tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return write_sweep(tmp_path_factory.mktemp("sweep") / "sweep")


def all_drawn(run, sweep, **settings):
    for kind in FIGURES.values():
        source, variant = (sweep, None) if kind.scope == "study" else (run, None)
        material = Material(source) if kind.scope == "study" else Material(source).of("")
        if not kind.lacks(material):
            yield kind, material, draw(source, kind.name, variant, **settings)


def test_every_figure_is_legible_in_print_and_says_how_many_seeds(run, sweep):
    from matplotlib.text import Text

    for kind, material, figure in all_drawn(run, sweep, size="column"):
        figure.canvas.draw()
        assert figure.get_size_inches()[0] == COLUMN_IN, kind.name
        sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
        assert min(sizes) >= 6, kind.name
        assert re.search(r"[Oo]ne seed|(?i:means?) of 3 seeds", notes(figure)), kind.name
        assert re.search(r"[Oo]ne seed|(?i:means?) of 3 seeds", kind.caption(material)), kind.name
        assert len(kind.words(material)) > len(kind.caption(material)), kind.name
        for text in figure.texts:
            box = text.get_window_extent()
            assert box.x0 >= 0, kind.name
            assert box.x1 <= figure.bbox.width, kind.name


def test_every_figure_takes_the_page_and_the_font_of_papers(run, sweep):
    from matplotlib.text import Text

    for kind, _, figure in all_drawn(run, sweep, size="page", font="latex"):
        figure.canvas.draw()
        assert figure.get_size_inches()[0] == PAGE_IN, kind.name
        families = {text.get_fontfamily()[0] for text in figure.findobj(Text) if text.get_text()}
        assert families <= {"cmr10", "STIXGeneral"}, kind.name


def test_plots_of_a_study_are_files_of_each_type(run, tmp_path, monkeypatch):
    few = {name: FIGURES[name] for name in ("sweep_time", "accuracy_time", "time_to_target")}
    monkeypatch.setattr(study, "FIGURES", few)
    plots = save_plots(run, tmp_path / "plots")
    assert [plot.name for plot in plots] == ["accuracy_time", "time_to_target"], "there is no sweep"
    names = {path.name for path in (tmp_path / "plots").iterdir()}
    assert names == {f"{plot.name}.{suffix}" for plot in plots for suffix in ("svg", "pdf", "png")}
