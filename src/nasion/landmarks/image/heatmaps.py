"""Heat maps: what they should be, how wrong they are, and the points that they show (PyTorch).

Positions are in cells of the map, (x, y), origin at the centre of the top left cell.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

_LEAST_SUM = 1e-12


def targets(points: Tensor, height: int, width: int, sigma: float) -> Tensor:
    """Return (n, l, h, w) Gaussians about (n, l, 2) points.

    The nearest cell is 1, as Eq. 8 needs one that is; the others keep the height that belongs to the true, fractional
    position. A point outside the map, or one that is no number, gives no cell of 1.
    """
    x = torch.arange(width, device=points.device, dtype=points.dtype)
    y = torch.arange(height, device=points.device, dtype=points.dtype)
    there = torch.nan_to_num(points, nan=-1e4)
    across = torch.exp(-((x - there[..., :1]) ** 2) / (2 * sigma**2))
    down = torch.exp(-((y - there[..., 1:]) ** 2) / (2 * sigma**2))
    nearest = there.round()
    at_x = (x == nearest[..., :1]).to(points.dtype)
    at_y = (y == nearest[..., 1:]).to(points.dtype)
    made = down[..., :, None] * across[..., None, :]
    peak = at_y[..., :, None] * at_x[..., None, :]
    return torch.maximum(made, peak)


def focal_loss(logits: Tensor, target: Tensor, weight: Tensor, alpha: float, beta: float) -> Tensor:
    """Return CornerNet's focal loss, Eq. 8 (with the alpha and the minus that it needs), a landmark.

    Parameters
    ----------
    logits, target
        (n, l, h, w); the maps before the sigmoid, and ``targets``.
    weight
        (n, l): 0 leaves a map out.
    alpha, beta
        Of Eq. 8; the paper has 2 and 4.

    """
    log_p = functional.logsigmoid(logits)
    log_q = log_p - logits
    p = log_p.exp()
    hit = (1 - p) ** alpha * log_p
    miss = (1 - target) ** beta * p**alpha * log_q
    maps = -torch.where(target == 1, hit, miss).sum(dim=(-2, -1))
    return (maps * weight).sum() / weight.sum().clamp_min(1.0)


class Shown(NamedTuple):
    """What heat maps show: ``start`` (n, l, 2) cells, ``peak`` (n, l) 0 to 1, ``spread`` (n, l) cells."""

    start: Tensor
    peak: Tensor
    spread: Tensor


class SoftArgmax(nn.Module):
    """The mean position of a map's cells near its highest one, weighted by a softmax whose temperature is learnt.

    Taken over all cells the mean is drawn to the middle of the map by the many low ones; near the peak it is not, and
    it keeps the fraction of a cell that a plain argmax loses. Window and temperature are ours; the paper names neither.
    """

    def __init__(self, landmarks: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.log_sharpness = nn.Parameter(torch.zeros(landmarks))

    def forward(self, logits: Tensor) -> Shown:
        """Return what (n, l, h, w) maps before the sigmoid show."""
        height, width = logits.shape[-2:]
        x = torch.arange(width, device=logits.device, dtype=logits.dtype)
        y = torch.arange(height, device=logits.device, dtype=logits.dtype)
        flat = logits.flatten(2)
        highest, place = flat.max(dim=-1)
        row = torch.div(place, width, rounding_mode="floor")
        column = place - row * width
        near_x = ((x - column[..., None]).abs() <= self.window).to(logits.dtype)
        near_y = ((y - row[..., None]).abs() <= self.window).to(logits.dtype)
        sharpness = self.log_sharpness.exp()[None, :, None, None]
        weight = torch.exp((logits - highest[..., None, None]) * sharpness)
        near = weight * near_y[..., :, None] * near_x[..., None, :]
        start = _mean(near, x, y)
        spread = (_mean(weight, x**2, y**2) - _mean(weight, x, y) ** 2).sum(dim=-1)
        return Shown(start, torch.sigmoid(highest), spread.clamp_min(0).sqrt())


def _mean(weight: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return (n, l, 2) means of functions of the column and of the row."""
    columns, rows = weight.sum(dim=-2), weight.sum(dim=-1)
    total = columns.sum(dim=-1).clamp_min(_LEAST_SUM)
    return torch.stack([(columns * x).sum(dim=-1) / total, (rows * y).sum(dim=-1) / total], dim=-1)
