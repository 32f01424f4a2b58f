import math

import pandas as pd
import pytest
import yaml
from made_up_control import POLICIES, scenario_of, write_control

from analysis.controls import controlled_schemes, controls, decided, knobs, policies
from analysis.decisions import by_group, choice_shares
from analysis.material import Material

NAN = math.nan


def turns(rows):
    """Return turns of label "a": (seed, round, device, group, outcome, choice, age, bandwidth, power_db)."""
    names = ["seed", "round", "device", "group", "outcome", "choice", "age", "bandwidth", "power_db"]
    return pd.DataFrame(rows, columns=names).assign(label="a")


@pytest.fixture
def clients():
    return turns(
        [
            (1, 1, 0, "phones", "completed", 0.5, 0, 1.0, 0.0), (1, 2, 0, "phones", "late", 0.9, 2, 3.0, -6.0),
            (1, 2, 2, "boxes", "completed", 0.0, 0, 1.0, 0.0), (2, 1, 1, "phones", "completed", 0.5, 0, 1.0, 0.0),
        ]
    )  # fmt: skip


@pytest.fixture
def devices():
    """Two phones and a box, in two worlds."""
    groups = ["phones", "phones", "boxes"]
    return pd.DataFrame([{"seed": seed, "device": i, "group": group} for seed in (1, 2) for i, group in enumerate(groups)])


@pytest.fixture
def rounds():
    """Four rounds with seed 1, two with seed 2, and the state before the first."""
    return pd.DataFrame([{"label": "a", "seed": s, "round": n} for s, last in ((1, 4), (2, 2)) for n in range(last + 1)])


def test_shares_of_choices_by_hand(clients):
    shares = choice_shares(clients, ["a", "b"])
    assert shares.columns.tolist() == [0.0, 0.5, 0.9]
    assert shares.loc["a"].tolist() == [0.25, 0.5, 0.25]
    assert shares.loc["b"].tolist() == [0.0, 0.0, 0.0]


def test_turns_without_a_knob_stand_last(clients):
    shares = choice_shares(pd.concat([clients, clients.assign(label="b", choice=NAN)]), ["b", "a"])
    assert shares.index.tolist() == ["b", "a"]
    assert math.isnan(shares.columns[-1])
    assert shares.loc["b"].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_decisions_by_group_by_hand(clients, rounds, devices):
    """Phones: 3 turns of 2 devices in 4 and 2 rounds, so of 12 chances. Boxes: 1 of 6."""
    phones, boxes = by_group(clients, rounds, devices, ["a"]).to_dict("records")
    assert (phones["group"], phones["n_devices"], phones["turns"]) == ("phones", 2.0, 3)
    assert phones["asked_share"] == pytest.approx(3 / 12)
    assert phones["completed_share"] == pytest.approx(2 / 3)
    assert phones["mean_choice"] == pytest.approx(1.9 / 3)
    assert phones["older_share"] == pytest.approx(1 / 3)
    assert phones["mean_bandwidth"] == pytest.approx(5 / 3)
    assert phones["mean_power_db"] == pytest.approx(-2.0)
    assert boxes["asked_share"] == pytest.approx(1 / 6)
    assert boxes["mean_choice"] == 0.0


def test_a_group_that_nobody_asked_has_a_share_of_zero_and_no_choice(clients, rounds, devices):
    phones, boxes = by_group(clients[clients["group"] == "phones"], rounds, devices, ["a"]).to_dict("records")
    assert (boxes["turns"], boxes["asked_share"]) == (0, 0.0)
    assert math.isnan(boxes["mean_choice"])
    assert math.isnan(boxes["completed_share"])
    assert phones["turns"] == 3


def test_of_a_large_fleet_the_devices_that_are_recorded_stand_for_all(clients, rounds, devices):
    """Device 0 is not among them: one turn of one phone is left, of 6 chances."""
    phones = by_group(clients, rounds, devices[devices["device"] > 0], ["a"]).iloc[0]
    assert (phones["n_devices"], phones["turns"]) == (1.0, 1)
    assert phones["asked_share"] == pytest.approx(1 / 6)


def test_shares_of_rounds_add_up_to_those_that_were_asked(tmp_path):
    """Each made-up round asks 6 of 24 devices, whatever the policy."""
    material = Material(write_control(tmp_path / "demo", seeds=(1, 2)))
    frame = by_group(material.frame("clients"), material.frame("rounds"), material.frame("devices"), list(POLICIES))
    asked = (frame["asked_share"] * frame["n_devices"]).groupby(frame["label"]).sum()
    assert asked.tolist() == pytest.approx([6.0] * len(POLICIES))


def test_who_decides_is_read_from_the_scenario():
    scenario = yaml.safe_load(scenario_of())
    scenario["schemes"] += [{"name": "fedpeft", "label": "alone", "control": None}, {"name": "centralised"}]
    assert policies(scenario) == {label: policy["name"] for label, (policy, _) in POLICIES.items()}
    assert controls(scenario)["lora fixed"]["choice"] == 0.5
    assert controlled_schemes(scenario) == {"fedpeat"}
    assert knobs(scenario) == ["the emulator's compression rho"]
    assert policies({}) == {}
    assert knobs({"schemes": [{"name": "fedpeat", "ladder": [0.5]}]}) == []


def test_decisions_are_told_of_those_that_decide(run, tmp_path):
    assert decided(Material(run)) == []
    two = Material(write_control(tmp_path / "demo", labels=("bias memory", "lora fixed")))
    assert decided(two) == ["bias memory", "lora fixed"]
