"""Repetition of blocks that failed, in its simplest form: each attempt fails a fixed factor less often than the one before."""

# How Simu5G combines attempts: attempt n fails with probability p x 0.2^(n - 1); four attempts at most.
ATTEMPT_FACTOR = 0.2
N_ATTEMPTS = 4


def residual_loss(bler: float, *, factor: float = ATTEMPT_FACTOR, n_attempts: int = N_ATTEMPTS) -> float:
    """Return the probability that all of ``n_attempts`` fail, when the first fails with probability ``bler``."""
    return _failures(bler, factor, n_attempts)[-1]


def expected_transmissions(bler: float, *, factor: float = ATTEMPT_FACTOR, n_attempts: int = N_ATTEMPTS) -> float:
    """Return how often a block is sent on average, from 1 to ``n_attempts``."""
    # Attempt n + 1 takes place if the n before it have failed.
    return sum(_failures(bler, factor, n_attempts)[:-1])


def throughput_factor(bler: float, *, factor: float = ATTEMPT_FACTOR, n_attempts: int = N_ATTEMPTS) -> float:
    """Return the blocks that get through for each one sent: a little above 1 - ``bler``, as repetitions fail less often."""
    lost = residual_loss(bler, factor=factor, n_attempts=n_attempts)
    return (1.0 - lost) / expected_transmissions(bler, factor=factor, n_attempts=n_attempts)


def _failures(bler: float, factor: float, n_attempts: int) -> list[float]:
    """Return the probabilities that the first 0, 1, ... ``n_attempts`` attempts have all failed."""
    if not 0.0 <= bler < 1.0 or not 0.0 <= factor <= 1.0:
        raise ValueError(f"bler must be in [0, 1) and factor in [0, 1], got {bler} and {factor}")
    if n_attempts < 1:
        raise ValueError(f"n_attempts must be at least 1, got {n_attempts}")
    failed = [1.0]
    for attempt in range(n_attempts):
        failed.append(failed[-1] * bler * factor**attempt)
    return failed
