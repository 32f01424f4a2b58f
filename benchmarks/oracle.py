"""How far is learned control from the best there is? ``python -m benchmarks.oracle [WORLDS] [--run FOLDER]``.

Plays every policy of ``scenarios/papers/fedpeat_control_tiny.yaml`` against the surrogate of quality in worlds that neither its
study nor the training has met; the oracle plays all 3,375 scripts of each world first. With a run folder of that scenario the
same comparison for real training follows. Writes ``benchmarks/oracle.md``.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from analysis.stats import Interval, interval
from mecsim.cli.names import load
from mecsim.cli.policy_trial import rehearsals, surrogate_file
from mecsim.cli.workers import runner_of
from mecsim.results.reader import open_run

ROOT = Path(__file__).parent.parent
SCENARIO = ROOT / "scenarios" / "papers" / "fedpeat_control_tiny.yaml"
STORE = ROOT / ".mecsim" / "store"
PAGE = Path(__file__).with_suffix(".md")
LEARNED, ORACLE = "learned", "oracle"
N_WORLDS = 12

#: The objective in each world, by scheme; lower is better.
Objectives = Mapping[str, Sequence[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare learned control with the best script of decisions.")
    parser.add_argument("worlds", nargs="?", type=int, default=N_WORLDS, help="worlds to play")
    parser.add_argument("--run", type=Path, help="run folder of the scenario, with real training")
    arguments = parser.parse_args()
    text = page(rehearsed(arguments.worlds), None if arguments.run is None else trained(arguments.run))
    PAGE.write_text(text, encoding="utf-8")
    print(text)


def rehearsed(n_worlds: int) -> Objectives:
    """Return the objectives that the surrogate foretells."""
    scenario = load(SCENARIO, None).scenario
    runner, opened = runner_of(STORE, n_workers=1)
    try:
        found = rehearsals(scenario, surrogate_file(scenario), n_worlds, runner)
    finally:
        opened.close()
    return {label: [each.objective for each in played] for label, played in found.items()}


def trained(folder: Path) -> Objectives:
    """Return the objectives of a run."""
    summary = open_run(folder).frame("summary").sort_values("seed")
    return {str(label): own["objective"].astype(float).tolist() for label, own in summary.groupby("label", sort=False)}


def page(foretold: Objectives, real: Objectives | None) -> str:
    """Return the result as a page."""
    lines = [
        "# Learned control against the best script of decisions",
        "",
        "Two devices, three choices, three rounds: `scenarios/papers/fedpeat_control_tiny.yaml`. The oracle plays all 3,375",
        "scripts of a world against the surrogate of quality, and knows what comes. The objective (lower is better), and what",
        "it is over the oracle's in the same worlds, in per cent of the oracle's mean. Made by `python -m benchmarks.oracle`.",
        "",
        *table("quality foretold by the surrogate", foretold),
    ]
    if real is not None:
        lines += [
            "",
            *table("real training", real),
            "",
            "The oracle's scripts are the best by the surrogate, so with real training it is no bound.",
        ]
    lines += ["", "The worlds, with the quality foretold:", "", *by_world(foretold)]
    return "\n".join(lines) + "\n"


def table(title: str, objectives: Objectives) -> list[str]:
    """Return a row a scheme, the lowest objective first."""
    n = len(objectives[ORACLE])
    lines = [f"| {title}, {n} worlds | objective | over the oracle, % | 95 % interval |", "|---|---|---|---|"]
    for label in sorted(objectives, key=lambda one: float(np.mean(objectives[one]))):
        mean = f"| {label} | {np.mean(objectives[label]):.3f} |"
        if label == ORACLE:
            lines.append(f"{mean} | |")
            continue
        over = over_oracle(objectives[label], objectives[ORACLE])
        half = over.half or 0.0
        lines.append(f"{mean} {100 * over.mean:+.1f} | {100 * (over.mean - half):+.1f} to {100 * (over.mean + half):+.1f} |")
    return lines


def over_oracle(own: Sequence[float], oracle: Sequence[float]) -> Interval:
    """Return by which share of the oracle's mean objective another's is higher in the same worlds."""
    middle = float(np.mean(oracle))
    return interval([(one - best) / middle for one, best in zip(own, oracle, strict=True)])


def by_world(objectives: Objectives) -> list[str]:
    """Return a row a world: both objectives, and the learned one's over the oracle's."""
    lines = ["| world | learned | oracle | ratio |", "|---|---|---|---|"]
    for number, (own, best) in enumerate(zip(objectives[LEARNED], objectives[ORACLE], strict=True), start=1):
        lines.append(f"| {number} | {own:.3f} | {best:.3f} | {own / best:.3f} |")
    return lines


if __name__ == "__main__":
    main()
