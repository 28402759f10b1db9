"""What a training run needs in order to go on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    loss, held_out_loss
        Mean adaptive wing loss of the training samples while learning, and of the held-out people after.
    held_out_error_mm
        Mean distance of the held-out people's landmarks from the weighted means of their heat maps (Eq. 6).
    learning_rate
        At the end of the epoch.
    seconds
        Time of the epoch.

    """

    epoch: int
    loss: float
    held_out_loss: float
    held_out_error_mm: float
    learning_rate: float
    seconds: float


@dataclass(kw_only=True)
class RunState(EpochState[EpochRecord]):
    """Where a run stands."""

    prototype: Tensor
    loss_sum: float = 0.0
    best_error_mm: float = float("inf")
