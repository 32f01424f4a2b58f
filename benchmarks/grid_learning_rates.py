"""The learning-rate grid behind ``learners/peft/defaults.py``: ``python benchmarks/grid_learning_rates.py [model]``.

A short federated run on the digits for each method, rate and seed, with seeds of its own. A rate is judged on the public split,
never on the test split. Writes ``grid_learning_rates.csv`` and prints the winners.
"""

import csv
import sys
import time
from pathlib import Path

import numpy as np

from learners.catalog import METHODS, LocalSettings, SchemeContext, dataset_spec
from learners.inline import InlineRunner, inline_scheme, take_round
from learners.schemes.fedpeft import FedPeft
from mecsim.errors import JobError
from mecsim.rng import Streams

RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
SEEDS = (9001, 9002, 9003)
N_CLIENTS, PER_ROUND, ROUNDS, JUDGED_ROUNDS = 20, 6, 12, 3
ALPHA = 0.3
LOCAL = LocalSettings(epochs=2, batch_size=16)
OUT = Path(__file__).parent / "grid_learning_rates.csv"


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else "tiny-vit-s"
    rows = []
    for method in METHODS:
        if method == "peft":  # the rate of its default type, LORA, is that of lora
            continue
        for rate in RATES:
            started = time.perf_counter()
            scores = [judged(model, method, rate, seed) for seed in SEEDS]
            rows.append([model, method, rate, round(float(np.mean(scores)), 4), round(float(np.std(scores, ddof=1)), 4)])
            print(*rows[-1], f"{time.perf_counter() - started:.1f} s", flush=True)
    with OUT.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "method", "learning_rate", "public_accuracy_mean", "public_accuracy_sd"])
        writer.writerows(rows)
    for method in dict.fromkeys(row[1] for row in rows):
        best = max((row for row in rows if row[1] == method), key=lambda row: row[3])
        print(f"{method:8} {best[2]:g} ({best[3]:.3f})")


def judged(model: str, method: str, rate: float, seed: int) -> float:
    """Return the mean public accuracy after each of the last rounds; a run that diverges scores 0."""
    runner = InlineRunner()
    scheme, context = federation(runner, model, method, rate, seed)
    scores = []
    try:
        for number in range(ROUNDS):
            chosen = Streams(seed).get("selection", number).choice(N_CLIENTS, PER_ROUND, replace=False)
            take_round(scheme, context, number, [int(client) for client in chosen])
            if number >= ROUNDS - JUDGED_ROUNDS:
                scores.append(runner.demand(scheme.evaluation("public")).numbers["accuracy"])
    except JobError:
        return 0.0
    return float(np.mean(scores))


def federation(runner: InlineRunner, model: str, method: str, rate: float, seed: int) -> tuple[FedPeft, SchemeContext]:
    scheme, context = inline_scheme(
        runner,
        "fedpeft",
        {"method": method, "learning_rate": rate},
        model=model,
        dataset=dataset_spec("digits"),
        partition={"kind": "dirichlet", "alpha": ALPHA, "min_samples": 10},
        n_clients=N_CLIENTS,
        public_share=0.15,
        test_share=0.2,
        n_rounds=ROUNDS,
        local=LOCAL,
        learning_seed=seed,
        data_seed=seed,
    )
    assert isinstance(scheme, FedPeft)  # noqa: S101
    return scheme, context


if __name__ == "__main__":
    main()
