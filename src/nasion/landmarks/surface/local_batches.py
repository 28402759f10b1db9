"""Training batches of the local stage (PyTorch): estimates put beside the truth, and what the stage then sees.

Everything is drawn from a generator, so that a step's batch follows from its number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nasion.landmarks.surface.local_input import RESIDUAL_MM
from nasion.landmarks.surface.patches import STORED_RADIUS_MM
from nasion.landmarks.surface.settings import LocalSettings

SMALLEST_SD_MM: Final = 0.4
LARGEST_SD_MM: Final = 4.5
"""Range of the estimates' errors, each axis; the second pass meets smaller ones than the first."""
_COMMON: Final = 0.5
"""Of that, as a displacement of all estimates together."""
_STRETCH_SD: Final = 0.04
_LEFT_OUT: Final = 0.03
_PLACE_LENGTH_MM: Final = 45.0
_OWN_PLACE: Final = 0.5
"""Landmarks lie otherwise than in the training people: by a field of this length, and half as much alone."""
_SHEAR_SD: Final = 0.05
_BENDS: Final = 4
_BEND_SD_MM: Final = 0.4
_BEND_LENGTH_MM: Final = 6.0
"""The surface round each landmark is sheared and bent by so much."""
_FEWEST: Final = 3
"""Landmarks that an alignment needs."""


@dataclass(frozen=True, eq=False)
class LocalData:
    """Landmarks and the surface round them.

    Attributes
    ----------
    pieces
        (s, l, m, 6) float16, see ``patches.landmark_patches``.
    landmarks_mm
        (s, l, 3) float32, NaN where absent.
    prototype_mm
        (l, 3).
    mirror
        (l,) number of the landmark on the other side.

    """

    pieces: NDArray[np.float16]
    landmarks_mm: NDArray[np.float32]
    prototype_mm: NDArray[np.float32]
    mirror: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LocalBatch:
    """What the network takes and shall give."""

    patches: Tensor
    filled: Tensor
    residual: Tensor
    there: Tensor
    target: Tensor


def draw_batch(
    data: LocalData,
    rows: NDArray[np.int64],
    settings: LocalSettings,
    generator: torch.Generator,
    *,
    varied: bool = True,
    sd_mm: float | None = None,
) -> LocalBatch:
    """Return a batch of some scans.

    Parameters
    ----------
    data
        The scans.
    rows
        (b,) which of them.
    settings
        Of the stage.
    generator
        Of all that is drawn.
    varied
        Stretch and mirror scans, and leave landmarks out.
    sd_mm
        Error of the estimates; drawn where None.

    """
    pieces = torch.from_numpy(data.pieces[rows].astype(np.float32))
    landmarks = torch.from_numpy(data.landmarks_mm[rows])
    if varied:
        pieces, landmarks = _varied(pieces, landmarks, torch.from_numpy(data.mirror), generator)
        landmarks = _displaced(landmarks, torch.from_numpy(data.prototype_mm), settings.place_sd_mm, generator)
        pieces = _bent(pieces, generator)
    there = torch.isfinite(landmarks[..., 0])
    if varied:
        left = there & (torch.rand(there.shape, generator=generator) > _LEFT_OUT)
        there = torch.where(left.sum(dim=1, keepdim=True) >= _FEWEST, left, there)
    truth = torch.nan_to_num(landmarks)
    estimates = _estimates(pieces, truth, there, generator, sd_mm)
    offset = pieces[..., :3] + (truth - estimates)[:, :, None]
    chosen, filled = _chosen(offset, settings, generator)
    index = chosen[..., None].expand(-1, -1, -1, 3)
    points, normals = offset.gather(2, index), pieces[..., 3:].gather(2, index)
    turn, residual = _aligned(estimates, there, torch.from_numpy(data.prototype_mm))
    patches = torch.cat([points @ turn[:, None] / settings.radius_mm, normals @ turn[:, None]], dim=-1)
    return LocalBatch(
        torch.where(filled[..., None], patches, 0.0),
        filled.float(),
        residual,
        there.float(),
        (truth - estimates) @ turn,
    )


def _varied(pieces: Tensor, landmarks: Tensor, mirror: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    batch = len(pieces)
    scale = torch.exp(_STRETCH_SD * torch.randn(batch, 3, generator=generator))
    flipped = torch.rand(batch, generator=generator) < 0.5
    pieces = torch.where(flipped[:, None, None, None], pieces[:, mirror], pieces)
    landmarks = torch.where(flipped[:, None, None], landmarks[:, mirror], landmarks)
    scale[:, 0] *= torch.where(flipped, -1.0, 1.0)
    # normals go by the inverse transpose
    normals = torch.nn.functional.normalize(pieces[..., 3:] / scale[:, None, None], dim=-1)
    return torch.cat([pieces[..., :3] * scale[:, None, None], normals], dim=-1), landmarks * scale[:, None]


def _displaced(landmarks: Tensor, prototype: Tensor, sd_mm: float, generator: torch.Generator) -> Tensor:
    """Return landmarks that lie otherwise; their pieces go with them."""
    near = torch.cdist(prototype, prototype) / _PLACE_LENGTH_MM
    covariance = torch.exp(-(near**2) / 2) + _OWN_PLACE**2 * torch.eye(len(prototype))
    root = torch.linalg.cholesky(covariance)
    displaced: Tensor = landmarks + sd_mm * (root @ torch.randn(landmarks.shape, generator=generator))
    return displaced


def _bent(pieces: Tensor, generator: torch.Generator) -> Tensor:
    """Return pieces that are sheared and bent; the landmark itself, their origin, stays."""
    batch, count = pieces.shape[:2]
    points, normals = pieces[..., :3], pieces[..., 3:]
    shear = _SHEAR_SD * torch.randn(batch, count, 3, 3, generator=generator)
    sizes = _BEND_SD_MM * torch.randn(batch, count, _BENDS, 3, generator=generator)
    centers = 0.5 * STORED_RADIUS_MM * torch.randn(batch, count, _BENDS, 3, generator=generator)
    bells = torch.exp(-(torch.cdist(points, centers) ** 2) / (2 * _BEND_LENGTH_MM**2))
    at_origin = torch.exp(-centers.square().sum(dim=-1) / (2 * _BEND_LENGTH_MM**2))
    moved = points + points @ shear + bells @ sizes - at_origin[:, :, None] @ sizes
    # to first order in the slope of the displacement
    weighted = bells * (normals @ sizes.transpose(2, 3))
    slope = (weighted @ centers - weighted.sum(dim=-1, keepdim=True) * points) / _BEND_LENGTH_MM**2
    turned = normals - normals @ shear.transpose(2, 3) - slope
    return torch.cat([moved, torch.nn.functional.normalize(turned, dim=-1)], dim=-1)


def _estimates(pieces: Tensor, truth: Tensor, there: Tensor, generator: torch.Generator, sd_mm: float | None) -> Tensor:
    """Return estimates on the surface, beside the truth."""
    batch, count = truth.shape[:2]
    low, high = np.log(SMALLEST_SD_MM), np.log(LARGEST_SD_MM)
    sd = torch.exp(low + (high - low) * torch.rand(batch, 1, 1, generator=generator))
    if sd_mm is not None:
        sd = torch.full_like(sd, sd_mm)
    own = torch.exp(0.5 * torch.randn(batch, count, 1, generator=generator))
    error = sd * own * torch.randn(batch, count, 3, generator=generator)
    error = error + _COMMON * sd * torch.randn(batch, 1, 3, generator=generator)
    distance = (pieces[..., :3] - error[:, :, None]).square().sum(dim=-1)
    nearest = torch.nan_to_num(distance, nan=torch.inf).argmin(dim=2)
    on_surface = pieces[..., :3].gather(2, nearest[..., None, None].expand(-1, -1, 1, 3))[:, :, 0]
    usable = there[..., None] & torch.isfinite(on_surface)
    return truth + torch.where(usable, on_surface, error)


def _chosen(offset: Tensor, settings: LocalSettings, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return (b, l, k) numbers of random points within the radius, and which of them exist."""
    inside = offset.square().sum(dim=-1) <= settings.radius_mm**2
    key = torch.rand(inside.shape, generator=generator) + (~inside) * 2.0
    chosen = key.topk(settings.points, dim=2, largest=False).indices
    return chosen, inside.gather(2, chosen)


def _aligned(estimates: Tensor, there: Tensor, prototype: Tensor) -> tuple[Tensor, Tensor]:
    """Return (b, 3, 3) rotations and (b, l, 3) residuals: ``procrustes.fit_similarity`` of each scan."""
    weight = there.float()[..., None]
    total = weight.sum(dim=1, keepdim=True).clamp(min=1.0)
    middle, goal = ((points * weight).sum(dim=1, keepdim=True) / total for points in (estimates, prototype))
    own, wanted = (estimates - middle) * weight, (prototype - goal) * weight
    u, s, v = torch.linalg.svd(own.transpose(1, 2) @ wanted)
    sign = torch.ones(len(estimates), 3)
    sign[:, 2] = torch.sign(torch.det(u @ v))
    turn = (u * sign[:, None]) @ v
    scale = (s * sign).sum(dim=1) / own.square().sum(dim=(1, 2)).clamp(min=1.0)
    residual = ((estimates - middle) @ turn) * scale[:, None, None] + goal - prototype
    return turn, residual * weight / RESIDUAL_MM
