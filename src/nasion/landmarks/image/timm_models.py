"""Networks of the library timm."""

from __future__ import annotations

import importlib
from typing import Any

from nasion.errors import NasionError
from nasion.landmarks.image.torchvision_operators import import_torchvision


def create_model(name: str, **options: Any) -> Any:
    """Return a network of timm by name, with random weights.

    Raises
    ------
    NasionError
        timm is not there.

    """
    try:
        import_torchvision()  # which timm imports
        timm = importlib.import_module("timm")
    except ImportError:
        raise NasionError(f"{name} needs timm; install nasion[train]") from None
    return timm.create_model(name, pretrained=False, **options)
