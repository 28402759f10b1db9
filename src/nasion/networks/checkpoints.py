"""Checkpoints, the log and the device of a training run (PyTorch)."""

from __future__ import annotations

import csv
import io
import pickle
from collections.abc import Sequence
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any, Final, TypeVar

import torch

from nasion.errors import NasionError
from nasion.networks.epochs import EpochState
from nasion.readers.files import read_bytes, write_bytes, write_text

CHECKPOINT_FILE: Final = "checkpoint.pt"
LOG_FILE: Final = "log.csv"
CHECKPOINT_SECONDS: Final = 60.0
"""Least time between two checkpoints."""

StateT = TypeVar("StateT", bound=EpochState[Any])


def write_checkpoint(path: Path, values: dict[str, Any]) -> None:
    """Write tensors and plain values, whole or not at all."""
    buffer = io.BytesIO()
    torch.save(values, buffer)
    write_bytes(path, buffer.getvalue())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what ``write_checkpoint`` wrote; a damaged file raises NasionError."""
    try:
        values = torch.load(io.BytesIO(read_bytes(path)), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError):
        raise damaged(path) from None
    if not isinstance(values, dict):
        raise damaged(path)
    return values


def write_run(path: Path, values: dict[str, Any], model: torch.nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Write a checkpoint of a run: some values, the weights and the optimiser's state."""
    write_checkpoint(path, {**values, "model": model.state_dict(), "optimiser": optimiser.state_dict()})


def read_run(path: Path, model: torch.nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Give a model and its optimiser what a checkpoint of ``write_run`` holds; return its other values.

    Raises
    ------
    NasionError
        The file is damaged, or of another model.

    """
    values = read_checkpoint(path)
    try:
        model.load_state_dict(values.pop("model"))
        optimiser.load_state_dict(values.pop("optimiser"))
    except (KeyError, TypeError, RuntimeError, ValueError):
        raise damaged(path) from None
    return values


def write_state(folder: Path, state: EpochState[Any], model: torch.nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Write checkpoint and log of a run in epochs."""
    history = [asdict(record) for record in state.history]
    write_run(folder / CHECKPOINT_FILE, {**vars(state), "history": history}, model, optimiser)
    write_log(folder / LOG_FILE, state.history)


def read_state(
    path: Path, kind: type[StateT], record: type[Any], model: torch.nn.Module, optimiser: torch.optim.Optimizer
) -> StateT:
    """Return the state that ``write_state`` wrote and give model and optimiser theirs; see ``read_run``.

    ``kind`` and ``record`` are the classes of the state and of its history.
    """
    values = read_run(path, model, optimiser)
    try:
        return kind(**{**values, "history": [record(**row) for row in values["history"]]})
    except (KeyError, TypeError):
        raise damaged(path) from None


def damaged(path: Path) -> NasionError:
    """Return the error of a checkpoint that cannot be used."""
    return NasionError(f"{path}: is damaged; remove the run's folder and train again")


def write_log(path: Path, records: Sequence[Any]) -> None:
    """Write records (dataclasses of one kind) as CSV, a line each; none are no file."""
    if not records:
        return
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([column.name for column in fields(records[0])])
    table.writerows(astuple(record) for record in records)
    write_text(path, text.getvalue())


def torch_device(name: str) -> torch.device:
    """Return ``cpu`` or ``cuda``; another name, or no CUDA device here, raises NasionError."""
    if name not in ("cpu", "cuda"):
        raise NasionError(f"there is no device {name!r}; give cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise NasionError("there is no CUDA device here; give --device cpu")
    return torch.device(name)
