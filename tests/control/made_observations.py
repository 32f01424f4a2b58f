"""Observations written down by hand, or drawn by hypothesis."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from observed import observed

from mecsim.control.observation import Observation


def observation(n: int = 3, choices: tuple[float, ...] = (0.0, 0.5), **changes: Any) -> Observation:
    """Return n alike devices: 10 Mbps, 2 s of computing, 5 MB down (4 s), 1 MB up, 10 s in all; ``changes`` replace columns."""
    alike: dict[str, Any] = {
        "n_rounds": 10,
        "n_asked": 2,
        "renews": True,
        "accuracy": 0.25,
        "n_samples": 50.0,
        "downlink_bps": 1e7,
        "uplink_bps": 1e7,
        "speed_flops": 1e10,
        "rounds_since": 1.0,
        "compute_s": 2.0,
        "download_bytes": 5e6,
        "expected_s": 10.0,
        "expected_j": 3.0,
    }
    made = observed(n, choices, **alike | changes)
    for name, value in changes.items():
        assert np.shape(value) in ((), np.shape(getattr(made, name))), (name, np.shape(value))
    return made


#: From nothing at all to beyond everything that a world can have.
AMOUNTS = st.one_of(st.just(0.0), st.floats(1e-6, 1e15))


@st.composite
def observations(draw: st.DrawFn, n_choices: int = 3) -> Observation:
    """Return any observation that the contract allows: infinities, unknown ages, nobody available, nothing feasible."""
    n = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    available = rng.random(n) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    feasible = available[:, np.newaxis] & (rng.random((n, n_choices)) < draw(st.sampled_from([0.0, 0.5, 1.0])))

    def amounts(*shape: int) -> Any:
        return np.array([draw(AMOUNTS) for _ in range(int(np.prod(shape)))]).reshape(shape)

    expected_s = np.where(feasible, amounts(n, n_choices), np.inf)
    download_bytes = amounts(n, n_choices)
    round_number = draw(st.integers(1, 10))
    return observation(
        n,
        tuple(np.linspace(0.0, 0.9, n_choices).tolist()),
        round_number=round_number,
        round_s=draw(AMOUNTS),
        n_asked=draw(st.integers(1, n)),
        accuracy=draw(st.sampled_from([np.nan, 0.0, 0.7, 1.0])),
        devices=np.sort(rng.choice(100, n, replace=False)),
        available=available,
        feasible=feasible,
        n_samples=np.round(amounts(n)),
        distance_m=amounts(n),
        downlink_bps=np.where(feasible.any(axis=1), 1.0, 0.0) * np.maximum(amounts(n), 1.0),
        uplink_bps=amounts(n),
        memory_bytes=amounts(n),
        speed_flops=amounts(n),
        n_updates=rng.integers(0, round_number, n) * 1.0,
        rounds_since=rng.integers(1, round_number + 1, n) * 1.0,
        overlap=draw(st.sampled_from([np.nan, 0.5])),
        novelty=rng.random(n),
        compute_s=amounts(n, n_choices),
        download_bytes=download_bytes,
        kept_download_bytes=download_bytes * rng.random((n, n_choices)),
        expected_s=expected_s,
        expected_j=np.where(feasible, amounts(n, n_choices), np.inf),
        age=np.where(rng.random((n, n_choices)) < 0.5, rng.integers(0, 20, (n, n_choices)), np.nan),
    )
