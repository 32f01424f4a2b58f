import pandas as pd
import pytest
import yaml
from edited_run import EditedRun
from made_up_control import POLICIES, scenario_of, surrogate_rows, write_control
from matplotlib.patches import Rectangle

from analysis.material import Material
from analysis.objective import PARTS, parts_of
from analysis.plots import foretold
from analysis.plots.figures import FIGURES
from analysis.plots.study import draw
from analysis.plots.style import house_style
from mecsim.errors import MecsimError

NAMES = (
    "objective_by_scheme", "objective_paired", "decisions", "surrogate_fit", "surrogate_residuals", "policy_training",
)  # fmt: skip


@pytest.fixture(scope="module")
def controlled(tmp_path_factory):
    return write_control(tmp_path_factory.mktemp("controlled") / "demo")


@pytest.mark.parametrize("name", NAMES)
def test_a_study_without_control_lacks_them_and_says_why(run, name):
    with pytest.raises(MecsimError, match=r"objective|control policy|no policy of the study"):
        draw(run, name)


@pytest.mark.parametrize("size", ["column", "page"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaves_the_figure_in_either_size(controlled, name, size):
    figure = draw(controlled, name, size=size)
    with house_style():
        drawn = figure.get_tightbbox(figure.canvas.get_renderer())
    width_in, height_in = figure.get_size_inches()
    assert drawn.x0 > -0.01
    assert drawn.y0 > -0.01
    assert drawn.x1 < width_in + 0.01
    assert drawn.y1 < height_in + 0.01


@pytest.mark.parametrize("name", NAMES)
def test_they_are_told_in_words(controlled, name):
    whole = Material(controlled)
    material = whole if FIGURES[name].scope == "study" else whole.of("")
    assert FIGURES[name].caption(material).endswith(".")
    assert len(FIGURES[name].words(material)) > len(FIGURES[name].caption(material)) + 40


def test_bars_are_the_parts_of_the_objective(controlled):
    figure = draw(controlled, "objective_by_scheme")
    axes = figure.axes[0]
    means = parts_of(Material(controlled)).groupby("label", sort=False)[list(PARTS)].mean()
    widths = [patch.get_width() for patch in axes.patches if isinstance(patch, Rectangle)]
    assert widths == pytest.approx(means.to_numpy().T.ravel().tolist())
    objective = controlled.frame("summary").groupby("label", sort=False)["objective"].mean()
    assert [text.get_text().split(" ")[0] for text in axes.texts] == [f"{value:.1f}" for value in objective]


def test_how_many_reach_the_target_is_said(controlled):
    figure = draw(controlled, "objective_by_scheme")
    summary = controlled.frame("summary")
    reached = summary["time_to_target_s"].notna().groupby(summary["label"], sort=False).sum()
    assert 0 == reached["head learned"] < reached.max()
    assert [text.get_text().split(" ", 1)[1] for text in figure.axes[0].texts] == [f"({n} of 3)" for n in reached]
    note = figure.texts[0].get_text().replace("\n", " ")
    assert "In brackets: seeds that reach the target accuracy; in the others all rounds count." in note


def test_no_parts_where_the_weights_differ(controlled):
    other = scenario_of(weights={"quality": 1, "time": 1, "energy": 1, "time_scale_s": 1, "energy_scale_j": 1})
    material = Material(controlled).of("")
    material.__dict__["scenario"] = yaml.safe_load(other)
    assert FIGURES["objective_by_scheme"].lacks(material) == "its weights are not the same in all of the study"
    assert FIGURES["objective_paired"].lacks(material) == ""


def test_differences_are_to_the_learned_policy_in_the_same_worlds(controlled):
    axes = draw(controlled, "objective_paired").axes[0]
    by_seed = controlled.frame("summary").pivot_table(index="seed", columns="label", values="objective")
    expected = by_seed.drop(columns="head learned").sub(by_seed["head learned"], axis=0)
    others = [label for label in POLICIES if label != "head learned"]
    assert [text.get_text() for text in axes.get_yticklabels()] == others
    dots = [line.get_xdata() for line in axes.get_lines() if len(line.get_xdata()) == 3]
    for label, drawn in zip(others, dots, strict=True):
        assert sorted(drawn) == pytest.approx(sorted(expected[label]))
    assert axes.get_xlabel() == "Objective less that of head learned"


def test_one_seed_has_no_differences(tmp_path):
    run = write_control(tmp_path / "demo", seeds=(1,))
    with pytest.raises(MecsimError, match="one seed has no differences"):
        draw(run, "objective_paired")


def test_a_scheme_alone_has_no_differences(tmp_path):
    run = write_control(tmp_path / "demo", labels=("lora fixed",))
    with pytest.raises(MecsimError, match="one scheme alone"):
        draw(run, "objective_paired")


def test_choices_are_drawn_as_shares(controlled):
    shares, asked, choice = draw(controlled, "decisions").axes
    clients = controlled.frame("clients")
    widths = [patch.get_width() for patch in shares.patches if isinstance(patch, Rectangle)]
    assert len(widths) == 4 * len(POLICIES)
    random = clients[clients["label"] == "adapter random"]["choice"].value_counts(normalize=True).sort_index()
    place = list(POLICIES).index("adapter random")
    assert widths[place :: len(POLICIES)] == pytest.approx((100 * random).tolist())
    n_turns = clients[(clients["label"] == "lora fixed") & (clients["group"] == "phones")].shape[0]
    assert asked.texts[0].get_text() == f"{100 * n_turns / (3 * 15 * 8):.0f}"
    assert choice.texts[0].get_text() == "0.5"


def test_schemes_without_a_knob_have_no_panel_of_choices(controlled):
    bare = EditedRun(controlled, {"clients": lambda frame: frame.assign(choice=float("nan"))})
    figure = draw(bare, "decisions")
    assert len(figure.axes) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no knob"]


def test_the_legend_of_the_fit_has_the_errors(controlled):
    figure = draw(controlled, "surrogate_fit")
    points = controlled.frame("surrogate")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    for source, own in points.groupby("source"):
        rmse = ((own["predicted"] - own["observed"]) ** 2).mean() ** 0.5
        assert f"{source}: RMSE {100 * rmse:.1f} points" in texts
    for axes in figure.axes:
        diagonal, marks = axes.get_lines()
        assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
        assert len(marks.get_xdata()) == 120
        assert axes.get_xlim() == axes.get_ylim()


def test_of_many_points_some_are_drawn_and_all_are_counted(controlled, monkeypatch):
    monkeypatch.setattr(foretold, "_N_POINTS", 50)
    figure = draw(controlled, "surrogate_fit")
    assert {len(axes.get_lines()[1].get_xdata()) for axes in figure.axes} == {50}
    assert "Of more than 50 points of a panel" in figure.texts[0].get_text().replace("\n", " ")


def test_sources_that_there_are_not_have_no_panel(controlled):
    of_run = EditedRun(controlled, {"surrogate": lambda frame: frame[frame["source"] == "run"].reset_index(drop=True)})
    assert len(draw(of_run, "surrogate_fit").axes) == 1
    assert [text.get_text() for text in draw(of_run, "surrogate_residuals").legends[0].get_texts()] == ["run"]


def test_residuals_are_medians_by_round(controlled):
    lines = draw(controlled, "surrogate_residuals").axes[0].get_lines()
    frame = pd.DataFrame(surrogate_rows())
    own = frame[frame["source"] == "run"]
    expected = (100 * (own["predicted"] - own["observed"])).groupby(own["round"]).median()
    assert list(lines[-1].get_ydata()) == pytest.approx(expected.tolist())


def test_training_has_both_returns(controlled):
    training, evaluation = draw(controlled, "policy_training").axes[0].get_lines()
    rows = controlled.frame("training")
    assert len(training.get_xdata()) == len(rows) - 1
    assert list(evaluation.get_ydata()) == rows["evaluation_return"].tolist()
