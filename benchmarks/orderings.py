"""Do the papers' orderings hold here? ``python -m benchmarks.orderings RUN [RUN ...]``.

Reads run folders of one scenario, of as many seeds as there are, and prints paired differences with 95 % intervals for the
orderings that the scenario is about: the same seed means the same world, data, split and start. ``docs/orderings.md`` has the
tables and the commands.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.stats import interval
from mecsim.results.reader import open_run

#: A measure of a label: seed -> value.
Values = dict[int, float]
Measure = Callable[["Runs", str], Values]


class Runs:
    """The summaries and diagnostics of all runs together."""

    def __init__(self, folders: list[Path]) -> None:
        runs = [open_run(folder) for folder in folders]
        self.summary = pd.concat([run.frame("summary") for run in runs])
        self.diagnostics = pd.concat([run.frame("diagnostics") for run in runs])
        self.name = str(runs[0].manifest["name"])
        self.seeds = sorted(self.summary["seed"].unique())

    def of_summary(self, label: str, column: str) -> Values:
        rows = self.summary[self.summary["label"] == label]
        return dict(zip(rows["seed"], rows[column].astype(float), strict=True))

    def diagnostic(self, label: str, name: str) -> Values:
        rows = self.diagnostics[(self.diagnostics["label"] == label) & (self.diagnostics["name"] == name)]
        last = rows[rows["round"] == rows["round"].max()]
        return dict(zip(last["seed"], last["value"], strict=True))


def accuracy(runs: Runs, label: str) -> Values:
    """Return the accuracy at the end in points."""
    return {seed: 100 * value for seed, value in runs.of_summary(label, "final_accuracy").items()}


def bits(name: str) -> Measure:
    """Return minus the bits a byte of a diagnostic, so that more is better."""
    return lambda runs, label: {seed: -value for seed, value in runs.diagnostic(label, name).items()}


def points(name: str) -> Measure:
    """Return a diagnostic in points."""
    return lambda runs, label: {seed: 100 * value for seed, value in runs.diagnostic(label, name).items()}


BITS = bits("bits_per_byte")
#: By scenario: what should be larger, its label and measure, and the label and measure that it should be larger than.
CLAIMS: dict[str, list[tuple[str, str, Measure, str, Measure]]] = {
    "orderings-text": [
        ("FedPFT: full over B", "fedpft full", BITS, "fedpft B", BITS),
        ("FedPFT: B over N", "fedpft B", BITS, "fedpft N", BITS),
        ("FedPFT: D over N", "fedpft D", BITS, "fedpft N", BITS),
        ("FedPFT over FedOT", "fedpft full", BITS, "fedot", BITS),
        ("LoRA on the full model over FedPFT", "lora", BITS, "fedpft full", BITS),
        ("FedPEAT: plug-in over emulator", "fedpeat", BITS, "fedpeat", bits("emulator_bits_per_byte")),
        ("FedPEAT: server takes part over idle", "fedpeat", BITS, "fedpeat idle", BITS),
        ("FedPT: proxy over small alone", "fedpt", BITS, "fedpt", bits("small_bits_per_byte")),
        ("FedPT: proxy over large alone", "fedpt", BITS, "fedpt", bits("large_bits_per_byte")),
        ("FedPT: proxy over the plain mixture", "fedpt", BITS, "fedpt", bits("mixture_bits_per_byte")),
        *((f"{label} over zero-shot", label, BITS, "zero-shot", BITS) for label in ("lora", "fedot", "fedpeat", "fedpft full")),
    ],
    "fedpft": [
        ("full over B", "full t=4 p=0.5", accuracy, "B", accuracy),
        ("B over N", "B", accuracy, "N", accuracy),
        ("D over N", "D", accuracy, "N", accuracy),
        ("FedPFT over FedOT", "full t=4 p=0.5", accuracy, "fedot", accuracy),
        ("LoRA on the full model over FedPFT", "full model", accuracy, "full t=4 p=0.5", accuracy),
    ],
    "fedpeat": [
        ("plug-in over emulator", "drop 0.5", accuracy, "drop 0.5", points("emulator_accuracy")),
        ("server takes part over idle", "drop 0.5", accuracy, "drop 0.5 idle server", accuracy),
        ("realigned over not", "drop 0.5 realigned", accuracy, "drop 0.5", accuracy),
        ("FedPEAT over FedOT", "drop 0.5", accuracy, "fedot", accuracy),
        ("LoRA on the full model over FedPEAT", "full model", accuracy, "drop 0.5", accuracy),
    ],
    "fedpeft": [
        ("full over bias (near: small)", "full", accuracy, "bias", accuracy),
        ("full over LoRA (near: small)", "full", accuracy, "lora", accuracy),
        ("bias over head", "bias", accuracy, "head", accuracy),
        ("pretrained over scratch", "full", accuracy, "scratch", accuracy),
        ("full loses from 8 to 1 clients a round", "full", accuracy, "full-1", accuracy),
        ("bias loses from 8 to 1 clients a round", "bias", accuracy, "bias-1", accuracy),
        ("LoRA loses from 8 to 1 clients a round", "lora", accuracy, "lora-1", accuracy),
        ("bias over full at one client a round", "bias-1", accuracy, "full-1", accuracy),
    ],
}


def main() -> None:
    runs = Runs([Path(argument) for argument in sys.argv[1:]])
    unit = "points" if CLAIMS[runs.name][0][2] is accuracy else "bits a byte"
    print(f"{runs.name}: {len(runs.seeds)} seeds ({', '.join(map(str, runs.seeds))})\n")
    print(f"| ordering | difference, {unit} | 95 % interval | seeds in favour | holds |\n|---|---|---|---|---|")
    for what, *sides in CLAIMS[runs.name]:
        print(row(runs, what, *sides))
    print(f"\n| label | at the end | bytes sent a device turn |\n|---|---|---|")  # noqa: F541
    for label in runs.summary["label"].unique():
        print(level(runs, label, unit))


def row(runs: Runs, what: str, first: str, first_measure: Measure, second: str, second_measure: Measure) -> str:
    left, right = first_measure(runs, first), second_measure(runs, second)
    differences = np.array([left[seed] - right[seed] for seed in runs.seeds])
    middle = interval(differences.tolist())
    low, high = middle.mean - middle.half, middle.mean + middle.half
    verdict = "yes" if low > 0 else "no, the other way" if high < 0 else "not told apart"
    favour = int((differences > 0).sum())
    return f"| {what} | {middle.mean:+.3f} | {low:+.3f} to {high:+.3f} | {favour} of {len(differences)} | {verdict} |"


def level(runs: Runs, label: str, unit: str) -> str:
    sign = 1 if unit == "points" else -1
    values = [sign * value for value in (accuracy if unit == "points" else BITS)(runs, label).values()]
    middle = interval(values)
    update_bytes = max(runs.of_summary(label, "update_bytes").values())
    return f"| {label} | {middle.mean:.3f} ± {middle.half:.3f} | {update_bytes:,.0f} |"


if __name__ == "__main__":
    main()
