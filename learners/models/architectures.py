"""The architectures that can be counted, and the models that can be trained: shapes only, no torch."""

from dataclasses import dataclass

from learners.models.tiny_vit import IMAGE_PX, TINY_VITS
from mecsim.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The shape of a vision transformer: what a cost sheet needs, with or without weights."""

    description: str
    hidden: int
    n_layers: int
    n_heads: int
    ffn: int
    image_px: int
    patch_px: int
    n_channels: int

    @property
    def backbone_parameters(self) -> int:
        """Return the parameters without a head: patches, class token, positions, blocks, last norm."""
        patch = self.n_channels * self.patch_px**2 * self.hidden + self.hidden
        positions = (self.image_px // self.patch_px) ** 2 + 1
        attention = 4 * (self.hidden**2 + self.hidden)
        feed_forward = 2 * self.hidden * self.ffn + self.ffn + self.hidden
        norms = 4 * self.hidden
        return (
            patch + self.hidden + positions * self.hidden + self.n_layers * (attention + feed_forward + norms) + 2 * self.hidden
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """A model that can be trained here: its architecture, and whether pretrained weights come with the package."""

    description: str
    architecture: str
    embedded: bool


ARCHITECTURES: Registry[Architecture] = Registry("architecture")
MODELS: Registry[ModelEntry] = Registry("model")

#: Public configuration of ViT-B/16 (Dosovitskiy et al., 2021, table 1).
ARCHITECTURES.put(
    "vit-base-16",
    Architecture(
        description="ViT-B/16 at 224 pixels, counted and never trained here",
        hidden=768,
        n_layers=12,
        n_heads=12,
        ffn=3072,
        image_px=224,
        patch_px=16,
        n_channels=3,
    ),
)

for _name, _shape in TINY_VITS.items():
    _size = f"width {_shape['hidden_size']}, {_shape['num_hidden_layers']} layers"
    ARCHITECTURES.put(
        _name,
        Architecture(
            description=f"tiny vision transformer, {_size}",
            hidden=_shape["hidden_size"],
            n_layers=_shape["num_hidden_layers"],
            n_heads=_shape["num_attention_heads"],
            ffn=_shape["intermediate_size"],
            image_px=IMAGE_PX,
            patch_px=7,
            n_channels=1,
        ),
    )
    MODELS.put(
        _name,
        ModelEntry(description=f"{_size}, pretrained on rendered glyphs, embedded", architecture=_name, embedded=True),
    )
