"""What the processor of this machine reaches, measured: arithmetic, memory traffic, a real training step, power.

The figures are those that a simulated device needs, so that its training steps take as long as those here did.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import nn

from learners.costs import cost_sheet
from learners.data.examples import Examples
from learners.models.architectures import architecture_of, as_params
from learners.models.load import build
from learners.models.spec import model_spec
from learners.optimizers import optimizer_of
from learners.power_meter import PowerMeter
from learners.train import train

MODEL = "tiny-vit-l"
#: Training steps of two sizes tell the time that a sample takes from the time that a step takes whatever its size.
SMALL_BATCH, LARGE_BATCH = 4, 64
_N_CLASSES = 10
_METHOD = {"name": "full"}
_SETTINGS = {"optimizer": "sgd", "learning_rate": 0.001, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
_MATRIX = 1024
_COPY_BYTES = 256_000_000
_MIN_REPEATS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured; powers are of the processor's packages alone, None where they cannot be read."""

    matrix_flops: float  # FLOP/s of products of large matrices
    training_flops: float  # FLOP/s of the samples of a training step
    launch_s: float  # a training step's time that does not grow with its batch
    copy_bytes_per_s: float  # read and written
    memory_bytes: float
    n_threads: int
    idle_w: float | None
    active_w: float | None
    large_step_s: float  # a step of LARGE_BATCH samples
    large_step_flop: float
    large_step_traffic_bytes: float


def measure(seconds: float, meter: PowerMeter | None = None) -> Measured:
    """Measure for about ``seconds``: half of it training, the rest in equal parts arithmetic, copying, and doing nothing.

    Training is full fine-tuning of the embedded tiny-vit-l on random pictures, with all threads that torch takes; its FLOPs
    are those that the simulator charges for it.
    """
    meter = meter or PowerMeter()
    idle_w = _idle_w(meter, seconds / 6.0) if meter.is_there else None
    matrix_flops = _matrix_flops(seconds / 6.0)
    copy_bytes_per_s = _copy_bytes_per_s(seconds / 6.0)
    step = _training_step()
    meter.start()
    small_s, large_s = _step_times_s(step, seconds / 2.0)
    active_w = meter.mean_w()
    sheet = _sheet(LARGE_BATCH)
    sample_s, launch_s = split_step(small_s, large_s)
    return Measured(
        matrix_flops=matrix_flops,
        training_flops=sheet["train_flop_per_sample"] / sample_s,
        launch_s=launch_s,
        copy_bytes_per_s=copy_bytes_per_s,
        memory_bytes=float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        n_threads=torch.get_num_threads(),
        idle_w=idle_w,
        active_w=active_w,
        large_step_s=large_s,
        large_step_flop=LARGE_BATCH * sheet["train_flop_per_sample"],
        large_step_traffic_bytes=float(sheet["traffic_bytes_per_step"]),
    )


def split_step(small_s: float, large_s: float) -> tuple[float, float]:
    """Return the seconds of a sample and those of a step whatever its size, from the times of both batch sizes.

    Times are taken as a line over the batch size. One that falls, or that begins below zero, is noise: then the large step
    counts, and a step has no time of its own.
    """
    sample_s = (large_s - small_s) / (LARGE_BATCH - SMALL_BATCH)
    launch_s = small_s - SMALL_BATCH * sample_s
    if sample_s <= 0.0 or launch_s < 0.0:
        return large_s / LARGE_BATCH, 0.0
    return sample_s, launch_s


def _idle_w(meter: PowerMeter, seconds: float) -> float | None:
    meter.start()
    time.sleep(seconds)
    return meter.mean_w()


def _matrix_flops(seconds: float) -> float:
    one, other = torch.randn(2, _MATRIX, _MATRIX)
    result = torch.empty(_MATRIX, _MATRIX)
    return 2.0 * _MATRIX**3 / min(_times_s(lambda: torch.mm(one, other, out=result), seconds))


def _copy_bytes_per_s(seconds: float) -> float:
    """Return the bytes that are read and written a second; a copy this large does not fit into caches."""
    source = torch.zeros(_COPY_BYTES, dtype=torch.uint8)
    target = torch.ones_like(source)
    return 2.0 * _COPY_BYTES / min(_times_s(lambda: target.copy_(source), seconds))


def _step_times_s(step: Callable[[int], None], seconds: float) -> tuple[float, float]:
    """Return the median times of a small and of a large step, taken in turn so that both meet the same machine."""
    small: list[float] = []
    large: list[float] = []
    until_s = time.perf_counter() + seconds
    for size in (SMALL_BATCH, LARGE_BATCH):
        step(size)  # warm-up
    while time.perf_counter() < until_s or len(large) < _MIN_REPEATS:
        small.append(_time_s(lambda: step(SMALL_BATCH)))
        large.append(_time_s(lambda: step(LARGE_BATCH)))
    return median(small), median(large)


def _times_s(action: Callable[[], Any], seconds: float) -> list[float]:
    action()  # warm-up
    until_s = time.perf_counter() + seconds
    times_s: list[float] = []
    while time.perf_counter() < until_s or len(times_s) < _MIN_REPEATS:
        times_s.append(_time_s(action))
    return times_s


def _time_s(action: Callable[[], Any]) -> float:
    start_s = time.perf_counter()
    action()
    return time.perf_counter() - start_s


def _training_step() -> Callable[[int], None]:
    """Return what takes one training step on a batch of the given size."""
    model: nn.Module = build(
        model_spec(MODEL, task="image-classification", n_classes=_N_CLASSES, method=_METHOD, pretrained=True, seed=0)
    )
    optimizer = optimizer_of(model, _SETTINGS)
    generator = torch.Generator().manual_seed(0)
    shape = architecture_of(MODEL)
    pixels = torch.rand(LARGE_BATCH, shape.n_channels or 1, shape.image_px or 1, shape.image_px or 1, generator=generator)
    examples = Examples({"pixel_values": pixels}, torch.randint(_N_CLASSES, (LARGE_BATCH,), generator=generator))

    def step(size: int) -> None:
        batch = examples.pick(torch.arange(size))
        train(model, batch, epochs=1, batch_size=size, optimizer=optimizer, clip_norm=None, generator=generator)

    return step


def _sheet(batch_size: int) -> dict[str, int | float]:
    return cost_sheet(
        architecture=as_params(architecture_of(MODEL)),
        task="image-classification",
        n_classes=_N_CLASSES,
        method=_METHOD,
        batch_size=batch_size,
    )
