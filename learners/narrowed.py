"""FedPFT's proxy, and what keeps it near the full model: the job kinds ``narrowed`` (before) and ``align`` (during).

Both give the FFNs of the narrowed blocks, with the norm behind in families that have it there, by their names before any PEFT
method: they stand in for the model's own tensors.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from learners.apoz import summed
from learners.compress.rules import compressed_layers
from learners.data.examples import examples
from learners.distil import AdamW, DistilStats, distil, ffn_parameters
from learners.models.anatomy import blocks, n_neurons
from learners.models.load import build
from learners.models.resident import MODEL_CACHE
from learners.neurons import entry_masks, neuron_masks
from learners.peft.state import as_tensors, load_trainable_state
from learners.samples import samples_of
from learners.states import state_of, statistics_of
from mecsim.hashing import seed_of
from mecsim.jobs.job import Result


def run_distil(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    """Execute a ``narrowed`` job: slice the FFNs of the compressed ``model``, then match the full one block by block.

    ``inputs[0]`` is the partition, whose public_fit is read without labels. Of ``model`` the method does not matter.
    """
    student, teacher = build(params["model"]), build(_whole(params["model"]))
    layers = narrower_blocks(student, teacher, params["model"])
    stats = _matched(student, teacher, layers, params, inputs[0], name) if layers else None
    return _result(student, params["model"], stats, {})


def run_align(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    """Execute an ``align`` job: move the neurons that clients use least, and leave the others bit for bit.

    Inputs: the aggregated state, the partition, the proxy's present tensors where ``extra`` is ["frozen"], and the updates with
    their statistics. The teacher is the full model with the aggregate. The proxy has the same state where ``student`` is
    "aggregate", and that of the last update where it is "last-client", as in the published code.
    """
    state, partition = inputs[:2]
    n_extra = len(params.get("extra", ()))
    frozen = as_tensors(state_of(inputs[2])) if n_extra else None
    updates = inputs[2 + n_extra :]
    student = build(params["model"], frozen)
    own = updates[-1] if params["student"] == "last-client" else state
    load_trainable_state(student, as_tensors(state_of(own)))
    teacher = MODEL_CACHE.loaded(_whole(params["model"]), state_of(state))
    layers = narrower_blocks(student, teacher, params["model"])
    if not layers:
        return _result(student, params["model"], None, {"n_neurons": 0})
    counts, totals = summed([statistics_of(update) for update in updates])
    ties = torch.Generator().manual_seed(seed_of("ties", name))
    chosen = neuron_masks(student, layers, counts, totals, params["proportion"], ties)
    stats = _matched(student, teacher, layers, params, partition, name, entry_masks(student, chosen))
    return _result(student, params["model"], stats, {"n_neurons": sum(int(mask.sum()) for mask in chosen.values())})


def narrower_blocks(student: nn.Module, teacher: nn.Module, spec: Mapping[str, Any]) -> list[int]:
    """Return the blocks whose FFN lost neurons: none where the share to keep rounds to all of them, and nothing can drift."""
    listed = compressed_layers(spec["compression"], len(blocks(student)))
    return [layer for layer in listed if n_neurons(student, layer) < n_neurons(teacher, layer)]


def _matched(
    student: nn.Module,
    teacher: nn.Module,
    layers: Sequence[int],
    params: Mapping[str, Any],
    partition: Result,
    name: str,
    masks: Mapping[nn.Parameter, Tensor] | None = None,
) -> DistilStats:
    """Distil the FFNs of ``layers``, end to end, on batches drawn from the public samples for fitting."""
    chosen = torch.from_numpy(samples_of(partition, {"split": "public_fit"}))
    public = examples(params["dataset"], params["model"]).pick(chosen)
    return distil(
        student,
        teacher,
        lambda generator: public.pick(torch.randperm(len(public), generator=generator)[: params["batch_size"]]),
        layers=layers,
        trainable=[value for _, value in ffn_parameters(student, layers)],
        optimizer=AdamW(
            learning_rate=params["learning_rate"],
            weight_decay=params.get("weight_decay", 0.0),
            warmup_share=params["warmup_share"],
        ),
        n_steps=params["steps"],
        generator=torch.Generator().manual_seed(seed_of("batches", name)),
        weight_alpha=params.get("weight_alpha", 0.0),
        masks=masks,
    )


def _result(student: nn.Module, spec: Mapping[str, Any], stats: DistilStats | None, numbers: Mapping[str, Any]) -> Result:
    """Return the narrowed FFNs, with how far the blocks were from the full model's at the first and the last step."""
    layers = compressed_layers(spec["compression"], len(blocks(student)))
    tensors = {name: value.detach().numpy().copy() for name, value in ffn_parameters(student, layers)}
    if stats is None:
        return Result({"n_steps": 0, "n_samples": 0, **numbers}, tensors)
    seen = {"n_steps": stats.n_steps, "n_samples": stats.n_samples}
    return Result({"first_loss": stats.first_loss, "last_loss": stats.last_loss, **seen, **numbers}, tensors)


def _whole(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {**spec, "compression": None}
