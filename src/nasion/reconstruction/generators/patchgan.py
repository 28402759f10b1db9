"""The PatchGAN critic: each number it gives judges one patch, 70 px of the published size (PyTorch)."""

from __future__ import annotations

from torch import Tensor, nn

from nasion.reconstruction.generators.layers import normed


class PatchCritic(nn.Module):
    """Pictures (n, c, s, s) to (n, 1, m, m): above 0 (log) or near 1 (least squares) where a patch looks real.

    Parameters
    ----------
    inputs
        Channels; six where it sees the source beside the face.
    width
        Channels of the first layer.
    layers
        Strided layers: 3 see 70 px, 2 see 34 px.

    """

    def __init__(self, inputs: int, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        parts: list[nn.Module] = [nn.Conv2d(inputs, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        channels = width
        for level in range(1, layers + 1):
            wider = width * 2 ** min(level, 3)
            stride = 2 if level < layers else 1
            parts += [nn.Conv2d(channels, wider, 4, stride, 1), normed(wider), nn.LeakyReLU(0.2, inplace=True)]
            channels = wider
        self.parts = nn.Sequential(*parts, nn.Conv2d(channels, 1, 4, 1, 1))

    def forward(self, picture: Tensor) -> Tensor:
        """Return (n, 1, m, m)."""
        made: Tensor = self.parts(picture)
        return made
