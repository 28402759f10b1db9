"""Checkpoints, the log and the device of a training run (PyTorch)."""

from __future__ import annotations

import csv
import io
import pickle
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from nasion.errors import NasionError
from nasion.readers.files import read_bytes, write_bytes, write_text


def write_checkpoint(path: Path, values: dict[str, Any]) -> None:
    """Write tensors and plain values, whole or not at all."""
    buffer = io.BytesIO()
    torch.save(values, buffer)
    write_bytes(path, buffer.getvalue())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what ``write_checkpoint`` wrote; a damaged file raises NasionError."""
    try:
        values: dict[str, Any] = torch.load(io.BytesIO(read_bytes(path)), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError):
        raise damaged(path) from None
    return values


def damaged(path: Path) -> NasionError:
    """Return the error of a checkpoint that cannot be used."""
    return NasionError(f"{path}: is damaged; remove the run's folder and train again")


def write_log(path: Path, records: Sequence[Any]) -> None:
    """Write records (dataclasses) as CSV, a line each."""
    text = io.StringIO()
    rows = [asdict(record) for record in records]
    table = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_text(path, text.getvalue())


def torch_device(name: str) -> torch.device:
    """Return ``cpu`` or ``cuda``; another name, or no CUDA device here, raises NasionError."""
    if name not in ("cpu", "cuda"):
        raise NasionError(f"there is no device {name!r}; give cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise NasionError("there is no CUDA device here; give --device cpu")
    return torch.device(name)
