"""Accuracy by group, by hand and against every sample counted one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.groups import group_rows
from mecsim.results.records import GroupRow
from mecsim.tables import Quality

KEY = {"scheme": "full", "label": "full", "variant": "", "seed": 1}


def accuracies(evaluation, histogram, groups):
    return {row.group: row.accuracy for row in group_rows(KEY, 3, evaluation, histogram, groups)}


def test_by_hand():
    # Recalls 1/2 and 9/10; phones hold 30 and 10 of the classes, boards 0 and 5.
    evaluation = {"accuracy": 0.7, "class_n": [10, 20], "class_right": [5, 18]}
    rows = group_rows(KEY, 3, evaluation, [[20, 0], [0, 5], [10, 10]], ["phones", "boards", "phones"])
    assert rows == [
        GroupRow(**KEY, round=3, group="phones", n_devices=2, n_samples=40, accuracy=pytest.approx(0.6)),
        GroupRow(**KEY, round=3, group="boards", n_devices=1, n_samples=5, accuracy=pytest.approx(0.9)),
    ]


def test_a_class_that_is_not_held_out_is_left_out():
    evaluation = {"class_n": [10, 0, 10], "class_right": [10, 0, 5]}
    rows = group_rows(KEY, 0, evaluation, [[1, 6, 3], [0, 2, 0]], ["a", "b"])
    (row,) = rows  # b has nothing but the class that nobody knows anything of
    assert row.accuracy == pytest.approx((1 * 1.0 + 3 * 0.5) / 4)
    assert row.n_samples == 10


def test_devices_with_models_of_their_own():
    # The first device is right on all of class 0, which it holds; the second on half of class 1, which it holds.
    evaluation = {"class_n": [[4, 4], [4, 4]], "class_right": [[4, 0], [0, 2]]}
    assert accuracies(evaluation, [[6, 0], [0, 2]], ["a", "a"]) == {"a": pytest.approx((6 * 1.0 + 2 * 0.5) / 8)}
    assert accuracies(evaluation, [[6, 0], [0, 2]], ["a", "b"]) == {"a": 1.0, "b": 0.5}


def test_a_group_with_the_mix_of_the_held_out_samples_has_their_accuracy():
    evaluation = {"class_n": [10, 30, 60], "class_right": [3, 27, 12]}
    assert accuracies(evaluation, [[2, 6, 12]], ["a"])["a"] == pytest.approx(42 / 100)


@pytest.mark.parametrize("evaluation", [{"accuracy": 0.5, "loss": 1.0}, {}])
def test_no_rows_without_classes(evaluation):
    assert group_rows(KEY, 0, evaluation, [[1]], ["a"]) == []
    assert group_rows(KEY, 0, {"class_n": [1], "class_right": [1]}, None, ["a"]) == []


def test_a_device_without_samples_counts_as_a_device():
    (row,) = group_rows(KEY, 0, {"class_n": [2], "class_right": [1]}, [[3], [0]], ["a", "a"])
    assert (row.n_devices, row.n_samples, row.accuracy) == (2, 3, 0.5)
    assert group_rows(KEY, 0, {"class_n": [2], "class_right": [1]}, [[0]], ["a"]) == []


@given(st.data())
def test_a_model_for_all_is_the_same_model_for_each(data):
    n, c = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4))
    counts = st.lists(st.integers(0, 9), min_size=c, max_size=c)
    n_tested = data.draw(counts)
    n_right = [data.draw(st.integers(0, most)) for most in n_tested]
    histogram = data.draw(st.lists(counts, min_size=n, max_size=n))
    groups = data.draw(st.lists(st.sampled_from("xyz"), min_size=n, max_size=n))
    shared = accuracies({"class_n": n_tested, "class_right": n_right}, histogram, groups)
    own = accuracies({"class_n": [n_tested] * n, "class_right": [n_right] * n}, np.array(histogram), groups)
    assert own == shared
    for group in set(groups):  # sample by sample
        held = [label for device, its in zip(groups, histogram, strict=True) if device == group for label in _samples(its)]
        known = [n_right[label] / n_tested[label] for label in held if n_tested[label]]
        assert (group in shared) == bool(known)
        if known:
            assert shared[group] == pytest.approx(sum(known) / len(known))
            assert 0.0 <= shared[group] <= 1.0 + 1e-12


def _samples(counts):
    return [label for label, count in enumerate(counts) for _ in range(count)]


def test_counts_by_class_are_no_diagnostics():
    numbers = {"accuracy": 0.5, "loss": 1.0, "n_samples": 2, "gap": 0.25, "class_n": [2], "class_right": [1]}
    assert Quality.of(numbers).diagnostics == {"gap": 0.25}
    assert Quality.of({**numbers, "class_n": [[2]], "class_right": [[1]]}).diagnostics == {"gap": 0.25}
