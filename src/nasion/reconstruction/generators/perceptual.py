"""How far two pictures are from each other in the eyes of a network that knows ImageNet (PyTorch).

Johnson et al., ECCV 2016, with the normalised features of Zhang et al., CVPR 2018, here of EfficientNet-Lite0, whose
weights come inside a package. Blur that a distance of pixels hardly notices costs much here.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from nasion.networks.efficientnet_lite import EfficientNetLite0Stages

_BLOCKS: Final = (0, 2, 4, 7)
"""Blocks whose maps are compared, beside the stem's: strides 2, 2, 4, 8 and 16."""


def feature_distance(made: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared distance of unit feature vectors, over places and layers: 0 to 4.

    Parameters
    ----------
    made, target
        (n, 3, s, s), -1 to 1; gradients reach ``made`` alone.

    """
    with torch.no_grad():
        wanted = _seen(target)
    apart = [(one - other).square().sum(dim=1).mean() for one, other in zip(_seen(made), wanted, strict=True)]
    return torch.stack(apart).mean()


def _seen(picture: Tensor) -> list[Tensor]:
    """Return maps (n, c, h, w), a unit vector at each place."""
    network = _network(picture.device)
    x = network.stem(picture)
    maps = [x]
    for number, block in enumerate(network.blocks[: _BLOCKS[-1] + 1]):
        x = block(x)
        if number in _BLOCKS:
            maps.append(x)
    return [functional.normalize(own, dim=1) for own in maps]


@cache
def _network(device: torch.device) -> EfficientNetLite0Stages:
    return EfficientNetLite0Stages().eval().requires_grad_(False).to(device)
