"""Do the embedded models earn their place? ``python -m benchmarks.embedded_pair [model ...]``.

LoRA r=8 on query and value with the new head, 20 images a class of the digits, tested on held-out digits. Bars:
pretrained beats random by 10 points, and ``tiny-vit-l`` beats ``tiny-vit-s`` by 1.5 with a paired interval that excludes
zero. Every arm gets the same grid of learning rates, judged on validation digits apart from the test digits. A seed draws
the split, the training images, head, LoRA, a random backbone, and the order of batches. Writes ``embedded_pair.md``.
"""

import math
import sys
import time
from pathlib import Path

import numpy as np
import torch

from learners.data.datasets import dataset_spec
from learners.data.examples import examples
from learners.data.load import content
from learners.data.partition import limited, split_off
from learners.evaluate import evaluate
from learners.models.load import build
from learners.models.spec import model_spec
from learners.optimizers import optimizer_of
from learners.peft.defaults import METHODS
from learners.train import train
from mecsim.rng import Streams

RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
TUNING_SEEDS = (7001, 7002, 7003)
SEEDS = tuple(range(8001, 8013))
PER_CLASS, EPOCHS, BATCH_SIZE = 20, 20, 16
T_95 = {11: 2.201}  # Student's t, two-sided 95 %, by degrees of freedom
OUT = Path(__file__).parent / "embedded_pair.md"
SETTINGS = {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
Arm = tuple[str, bool]


def main() -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    models = sys.argv[1:] or ["tiny-vit-s", "tiny-vit-l"]
    started = time.perf_counter()
    rates, scores = {}, {}
    for arm in [(model, pretrained) for model in models for pretrained in (True, False)]:
        validated = {rate: float(np.mean([trained(arm, rate, seed)[0] for seed in TUNING_SEEDS])) for rate in RATES}
        rates[arm] = max(validated, key=validated.__getitem__)
        scores[arm] = np.array([trained(arm, rates[arm], seed)[1] for seed in SEEDS])
        print(arm, validated, rates[arm], scores[arm].mean().round(4), f"{time.perf_counter() - started:.0f} s", flush=True)
    text = table(rates, scores, models)
    OUT.write_text(text)
    print(text)


def trained(arm: Arm, rate: float, seed: int) -> tuple[float, float]:
    """Return validation and test accuracy after central training of ``arm`` at ``rate``; of a diverged run, chance."""
    dataset = dataset_spec("digits")
    labels = content(dataset).labels
    split = split_off(labels, test_share=0.3, public_share=0.2, streams=Streams(seed))
    chosen = torch.from_numpy(limited(labels, split.train, PER_CLASS))
    method = {"name": "lora", **METHODS["lora"].options}
    spec = model_spec(arm[0], task="image-classification", n_classes=10, method=method, pretrained=arm[1], seed=seed)
    model, everything = build(spec), examples(dataset, spec)
    train(
        model,
        everything.pick(chosen),
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        optimizer=optimizer_of(model, {**SETTINGS, "learning_rate": rate}),
        clip_norm=None,
        generator=torch.Generator().manual_seed(seed),
    )
    held_out = [torch.from_numpy(part) for part in (split.public, split.test)]
    validation, test = (evaluate(model, everything, part)["accuracy"] for part in held_out)
    return validation, test


def table(rates: dict[Arm, float], scores: dict[Arm, np.ndarray], models: list[str]) -> str:
    lines = [
        "# The embedded models on held-out digits",
        "",
        f"LoRA r=8 on q and v, {PER_CLASS} images a class, {EPOCHS} epochs of batches of {BATCH_SIZE}, {len(SEEDS)} seeds; "
        "made by `python -m benchmarks.embedded_pair`.",
        f"Learning rate of each arm: the best of {', '.join(f'{rate:g}' for rate in RATES)} on validation digits, "
        f"{len(TUNING_SEEDS)} other seeds.",
        "",
        "| model | start | rate | test accuracy, % | sd |",
        "|---|---|---|---|---|",
    ]
    for (model, pretrained), values in scores.items():
        start = "pretrained" if pretrained else "random"
        spread = 100 * values.std(ddof=1)
        lines.append(f"| {model} | {start} | {rates[model, pretrained]:g} | {100 * values.mean():.2f} | {spread:.2f} |")
    lines += ["", "| difference, paired by seed | points | 95 % interval |", "|---|---|---|"]
    for model in models:
        lines.append(difference(f"{model}: pretrained - random", scores[model, True] - scores[model, False]))
    if {"tiny-vit-s", "tiny-vit-l"} <= set(models):
        lines.append(difference("tiny-vit-l - tiny-vit-s", scores["tiny-vit-l", True] - scores["tiny-vit-s", True]))
    return "\n".join(lines) + "\n"


def difference(what: str, differences: np.ndarray) -> str:
    mean, n = 100 * differences.mean(), len(differences)
    half = T_95[n - 1] * 100 * differences.std(ddof=1) / math.sqrt(n)
    return f"| {what} | {mean:+.2f} | {mean - half:+.2f} to {mean + half:+.2f} |"


if __name__ == "__main__":
    main()
