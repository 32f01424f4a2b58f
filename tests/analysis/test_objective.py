import math

import pandas as pd
import pytest
import yaml
from edited_run import EditedRun, with_summary
from made_up_control import POLICIES, WEIGHTS, scenario_of, write_control
from made_up_study import write_demo

from analysis.combined_run import combined
from analysis.exports import numbers, table
from analysis.findings import findings
from analysis.material import Material
from analysis.objective import PARTS, Weights, objective_parts, parts_of, reference_of, until_text, weights_of
from analysis.sweep_findings import sweep_findings, winners
from analysis.tables import summary_table


@pytest.fixture(scope="module")
def controlled(tmp_path_factory):
    return write_control(tmp_path_factory.mktemp("controlled") / "demo")


def told(material):
    return {finding.about: finding.text for finding in findings(material)}


def rounds_of(label, rows):
    """Return rounds of ten minutes each: (round, accuracy, cost or None, joules of computing, radio and idle)."""
    return [
        {
            "scheme": "s", "label": label, "variant": "", "seed": 1, "round": number, "opened_at_s": 600.0 * number,
            "sim_time_s": 600.0 * (number + 1), "accuracy": accuracy, "cost": cost, "device_compute_energy_j": joules[0],
            "device_radio_energy_j": joules[1], "device_idle_energy_j": joules[2],
        }
        for number, accuracy, cost, joules in rows
    ]  # fmt: skip


def test_parts_by_hand():
    """Round 0 costs nothing, round 2 is not evaluated, round 3 reaches the target, and round 4 counts no more."""
    weights = Weights(quality=2.0, time=0.5, energy=3.0, time_scale_s=300.0, energy_scale_j=1_000.0)
    rows = [
        (0, 0.1, None, (500.0, 0.0, 0.0)), (1, 0.5, 9.9, (100.0, 20.0, 3.0)), (2, None, None, (1e6, 0.0, 0.0)),
        (3, 0.8, 9.9, (200.0, 0.0, 7.0)), (4, 0.7, 9.9, (1e6, 1e6, 1e6)),
    ]  # fmt: skip
    rounds = pd.DataFrame([*rounds_of("stops", rows), *rounds_of("never", rows[:2])])
    keys = {"scheme": "s", "variant": "", "seed": 1, "target_accuracy": 0.8}
    summary = pd.DataFrame([{**keys, "label": "stops"}, {**keys, "label": "never"}])
    stops, never = objective_parts(rounds, summary, weights).to_dict("records")
    assert [stops[part] for part in PARTS] == pytest.approx([2 * 0.5 + 2 * 0.2, 2 * 0.5 * 600 / 300, 3 * 0.123 + 3 * 0.207])
    assert [never[part] for part in PARTS] == pytest.approx([2 * 0.5, 0.5 * 600 / 300, 3 * 0.123])


def test_a_trial_that_is_there_from_the_start_has_no_parts():
    weights = Weights(quality=1.0, time=1.0, energy=1.0, time_scale_s=1.0, energy_scale_j=1.0)
    rounds = pd.DataFrame(rounds_of("a", [(0, 0.9, None, (1.0, 0.0, 0.0)), (1, 0.9, 5.0, (1.0, 0.0, 0.0))]))
    summary = pd.DataFrame([{"scheme": "s", "label": "a", "variant": "", "seed": 1, "target_accuracy": 0.8}])
    assert objective_parts(rounds, summary, weights).empty


@pytest.mark.parametrize("target", [None, 0.85, 0.5, 0.99])
def test_parts_add_up_to_the_objective(tmp_path, target):
    run = write_control(tmp_path / "demo", seeds=(1, 2), target=target)
    material = Material(run)
    both = run.frame("summary").merge(parts_of(material), on=["variant", "label", "seed"], validate="one_to_one")
    assert len(both) == 2 * len(POLICIES)
    assert both[list(PARTS)].sum(axis=1).tolist() == pytest.approx(both["objective"].tolist(), rel=1e-12)


def test_no_parts_where_the_weights_are_not_those_of_the_trials(controlled):
    other = scenario_of(weights=WEIGHTS | {"time": 0.6})
    material = Material(controlled)
    material.__dict__["scenario"] = yaml.safe_load(other)
    assert parts_of(material) is None


def test_no_parts_without_an_objective(run):
    assert weights_of(Material(run).scenario) is None
    assert parts_of(Material(run)) is None
    assert reference_of(Material(run)) == ("", "")


def test_others_are_compared_with_the_learned_policy_or_else_with_the_best(controlled, tmp_path):
    assert reference_of(Material(controlled)) == ("head learned", "the learned policy")
    without = write_control(tmp_path / "demo", labels=("lora fixed", "bias memory"))
    lowest = without.frame("summary").groupby("label")["objective"].mean().idxmin()
    assert reference_of(Material(without)) == (lowest, "the best")
    gone = with_summary(controlled, "objective", {("", "head learned"): [1.0, 2.0, None]})
    assert reference_of(gone)[1] == "the best"


def test_the_finding_is_on_the_same_worlds(controlled):
    """Of differences 1, 2 and 3, the mean is 2 and the half-width 4.303 / sqrt(3) = 2.48; of 5, 5 and 5.3 it is 5.1 ± 0.43."""
    values = {
        ("", "lora fixed"): [5.0, 7.0, 9.0], ("", "bias memory"): [4.0, 5.0, 6.0], ("", "adapter random"): [9.0, 10.0, 11.3],
        ("", "head learned"): [14.0, 15.0, 16.0],
    }  # fmt: skip
    assert told(with_summary(controlled, "objective", values))["objective"] == (
        "bias memory has the lowest objective, 5.0 ± 2.5. Not told apart from it in the same worlds: "
        "lora fixed (2.0 ± 2.5 higher); told apart: adapter random and head learned."
    )


def test_a_lowest_objective_that_misses_the_target_says_so(controlled):
    """As made up, "head learned" never reaches the target."""
    assert told(Material(controlled))["objective"].endswith(
        "It does not reach the target in 3 of 3 seeds, so there the sum ends with its last round."
    )


def test_a_study_without_an_objective_says_nothing_of_it(run):
    assert "objective" not in told(Material(run))
    assert "objective" not in summary_table(run)
    assert "Objective" not in table(run).heads


def test_tables_have_the_objective(controlled):
    of = controlled.frame("summary").groupby("label", sort=False)["objective"].mean()
    made = numbers(controlled, ["objective"]).set_index("label")["objective"]
    assert made.to_dict() == pytest.approx(of.to_dict())
    assert "Objective" in table(controlled).heads
    assert summary_table(controlled)["objective"][0].startswith(f"{of.iloc[0]:.1f} ±")


def test_a_sweep_says_where_whose_objective_is_the_lowest(tmp_path):
    from made_up_study import write_sweep

    swept = write_sweep(tmp_path / "sweep", bandwidths_mhz=(2.0, 20.0), labels=("full", "bias"))
    values = {
        ("bandwidth_mhz=2", "full"): [3.0, 3.1, 3.2], ("bandwidth_mhz=2", "bias"): [1.0, 1.1, 1.2],
        ("bandwidth_mhz=20", "full"): [0.5, 0.6, 0.7], ("bandwidth_mhz=20", "bias"): [0.9, 1.0, 1.1],
    }  # fmt: skip
    material = with_summary(swept, "objective", values)
    assert winners(material)["objective"]["winner"].tolist() == ["bias", "full"]
    (said,) = [finding.text for finding in sweep_findings(material) if finding.about == "objective"]
    assert said == "The lowest objective, by Bandwidth (MHz): bias at 2 (1.10); full at 20 (0.600)."


def test_runs_of_other_weights_have_no_common_objective(controlled, tmp_path):
    same = write_control(tmp_path / "same", labels=("lora fixed",))
    other = write_control(
        tmp_path / "other", labels=("lora fixed",), scenario=scenario_of(("lora fixed",), {**WEIGHTS, "time": 1.0})
    )
    none = write_demo(tmp_path / "none", labels=("lora fixed",), seeds=(1, 2, 3))
    assert combined([controlled, same]).frame("summary")["objective"].notna().all()
    assert combined([controlled, same]).frame("rounds")["cost"].notna().any()
    for run in (other, none):
        joined = combined([controlled, run])
        assert joined.is_one_world
        assert joined.frame("summary")["objective"].isna().all()
        assert joined.frame("rounds")["cost"].isna().all()


def test_what_stands_behind_policies_is_joined_once(controlled, tmp_path):
    """The trials of the runs are those of other names: "run" rows are told by them, those of the fit are not."""
    again = write_control(tmp_path / "again")
    joined = combined([controlled, again], ("a", "b"))
    rows = joined.frame("surrogate")
    assert set(rows["label"]) == {"a: head learned", "b: head learned"}
    assert set(rows.loc[rows["source"] == "run", "trial"]) == {
        f"{run}: {t}" for run in "ab" for t in ("lora fixed", "head learned")
    }
    assert set(rows.loc[rows["source"] == "fit", "trial"]) == {"lora fixed", "head learned"}
    assert len(joined.frame("training")) == 2 * len(controlled.frame("training"))
    apart = combined([controlled, EditedRun(again)], ("a", "b"))
    assert len(apart.frame("training")) == len(joined.frame("training"))


def test_up_to_where_rounds_count(controlled, tmp_path):
    assert until_text(Material(controlled)).endswith("reaches the target accuracy of 85.0 %")
    untargeted = write_control(tmp_path / "untargeted", labels=("lora fixed",), target=None)
    assert until_text(Material(untargeted)) == "all of its rounds"


def test_the_formula_in_words(controlled):
    weights = weights_of(Material(controlled).scenario)
    assert weights.formula == (
        "2 times the error (1 - accuracy) after it, 0.5 times its time in units of 10.0 s, and 0.1 times the devices' energy "
        "in units of 100 J"
    )
    assert not math.isnan(weights.quality)
