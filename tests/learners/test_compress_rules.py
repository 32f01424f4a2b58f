import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.compress.rules import checked, compressed_layers, floored_share, kept_blocks, kept_positions, rounded_share
from learners.compress.scale import scaled
from mecsim.errors import JobError


def drop(bottom=1, top=1, keep=0.5):
    return {"kind": "drop", "bottom": bottom, "top": top, "keep": keep}


def narrow(keep=0.25, retained=(0, -1)):
    return {"kind": "narrow", "keep": keep, "retained": list(retained)}


def test_positions_of_offsite_tunings_examples():
    assert kept_positions(20, 0.4) == [0, 3, 5, 8, 11, 14, 16, 19]
    assert kept_positions(8, 0.5) == [0, 2, 5, 7]
    assert kept_blocks(drop(2, 2, 0.5), 12) == [0, 1, 2, 4, 7, 9, 10, 11]


@pytest.mark.parametrize(("n_middle", "keep", "position"), [(1, 1.0, 0), (1, 0.1, 0), (5, 0.2, 2), (4, 0.25, 1), (10, 0.01, 4)])
def test_one_kept_block_is_the_middle_most(n_middle, keep, position):
    assert kept_positions(n_middle, keep) == [position]


@given(st.integers(1, 200), st.floats(0.001, 1.0))
def test_kept_positions_are_distinct_ascending_and_hold_both_ends(n_middle, keep):
    positions = kept_positions(n_middle, keep)
    assert positions == sorted(set(positions))
    assert len(positions) == rounded_share(n_middle, keep)
    assert len(positions) == 1 or (positions[0], positions[-1]) == (0, n_middle - 1)
    assert kept_positions(n_middle, 1.0) == list(range(n_middle))


def test_shares_mean_the_decimal_that_is_written():
    assert floored_share(100, 0.29) == 29  # 0.29 * 100 is 28.999999999999996
    assert floored_share(10, 0.7) == 7
    assert rounded_share(5, 0.5) == 2  # 2.5, to even
    assert rounded_share(3072, 0.25) == 768


def test_which_blocks_a_compression_works_on():
    assert compressed_layers(drop(1, 2), 6) == [1, 2, 3]
    assert compressed_layers(narrow(retained=(0, -1)), 12) == list(range(1, 11))
    assert kept_blocks(narrow(), 4) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("compression", "n_layers", "message"),
    [
        (drop(2, 2), 4, "let bottom \\+ top be at most 3"),
        (drop(-1, 0), 4, "0 or more"),
        (drop(keep=0.0), 4, "\\(0, 1\\]"),
        (drop(keep=1.1), 4, "\\(0, 1\\]"),
        (narrow(keep=float("nan")), 4, "\\(0, 1\\]"),
        (narrow(retained=(0, 4)), 4, "\\[4\\]"),
        (narrow(retained=(0, 1, -1)), 3, "all 3 blocks"),
        ({"kind": "prune", "bottom": 0, "top": 0, "sparsity": 1.0}, 4, "\\[0, 1\\)"),
        ({"kind": "quantise", "bottom": 0, "top": 0, "bits": 1}, 4, "from 2 to 8"),
        ({"kind": "quantise", "bottom": 0, "top": 0, "bits": 4.0}, 4, "from 2 to 8"),
        ({"kind": "drop", "bottom": 1}, 4, "missing=\\['keep', 'top'\\]"),
        ({**drop(), "bits": 2}, 4, "unknown=\\['bits'\\]"),
        ({"kind": "dropp"}, 4, "Did you mean 'drop'"),
    ],
)
def test_a_wrong_compression_says_the_way_out(compression, n_layers, message):
    with pytest.raises(JobError, match=message):
        checked(compression, n_layers)


def test_a_split_keeps_its_proportions_on_another_depth():
    assert scaled(drop(1, 1, 0.5), 4, 12) == drop(3, 3, 0.5)  # 1-2-1 becomes 3-6-3
    assert scaled(drop(3, 3, 0.5), 12, 4) == drop(1, 1, 0.5)
    assert scaled(drop(1, 0), 4, 6) == drop(2, 0)  # 1.5, half up
    assert scaled(drop(1, 1), 12, 3) == drop(1, 1)  # at least 1 where it was
    assert scaled(drop(2, 2), 5, 4) == drop(2, 1)  # one middle block is left; top gives way
    assert scaled(narrow(retained=(0, 3)), 4, 12) == narrow(retained=(0, -1))
    assert scaled(narrow(retained=(0, -1)), 4, 12) == narrow()
    prune = {"kind": "prune", "bottom": 1, "top": 1, "sparsity": 0.3}
    assert scaled(prune, 4, 24) == {**prune, "bottom": 6, "top": 6}


@given(st.integers(1, 40), st.integers(3, 60), st.data())
def test_a_scaled_split_fits_and_keeps_what_was_there(n_from, n_to, data):
    bottom = data.draw(st.integers(0, n_from - 1))
    top = data.draw(st.integers(0, n_from - 1 - bottom))
    split = scaled(drop(bottom, top), n_from, n_to)
    assert (split["bottom"] > 0, split["top"] > 0) == (bottom > 0, top > 0)
    assert split["bottom"] + split["top"] < n_to
    assert scaled(drop(bottom, top), n_from, n_from) == drop(bottom, top)


def test_too_shallow_a_model_has_no_counterpart():
    with pytest.raises(JobError, match="at least 3 blocks"):
        scaled(drop(1, 1), 4, 2)
