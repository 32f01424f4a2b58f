"""Every scheme that is registered, in the variants that the contract is tried on: over a small federation of digits."""

from dataclasses import dataclass, replace
from functools import cache

import pytest

from learners.catalog import METHODS, SCHEMES, LocalSettings, dataset_spec
from learners.data.datasets import DATASETS
from learners.inline import InlineRunner, inline_scheme, take_round, view
from learners.schemes.synthetic import Synthetic, SyntheticContext
from mecsim.config.synthetic import Curve
from mecsim.knobs import Settings

QUICK = {"distillation": {"steps": 5}}
#: Scheme and parameters; a scheme without a row here is tried with none.
VARIANTS = {
    "fedpeft": [
        *({"method": method} for method in METHODS),
        {"method": "adapter", "shared": False},
        {"method": "head", "pretrained": False},
        {"method": "peft", "peft_type": "IA3"},
        {"method": "lora", "momentum": "carried"},
        {"method": "lora", "privacy": {"kind": "dp-sgd", "noise_multiplier": 1.0}},
        {"method": "lora", "privacy": {"kind": "reference-noise"}},
    ],
    "fedpeat": [
        QUICK,
        {**QUICK, "method": "full"},
        {**QUICK, "compression": "narrow", "ladder": [0.0, 0.5]},
        {**QUICK, "compression": "prune", "realign_every": 1},
        {**QUICK, "compression": "quantise", "ladder": [0.875]},
        {"distillation": {"steps": 0}, "server_takes_part": False, "proximal": 0.1},
    ],
    "fedot": [QUICK, {**QUICK, "method": "full"}],
    "fedpft": [
        {"distillation": {"steps": 10}, "align_every": 1, "align": {"steps": 2}},
        {"arm": "B", "distillation": {"steps": 10}, "rate_schedule": "constant", "weighting": "uniform"},
        {"arm": "D", "align_every": 1, "align": {"steps": 2}, "align_student": "last-client", "zero_threshold": 0.01},
        {"arm": "N", "rate_schedule": "exponential"},
        {"keep": 1.0, "retained": [], "align_every": 1},
    ],
    "fedpt": [
        {"small": "tiny-vit-s"},
        {"small": "tiny-vit-s", "method": "full"},
        {"small": "tiny-vit-s", "proxy_alpha": "tuned", "distillation": {"kind": "none"}},
        {"small": "tiny-vit-s", "distillation": {"kind": "full", "epochs": 1}},
    ],
    "mixture": [{"small": "tiny-vit-s"}, {"small": "tiny-vit-s", "weight": 0.3}],
    "zero-shot": [{}, {"pretrained": False}],
    "synthetic": [{}, {"choices": [0.5, 1.0], "renew_every": 1}],
    "small-only": [{"small": "tiny-vit-s", "method": "lora"}],
}
CASES = [(name, params) for name in SCHEMES for params in VARIANTS.get(name, [{}])]
LOCAL = LocalSettings(epochs=1, batch_size=16)
N_CLIENTS = 3

#: What gives a policy something to choose from: with several, a variant is tried under control.
KNOBS = ("ladder", "ranks", "keeps")

#: Schemes that split or narrow a model, or need a smaller one beside it.
LARGE = ("fedpeat", "fedot", "fedpft", "fedpt", "mixture")


def over(cases):
    """Return the mark that tries a test on ``cases``."""
    ids = ["-".join(map(str, [name, *params.values()])) for name, params in cases]
    return pytest.mark.parametrize(("name", "params"), cases, ids=ids)


every_scheme = over(CASES)
every_scheme_that_learns = over([case for case in CASES if SCHEMES[case[0]].learns])


@cache
def shared_runner():
    """One for all tests: results depend on nothing but their jobs, as the test of one seed shows with runners of its own."""
    return InlineRunner()


@dataclass(frozen=True)
class Shards:
    """What the tests ask of a context, where the scheme learns nothing."""

    client_samples: tuple[int, ...]


def federated(runner, name, params, *, n_clients=N_CLIENTS, **options):
    """Return a scheme over a small digits federation, with its context."""
    if not SCHEMES[name].learns:
        return synthetic(name, params, n_clients)
    dataset = dataset_spec("digits", DATASETS["digits"].params(train_per_class=6))
    controlled = any(len(params.get(key, ())) > 1 for key in KNOBS)
    options = {"model": "tiny-vit-l" if name in LARGE else "tiny-vit-s", "controlled": controlled, **options}
    return inline_scheme(
        runner, name, params, dataset=dataset, partition={"kind": "iid"}, n_clients=n_clients, local=LOCAL, **options
    )


def synthetic(name, params, n_clients=N_CLIENTS, client_samples=None, **options):
    """Return the scheme that stands in for learning, with what the tests ask of a context, and ``options`` of its own."""
    shards = Shards(client_samples or tuple(20 + client for client in range(n_clients)))
    given = {
        "n_samples": sum(shards.client_samples),
        "curve": Curve().model_dump(),
        "epochs": LOCAL.epochs,
        "batch_size": LOCAL.batch_size,
        "staleness_exponent": 0.5,
        "loss_spread": 0.5,
        "seed": 0,
        "backbone_preinstalled": False,
    }
    context = SyntheticContext(**{**given, **options})
    return Synthetic(SCHEMES[name].params.model_validate(params), context), shards


def run_rounds(scheme, context, n_rounds=2):
    """Let every client take part in every round; nothing is executed."""
    scheme.prepare()
    for number in range(1, n_rounds + 1):
        take_round(scheme, context, number, range(len(context.client_samples)))
    return scheme.quality()


def offer(scheme, context, client=0, number=1, *, held=frozenset(), **settings):
    """Return what a client with memory in plenty would do that has ``held`` and for which ``settings`` were decided."""
    return scheme.offer(view(context, client, number, settings=Settings(**settings), held=held))


def stale(updates, staleness, weight=1.0):
    """Return the updates as a protocol hands them on that has merged ``staleness`` times since they began."""
    return [replace(update, staleness=staleness, weight=weight) for update in updates]
