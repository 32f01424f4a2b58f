"""What a scheme is told of a federation, with nothing behind it: for tests of what a scheme names, offers and prices."""

from collections.abc import Mapping
from typing import Any

from learners.data.datasets import DATASETS, dataset_spec
from learners.data.partition import partition_job
from learners.schemes.context import LocalSettings, SchemeContext


def digits_context(costs: Mapping[str, Mapping[str, Any]], **changes: Any) -> SchemeContext:
    """Return the context of four clients with some twenty digits each and ``costs`` as cost sheets; nothing is run."""
    dataset = dataset_spec("digits", DATASETS["digits"].params())
    told: dict[str, Any] = {
        "model": "tiny-vit-l",
        "account_as": None,
        "task": "image-classification",
        "n_classes": 10,
        "dataset": dataset,
        "partition": partition_job(dataset, {"kind": "iid"}, n_clients=4, public_share=0.1, test_share=0.2, seed=1),
        "client_samples": (20, 21, 22, 23),
        "n_public": 40,
        "n_test": 40,
        "n_rounds": 10,
        "local": LocalSettings(epochs=1, batch_size=16),
        "learning_seed": 0,
        "backbone_preinstalled": False,
        "head_start": "random",
    }
    return SchemeContext(**{**told, "costs": costs, **changes})
