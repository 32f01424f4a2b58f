import math

import pandas as pd
import pytest

from analysis.fairness import (
    accuracy_by_group,
    accuracy_spread,
    by_device,
    energy_by_device,
    energy_by_group,
    participation,
    participation_by_group,
)

#: Two phones and two boxes in each of two worlds.
DEVICES = pd.DataFrame(
    [("", seed, device, "phones" if device < 2 else "boxes", "p") for seed in (1, 2) for device in range(4)],
    columns=["variant", "seed", "device", "group", "profile"],
)
PARTS = ("connect", "download", "compute", "upload", "tail", "idle")


def turns_of(*rows):
    """Return a row a turn of (label, seed, device, outcome, joules), the joules spread over all parts."""
    frame = pd.DataFrame(rows, columns=["label", "seed", "device", "outcome", "joules"]).assign(variant="")
    shares = dict(zip(PARTS, (0.1, 0.2, 0.3, 0.25, 0.1, 0.05), strict=True))
    return frame.assign(**{f"{part}_energy_j": share * frame["joules"] for part, share in shares.items()})


CLIENTS = turns_of(
    ("a", 1, 0, "completed", 4.0), ("a", 1, 0, "completed", 4.0), ("a", 1, 1, "refused", 0.0), ("a", 1, 2, "completed", 2.0),
    ("a", 2, 0, "completed", 4.0), ("a", 2, 1, "completed", 4.0), ("a", 2, 2, "completed", 4.0), ("a", 2, 3, "completed", 4.0),
    ("b", 1, 3, "lost", 1.0), ("b", 2, 3, "completed", 3.0),
)  # fmt: skip


def test_every_device_of_every_world_has_a_row():
    found = by_device(CLIENTS, DEVICES)
    assert len(found) == 2 * len(DEVICES)
    first = found[(found["label"] == "a") & (found["seed"] == 1)]
    assert first[["device", "group", "turns", "completed"]].to_numpy().tolist() == [
        [0, "phones", 2, 2], [1, "phones", 1, 0], [2, "boxes", 1, 1], [3, "boxes", 0, 0],
    ]  # fmt: skip
    assert first["energy_j"].tolist() == pytest.approx([8.0, 0.0, 2.0, 0.0])


def test_participation_by_hand():
    found = participation(CLIENTS, DEVICES).set_index("label")
    a, b = found.loc["a"], found.loc["b"]
    # Seed 1 completes 2, 0, 1, 0: (3)^2 / (4 * 5); seed 2 completes 1 each.
    assert a["jain"] == pytest.approx((9 / 20 + 1) / 2)
    assert a["jain_half"] == pytest.approx(12.706 * (11 / 20) / 2)
    assert (a["n"], a["devices"], a["turns"], a["completed"]) == (2, 4, 1.0, 7 / 8)
    assert (a["never_asked_share"], a["never_completed_share"]) == (1 / 8, 2 / 8)
    # With seed 1 nobody completed anything, so there is nothing that could be even.
    assert math.isnan(b["jain"])
    assert (b["never_asked_share"], b["never_completed_share"]) == (3 / 4, 7 / 8)


def test_participation_of_groups_by_hand():
    found = participation_by_group(CLIENTS, DEVICES).set_index(["label", "group"])
    assert list(found.index) == [("a", "phones"), ("a", "boxes"), ("b", "phones"), ("b", "boxes")]
    assert found.loc[("a", "phones"), ["devices", "turns", "completed"]].tolist() == [2, 5 / 4, 1.0]
    assert found.loc[("a", "boxes"), "never_completed_share"] == 1 / 4
    assert found.loc[("b", "phones"), "never_asked_share"] == 1.0


def test_energy_by_hand():
    row = energy_by_device(CLIENTS, DEVICES).set_index("label").loc["a"]
    # Seed 1: 8, 0, 2, 0 J; seed 2: 4 J each.
    assert row["mean_j"] == pytest.approx((2.5 + 4.0) / 2)
    assert row["max_j"] == pytest.approx((8.0 + 4.0) / 2)
    assert row["jain"] == pytest.approx((100 / (4 * 68) + 1) / 2)
    # Sorted 0, 0, 2, 8: 2 (3 * 2 + 4 * 8) / (4 * 10) - 5/4
    assert row["gini"] == pytest.approx((76 / 40 - 5 / 4) / 2)
    groups = energy_by_group(CLIENTS, DEVICES).set_index(["label", "group"])
    assert groups.loc[("a", "boxes"), "mean_j"] == pytest.approx((1.0 + 4.0) / 2)


def test_joules_add_up_to_those_of_the_turns(seeded_run):
    clients = seeded_run.frame("clients")
    found = energy_by_device(clients, seeded_run.frame("devices"))
    joules = clients[[f"{part}_energy_j" for part in PARTS]].sum(axis=1).groupby(clients["label"], sort=False).sum()
    assert found["label"].tolist() == list(joules.index)
    assert (found["mean_j"] * found["devices"] * found["n"]).tolist() == pytest.approx(joules.tolist())


def test_one_seed_has_no_intervals(run):
    found = participation(run.frame("clients"), run.frame("devices"))
    assert found[[name for name in found if name.endswith("_half")]].isna().all(axis=None)
    assert found["jain"].between(1 / 24, 1).all()


def test_without_turns_there_are_no_rows():
    none = CLIENTS.iloc[:0]
    assert participation(none, DEVICES).empty
    assert energy_by_group(none, DEVICES).empty
    assert "jain" in participation(none, DEVICES)


def groups_of(*rows):
    frame = pd.DataFrame(rows, columns=["label", "seed", "round", "group", "accuracy"])
    return frame.assign(variant="", n_devices=4, n_samples=100)


GROUPS = groups_of(
    ("a", 1, 0, "phones", 0.1), ("a", 1, 0, "boxes", 0.1), ("a", 1, 9, "phones", 0.6), ("a", 1, 9, "boxes", 0.9),
    # The second seed ended earlier; its own last round counts.
    ("a", 2, 7, "phones", 0.8), ("a", 2, 7, "boxes", 0.7),
    ("b", 1, 9, "phones", 0.5), ("b", 1, 9, "boxes", 0.5),
)  # fmt: skip


def test_accuracy_of_groups_at_the_end():
    found = accuracy_by_group(GROUPS).set_index(["label", "group"])
    assert list(found.index) == [("a", "phones"), ("a", "boxes"), ("b", "phones"), ("b", "boxes")]
    row = found.loc[("a", "phones")]
    assert (row["n"], row["accuracy"], row["n_devices"]) == (2, pytest.approx(0.7), 4)
    assert row["half"] == pytest.approx(12.706 * 0.1)
    assert math.isnan(found.loc[("b", "boxes"), "half"])


def test_spread_of_groups_at_the_end():
    found = accuracy_spread(GROUPS).set_index("label")
    row = found.loc["a"]
    # Spreads 0.3 and 0.1; the worst have 0.6 and 0.7; phones have 0.7 on average and boxes 0.8.
    assert (row["n"], row["spread"], row["worst"], row["group"]) == (2, pytest.approx(0.2), pytest.approx(0.65), "phones")
    assert row["spread_half"] == pytest.approx(12.706 * 0.1)
    assert row["worst_half"] == pytest.approx(12.706 * 0.05)
    assert found.loc["b", "spread"] == 0.0


def test_where_samples_have_no_classes_there_are_no_groups_to_compare():
    assert accuracy_by_group(GROUPS.iloc[:0]).empty
    assert accuracy_spread(GROUPS.iloc[:0]).empty
