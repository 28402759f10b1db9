"""Networks of the library timm."""

from __future__ import annotations

import importlib
import socket
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies

from nasion.errors import NasionError
from nasion.networks.torchvision_operators import import_torchvision

_HUB_SECONDS: Final = 3.0


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
        if pretrained:
            _ask_hub_only_where_reachable()
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


@cache
def _ask_hub_only_where_reachable() -> None:
    """Let timm's hub client answer from its cache where there is no way to the hub: it would try for a minute a model.

    A way through a proxy is not tried.
    """
    constants: Any = importlib.import_module("huggingface_hub.constants")
    hub = urlsplit(constants.ENDPOINT)
    if getproxies() or not hub.hostname:
        return
    try:
        socket.create_connection((hub.hostname, hub.port or 443), timeout=_HUB_SECONDS).close()
    except OSError:
        constants.HF_HUB_OFFLINE = True
