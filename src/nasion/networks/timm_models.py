"""Networks of the library timm."""

from __future__ import annotations

import importlib
from typing import Any

from nasion.errors import NasionError
from nasion.networks.torchvision_operators import import_torchvision


def create_model(name: str, pretrained: bool = False, **options: Any) -> Any:
    """Return a network of timm by name, with random or, where the library can get them, published weights.

    Raises
    ------
    NasionError
        timm is not there, or the published weights cannot be had.

    """
    try:
        import_torchvision()  # which timm imports
        timm = importlib.import_module("timm")
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
