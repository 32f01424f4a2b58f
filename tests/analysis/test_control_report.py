import pytest
from made_up_control import POLICIES, scenario_of, write_control
from made_up_study import write_demo

from analysis.material import Material
from analysis.report.answers import summary_table
from analysis.report.compared import paired_tables
from analysis.report.context import context
from analysis.report.control import control
from analysis.report.table import Names
from analysis.report.trials import trials_table


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    return Material(write_control(tmp_path_factory.mktemp("controlled") / "demo"))


def names_of(material):
    return Names(material.variants, list(dict.fromkeys(material.frame("summary")["label"])))


def columns(table, head):
    return [row[table.heads.index(head)].text for row in table.rows]


def test_there_is_no_section_without_control_and_objective(run):
    assert control(Material(run), names_of(Material(run))) is None
    assert "control" not in context(run, [])["contents"]


def test_the_objective_is_told_with_its_weights(material):
    first, second, third = control(material, names_of(material)).paragraphs
    assert "adds up what its rounds cost, over its rounds up to the first that reaches the target accuracy of 85.0 %" in first
    assert "2 times the error (1 - accuracy) after it, 0.5 times its time in units of 10.0 s" in first
    assert "fixed for lora fixed; memory for bias memory; random for adapter random; learned for head learned." in second
    assert second.endswith("What it chooses for a device is the emulator's compression rho.")
    assert third.startswith("FedPEAT's control is a reconstruction")


def test_many_schemes_under_one_policy_are_counted_where_the_table_names_it(material, monkeypatch):
    fixed = next(each for each in material.scenario["schemes"] if each["label"] == "lora fixed")
    more = [*material.scenario["schemes"], *({**fixed, "label": f"lora {n}"} for n in range(5))]
    monkeypatch.setitem(material.scenario, "schemes", more)
    assert "fixed for 6 schemes; memory for bias memory" in control(material, names_of(material)).paragraphs[1]


def test_other_schemes_are_no_reconstruction_of_fedpeat(tmp_path):
    run = write_control(tmp_path / "demo", scenario=scenario_of(scheme="synthetic"))
    assert not any("reconstruction" in text for text in control(Material(run), names_of(Material(run))).paragraphs)


def test_an_objective_without_control_has_its_table_and_no_decisions(tmp_path):
    import yaml

    said = yaml.safe_load(scenario_of())
    for scheme in said["schemes"]:
        del scheme["control"]
    run = write_control(tmp_path / "demo", scenario=yaml.safe_dump(said))
    bare = Material(run)
    bare.frame("clients")["choice"] = float("nan")
    found = control(bare, names_of(bare))
    assert columns(found.objective, "policy") == ["-"] * len(POLICIES)
    assert [table.caption for table in found.tables] == ["How far off the surrogate of quality is"]
    assert len(found.paragraphs) == 1


def test_the_table_of_the_objective(material):
    table = control(material, names_of(material)).objective
    summary = material.frame("summary").groupby("label", sort=False)
    assert columns(table, "policy") == ["fixed", "memory", "random", "learned"]
    assert columns(table, "seeds that reach the target") == ["3 of 3", "3 of 3", "3 of 3", "0 of 3"]
    place = table.heads.index("objective")
    assert [row[place].value for row in table.rows] == pytest.approx(summary["objective"].mean().tolist())
    for row in table.rows:
        assert sum(cell.value for cell in row[place + 1 : place + 4]) == pytest.approx(row[place].value)
    against = table.heads[place + 4]
    assert against == "less head learned, the learned policy"
    assert [text.partition(", ")[2] for text in columns(table, against)] == ["worse", "not told apart", "worse", ""]
    assert [row[place].mark for row in table.rows] == ["", "tied", "", "best"]


def test_the_table_of_decisions(material):
    decisions = control(material, names_of(material)).tables[0]
    assert columns(decisions, "group") == ["phones", "laptops", "boxes"] * len(POLICIES)
    assert columns(decisions, "choices")[:3] == ["0.5: 100 %"] * 3
    assert "mean weight of bandwidth" not in decisions.heads
    clients = material.frame("clients")
    own = clients[(clients["label"] == "lora fixed") & (clients["group"] == "phones")]
    older = decisions.heads.index("turns around an older version")
    assert decisions.rows[0][older].value == pytest.approx((own["age"] > 0).mean())


def test_the_table_of_the_surrogate(material):
    table = control(material, names_of(material)).tables[1]
    assert columns(table, "scheme") == ["all", "all", "all", "lora fixed", "head learned"]
    points = material.frame("surrogate").query("source == 'held-out'")
    rmse = ((points["predicted"] - points["observed"]) ** 2).mean() ** 0.5
    assert columns(table, "RMSE, points")[1] == f"{100 * rmse:.1f}"
    assert columns(table, "rounds") == ["120", "120", "120", "60", "60"]


def test_a_sweep_has_a_row_a_variant(tmp_path):
    swept = Material(write_control(tmp_path / "demo", variants=("slow", "fast"), labels=("lora fixed", "bias memory")))
    found = control(swept, names_of(swept))
    assert columns(found.objective, "variant") == ["slow", "slow", "fast", "fast"]
    assert columns(found.tables[0], "variant") == ["slow"] * 6 + ["fast"] * 6


def test_other_tables_have_the_objective_where_there_is_one(material, tmp_path):
    names = names_of(material)
    assert "objective" in summary_table(material, names).heads
    assert "objective" in paired_tables(material, names)[0].heads
    assert "objective" in trials_table(material.frame("summary"), names).heads
    plain = Material(write_demo(tmp_path / "demo", labels=("full", "bias"), seeds=(1, 2)))
    for table in (summary_table(plain, names_of(plain)), paired_tables(plain, names_of(plain))[0]):
        assert "objective" not in table.heads


def test_the_page_has_the_section(tmp_path, svg_only):
    from analysis.report import add_analysis

    run = write_control(tmp_path / "demo", labels=("lora fixed", "head learned"), extras=add_analysis)
    html = (run.folder / "report.html").read_text(encoding="utf-8")
    section = html.partition('<section class="control"')[2].partition("</section>")[0]
    assert section.count("<figure") == 6
    assert section.count("<caption>") == 3
    assert section.index("The objective and its parts") < section.index("<figure") < section.index("What was decided, by group")
