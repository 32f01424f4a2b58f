"""Summaries with nothing in them but what a test is about."""

from collections.abc import Mapping

import pandas as pd


def trials_of(values: Mapping[tuple[str, str], Mapping[int, float]], measure: str = "sim_time_s") -> pd.DataFrame:
    """Return a row a trial, of (variant, label) -> seed -> value."""
    rows = [(*key, seed, value) for key, by_seed in values.items() for seed, value in by_seed.items()]
    return pd.DataFrame(rows, columns=["variant", "label", "seed", measure])


def worlds_of(n_worlds: int, **labels) -> pd.DataFrame:
    """Return trials of final accuracy: each label is an array (n_worlds, n_seeds), each world a variant."""
    frames = []
    for label, values in labels.items():
        n_seeds = values.shape[1]
        variants = [f"world {i}" for i in range(n_worlds) for _ in range(n_seeds)]
        seeds = list(range(n_seeds)) * n_worlds
        frames.append(pd.DataFrame({"variant": variants, "label": label, "seed": seeds, "final_accuracy": values.ravel()}))
    return pd.concat(frames, ignore_index=True)
