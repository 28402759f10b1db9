"""What a training run needs in order to go on where it stopped (PyTorch)."""

from __future__ import annotations

import io
import pickle
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from nasion.errors import NasionError
from nasion.readers.files import read_bytes, write_bytes


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


@dataclass
class RunState:
    """The state of a run after some steps of an epoch; it changes as the run goes on.

    The order of samples follows from seed and epoch, so no state of a random generator has to be kept.
    """

    model: dict[str, Any]
    optimiser: dict[str, Any]
    prototype: torch.Tensor
    epoch: int = 0
    """Finished epochs."""
    step: int = 0
    """Finished steps of the epoch under way."""
    loss_sum: float = 0.0
    seconds: float = 0.0
    """Of the epoch under way."""
    best: dict[str, Any] = field(default_factory=dict)
    """The weights with the smallest error on the held-out people so far."""
    best_error_mm: float = float("inf")
    best_epoch: int = 0
    history: list[EpochRecord] = field(default_factory=list)


def save_state(path: Path, state: RunState) -> None:
    """Write a checkpoint, whole or not at all."""
    buffer = io.BytesIO()
    torch.save({**vars(state), "history": [asdict(record) for record in state.history]}, buffer)
    write_bytes(path, buffer.getvalue())


def load_state(path: Path) -> RunState:
    """Read a checkpoint; a damaged one raises NasionError."""
    try:
        values = torch.load(io.BytesIO(read_bytes(path)), map_location="cpu", weights_only=True)
        values["history"] = [EpochRecord(**record) for record in values["history"]]
        return RunState(**values)
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError):
        raise NasionError(f"{path}: is damaged; remove the run's folder and train again") from None
