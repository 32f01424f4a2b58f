"""Frames behind the figures of the world: turns and their phases, what became of devices, and where amounts went."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_study import write_demo

from analysis.amounts import ENERGY_PARTS, amounts, byte_amounts, energy_amounts, payload_bytes, static_j
from analysis.material import Material
from analysis.plots.recorded import DEPLOYED, PARTS, panels
from analysis.turns import FATES, device_turns, fate_shares, fleet, group_outcomes, last_early_round, phases


def turns(*rows, **same):
    """Return client rows: (label, round, device, outcome, start, download, compute, upload), ended when the upload is."""
    columns = ["label", "round", "device", "outcome", "start_s", "download_s", "compute_s", "upload_s"]
    frame = pd.DataFrame(rows, columns=columns).assign(**{"seed": 1, "group": "phones", "reason": "", **same})
    return frame.assign(end_s=frame["start_s"] + frame["download_s"] + frame["compute_s"] + frame["upload_s"])


ROUNDS = pd.DataFrame({"label": "a", "round": [0, 1, 2], "sim_time_s": [5.0, 20.0, 40.0]})


def test_phases_follow_each_other_and_a_completed_turn_waits_for_the_round():
    clients = turns(("a", 1, 7, "completed", 5.0, 2.0, 3.0, 4.0), ("a", 1, 8, "lost", 5.0, 1.0, 2.0, 0.0))
    whole, lost = phases(clients, ROUNDS).to_dict("records")
    assert (whole["compute_at_s"], whole["upload_at_s"], whole["end_s"]) == (7.0, 10.0, 14.0)
    assert whole["waits_s"] == 6.0
    assert (lost["end_s"], lost["waits_s"]) == (8.0, 0.0)


def test_a_device_that_is_asked_again_waits_no_longer():
    clients = turns(("a", 2, 7, "completed", 5.0, 2.0, 3.0, 4.0), ("a", 2, 7, "completed", 16.0, 0.0, 9.0, 1.0))
    first, second = phases(clients, ROUNDS)["waits_s"]
    assert (first, second) == (2.0, 14.0)


def test_early_rounds_are_as_many_as_have_turns_enough():
    a = [("a", number, device, "completed", 0.0, 0.0, 0.0, 0.0) for number in (1, 2, 3, 4, 5, 6) for device in (1, 2)]
    b = [("b", number, 1, "completed", 0.0, 0.0, 0.0, 0.0) for number in (1, 2, 3, 4, 5, 6)]
    assert last_early_round(turns(*a), n_turns=7, n_rounds=1) == 4
    assert last_early_round(turns(*a), n_turns=7, n_rounds=5) == 5
    assert last_early_round(turns(*a, *b), n_turns=5, n_rounds=1) == 5, "the label that is slowest to have them"
    assert last_early_round(turns(*b), n_turns=99, n_rounds=1) == 6
    assert last_early_round(turns(*b).iloc[:2], n_turns=1, n_rounds=3) == 2, "there are no more"
    assert last_early_round(turns()) == 0


DEVICES = pd.DataFrame({"seed": 1, "device": [0, 1, 2, 3, 4], "group": ["phones"] * 3 + ["boxes"] * 2})


def ended(label, device, *outcomes, reason="crash: by chance"):
    rows = [(label, n, device, outcome, 0.0, 0.0, 0.0, 0.0) for n, outcome in enumerate(outcomes, start=1)]
    frame = turns(*rows, group=DEVICES["group"][device])
    return frame.assign(reason=np.where(frame["outcome"] == "completed", "", reason))


def test_a_device_has_one_fate_and_one_completed_turn_decides_it():
    clients = pd.concat([
        ended("a", 0, "lost", "completed", "refused"), ended("a", 1, "lost", "refused"), ended("a", 2, "lost", "late"),
        ended("a", 3, "offline"), ended("b", 0, "completed", "completed"),
    ])  # fmt: skip
    frame = device_turns(DEVICES, clients, ["a", "b"])
    a = frame[frame["label"] == "a"].set_index("device")
    assert a["fate"].tolist() == [FATES[0], FATES[1], FATES[2], FATES[2], FATES[3]]
    assert a.loc[0, ["turns", "completed", "refused", "lost", "late", "offline"]].tolist() == [3, 1, 1, 1, 0, 0]
    shares = fate_shares(frame)
    assert shares.loc["a"].tolist() == pytest.approx([0.2, 0.2, 0.4, 0.2])
    assert shares.loc["b"].tolist() == pytest.approx([0.2, 0.0, 0.0, 0.8])
    assert list(shares.index) == ["a", "b"]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 4), st.integers(1, 3), st.sampled_from(["completed", "late", "refused", "lost", "offline"]),
            st.sampled_from(["a", "b"]),
        ),
        min_size=1,
    )
)  # fmt: skip
def test_device_turns_against_counting(rows):
    clients = pd.DataFrame(rows, columns=["device", "seed", "outcome", "label"])
    devices = pd.concat([DEVICES.assign(seed=seed) for seed in (1, 2, 3)])
    for row in device_turns(devices, clients, ["a", "b"]).to_dict("records"):
        own = [r[2] for r in rows if (r[0], r[1], r[3]) == (row["device"], row["seed"], row["label"])]
        assert row["turns"] == len(own)
        assert row["completed"] == own.count("completed")
        fate = 3 if not own else 0 if "completed" in own else 1 if "refused" in own else 2
        assert row["fate"] == FATES[fate]


def test_without_a_table_of_devices_those_that_were_asked_are_the_fleet():
    clients = pd.concat([ended("a", 3, "completed"), ended("b", 1, "lost", "lost")])
    assert fleet(DEVICES.iloc[:0], clients)["device"].tolist() == [1, 3]
    assert fleet(DEVICES, clients)["device"].tolist() == [0, 1, 2, 3, 4]


def test_outcomes_by_group_name_the_most_frequent_cause():
    clients = pd.concat([
        ended("a", 0, "completed", "lost"), ended("a", 1, "lost"),
        ended("a", 2, "refused", reason="memory: needs 3 GB, has 2 GB"), ended("a", 3, "completed", "completed"),
    ])  # fmt: skip
    phones, boxes = group_outcomes(clients, ["a", "nobody"]).to_dict("records")
    assert (phones["group"], phones["turns"], phones["cause"], phones["cause_share"]) == ("phones", 4, "crash", 0.5)
    assert [phones[outcome] for outcome in ("completed", "late", "refused", "lost", "offline")] == [0.25, 0, 0.25, 0.5, 0]
    assert (boxes["group"], boxes["completed"], boxes["cause"], boxes["cause_share"]) == ("boxes", 1.0, "", 0.0)
    (together,) = group_outcomes(clients, ["a"], by_group=False).to_dict("records")
    assert (together["group"], together["turns"], together["completed"]) == ("", 6, 0.5)


TRIALS = pd.DataFrame({"label": ["b", "b", "a", "a"], "seed": [1, 2, 1, 2]})


def test_amounts_are_means_over_seeds_and_count_seeds_without_any():
    rows = pd.DataFrame(
        [("b", 1, "x", 4.0), ("b", 1, "y", 1.0), ("b", 1, "x", 2.0), ("b", 2, "x", 2.0), ("b", 2, "none", 0.0)],
        columns=["label", "seed", "part", "value"],
    )
    found = amounts(rows, TRIALS, order=("y", "x", "z"))
    assert found.parts.columns.tolist() == ["y", "x"], "in the order asked for, without those that are zero"
    assert found.parts.index.tolist() == ["b", "a"], "labels in the order of the trials"
    assert found.parts.loc["b"].tolist() == [0.5, 4.0]
    assert found.parts.loc["a"].tolist() == [0.0, 0.0]
    assert (found.totals["b"].mean, found.totals["b"].n) == (4.5, 2)
    # Totals of 7 and 2: s = 5 / sqrt 2, and half = t * s / sqrt 2 with t = 12.706 for one degree of freedom.
    assert found.totals["b"].half == pytest.approx(12.706 * 2.5)


def test_static_energy_is_in_no_total():
    energy = pd.DataFrame(
        [("a", 1, "devices", "compute", 3.0), ("a", 1, "stations", "static", 500.0), ("a", 2, "stations", "static", 700.0),
         ("a", 1, "stations", "dynamic", 1.0), ("a", 2, "devices", "compute", 2.0), ("a", 2, "moon", "light", 6.0)],
        columns=["label", "seed", "node", "part", "energy_j"],
    )  # fmt: skip
    found = energy_amounts(energy, TRIALS[TRIALS["label"] == "a"])
    assert found.parts.columns.tolist() == [
        ENERGY_PARTS["devices", "compute"], ENERGY_PARTS["stations", "dynamic"], "moon: light",
    ]  # fmt: skip
    assert found.parts.loc["a"].tolist() == [2.5, 0.5, 3.0]
    assert found.totals["a"].mean == 6.0
    assert static_j(energy) == {"a": 600.0}


def test_bytes_are_those_of_payloads_without_overhead():
    transfers = pd.DataFrame({
        "size_bytes": [1000, 1000, 999, 10], "wire_bytes": [1100.0, 1100.0, 1100.0, 0.0],
        "carried_bytes": [1100.0, 550.0, 550.0, 0.0], "complete": [True, False, False, False],
    })  # fmt: skip
    assert payload_bytes(transfers).tolist() == [1000, 500, 499, 0]


def test_parts_of_bytes_add_up_to_the_summary_and_those_of_energy_too(tmp_path):
    run = write_demo(tmp_path / "demo", labels=("full", "lora"), seeds=(1, 2), lost=0.2)
    summary, transfers = run.frame("summary"), run.frame("transfers")
    assert not transfers["complete"].all()
    moved = byte_amounts(transfers, summary)
    assert set(moved.parts.columns) == {"state down", "update up"}
    means = summary.groupby("label", sort=False)[["downlink_bytes", "uplink_bytes"]].mean()
    assert moved.parts.to_numpy() == pytest.approx(means.to_numpy(), rel=1e-6)
    spent = energy_amounts(run.frame("energy"), summary)
    joules = summary[[f"device_{part}_energy_j" for part in ("compute", "radio", "idle")]].sum(axis=1)
    assert [spent.totals[label].mean for label in ("full", "lora")] == pytest.approx(
        joules.groupby(summary["label"]).mean()[["full", "lora"]].tolist()
    )


def recording(run, rows):
    """Return the run's material with other diagnostics: (label, name, values by round) of its first seed."""
    whole = Material(run)
    told = [(label, "", 1, number, name, value) for label, name, values in rows for number, value in enumerate(values)]
    whole._frames["diagnostics"] = pd.DataFrame(told, columns=["label", "variant", "seed", "round", "name", "value"])
    return whole.of("")


def test_parts_of_a_scheme_stand_beside_what_it_deploys(run):
    material = recording(run, [
        ("lora", "emulator_accuracy", (0.1, 0.6)), ("lora", "emulator_loss", (9.0, 8.0)), ("lora", "gap", (0.0, 0.2)),
        ("lora", "emulator_0.5_accuracy", (0.1, 0.6)), ("bias", "gap", (0.1, 0.1)), ("bias", "novelty", (3.0, 4.0)),
        ("lora", "emulator_distilled_hidden_loss_before", (1.0, 1.0)),
    ])  # fmt: skip
    parts, gap, other = panels(material)
    assert (parts.title, parts.by) == ("lora", "part")
    assert list(parts.curves) == [DEPLOYED, PARTS["emulator"]]
    assert parts.curves[PARTS["emulator"]]["value"].tolist() == [10.0, 60.0]
    deployed = run.frame("rounds").query("label == 'lora'")["accuracy"]
    assert parts.curves[DEPLOYED]["value"].to_numpy() == pytest.approx(100 * deployed.to_numpy())
    assert list(gap.curves) == ["bias", "lora"], "in the study's order, and in points"
    assert gap.curves["lora"]["value"].tolist() == [0.0, 20.0]
    assert (other.title, list(other.curves)) == ("novelty", ["bias"])
    assert other.curves["bias"]["value"].tolist() == [3.0, 4.0]


def test_parts_in_bits_a_byte_stand_beside_those_of_the_whole(run):
    bits = [(label, "bits_per_byte", (2.0, 1.0)) for label in run.frame("summary")["label"]]
    parts, *rest = panels(recording(run, [*bits, ("lora", "large_bits_per_byte", (1.5, 1.5))]))
    assert {name: points["value"].tolist() for name, points in parts.curves.items()} == {
        DEPLOYED: [2.0, 1.0], PARTS["large"]: [1.5, 1.5],
    }  # fmt: skip
    assert rest == [], "the study's own quality is in its curves"
