"""Versions of an emulator: what a device fetches for each, and which of them it trains around. No torch."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from learners.models.spec import backbone_digest
from learners.schemes.emulation import Kind
from learners.schemes.parts import Part, backbone_payload
from mecsim.federation.contract import Payload
from mecsim.hashing import sha256_of


@dataclass(frozen=True, slots=True)
class Version:
    """An emulator as the server made it once.

    ``needs`` is all that is frozen in a device's model, the emulator's own payload the last; nothing where a device that has
    the backbone from the factory makes the emulator itself.
    """

    part: Part
    needs: tuple[Payload, ...]

    def is_held(self, held: Container[str]) -> bool:
        """Tell whether a device with the payloads ``held`` has this version."""
        return not self.needs or self.needs[-1].name in held


#: All versions of one emulator, the newest last.
Versions = tuple[Version, ...]


def version_of(emulator: Part, kind: Kind, *, preinstalled: bool) -> Version:
    """Return what devices fetch for ``emulator``, once: what is frozen around it, and the emulator.

    A device that has the backbone from the factory (``preinstalled``) needs nothing around it, and makes an emulator of whole
    blocks itself.
    """
    made_of_whole_blocks = emulator.spec["compression"] is None or kind == "drop"
    if preinstalled and made_of_whole_blocks and emulator.frozen is None:
        return Version(emulator, ())
    whole = replace(backbone_payload(emulator), kind="emulator")
    if emulator.spec["compression"] is None:
        return Version(emulator, (whole,))
    middle = replace(whole, size_bytes=int(emulator.costs["compressed_bytes"]))
    n_around = whole.size_bytes - middle.size_bytes
    around = Payload(sha256_of(["around the middle", backbone_digest(emulator.spec), n_around]), "backbone", n_around)
    return Version(emulator, (middle,) if preinstalled else (around, middle))


def newest_held(versions: Sequence[Version], held: Container[str]) -> int | None:
    """Return by how many versions the newest that a device holds is behind the newest there is; None if it holds none."""
    return next((age for age, version in enumerate(reversed(versions)) if version.is_held(held)), None)
