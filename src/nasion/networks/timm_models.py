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


def create_model(name: str, pretrained: bool = False, **options: Any) -> Any:
    """Return a network of timm by name, with random or, where the library can get them, published weights.

    Raises
    ------
    NasionError
        timm is not there, or the published weights cannot be had.

    """
    try:
        timm = _imported()
    except ImportError:
        raise NasionError(f"{name} needs timm; install nasion[train]") from None
    if not pretrained:
        return timm.create_model(name, pretrained=False, **options)
    try:
        return timm.create_model(name, pretrained=True, **options)
    except Exception as error:  # the hub's client raises errors of many libraries where there is no way to it
        reason = " ".join(str(error).split())[:120]
        raise NasionError(
            f"the published weights of {name} cannot be had ({reason}); work where timm can load them, or take another"
        ) from None


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
