"""transformers' network for an architecture and a task: without dropout, with or without weights of a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from learners.models.anatomy import head_of
from learners.models.architectures import Architecture
from learners.models.spec import check_task
from mecsim.errors import JobError


def network(architecture: Architecture, task: str, n_classes: int | None, *, attention: str, folder: Path | None = None) -> Any:
    """Return transformers' network for ``task``, with the weights in ``folder`` or drawn from torch's generator.

    ``attention`` is "sdpa" or "eager". The head of a classifier is left to the caller, whatever the folder has.
    """
    kind = _auto_class(architecture, task)
    config = _config(architecture, task, n_classes, attention)
    with quiet():
        model = kind.from_config(config) if folder is None else _loaded(kind, config, folder)
    if task == "text-classification" and architecture.kind == "causal":
        # Set behind the construction: told before, the embedding of this symbol would have no gradient.
        model.config.pad_token_id = architecture.pad_token
    return model


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' remarks and progress bars to itself; what matters is raised here as an error."""
    from transformers.utils import logging

    verbosity, shows = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shows:
            logging.enable_progress_bar()


def _auto_class(architecture: Architecture, task: str) -> Any:
    import transformers

    check_task(architecture.family, architecture.kind, task, architecture.tasks)
    names = {
        "image-classification": "AutoModelForImageClassification",
        "text-classification": "AutoModelForSequenceClassification",
        "language-modelling": "AutoModelForCausalLM",
    }
    return getattr(transformers, names[task])


def _config(architecture: Architecture, task: str, n_classes: int | None, attention: str) -> Any:
    from transformers import CONFIG_MAPPING

    labels = {} if task == "language-modelling" else {"num_labels": n_classes}
    with quiet():
        try:
            config = CONFIG_MAPPING[architecture.family](**architecture.config, **labels)
        except (TypeError, ValueError) as error:
            raise JobError(f"transformers takes no {architecture.family} configuration like this: {error}") from error
    for key, value in config.to_dict().items():
        if "drop" in key and isinstance(value, int | float):
            setattr(config, key, 0.0)
    if architecture.kind == "causal":
        config.use_cache = False  # keys and values are for generation, and would count as memory
    config._attn_implementation = attention
    return config


def _loaded(kind: Any, config: Any, folder: Path) -> Any:
    """Load a folder's weights; only a head may be new or of another shape."""
    try:
        model, info = kind.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise JobError(f"the weights in the model's folder cannot be loaded: {error}") from error
    head = head_of(model)
    prefixes = tuple(f"{name}." for name, module in model.named_modules() if head is not None and module is head)
    other = [key[0] if isinstance(key, tuple) else key for key in [*info["missing_keys"], *info["mismatched_keys"]]]
    lacking = sorted(key for key in other if not prefixes or not key.startswith(prefixes))
    if lacking:
        raise JobError(
            f"the model's folder lacks weights of its backbone, or has them in another shape: {', '.join(lacking[:3])}; save "
            "the whole model again with save_pretrained"
        )
    return model
