"""Dropout whose randomness comes in as an input, so that samples can be drawn, exported and repeated (PyTorch)."""

from __future__ import annotations

import math

from torch import Tensor, nn


class InputDropout(nn.Module):
    """Zeros where numbers of a long noise vector lie below a share; on in training and in use (as in pix2pix)."""

    def __init__(self, shape: tuple[int, ...], share: float, start: int) -> None:
        super().__init__()
        self.shape, self.share, self.start = shape, share, start

    @property
    def stop(self) -> int:
        """Return the place in the noise vector after this layer's numbers."""
        return self.start + (math.prod(self.shape) if self.share else 0)

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """Return (n, c, h, w) with zeros.

        Parameters
        ----------
        x
            (n, c, h, w).
        noise
            (n, k) uniform in 0 to 1: the numbers of all layers.

        """
        if not self.share:
            return x
        own = noise[:, self.start : self.stop].reshape(-1, *self.shape)
        return x * (own >= self.share).to(x.dtype) / (1 - self.share)
