import pytest
from made_up_study import write_demo
from matplotlib.patches import Rectangle

from analysis.material import Material
from analysis.plots.costs import TIME
from analysis.plots.figures import FIGURES
from analysis.plots.study import draw, look_of
from analysis.plots.targets import target_bars
from analysis.target import to_target


@pytest.fixture(scope="module")
def one_missed(tmp_path_factory):
    """Three seeds of two schemes; one seed of "bias" is said not to have reached the target, after 3,000 s."""
    run = write_demo(tmp_path_factory.mktemp("missed") / "demo", labels=("full", "bias"), seeds=(1, 2, 3))
    summary = run.frame("summary")
    missed = (summary["label"] == "bias") & (summary["seed"] == 2)
    names = [name for name in summary if "_to_target" in name]
    summary.loc[missed, names] = None
    summary.loc[missed, "sim_time_s"] = 3_000.0
    return Material(run), to_target(summary)


def bars(axes):
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def test_bars_are_what_it_took(run):
    figure = draw(run, "time_to_target")
    summary = run.frame("summary").set_index("label")
    axes = figure.axes[0]
    for place, (label, bar) in enumerate(zip(summary.index, bars(axes), strict=True)):
        took = summary.loc[label, "time_to_target_s"]
        expected = summary.loc[label, "sim_time_s"] if took != took else took
        assert bar.get_width() == pytest.approx(expected / 60), label
        assert bool(bar.get_hatch()) == (took != took), label
        assert ("not reached" in axes.texts[place].get_text()) == (took != took)


def test_no_mean_is_drawn_of_the_seeds_that_were_lucky(one_missed):
    material, targets = one_missed
    figure = target_bars(targets, look_of(material), (TIME,))
    full, bias = bars(figure.axes[0])
    assert not full.get_hatch()
    assert bias.get_hatch()
    assert bias.get_width() == pytest.approx(3_000 / 60)
    assert figure.axes[0].texts[1].get_text() == "> 50 min\nnot reached in 1 of 3"
    assert "Hatched: not every seed reached the target" in figure.texts[0].get_text().replace("\n", " ")


def test_texts_end_within_the_axes(run, one_missed):
    material, targets = one_missed
    for figure in (
        draw(run, "costs_to_target"),
        draw(run, "costs_to_target", size="column"),
        draw(run, "time_to_target", font="serif"),
        target_bars(targets, look_of(material), (TIME,)),
    ):
        for axes in figure.axes:
            assert all(text.get_window_extent().x1 <= axes.bbox.x1 + 1 for text in axes.texts)


def test_three_costs_stand_beside_each_other_on_a_page_and_above_in_a_column(run):
    wide, high = draw(run, "costs_to_target"), draw(run, "costs_to_target", size="column")
    assert len({round(axes.bbox.y0) for axes in wide.axes}) == 1
    assert len({round(axes.bbox.y0) for axes in high.axes}) == 3
    titles = [axes.get_xlabel().split(" to the target")[0] for axes in wide.axes]
    assert titles == ["Simulated time", "Device energy", "Uplink data"]


def test_without_a_target_there_is_no_such_figure(tmp_path):
    run = write_demo(tmp_path / "demo", labels=("bias", "full"), target=None)
    assert FIGURES["time_to_target"].lacks(Material(run).of("")) == "the scenario sets no target_accuracy"


def test_words_say_what_was_not_reached(run):
    words = FIGURES["time_to_target"].words(Material(run).of(""))
    assert "head not reached (> " in words
    assert "an accuracy of 85.0 %" in words
