"""What a second worker is good for: ``python -m benchmarks.workers [rounds [repeats]]``, on a machine that is calm.

The trainings of ``scenarios/quickstart.yaml`` for three of its schemes: real jobs of a tenth of a second and more, which share
a partition. Runs alternate between one and two workers, each with new processes and a fresh store. "first" has the start of
the processes in it (torch is loaded), "next" is the same work from another seed by workers that are warm.
"""

import functools
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from learners.catalog import LocalSettings, dataset_spec
from learners.inline import InlineRunner, inline_scheme, take_round
from learners.numerics import numerics_class
from mecsim.jobs.job import Job
from mecsim.jobs.pool import PoolRunner
from mecsim.jobs.runner import Execute
from mecsim.jobs.store import Store
from mecsim.rng import Streams

SCHEMES = {"lora": ("fedpeft", {"method": "lora"}), "bias": ("fedpeft", {"method": "bias"}), "full": ("full", {})}
N_CLIENTS, PER_ROUND = 24, 8


def make(folder: Path) -> tuple[Execute, Store]:
    """Return what a worker needs."""
    from learners.worker import execute

    return execute, Store(folder, numerics=numerics_class())


def evaluations(seed: int, n_rounds: int) -> list[Job]:
    """Return the evaluation of every scheme after every round; nothing is trained for it."""
    wanted, runner = [], InlineRunner()
    for name, params in SCHEMES.values():
        scheme, context = inline_scheme(
            runner,
            name,
            params,
            model="tiny-vit-l",
            dataset=dataset_spec("digits"),
            partition={"kind": "dirichlet", "alpha": 0.2, "min_samples": 1},
            n_clients=N_CLIENTS,
            public_share=0.05,
            local=LocalSettings(epochs=1, batch_size=16),
            n_rounds=n_rounds,
            account_as="vit-base-16",
            learning_seed=seed,
        )
        for number in range(n_rounds):
            chosen = Streams(seed).get("selection", number).choice(N_CLIENTS, PER_ROUND, replace=False)
            take_round(scheme, context, number, [int(client) for client in chosen])
            wanted.append(scheme.quality())
    return wanted


def measure(n_workers: int, n_rounds: int) -> tuple[float, float, int, list[float]]:
    """Return the seconds of the first and the next demand, the jobs of both, and the accuracies, which have to be equal."""
    first, following = evaluations(1, n_rounds), evaluations(2, n_rounds)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), numerics=numerics_class())
        with PoolRunner(functools.partial(make, Path(folder)), store, n_workers=n_workers) as runner:
            began = time.perf_counter()
            results = runner.demand(first)
            between = time.perf_counter()
            results += runner.demand(following)
            ended = time.perf_counter()
        store.close()
    return between - began, ended - between, runner.n_executed, [result.numbers["accuracy"] for result in results]


def main() -> None:
    n_rounds, n_repeats = ([int(argument) for argument in sys.argv[1:]] + [3, 3][len(sys.argv) - 1 :])[:2]
    times: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    accuracies = []
    print("| workers | first, s | next, s | jobs |\n|---|---|---|---|")
    for repeat in range(n_repeats):
        for n_workers in (1, 2) if repeat % 2 == 0 else (2, 1):
            first_s, next_s, n_jobs, found = measure(n_workers, n_rounds)
            times[n_workers].append((first_s, next_s))
            accuracies.append(found)
            print(f"| {n_workers} | {first_s:.1f} | {next_s:.1f} | {n_jobs} |", flush=True)
    assert all(found == accuracies[0] for found in accuracies)  # noqa: S101
    ratios = np.median(times[1], axis=0) / np.median(times[2], axis=0)
    print(f"\nOne worker takes {ratios[0]:.2f} times as long as two with their start, {ratios[1]:.2f} times without.")


if __name__ == "__main__":
    main()
