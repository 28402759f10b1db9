"""What a training run needs in order to go on where it stopped."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nasion.networks.epochs import EpochState

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class EpochRecord:
    """One line of the log.

    Attributes
    ----------
    epoch
        From 1.
    loss, points_loss, heat_loss
        Means over the epoch's steps: all together; of the points (cells); of the heat maps.
    held_out_error, held_out_start_error
        Of the held-out people's points and of their heat maps' soft-argmax: mean distance over face size (see
        ``metrics.face_size``), one plain upright crop each.
    rate
        Share of the learning rates at the end.
    steps, seconds
        Steps and time of the epoch.

    """

    epoch: int
    loss: float
    points_loss: float
    heat_loss: float
    held_out_error: float
    held_out_start_error: float
    rate: float
    steps: int
    seconds: float


@dataclass(kw_only=True)
class RunState(EpochState[EpochRecord]):
    """Where a run stands."""

    average: dict[str, Any]
    """Running mean of the weights; empty where none is kept."""
    shape: Tensor
    steps_done: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    best_error: float = math.inf
