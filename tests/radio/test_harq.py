import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.radio.harq import expected_transmissions, residual_loss, throughput_factor


def test_one_block_in_ten_fails_at_first():
    # Failing so far: 0.1, 0.1 x 0.02, 0.002 x 0.004, 8e-6 x 0.0008. Sent: 1 + 0.1 + 0.002 + 0.000008.
    assert expected_transmissions(0.1) == pytest.approx(1.102008, abs=1e-12)
    assert residual_loss(0.1) == pytest.approx(6.4e-9, rel=1e-9)
    assert throughput_factor(0.1) == pytest.approx(0.907434, abs=1e-6)


def test_independent_attempts_are_a_geometric_law():
    # Without combining, three attempts of 0.5: 1 + 0.5 + 0.25 sent, 0.125 lost, 0.875 / 1.75 = 0.5 of the blocks useful.
    assert expected_transmissions(0.5, factor=1.0, n_attempts=3) == pytest.approx(1.75)
    assert residual_loss(0.5, factor=1.0, n_attempts=3) == pytest.approx(0.125)
    assert throughput_factor(0.5, factor=1.0, n_attempts=3) == pytest.approx(0.5)


def test_without_repetition():
    assert expected_transmissions(0.1, n_attempts=1) == 1.0
    assert throughput_factor(0.1, n_attempts=1) == pytest.approx(0.9)
    assert (expected_transmissions(0.0), residual_loss(0.0), throughput_factor(0.0)) == (1.0, 0.0, 1.0)


def test_against_simulated_blocks():
    n_blocks, bler = 100_000, 0.4
    generator = np.random.default_rng(0)
    failing = generator.random((n_blocks, 4)) < bler * 0.2 ** np.arange(4)
    n_sent = np.where(failing.all(axis=1), 4, failing.argmin(axis=1) + 1)
    assert abs(n_sent.mean() - expected_transmissions(bler)) < 3.29 * n_sent.std() / np.sqrt(n_blocks)


@given(bler=st.floats(0.0, 0.99))
def test_repetition_with_combining_beats_dropping_the_block(bler):
    assert 1.0 - bler - 1e-12 <= throughput_factor(bler) <= 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bler": 1.0}, r"bler must be in \[0, 1\) and factor in \[0, 1\], got 1.0"),
        ({"bler": 0.1, "factor": 1.1}, r"got 0\.1 and 1\.1"),
        ({"bler": 0.1, "n_attempts": 0}, "n_attempts must be at least 1, got 0"),
    ],
)
def test_senseless_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        expected_transmissions(**arguments)
