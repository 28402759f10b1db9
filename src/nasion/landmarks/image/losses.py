"""What the network learns by (PyTorch): Nguyen et al., Eq. 7 to 9."""

from __future__ import annotations

import torch
from torch import Tensor

from nasion.landmarks.image.heatmaps import focal_loss, targets
from nasion.landmarks.image.model import NetOutput, to_cells
from nasion.landmarks.image.settings import LossSettings


def losses(
    out: NetOutput, truth: Tensor, settings: LossSettings, *, heat: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Return Eq. 9, the points' L1 error (Eq. 7, cells) and the heat maps' focal loss (Eq. 8).

    Parameters
    ----------
    out, truth
        What the network gives, and (n, l, 2) crop pixels, NaN where a point is not marked. A point outside the crop
        teaches its heat map to stay low and no position.
    settings
        See there.
    heat
        Whether the heat maps learn, too.

    """
    height, width = out.logits.shape[-2:]
    true = to_cells(truth)
    limit = true.new_tensor([width - 0.5, height - 0.5])
    marked = torch.isfinite(true).all(dim=-1)
    inside = marked & ((true > -0.5) & (true < limit)).all(dim=-1)
    start = to_cells(out.start)
    near = inside & ((start - torch.nan_to_num(true)).abs().amax(dim=-1) <= settings.near_cells)
    held = torch.where(near[..., None], start, start.detach())
    points_loss = _l1(to_cells(out.points) - start + held, true, inside)
    heat_loss = points_loss.new_zeros(())
    total = settings.points_weight * points_loss
    if heat:
        maps = targets(true, height, width, settings.sigma_cells)
        heat_loss = focal_loss(out.logits, maps, marked.to(maps.dtype), settings.alpha, settings.beta)
        total = total + settings.heat_weight * heat_loss
        total = total + settings.start_weight * _l1(held, true, inside)
    return total, points_loss.detach(), heat_loss.detach()


def _l1(found: Tensor, true: Tensor, used: Tensor) -> Tensor:
    """Return the mean of |dx| + |dy| over the points that are used."""
    off = (found - torch.where(used[..., None], true, found.detach())).abs().sum(dim=-1)
    return (off * used).sum() / used.sum().clamp_min(1)
