"""Frozen backbones (PyTorch) as ONNX files: RGB pictures, 0 to 255, to vectors.

ResNet-18, MobileNetV2, EfficientNet-B0 and ViT-B/16 are the paper's, through timm with ImageNet weights; they need a
place from which timm can load these. EfficientNet-Lite0's weights come inside a package: of it the maps of strides 8
and 16 are averaged (40 + 112 numbers), as middle layers keep more of what a drawing and a photograph share.
"""

from __future__ import annotations

from functools import cache
from typing import Final, cast

import torch
from torch import Tensor, nn

from nasion.errors import NasionError
from nasion.matching.descriptors import ORIENTATIONS, Descriptor, NetworkDescriptor, orientations
from nasion.matching.settings import PictureSettings
from nasion.networks.efficientnet_lite import EfficientNetLite0Stages
from nasion.networks.onnx_files import onnx_bytes

LITE: Final = "efficientnet_lite0"
TIMM_NAMES: Final = {
    "resnet18": "resnet18",
    "mobilenetv2": "mobilenetv2_100",
    "efficientnet_b0": "efficientnet_b0",
    "vit_b16": "vit_base_patch16_224",
}
"""The paper's backbones by their names in timm."""
INPUT_PX: Final = {LITE: 128}
_USUAL_PX: Final = 224
_STRIDE_8: Final = 4
"""Number of the block."""


class _Lite(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stages = EfficientNetLite0Stages()

    def forward(self, image: Tensor) -> Tensor:
        maps = self.stages.block_maps((image - 127.0) / 128.0)
        return torch.cat([maps[_STRIDE_8].mean(dim=(2, 3)), maps[-1].mean(dim=(2, 3))], dim=1)


class _FromTimm(nn.Module):
    mean: Tensor
    sd: Tensor

    def __init__(self, name: str) -> None:
        from nasion.networks.timm_models import create_model

        super().__init__()
        self.net = create_model(TIMM_NAMES[name], pretrained=True, num_classes=0)
        own = self.net.pretrained_cfg
        for key, values in (("mean", own["mean"]), ("sd", own["std"])):
            self.register_buffer(key, 255.0 * torch.tensor(values).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, self.net((image - self.mean) / self.sd))


@cache
def backbone_onnx(name: str) -> bytes:
    """Return a backbone's ONNX file: ``image`` (n, 3, s, s) to ``features`` (n, d).

    Raises
    ------
    NasionError
        The name is unknown, or its published weights cannot be had.

    """
    if name != LITE and name not in TIMM_NAMES:
        raise NasionError(f"there is no network {name!r}; use one of {', '.join((LITE, *TIMM_NAMES))}")
    module = (_Lite() if name == LITE else _FromTimm(name)).eval()
    example = torch.zeros(1, 3, input_px(name), input_px(name))
    return onnx_bytes(module, [example], ["image"], ["features"], {"image": {0: "n"}, "features": {0: "n"}})


def input_px(name: str) -> int:
    """Return the side of a backbone's input."""
    return INPUT_PX.get(name, _USUAL_PX)


def describers(settings: PictureSettings) -> tuple[Descriptor, Descriptor]:
    """Return what sees patches and what sees whole pictures; see ``backbone_onnx``."""
    return describer(settings.backbone, settings), describer(settings.global_backbone, settings)


@cache
def describer(name: str, settings: PictureSettings) -> Descriptor:
    """Return one of ``settings.BACKBONES``."""
    if name == ORIENTATIONS:
        return orientations(settings)
    return NetworkDescriptor(backbone_onnx(name), input_px(name))
