"""Pretrain an embedded model on rendered glyphs: ``python -m learners.models.pretrain tiny-vit-s``.

The result is a safetensors file (half precision, classifier left out) and a JSON card beside it.
"""

import argparse
import hashlib
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from learners.data.augment import distort
from learners.data.glyphs import glyphs_digest, load_glyphs
from learners.data.pixels import to_pixels
from learners.models.load import vit
from learners.models.muon import Muon
from learners.models.tiny_vit import IMAGE_PX

DATA = "letters of nine scripts rendered from matplotlib's bundled fonts, without digits, distorted on the fly"
BATCH = 128
RECIPE = {
    "muon_lr": 0.01,
    "adamw_lr": 2e-3,
    "weight_decay": 0.05,
    "warm_up": 0.03,
    "floor": 0.02,
    "smoothing": 0.05,
}
STEPS = {"tiny-vit-s": 20_000, "tiny-vit-l": 20_000}
HELD_OUT_SHARE = 0.05


def main() -> None:
    """Read the command line, pretrain, and write the weights and their card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(STEPS))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    n_steps = args.steps or STEPS[args.name]
    started = time.perf_counter()
    model, log = pretrain(args.name, n_steps=n_steps, seed=args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    weights = {key: value.half().contiguous() for key, value in model.state_dict().items() if not key.startswith("classifier.")}
    path = args.out / f"{args.name}.safetensors"
    save_file(weights, path)
    card = {
        "name": args.name,
        "data": DATA,
        "glyphs_digest": glyphs_digest(),
        "command": f"python -m learners.models.pretrain {args.name} --steps {n_steps} --seed {args.seed}",
        "seed": args.seed,
        "recipe": {"batch": BATCH, **RECIPE},
        "parameters": sum(value.numel() for value in weights.values()),
        "held_out_accuracy": log[-1]["held_out"],
        "weights_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "core_seconds": round(time.perf_counter() - started),
        "log": log,
    }
    (args.out / f"{args.name}.json").write_text(json.dumps(card, indent=1) + "\n")


def pretrain(name: str, *, n_steps: int, seed: int) -> tuple[nn.Module, list[dict[str, float]]]:
    """Return the model trained to tell the glyphs apart, and its log: step, mean training loss, held-out accuracy."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    images, labels, classes = load_glyphs()
    model = vit(name, len(classes), attention="sdpa")
    train, held_out = _split(images, labels, seed)
    optimizers = _optimizers(model)
    rates = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    log: list[dict[str, float]] = []
    losses: list[float] = []
    for step in range(n_steps):
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * _schedule(step / n_steps)
        pick = torch.randint(len(train[1]), (BATCH,), generator=generator)
        batch = distort(train[0][pick].float() / 255.0, size_px=IMAGE_PX, generator=generator)
        logits = model(pixel_values=to_pixels(batch)).logits
        loss = F.cross_entropy(logits, train[1][pick], label_smoothing=RECIPE["smoothing"])
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.item())
        if (step + 1) % max(1, n_steps // 20) == 0:
            log.append({"step": step + 1, "loss": round(float(np.mean(losses)), 4), "held_out": _accuracy(model, held_out)})
            losses.clear()
            print(json.dumps(log[-1]), flush=True)
    return model, log


def _split(images: np.ndarray, labels: np.ndarray, seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    order = np.random.default_rng(seed).permutation(len(labels))
    n_held_out = round(HELD_OUT_SHARE * len(labels))
    parts = order[n_held_out:], order[:n_held_out]
    held_in, held_out = ((torch.from_numpy(images[part]), torch.from_numpy(labels[part])) for part in parts)
    return held_in, held_out


def _optimizers(model: nn.Module) -> list[torch.optim.Optimizer]:
    """Give the blocks' matrices to Muon and all else to AdamW."""
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        inside = parameter.ndim == 2 and "layer" in name and "classifier" not in name
        (matrices if inside else rest).append(parameter)
    return [
        Muon(matrices, lr=RECIPE["muon_lr"], momentum=0.95, weight_decay=RECIPE["weight_decay"]),
        torch.optim.AdamW(rest, lr=RECIPE["adamw_lr"], betas=(0.9, 0.98), weight_decay=RECIPE["weight_decay"]),
    ]


def _schedule(progress: float) -> float:
    """Linear warm-up, then a cosine to the floor."""
    if progress < RECIPE["warm_up"]:
        return progress / RECIPE["warm_up"]
    rest = (progress - RECIPE["warm_up"]) / (1.0 - RECIPE["warm_up"])
    return RECIPE["floor"] + (1.0 - RECIPE["floor"]) * 0.5 * (1.0 + math.cos(math.pi * rest))


@torch.no_grad()
def _accuracy(model: nn.Module, held_out: tuple[Tensor, Tensor]) -> float:
    generator = torch.Generator().manual_seed(0)
    images, labels = held_out
    batch = distort(images.float() / 255.0, size_px=IMAGE_PX, generator=generator)
    return round(float((model(pixel_values=to_pixels(batch)).logits.argmax(1) == labels).float().mean()), 4)


if __name__ == "__main__":
    main()
