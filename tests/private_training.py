"""Small networks, samples and private turns: shared by the tests of private training and of what it costs."""

import torch

from learners.data.examples import Examples
from learners.models.load import build
from learners.models.spec import model_spec
from learners.optimizers import optimizer_of
from learners.peft.defaults import METHODS
from learners.privacy import train_privately

METHODS_TRIED = {
    **{name: {"name": name, **METHODS[name].options} for name in ("full", "head", "bias", "lora", "adapter", "prompt")},
    "adapter-each": {"name": "adapter", "reduction": 8, "shared": False},
    "peft-lora": {"name": "peft", "peft_type": "LORA", "peft_options": {}},
    "peft-ia3": {"name": "peft", "peft_type": "IA3", "peft_options": {}},
}
#: A step of this optimizer moves the state by exactly the gradient that it is given.
PLAIN = {"learning_rate": 1.0, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}


def network(method, *, seed=0):
    """Return tiny-vit-s with ``method``, moved away from the start where some gradients are zero."""
    method = {"name": method} if isinstance(method, str) else method
    spec = model_spec("tiny-vit-s", task="image-classification", n_classes=10, method=method, pretrained=True, seed=seed)
    return nudged(build(spec))


def nudged(model, *, scale=0.05):
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in trained(model).values():
            parameter += scale * torch.randn(parameter.shape, generator=generator)
    return model.train()


def pictures(n, *, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return Examples({"pixel_values": torch.randn(n, 1, 28, 28, generator=generator)}, torch.arange(n) % 10)


def trained(model):
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def copied(model):
    return {name: parameter.detach().clone() for name, parameter in trained(model).items()}


def privacy(*, noise=0.0, clip=1.0, **options):
    return {"kind": "dp-sgd", "noise_multiplier": noise, "delta": 1e-5, "max_grad_norm": clip, "accountant": "rdp", **options}


def privately(model, own, how, *, seed=0, epochs=1, batch_size=None, optimizer=PLAIN):
    """Train, and return the statistics, the numbers and by how much the state has moved."""
    before = copied(model)
    stats, numbers = train_privately(
        model,
        own,
        how,
        epochs=epochs,
        batch_size=batch_size or len(own),
        optimizer=optimizer_of(model, optimizer),
        generator=torch.Generator().manual_seed(seed),
    )
    return stats, numbers, {name: value - before[name] for name, value in copied(model).items()}


def flat(tensors):
    return torch.cat([value.flatten() for value in tensors.values()])
