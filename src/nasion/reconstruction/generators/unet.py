"""The generator of pix2pix: a U-Net down to one pixel, with dropout near its middle (Isola et al., 2017; PyTorch)."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from nasion.reconstruction.generators.dropout import InputDropout
from nasion.reconstruction.generators.layers import Doubled, normed, with_view
from nasion.reconstruction.generators.settings import NetworkSettings

_DOUBLED: Final = 3
"""So often the channels double on the way down."""
_DROPPED_PX: Final = (4, 8, 16)
"""Sides of the maps on the way up that dropout works on."""


class UnetGenerator(nn.Module):
    """Pictures (n, 3, s, s), -1 to 1, to pictures of the other kind; every resolution has its way across.

    ``noise_size`` numbers, uniform in 0 to 1, decide what dropout takes away.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.by_view = settings.by_view
        levels = settings.side_px.bit_length() - 1
        widths = [settings.width * 2 ** min(level, _DOUBLED) for level in range(levels)]
        down: list[nn.Module] = [nn.Conv2d(3 + settings.by_view, widths[0], 4, 2, 1)]
        for level in range(1, levels):
            layers: list[nn.Module] = [nn.LeakyReLU(0.2), nn.Conv2d(widths[level - 1], widths[level], 4, 2, 1)]
            # the innermost map is one pixel, of which an instance normalisation would leave nothing
            down.append(nn.Sequential(*layers, *([normed(widths[level])] if level < levels - 1 else [])))
        self.down = nn.ModuleList(down)
        up: list[nn.Module] = []
        dropouts: list[nn.Module] = []
        self.noise_size = 0
        for level in range(levels - 1, 0, -1):
            inputs = widths[level] * (1 if level == levels - 1 else 2)
            outputs = widths[level - 1]
            up.append(nn.Sequential(nn.ReLU(), *_twice(inputs, outputs, settings), normed(outputs)))
            side = 2 ** (levels - level)
            share = settings.dropout if side in _DROPPED_PX else 0.0
            dropout = InputDropout((outputs, side, side), share, self.noise_size)
            self.noise_size = dropout.stop
            dropouts.append(dropout)
        self.up, self.dropouts = nn.ModuleList(up), nn.ModuleList(dropouts)
        self.last = nn.Sequential(nn.ReLU(), *_twice(2 * widths[0], 3, settings), nn.Tanh())

    def forward(self, picture: Tensor, view: Tensor, noise: Tensor) -> Tensor:
        """Return (n, 3, s, s); see ``resnet.ResnetGenerator``."""
        x = with_view(picture, view) if self.by_view else picture
        across = []
        for layer in self.down:
            x = layer(x)
            across.append(x)
        across.pop()
        for layer, dropout in zip(self.up, self.dropouts, strict=True):
            x = torch.cat([across.pop(), dropout(layer(x), noise)], dim=1)
        made: Tensor = self.last(x)
        return made


def _twice(inputs: int, outputs: int, settings: NetworkSettings) -> list[nn.Module]:
    """Return the layers that double a map's side."""
    if settings.antialias:
        return [Doubled(), nn.Conv2d(inputs, outputs, 3, 1, 1)]
    return [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)]
