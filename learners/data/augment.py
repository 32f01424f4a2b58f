"""Random distortions of glyph images on the fly: what makes a few thousand glyphs enough to pretrain on."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# The digits task shows 8x8 images scaled up; this share of the glyphs passes through the same bottleneck.
BOTTLENECK_SHARE = 0.7
BOTTLENECK_PX = 8


def distort(images: Tensor, *, size_px: int, generator: torch.Generator) -> Tensor:
    """Return ``images`` (n, 64, 64) in 0..1 as distorted images (n, 1, ``size_px``, ``size_px``) in 0..1.

    Affine and elastic warp, thinner or thicker strokes, an 8x8 bottleneck for most, contrast and noise.
    """
    n = len(images)
    inked = _change_stroke(images.unsqueeze(1), generator)
    grid = F.affine_grid(_affine(n, generator), [n, 1, size_px, size_px], align_corners=False)
    warped = F.grid_sample(inked, grid + _elastic(n, size_px, generator), align_corners=False)
    small = F.interpolate(warped, size=(BOTTLENECK_PX, BOTTLENECK_PX), mode="area")
    blurred = F.interpolate(small, size=(size_px, size_px), mode="bilinear", align_corners=False)
    through = (torch.rand(n, 1, 1, 1, generator=generator) < BOTTLENECK_SHARE).float()
    mixed = through * blurred + (1.0 - through) * warped
    contrast = 0.7 + 0.6 * torch.rand(n, 1, 1, 1, generator=generator)
    noise = 0.06 * torch.rand(n, 1, 1, 1, generator=generator) * torch.randn(mixed.shape, generator=generator)
    return (mixed * contrast + noise).clamp(0.0, 1.0)


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=generator)


def _affine(n: int, generator: torch.Generator) -> Tensor:
    """Draw n random 2x3 matrices: rotation to 15 degrees, shear to 0.25, scale 0.8 to 1.2 on each axis, shift to a tenth."""
    angle = _uniform(n, -15.0, 15.0, generator) * math.pi / 180.0
    shear = _uniform(n, -0.25, 0.25, generator)
    scale_x, scale_y = _uniform(n, 0.8, 1.2, generator), _uniform(n, 0.8, 1.2, generator)
    cos, sin = torch.cos(angle), torch.sin(angle)
    row_x = torch.stack([scale_x * cos, scale_x * (shear * cos - sin), _uniform(n, -0.12, 0.12, generator)], dim=1)
    row_y = torch.stack([scale_y * sin, scale_y * (shear * sin + cos), _uniform(n, -0.12, 0.12, generator)], dim=1)
    return torch.stack([row_x, row_y], dim=1)


def _elastic(n: int, size_px: int, generator: torch.Generator) -> Tensor:
    """Draw n smooth displacement fields (n, size, size, 2), in grid units."""
    coarse = 0.10 * torch.randn(n, 2, 4, 4, generator=generator)
    smooth = F.interpolate(coarse, size=(size_px, size_px), mode="bicubic", align_corners=True)
    return smooth.permute(0, 2, 3, 1)


def _change_stroke(images: Tensor, generator: torch.Generator) -> Tensor:
    """Thicken a third of the images, thin a third, leave the rest."""
    choice = torch.rand(len(images), 1, 1, 1, generator=generator)
    thick = F.max_pool2d(images, 5, stride=1, padding=2)
    thin = -F.max_pool2d(-images, 3, stride=1, padding=1)
    return torch.where(choice < 1 / 3, thick, torch.where(choice < 2 / 3, thin, images))
