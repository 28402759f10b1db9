"""Networks of the library timm.

timm imports torchvision, whose compiled operators are absent where it was built for another PyTorch (a wheel for CUDA
beside PyTorch for CPUs). The two that its import asks for are then declared; no network here calls them.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

import torch

from nasion.errors import NasionError

_OPERATORS: Final = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_DECLARED: Final[list[Any]] = []
"""Libraries whose declarations last as long as they are kept."""


def create_model(name: str, **options: Any) -> Any:
    """Return a network of timm by name, with random weights.

    Raises
    ------
    NasionError
        timm is not there.

    """
    try:
        timm = _imported()
    except ImportError:
        raise NasionError(f"{name} needs timm; install nasion[train]") from None
    return timm.create_model(name, pretrained=False, **options)


def _imported() -> Any:
    try:
        return importlib.import_module("timm")
    except RuntimeError as error:
        if "torchvision" not in str(error) or _DECLARED:
            raise
    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name, schema in _OPERATORS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(schema)
    _DECLARED.append(library)
    return importlib.import_module("timm")
