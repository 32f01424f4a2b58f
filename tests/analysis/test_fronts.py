import numpy as np
import pandas as pd
import pytest
from made_up_study import write_demo

from analysis.material import Material
from analysis.plots.costs import TIME, UPLINK
from analysis.plots.fronts import pareto, points_of
from analysis.plots.placing import named, place
from analysis.plots.study import draw, look_of
from analysis.plots.style import Look, house_style, lay_out, new_figure


def trials(**columns):
    """Return trials of one variant and seed, with a label for each entry of the columns."""
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"variant": "", "label": list("abcdefgh"[:n]), "seed": 1, **columns})


LOOK = Look(labels=tuple("abcd"), note="One seed.")


def markers(figure):
    return {
        line.get_label(): line
        for line in figure.axes[0].get_lines()
        if line.get_marker() not in ("None", "") and not line.get_label().startswith("_")
    }


def names(figure):
    return [text for text in figure.axes[0].texts if text.get_text()]


def test_the_front_is_of_those_that_none_beats_in_both():
    frame = trials(sim_time_s=[10.0, 20.0, 30.0, 15.0], quality=[0.5, 0.8, 0.7, 0.5])
    points = points_of(frame, TIME, "accuracy").set_index("label")["on_front"]
    assert points.to_dict() == {"a": True, "b": True, "c": False, "d": False}


def test_of_bits_a_byte_fewer_are_better():
    frame = trials(sim_time_s=[10.0, 20.0, 30.0, 15.0], quality=[0.5, 0.8, 0.4, 0.5])
    points = points_of(frame, TIME, "bits_per_byte").set_index("label")["on_front"]
    assert points.to_dict() == {"a": True, "b": False, "c": True, "d": False}


def test_points_are_means_over_seeds_with_their_intervals():
    frame = pd.concat([trials(sim_time_s=[10.0 + seed], quality=[0.5 + 0.1 * seed]).assign(seed=seed) for seed in (0, 1, 2)])
    row = points_of(frame, TIME, "accuracy").iloc[0]
    assert (row["cost"], row["quality"]) == pytest.approx((11.0, 0.6))
    # Student's t with 2 degrees of freedom is 4.303, the standard deviations are 1 and 0.1.
    assert (row["cost_half"], row["quality_half"]) == pytest.approx((4.303 / 3**0.5, 0.4303 / 3**0.5), rel=1e-4)


def test_dominated_points_are_hollow_and_the_front_is_a_line_of_steps():
    frame = trials(sim_time_s=[60.0, 120.0, 180.0, 90.0], quality=[0.5, 0.8, 0.7, 0.5])
    figure = pareto(frame, LOOK, TIME)
    hollow = {label for label, line in markers(figure).items() if line.get_markerfacecolor() == "white"}
    assert hollow == {"c", "d"}
    (axes,) = figure.axes
    steps = next(line for line in axes.get_lines() if line.get_label() == "_front")
    x, y = steps.get_xdata(), steps.get_ydata()
    assert list(zip(x, y, strict=True))[1:-1] == [(1, axes.get_ylim()[0]), (1, 50), (2, 50), (2, 80)]
    assert (x[-1], y[-1]) == (axes.get_xlim()[1], 80)


def test_what_has_no_accuracy_is_named_below_and_not_drawn():
    frame = trials(sim_time_s=[60.0, 120.0, 180.0, 90.0], quality=[0.5, 0.8, np.nan, 0.5])
    figure = pareto(frame, LOOK, TIME)
    assert set(markers(figure)) == {"a", "b", "d"}
    assert "some seed has no number: c." in figure.texts[0].get_text().replace("\n", " ")


def test_what_sends_nothing_stands_at_a_tick_of_its_own():
    frame = trials(uplink_bytes=[0.0, 1e6, 1e9, 2e6], quality=[0.5, 0.6, 0.9, 0.7])
    figure = pareto(frame, LOOK, UPLINK)
    figure.canvas.draw()
    (axes,) = figure.axes
    ticks = {text.get_text(): place for text, place in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)}
    assert ticks["0"] == markers(figure)["a"].get_xdata()[0] < 1e6
    assert all(place >= 1e6 / 2 for text, place in ticks.items() if text != "0")


def overlaps(a, b):
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5


@pytest.mark.parametrize("name", ["pareto_time", "pareto_energy", "pareto_uplink"])
@pytest.mark.parametrize("size", ["column", "page"])
def test_names_cover_neither_each_other_nor_points(run, name, size):
    from matplotlib.text import Text

    figure = draw(run, name, size=size)
    figure.canvas.draw()
    boxes = [Text.get_window_extent(text) for text in names(figure)]
    assert len(boxes) == 6
    assert not any(overlaps(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    (axes,) = figure.axes
    spots = [axes.transData.transform((line.get_xdata()[0], line.get_ydata()[0])) for line in markers(figure).values()]
    assert not any(box.contains(*spot) for box in boxes for spot in spots)
    assert all(axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1 for box in boxes)


def test_names_of_a_crowd_find_free_places():
    from matplotlib.text import Text

    rng = np.random.default_rng(5)
    with house_style():
        figure = new_figure(3.5, 3.0)
        axes = figure.add_subplot()
        notes = [named(axes, *rng.uniform(0.3, 0.7, 2), f"scheme {i}", "black") for i in range(10)]
        axes.set(xlim=(0, 1), ylim=(0, 1))
        lay_out(figure)
        place(axes, notes, [], 5.0)
    figure.canvas.draw()
    boxes = [Text.get_window_extent(note) for note in notes]
    assert not any(overlaps(a, b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_many_schemes_have_a_legend_instead_of_names(tmp_path):
    run = write_demo(tmp_path / "demo", labels=tuple(f"lora rank {rank}" for rank in range(1, 15)))
    figure = draw(run, "pareto_time")
    assert names(figure) == []
    assert len(figure.legends[0].get_texts()) == 14


def test_colours_are_those_of_the_study(run):
    styles = look_of(Material(run)).styles()
    for label, line in markers(draw(run, "pareto_time")).items():
        assert line.get_color() == styles[label].colour
        assert line.get_marker() == styles[label].marker


def test_one_scheme_has_no_front(tmp_path):
    from analysis.plots.figures import FIGURES

    run = write_demo(tmp_path / "demo", labels=("bias",))
    assert "at least two schemes" in FIGURES["pareto_time"].lacks(Material(run).of(""))
