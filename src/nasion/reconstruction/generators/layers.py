"""Layers that the generators share (PyTorch)."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasion.reconstruction.generators.settings import Start

_SPREAD: Final = 0.02


class Halved(nn.Module):
    """Blur with 1, 2, 1 and take every second pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        line = torch.tensor([1.0, 2.0, 1.0])
        kernel = line[:, None] * line / line.sum() ** 2
        self.register_buffer("kernel", kernel.expand(channels, 1, -1, -1).contiguous(), persistent=False)
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, c, h / 2, w / 2)."""
        padded = functional.pad(x, (1, 1, 1, 1), mode="reflect")
        return functional.conv2d(padded, self.get_buffer("kernel"), stride=2, groups=self.channels)


class Doubled(nn.Module):
    """Put zeros between the pixels and blur with 1, 3, 3, 1, which is bilinear interpolation."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, c, 2 h, 2 w)."""
        return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def normed(channels: int) -> nn.InstanceNorm2d:
    """Return instance normalisation without weights; at batch 1 it is what pix2pix's batch normalisation is."""
    return nn.InstanceNorm2d(channels)


def with_view(picture: Tensor, view: Tensor) -> Tensor:
    """Return (n, c + 1, h, w): a picture and its view, -1 frontal or 1 lateral, as one more channel."""
    return torch.cat([picture, view[:, None, None, None].expand(-1, 1, *picture.shape[2:])], dim=1)


def drawn_weights(module: nn.Module, start: Start) -> None:
    """Draw a network's weights as the published code does; biases begin at 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            if start == "normal" or isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, 0.0, _SPREAD)
            else:
                nn.init.xavier_normal_(layer.weight, gain=_SPREAD)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
