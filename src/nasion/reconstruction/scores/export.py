"""The networks that look at faces (PyTorch) as ONNX files: RGB pictures, 0 to 255, to features."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from nasion.errors import NasionError
from nasion.networks.efficientnet_lite import EfficientNetLite0
from nasion.networks.onnx_files import onnx_bytes
from nasion.networks.timm_models import create_model
from nasion.reconstruction.scores.networks import INPUT_PX, LITE, TABLE_2


class _Lite(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = EfficientNetLite0()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features, logits = self.net((image - 127.0) / 128.0)
        return features, logits


class _FromTimm(nn.Module):
    mean: Tensor
    sd: Tensor

    def __init__(self, name: str) -> None:
        super().__init__()
        self.net = create_model(name, pretrained=True)
        own = self.net.pretrained_cfg
        for key, values in (("mean", own["mean"]), ("sd", own["std"])):
            self.register_buffer(key, 255.0 * torch.tensor(values).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.net.forward_features((image - self.mean) / self.sd)
        features: Tensor = self.net.forward_head(maps, pre_logits=True)
        return features, self.net.get_classifier()(features)


@cache
def network_onnx(name: str) -> bytes:
    """Return a network's ONNX file: ``image`` (n, 3, 224, 224) to ``features`` (n, d) and ``logits`` (n, classes).

    Raises
    ------
    NasionError
        The name is unknown, or its published weights cannot be had.

    """
    if name != LITE and name not in TABLE_2:
        raise NasionError(f"there is no network {name!r}; use one of {', '.join((LITE, *TABLE_2))}")
    module = (_Lite() if name == LITE else _FromTimm(name)).eval()
    free = {key: {0: "n"} for key in ("image", "features", "logits")}
    return onnx_bytes(module, [torch.zeros(1, 3, INPUT_PX, INPUT_PX)], ["image"], ["features", "logits"], free)
