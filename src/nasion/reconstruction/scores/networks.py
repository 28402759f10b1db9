"""What networks trained on ImageNet see in faces, run by ONNX Runtime."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.networks.sessions import make_session
from nasion.reconstruction.scores.likeness import Pixels

Float32 = NDArray[np.float32]

LITE: Final = "efficientnet_lite0"
TABLE_2: Final = ("vgg16", "resnet18", "resnet101", "densenet121")
"""The networks of FCR's Table 2, by their names in timm."""
INPUT_PX: Final = 224
_AT_ONCE: Final = 8


@dataclass(frozen=True, eq=False)
class Seen:
    """Features (n, d), before the classes, and logits (n, classes) of n pictures."""

    features: Float32
    logits: Float32


class Network:
    """A frozen network of ``export.network_onnx``; pictures are brought to its square of 224 px."""

    def __init__(self, name: str, onnx: bytes) -> None:
        self.name = name
        self.sha256 = hashlib.sha256(onnx).hexdigest()
        self._session: Any = make_session(onnx)

    def look(self, pictures: Sequence[Pixels]) -> Seen:
        """Return what it sees in (h, w, 3) RGB pictures of any sizes."""
        parts = [self._run(pictures[k : k + _AT_ONCE]) for k in range(0, len(pictures), _AT_ONCE)]
        features, logits = (np.concatenate(own) for own in zip(*parts, strict=True))
        return Seen(features, logits)

    def describe(self, pictures: Sequence[Pixels]) -> NDArray[np.float64]:
        """Return (n, d) features of pictures, of which it can use all."""
        return np.asarray(self.look(pictures).features, np.float64)

    def _run(self, pictures: Sequence[Pixels]) -> tuple[Float32, Float32]:
        batch = np.stack([_square(picture) for picture in pictures]).transpose(0, 3, 1, 2)
        features, logits = self._session.run(None, {"image": np.ascontiguousarray(batch, np.float32)})
        return features, logits


def _square(picture: Pixels) -> Pixels:
    import cv2

    way = cv2.INTER_AREA if min(picture.shape[:2]) >= INPUT_PX else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (INPUT_PX, INPUT_PX), interpolation=way), np.uint8)
