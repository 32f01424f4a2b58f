"""A proxy of FedPFT as the server keeps it: its versions, who holds which, and what brings a device to the newest. No torch."""

from collections.abc import Container
from dataclasses import dataclass, replace

from learners.compress.rules import floored_share, rounded_share
from learners.models.architectures import Architecture
from learners.models.families import FAMILIES
from learners.schemes.parts import Part, backbone_payload
from mecsim.federation.contract import Payload, Update
from mecsim.jobs.job import Job

_BYTES = 4
_TOTAL_BYTES = 8


@dataclass(frozen=True, slots=True)
class AlignmentSizes:
    """What travels for an alignment, in bytes: the counts of a device, and what the server changed."""

    counts_bytes: int
    delta_bytes: int


def alignment_sizes(architecture: Architecture, *, n_narrowed: int, keep: float, proportion: float) -> AlignmentSizes:
    """Return the sizes for ``n_narrowed`` blocks of ``architecture`` whose FFNs keep max(1, round(keep * m)) of m neurons.

    An alignment moves k - floor(k * (1 - p)) neurons of k. BERT-base, 10 blocks, keep 0.25, p 0.5: 5,925,120 numbers of 4 bytes
    and 3,840 indices.
    """
    family, hidden = FAMILIES[architecture.family], architecture.hidden
    n_kept = rounded_share(architecture.ffn, keep)
    n_moved = -floored_share(-n_kept, proportion)
    n_inputs = len(family.ffn_in)
    has_bias = n_inputs == 1 or (architecture.family == "llama" and architecture.config.get("mlp_bias", False))
    neuron = (n_inputs + 1) * hidden + (n_inputs if has_bias else 0)
    norm_is_behind = family.post_norm or not architecture.config.get("do_layer_norm_before", True)  # the latter: OPT-350m
    whole = (hidden if has_bias else 0) + (2 * hidden if norm_is_behind else 0)
    return AlignmentSizes(
        counts_bytes=n_narrowed * (_BYTES * n_kept + _TOTAL_BYTES),
        delta_bytes=n_narrowed * _BYTES * (n_moved * neuron + whole + n_moved),
    )


class Proxy:
    """The full model with narrower FFNs, of one ``keep``. Version v is the one after v alignments.

    ``part`` is the newest version. ``is_preinstalled``: every device has version 0 from the factory.
    """

    def __init__(self, part: Part, sizes: AlignmentSizes, *, is_preinstalled: bool) -> None:
        self.part = part
        self.sizes = sizes
        self.is_preinstalled = is_preinstalled
        #: By version, what gives the narrowed FFNs' tensors; None for those sliced from the full model.
        self.versions: list[Job | None] = [part.frozen]
        self._whole = [backbone_payload(part)]
        self._held: dict[int, tuple[int, tuple[Payload, ...]]] = {}

    def align(self, frozen: Job) -> None:
        """Take the result of an alignment as the newest version."""
        self.part = replace(self.part, frozen=frozen)
        self.versions.append(frozen)
        self._whole.append(backbone_payload(self.part))

    def payloads(self, client: int) -> tuple[Payload, ...]:
        """Return what gives ``client`` the newest version: deltas on top of what it has, or it whole."""
        return self._payloads(client, len(self.versions) - 1)

    def note(self, update: Update) -> None:
        """Note which version a device holds, from its training around this proxy."""
        version = next((number for number, frozen in enumerate(self.versions) if frozen in update.job.inputs), 0)
        if version >= self._held.get(update.client, (0, ()))[0]:
            self._held[update.client] = (version, self._payloads(update.client, version))

    def age(self, held: Container[str]) -> int | None:
        """Return by how many versions the newest one that a device holds, with payloads named ``held``, is behind."""
        newest, is_held = None, self.is_preinstalled
        for version, frozen in enumerate(self.versions):
            has_delta = version > 0 and frozen is not None and frozen.name in held
            is_held = self._whole[version].name in held or (is_held and (version == 0 or has_delta))
            newest = version if is_held else newest
        return None if newest is None else len(self.versions) - 1 - newest

    def _payloads(self, client: int, version: int) -> tuple[Payload, ...]:
        whole = self._whole[version]
        if client not in self._held and not self.is_preinstalled:
            return (whole,)
        since, held = self._held.get(client, (0, ()))
        made = [frozen for frozen in self.versions[since + 1 : version + 1] if frozen is not None]
        deltas = [Payload(frozen.name, "delta", self.sizes.delta_bytes) for frozen in made]
        return (*held, *deltas) if sum(delta.size_bytes for delta in deltas) <= whole.size_bytes else (whole,)
