"""Networks from an image to a feature map of a quarter of its size (PyTorch).

A backbone is any module with ``channels`` and a forward pass from (n, 3, h, w), values about -1 to 1, to
(n, channels, h / 4, w / 4); ``BACKBONES`` names them. HRNet-W18 is the paper's; its four resolutions are brought to
stride 4 and joined (18 + 36 + 72 + 144 = 270 channels). EfficientNet-Lite0 (Liu 2020; Tan & Le, ICML 2019) up to its
stride-16 stage, pretrained on ImageNet, with a small pyramid back to stride 4, trains on two CPU cores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasion.networks.efficientnet_lite import EfficientNetLite0Stages, conv_layer

STRIDE: Final = 4


class Backbone(Protocol):
    """What the heat map network is built on."""

    channels: int

    def __call__(self, image: Tensor) -> Tensor:
        """Return (n, channels, h / 4, w / 4) features of (n, 3, h, w) images."""


_PYRAMID: Final = 96


class EfficientNetLite0(EfficientNetLite0Stages):
    """EfficientNet-Lite0 to stride 16 and a feature pyramid to stride 4; see ``BACKBONES``."""

    channels = _PYRAMID

    def __init__(self, pretrained: bool = True) -> None:
        super().__init__(pretrained)
        self.deep = conv_layer(112, _PYRAMID, 1, 1)
        self.middle = conv_layer(40, _PYRAMID, 1, 1, act=False)
        self.shallow = conv_layer(24, _PYRAMID, 1, 1, act=False)
        self.join_middle = _separable(_PYRAMID)
        self.join_shallow = _separable(_PYRAMID)

    def forward(self, image: Tensor) -> Tensor:
        """Return (n, channels, h / 4, w / 4) features."""
        kept = self.block_maps(image)
        middle = self.join_middle(functional.relu(_doubled(self.deep(kept[-1])) + self.middle(kept[4])))
        joined: Tensor = self.join_shallow(functional.relu(_doubled(middle) + self.shallow(kept[2])))
        return joined


def _separable(channels: int) -> nn.Sequential:
    return nn.Sequential(conv_layer(channels, channels, 5, 1, groups=channels), conv_layer(channels, channels, 1, 1))


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class HRNetW18(nn.Module):
    """HRNet-W18 (Wang et al., TPAMI 2020) by timm, its four resolutions joined at stride 4: 270 channels."""

    channels = 270

    def __init__(self, pretrained: bool = True) -> None:
        super().__init__()
        from nasion.networks.timm_models import create_model

        del pretrained  # no package carries its weights: it starts from random ones
        self.net = create_model("hrnet_w18", features_only=True, out_indices=(1, 2, 3, 4), feature_location="")

    def forward(self, image: Tensor) -> Tensor:
        """Return (n, channels, h / 4, w / 4) features."""
        maps: list[Tensor] = self.net(image)
        height, width = maps[0].shape[-2:]
        same = [functional.interpolate(x, (height, width), mode="bilinear", align_corners=False) for x in maps[1:]]
        return torch.cat([maps[0], *same], dim=1)


class Tiny(nn.Module):
    """Two strided convolutions and one wide one: for tests."""

    channels = 16

    def __init__(self, pretrained: bool = True) -> None:
        super().__init__()
        del pretrained
        self.parts = nn.Sequential(
            conv_layer(3, 16, 3, 2), conv_layer(16, 16, 3, 2), conv_layer(16, 16, 5, 1), conv_layer(16, 16, 5, 1)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return (n, channels, h / 4, w / 4) features."""
        made: Tensor = self.parts(image)
        return made


BACKBONES: Final[dict[str, Callable[[bool], Any]]] = {
    "efficientnet_lite0": EfficientNetLite0,
    "hrnet_w18": HRNetW18,
    "tiny": Tiny,
}
"""Backbone by name; called with whether published weights are wanted. A further entry can be used like these."""
