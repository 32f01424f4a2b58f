import pytest
from edited_run import EditedRun, with_summary
from made_up_study import write_demo

from analysis.findings import account_note, findings, seeds_note
from analysis.formats import percent_text, times_text
from analysis.frames import by_label
from analysis.material import Material


def told(material):
    return {finding.about: finding.text for finding in findings(material)}


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Return a run of three schemes with three seeds."""
    return write_demo(tmp_path_factory.mktemp("three") / "demo", labels=("full", "bias", "lora"), seeds=(1, 2, 3))


def test_findings_carry_the_numbers(run):
    said = told(Material(run))
    of = by_label(run.frame("summary")).set_index("label")
    best = of["final_accuracy"].idxmax()
    assert said["accuracy"].startswith(f"{best} ends with the highest accuracy, {percent_text(of.loc[best, 'final_accuracy'])}")
    ratio = of.loc["full", "uplink_bytes"] / of.loc["head", "uplink_bytes"]
    assert f"full sends {times_text(ratio)} times the uplink bytes of head" in said["uplink"]
    assert said["energy"].startswith(f"{of['device_energy_j'].idxmin()} takes the least device energy")
    longest = of["sim_time_s"].max() / of["sim_time_s"].min()
    assert said["time"].startswith(f"{of['sim_time_s'].idxmin()} is the first at the end of its rounds")
    assert f"{of['sim_time_s'].idxmax()} takes {times_text(longest)} times as long" in said["time"]
    assert said["target"].startswith(f"{of['time_to_target_s'].idxmin()} is the fastest to the target accuracy of 85.0 %")
    assert said["target"].endswith("Not reached by head and prompt.")
    assert said["memory"] == "Devices without the memory to take part: 33.3 % for full."


def test_one_seed_tells_nobody_apart(run):
    assert not any(word in text for text in told(Material(run)).values() for word in ("told apart", "±", "same worlds"))


def test_what_the_worlds_have_in_common_cancels(seeded_run):
    """The intervals overlap by far; the paired difference, 2, 2 and 1 points, is 1.67 ± 4.303 * 0.577 / sqrt(3) = 1.43."""
    material = with_summary(seeded_run, "final_accuracy", {("", "full"): [0.9, 0.8, 0.7], ("", "bias"): [0.88, 0.78, 0.69]})
    assert told(material)["accuracy"] == (
        "full ends with the highest accuracy, 80.0 ± 24.8 %; bias is 1.7 ± 1.4 points lower in the same worlds, "
        "so the two are told apart."
    )


def test_who_is_not_told_apart_is_said(three):
    values = {("", "full"): [0.9, 0.8, 0.7], ("", "bias"): [0.95, 0.75, 0.6], ("", "lora"): [0.8, 0.7, 0.59]}
    assert told(with_summary(three, "final_accuracy", values))["accuracy"] == (
        "full ends with the highest accuracy, 80.0 ± 24.8 %. Not told apart from it in the same worlds: "
        "bias (3.3 ± 19.0 points lower); told apart: lora."
    )


def test_the_nearest_of_those_told_apart(three):
    values = {("", "full"): [0.9, 0.8, 0.7], ("", "bias"): [0.5, 0.4, 0.3], ("", "lora"): [0.8, 0.7, 0.6]}
    text = told(with_summary(three, "final_accuracy", values))["accuracy"]
    assert text.endswith(
        "It is told apart from every other scheme; the nearest is lora, 10.0 ± 0.0 points lower in the same worlds."
    )


def test_costs_that_are_not_told_apart(seeded_run):
    values = {("", "full"): [100.0, 200.0, 300.0], ("", "bias"): [110.0, 230.0, 270.0]}
    text = told(with_summary(seeded_run, "sim_time_s", values))["time"]
    assert text.startswith("full is the first at the end of its rounds, after")
    assert text.endswith("Not told apart from it: bias.")


def test_a_target_that_some_seeds_miss(three):
    values = {("", "full"): [600.0, 700.0, 800.0], ("", "bias"): [60.0, None, None], ("", "lora"): [None, None, None]}
    text = told(with_summary(three, "time_to_target_s", values))["target"]
    assert text.startswith("full is the fastest to the target accuracy of 85.0 %: 11.7 ± 4.1 min")
    assert text.endswith("Not reached by bias (in 2 of 3 seeds) and lora (in 3 of 3 seeds).")


def test_schemes_that_miss_the_target_as_often_are_named_together(three):
    values = {("", "full"): [600.0, 700.0, 800.0], ("", "bias"): [60.0, None, None], ("", "lora"): [None, 50.0, None]}
    text = told(with_summary(three, "time_to_target_s", values))["target"]
    assert text.endswith("Not reached by bias and lora (each in 2 of 3 seeds).")


def test_what_all_schemes_have_in_common_is_said_once(three):
    """No list of the same share for each, and of many totals only the range."""
    shares = {("", label): [0.25, 0.25, 0.25] for label in ("full", "bias", "lora")}
    text = told(with_summary(three, "refused_device_share", shares))["memory"]
    assert text == "Devices without the memory to take part: 25.0 % for every scheme."
    shares["", "lora"] = [0.5, 0.5, 0.5]
    text = told(with_summary(three, "refused_device_share", shares))["memory"]
    assert text == "Devices without the memory to take part: 25.0 % for full and bias; 50.0 % for lora."


def test_of_many_schemes_the_uplink_is_told_as_a_range(tmp_path):
    labels = tuple(f"full {i}" for i in range(8))
    run = write_demo(tmp_path / "many", labels=labels, seeds=(1,))
    totals = {("", label): [1e6 * (i + 1)] for i, label in enumerate(labels)}
    text = told(with_summary(run, "uplink_bytes", totals))["uplink"]
    assert text.startswith(
        "full 7 sends 8 times the uplink bytes of full 0: 8.00 MB against 1.00 MB; 1.14 to 4 times those of the 6 others."
    )


def test_a_target_that_nobody_reaches_with_every_seed(seeded_run):
    values = {("", "full"): [None, None, None], ("", "bias"): [60.0, None, None]}
    text = told(with_summary(seeded_run, "time_to_target_s", values))["target"]
    assert text == "No scheme reaches the target accuracy of 85.0 % with every seed: bias in 1 of 3 seeds."


def test_totals_that_hide_fewer_updates_are_set_right(run):
    assert "One update of it is 1,120 times as large" in told(Material(run))["uplink"]  # 343 MB / 307.6 kB = 1115


def test_a_study_of_one_scheme_without_target(tmp_path):
    run = write_demo(tmp_path / "demo", labels=("bias",), target=None)
    assert list(told(Material(run))) == ["accuracy", "memory"]


def test_nobody_reaches_the_target(tmp_path):
    run = write_demo(tmp_path / "demo", labels=("bias", "head"), target=0.99)
    said = told(Material(run))
    assert said["target"] == "No scheme reaches the target accuracy of 99.0 %."
    assert said["memory"] == "Every device has the memory for every scheme."


def test_each_variant_has_its_own(tmp_path):
    run = write_demo(tmp_path / "demo", labels=("full", "bias"), variants=("5 MHz", "20 MHz"))
    found = findings(Material(run))
    assert [finding.variant for finding in found if finding.about == "accuracy"] == ["5 MHz", "20 MHz"]
    assert findings(Material(run).of("20 MHz")) == [finding for finding in found if finding.variant == "20 MHz"]


def test_equal_uplinks_are_told_as_equal(run):
    labels = {("", label): [5e6] for label in run.frame("summary")["label"]}
    assert told(with_summary(run, "uplink_bytes", labels))["uplink"].endswith("send the same uplink bytes, 5.00 MB.")


def test_a_target_that_is_met_before_the_first_round_says_so(run):
    material = with_summary(run, "uplink_bytes_to_target", {("", "lora"): [0.0]})
    assert "from the server's preparation alone" in told(material)["target"]


def test_whose_costs_are_counted(run, tmp_path):
    note = "bytes, FLOPs and memory are those of vit-base-16; accuracy is of the model trained here"
    assert account_note(by_label(run.frame("summary"))) == note
    own = write_demo(tmp_path / "demo", labels=("bias",), account_as="")
    assert account_note(by_label(own.frame("summary"))) == ""


def test_what_seeds_mean():
    assert seeds_note([1, 1]) == "one seed, so no interval is given"
    assert seeds_note([2, 5]) == "mean of 2 to 5 seeds with its 95 % t-interval"


def test_where_texts_are_modelled_the_fewest_bits_a_byte_are_best(seeded_run):
    bits = {"full": (1.5, 1.4, 1.3), "bias": (1.6, 1.49, 1.41)}

    def change(diagnostics):
        last = diagnostics["round"] == diagnostics["round"].max()
        values = [bits[row.label][row.seed - 1] for row in diagnostics[last].itertuples()]
        return diagnostics[last].assign(name="bits_per_byte", value=values)

    # The paired difference is 0.10, 0.09 and 0.11: 0.100 with 4.303 * 0.01 / sqrt(3) = 0.025.
    assert told(Material(EditedRun(seeded_run, {"diagnostics": change})))["accuracy"] == (
        "full ends with the fewest bits a byte, 1.400 ± 0.248; bias is 0.100 ± 0.025 higher in the same worlds, "
        "so the two are told apart."
    )
