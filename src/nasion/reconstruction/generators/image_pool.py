"""Generated pictures of earlier steps, shown to the critic again (Shrivastava et al., CVPR 2017; PyTorch)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class ImagePool:
    """Up to ``size`` pictures: of those that come, half are given back, half are exchanged for a stored one."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pictures: list[Tensor] = []

    def exchanged(self, pictures: Tensor, rng: np.random.Generator) -> Tensor:
        """Return (n, c, h, w): each picture itself, or, with odds 1 : 1 once the pool is full, an earlier one."""
        if not self.size:
            return pictures
        given = []
        for picture in pictures.detach():
            if len(self.pictures) < self.size:
                self.pictures.append(picture.clone())
                given.append(picture)
            elif rng.random() < 0.5:
                place = int(rng.integers(self.size))
                given.append(self.pictures[place])
                self.pictures[place] = picture.clone()
            else:
                given.append(picture)
        return torch.stack(given)
