"""Pretrain an embedded language model on CPython's own text: ``python -m learners.models.pretrain_lm tiny-lm-s``.

The result is a safetensors file (half precision, the output matrix tied to the embeddings left out) and a JSON card beside it.
"""

import argparse
import hashlib
import json
import math
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from learners.data.stdlib_text import pretraining_digest, pretraining_text
from learners.models.muon import Muon
from learners.models.tiny_lm import BOS, TINY_LMS

DATA = "CPython's documentation topics, docstrings and comments of its standard library, exact paragraphs once"
RECIPE = {
    "bytes_per_step": 2048,
    "short_context": 64,
    "long_context": 256,
    "short_share": 0.6,
    "muon_lr": 0.02,
    "muon_momentum": 0.95,
    "adamw_lr": 4e-3,
    "weight_decay": 0.1,
    "warm_up": 0.03,
    "floor": 0.05,
}
# The same for both: that the large model is better is then due to its size.
STEPS = {"tiny-lm-s": 3_000, "tiny-lm-l": 3_000}
#: Bytes a window that the card's figures are of: the dataset's default, and all that the models can read.
WINDOWS = (128, 256)
_EVALUATED_AT_ONCE = 8192  # bytes
# The federated text is large, and all of it is unseen: every fourth window tells enough.
_FEDERATED_STRIDE = 4


def main() -> None:
    """Read the command line, pretrain, and write the weights and their card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(TINY_LMS))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    n_steps = args.steps or STEPS[args.name]
    started = time.process_time()
    model, log = pretrain(args.name, n_steps=n_steps, seed=args.seed)
    core_seconds = round(time.process_time() - started)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{args.name}.safetensors"
    weights = {name: value.detach().half().contiguous() for name, value in model.named_parameters()}
    save_file(weights, path)
    card = {
        "name": args.name,
        "data": DATA,
        "python": platform.python_version(),
        "text_digest": pretraining_digest(),
        "command": f"python -m learners.models.pretrain_lm {args.name} --steps {n_steps} --seed {args.seed}",
        "seed": args.seed,
        "recipe": RECIPE,
        "parameters": sum(value.numel() for value in weights.values()),
        **_held_out_figures(model, weights),
        "weights_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "core_seconds": core_seconds,
        "log": log,
    }
    (args.out / f"{args.name}.json").write_text(json.dumps(card, indent=1) + "\n")


def pretrain(name: str, *, n_steps: int, seed: int) -> tuple[nn.Module, list[dict[str, float]]]:
    """Return the trained model and its log: step, training and held-out loss in bits a byte (a quarter of the text)."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    model = language_model(name)
    train, held_out = (torch.from_numpy(text.copy()) for text in pretraining_text())
    optimizers = _optimizers(model)
    rates = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    log: list[dict[str, float]] = []
    losses: list[float] = []
    for step in range(n_steps):
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * _schedule(step / n_steps)
        context = int(RECIPE["short_context"] if step < RECIPE["short_share"] * n_steps else RECIPE["long_context"])
        starts = torch.randint(len(train) - context, (int(RECIPE["bytes_per_step"]) // context, 1), generator=generator)
        loss = _nats(model, train[starts + torch.arange(context)]).mean()
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.item() / math.log(2.0))
        if (step + 1) % max(1, n_steps // 20) == 0:
            # At the context that it is trained at: a longer one is beyond the model before it has seen it.
            sample = windows_of(held_out.numpy()[: len(held_out) // 4], context)
            log.append({"step": step + 1, "loss": _mean(losses), "held_out": round(bits_per_byte(model, sample), 4)})
            losses.clear()
            sys.stdout.write(f"{json.dumps(log[-1])}\n")
            sys.stdout.flush()
    return model, log


def language_model(name: str) -> Any:
    """Return transformers' causal language model of an embedded shape with fresh weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = {key: value for key, value in TINY_LMS[name].items() if key != "model_type"}
    return LlamaForCausalLM(LlamaConfig(**shape, use_cache=False, attn_implementation="sdpa"))


def windows_of(text: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    """Return the text cut into rows of ``length`` bytes; the rest at its end is left out."""
    return text[: len(text) // length * length].reshape(-1, length)


@torch.no_grad()
def bits_per_byte(model: nn.Module, windows: NDArray[np.uint8]) -> float:
    """Return the mean code length of windows (n, length), each read from its first byte on, without what precedes it."""
    rows = torch.from_numpy(np.array(windows))
    nats = sum(float(_nats(model, part).sum()) for part in rows.split(max(1, _EVALUATED_AT_ONCE // rows.shape[1])))
    return nats / math.log(2.0) / rows.numel()


def _nats(model: nn.Module, windows: Tensor) -> Tensor:
    """Return the loss of each byte of windows (n, length): the model reads a start symbol and all bytes but the last."""
    targets = windows.long()
    inputs = torch.cat([torch.full_like(targets[:, :1], BOS), targets[:, :-1]], dim=1)
    logits = model(input_ids=inputs).logits
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")


def _held_out_figures(model: nn.Module, weights: dict[str, Tensor]) -> dict[str, Any]:
    """Return bits a byte of the weights as they are kept, by bytes a window, on text that pretraining did not see."""
    from learners.data.docstrings import DocstringsParams, digest, load

    model.load_state_dict({name: value.float() for name, value in weights.items()}, strict=False)
    own, federated, digests = {}, {}, {}
    for length in WINDOWS:
        params = DocstringsParams(window=length)
        content = load(params)
        windows, public = np.asarray(content.windows), np.asarray(content.public)
        own[str(length)] = round(bits_per_byte(model, windows_of(pretraining_text()[1], length)), 4)
        federated[str(length)] = round(bits_per_byte(model, windows[~public][::_FEDERATED_STRIDE]), 4)
        digests[str(length)] = digest(params)
    return {"held_out_bits": own, "federated_bits": federated, "federated_digest": digests}


def _optimizers(model: nn.Module) -> list[torch.optim.Optimizer]:
    """Give the blocks' matrices to Muon, embeddings and norms to AdamW."""
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (matrices if parameter.ndim == 2 and ".layers." in name else rest).append(parameter)
    return [
        Muon(matrices, lr=RECIPE["muon_lr"], momentum=RECIPE["muon_momentum"]),
        torch.optim.AdamW(rest, lr=RECIPE["adamw_lr"], betas=(0.9, 0.98), weight_decay=RECIPE["weight_decay"]),
    ]


def _schedule(progress: float) -> float:
    """Linear warm-up, then a cosine to the floor."""
    if progress < RECIPE["warm_up"]:
        return progress / RECIPE["warm_up"]
    rest = (progress - RECIPE["warm_up"]) / (1.0 - RECIPE["warm_up"])
    return RECIPE["floor"] + (1.0 - RECIPE["floor"]) * 0.5 * (1.0 + math.cos(math.pi * rest))


def _mean(losses: list[float]) -> float:
    return round(float(np.mean(losses)), 4)


if __name__ == "__main__":
    main()
