"""Pictures as tensors and back (PyTorch)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from nasion.matching.frames import Pixels


def tensor_of(pictures: Sequence[Pixels]) -> Tensor:
    """Return (n, 3, s, s), -1 to 1, of pictures (s, s, 3) uint8."""
    stacked = np.stack(pictures).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(stacked)).float() / 127.5 - 1


def pictures_of(faces: Tensor) -> Pixels:
    """Return (n, s, s, 3) uint8 of what a generator gave."""
    values = ((faces.detach().float().cpu() + 1) * 127.5).round().clamp(0, 255).byte()
    return np.ascontiguousarray(values.permute(0, 2, 3, 1).numpy())
