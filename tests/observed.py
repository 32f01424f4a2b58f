"""Observations with what a test wants to say, and plain values for the rest; and the context that policies are made in."""

import numpy as np

from mecsim.control.observation import Observation
from mecsim.control.policy import POLICIES, PolicyContext
from mecsim.rng import Streams


def observed(n, choices=(0.0,), *, devices=None, n_asked=None, round_number=1, n_rounds=5, **given):
    """Return an observation of ``n`` devices; columns and scalars by their names, scalars are spread over columns."""
    c = len(choices)
    available = np.broadcast_to(given.pop("available", True), n).astype(bool)
    feasible = np.broadcast_to(given.pop("feasible", True), (n, c)).astype(bool) & available[:, None]
    scalars = {"now_s": 0.0, "round_s": 0.0, "accuracy": np.nan, "default": 0, "renews": False}
    per_device = {
        "n_samples": 10.0,
        "distance_m": 100.0,
        "downlink_bps": 8e6,
        "uplink_bps": 8e6,
        "memory_bytes": 1e9,
        "speed_flops": 1e9,
        "battery_share": 1.0,
        "n_updates": 0.0,
        "rounds_since": float(round_number),
        "overlap": 1.0,
        "novelty": 1.0,
    }
    per_choice = {"compute_s": 1.0, "download_bytes": 1e6, "upload_bytes": 1e6, "expected_s": 3.0, "expected_j": 1.0}
    per_choice |= {"kept_download_bytes": given.get("download_bytes", 1e6), "age": np.nan}
    values = {name: given.pop(name, value) for name, value in scalars.items()}
    values |= {name: column(given.pop(name, value), (n,)) for name, value in per_device.items()}
    values |= {name: column(given.pop(name, value), (n, c)) for name, value in per_choice.items()}
    assert not given, given.keys()
    for name in ("expected_s", "expected_j"):
        values[name] = np.where(feasible, values[name], np.inf)
    return Observation(
        round_number=round_number,
        n_rounds=n_rounds,
        n_asked=n if n_asked is None else n_asked,
        choices=tuple(choices),
        devices=np.arange(n) if devices is None else np.asarray(devices),
        available=available,
        feasible=feasible,
        **values,
    )


def column(value, shape):
    return np.broadcast_to(np.asarray(value, dtype=np.float64), shape).copy()


def no_rehearsal(script, surrogate):
    raise AssertionError("nothing is to be rehearsed")


def created(name, observation=None, *, seed=0, rehearse=no_rehearsal, n_devices=None, **params):
    """Return a policy of the catalogue as a scenario names it, for worlds such as that of ``observation``."""
    of = observed(1) if observation is None else observation
    context = PolicyContext(
        streams=Streams(seed),
        choices=of.choices,
        default=of.default,
        n_asked=of.n_asked,
        n_rounds=of.n_rounds,
        n_devices=of.n if n_devices is None else n_devices,
        sharing="assigned",
        rehearse=rehearse,
    )
    entry = POLICIES[name]
    return entry.create(entry.params.model_validate(params), context)
