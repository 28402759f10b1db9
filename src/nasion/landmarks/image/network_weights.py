"""The network's weights: copied, averaged, and taken from another run (PyTorch)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nasion.errors import NasionError
from nasion.landmarks.image.model import ImageLandmarkNet
from nasion.networks.checkpoints import CHECKPOINT_FILE, read_checkpoint


def heat_weights(folder: Path) -> dict[str, Any]:
    """Return the best weights of a run's folder, for ``train(frozen=...)``."""
    path = folder / CHECKPOINT_FILE
    best = read_checkpoint(path).get("best")
    if not best:
        raise NasionError(f"{path}: has no finished epoch yet; let that run go on first")
    return dict(best)


def take_heat_network(model: ImageLandmarkNet, weights: dict[str, Any]) -> None:
    """Give a network the heat map network of other weights; one that does not fit raises NasionError."""
    parts = ("backbone.", "heat.", "soft_argmax.")
    own = model.state_dict()
    heat = {name: value for name, value in weights.items() if name.startswith(parts)}
    fits = all(name in heat and heat[name].shape == own[name].shape for name in own if name.startswith(parts))
    if not fits:
        raise NasionError("the frozen heat maps are of another backbone or scheme; give a run with the same ones")
    model.load_state_dict({**own, **heat})


def copied(model: torch.nn.Module) -> dict[str, Tensor]:
    """Return a copy of the weights as they stand."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


@torch.no_grad()
def move_average(average: dict[str, Any], model: torch.nn.Module, decay: float) -> None:
    """Take the weights as they stand into their running mean, in place; ``decay`` is the share that stays."""
    for name, value in model.state_dict().items():
        if value.dtype.is_floating_point:
            average[name].lerp_(value, 1 - decay)
        else:
            average[name].copy_(value)
