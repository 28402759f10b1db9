"""PatchNCE: a patch of the face tells more of the skull's patch at its place than of others (Eqs. 6 to 9; PyTorch)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class PatchSampler(nn.Module):
    """H_l: patches of some layers, each through two linear layers of its own, as unit vectors.

    Parameters
    ----------
    channels
        Of each layer's maps.
    width
        K, length of the vectors.

    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.projections = nn.ModuleList(
            nn.Sequential(nn.Linear(own, width), nn.ReLU(), nn.Linear(width, width)) for own in channels
        )

    def forward(self, maps: Sequence[Tensor], places: Sequence[Tensor]) -> list[Tensor]:
        """Return (n, patches, K) a layer.

        Parameters
        ----------
        maps
            (n, c, h, w) a layer.
        places
            (patches,) a layer: numbers of pixels, row by row.

        """
        made = []
        for own, chosen, projection in zip(maps, places, self.projections, strict=True):
            patches = own.flatten(2).transpose(1, 2)[:, chosen]
            made.append(functional.normalize(projection(patches), dim=2))
        return made


def drawn_places(maps: Sequence[Tensor], patches: int, generator: torch.Generator) -> list[Tensor]:
    """Return for each layer up to ``patches`` different pixels, at random."""
    return [torch.randperm(own.shape[2] * own.shape[3], generator=generator)[:patches].to(own.device) for own in maps]


def patch_nce_loss(queries: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """Return Eq. 8, the mean over patches and pictures; the negatives are the other patches of the same picture.

    Parameters
    ----------
    queries
        (n, s, K) unit vectors F of the generated face.
    keys
        (n, s, K) unit vectors S of the skull; ``keys[:, i]`` is the positive of ``queries[:, i]``. No gradient.
    temperature
        tau.

    """
    alike = queries @ keys.detach().transpose(1, 2) / temperature
    count = alike.shape[1]
    own = torch.arange(count, device=alike.device).expand(len(alike), -1)
    return functional.cross_entropy(alike.flatten(0, 1), own.flatten())
