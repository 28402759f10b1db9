"""torchvision beside a PyTorch that its compiled operators were not built for (a wheel for CUDA beside one for CPUs).

Its import asks for two operators and fails where they are absent. They are then declared here, and ``nms`` gets a plain
implementation, which is all that timm and ultralytics need of them.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

_OPERATORS: Final = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_DECLARED: Final[list[Any]] = []
"""Libraries whose declarations last as long as they are kept."""


def import_torchvision() -> Any:
    """Return torchvision, with its own operators where they fit and with ours where not.

    Raises
    ------
    ImportError
        It is not installed.
    RuntimeError
        Its import fails for another reason.

    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision" not in str(error) or _DECLARED:
            raise
    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in _OPERATORS:
        library.define(schema)
    library.impl("nms", non_maximum_suppression, "CPU")
    _DECLARED.append(library)
    made = importlib.import_module("torchvision")
    extension: Any = importlib.import_module("torchvision.extension")
    extension._has_ops = lambda: True
    return made


def non_maximum_suppression(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Return the places of the boxes to keep, by falling score: those that no better kept one overlaps too much.

    Parameters
    ----------
    boxes
        (n, 4) left, top, right, bottom.
    scores
        (n,).
    iou_threshold
        Largest intersection over union with a kept box.

    """
    corners = boxes.detach().double().numpy()
    areas = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    left = torch.argsort(scores.detach(), descending=True, stable=True).numpy()
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        low = np.maximum(corners[best, :2], corners[left, :2])
        high = np.minimum(corners[best, 2:], corners[left, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=1)
        left = left[shared <= iou_threshold * (areas[best] + areas[left] - shared)]
    return torch.tensor(kept, dtype=torch.int64, device=boxes.device)
