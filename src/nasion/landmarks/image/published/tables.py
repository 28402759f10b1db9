"""CSV tables of landmarks, as published sets have them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.samples import ImageSample
from nasion.readers.files import read_text

TRAINING: Final = "train"
"""The part of a set that its makers meant to be learnt from."""


@dataclass(frozen=True, eq=False)
class PublishedSet:
    """Samples of a set.

    Attributes
    ----------
    name
        Of the set.
    samples
        Their part is ``TRAINING``, ``""`` in a set without parts, or the set's name of a part to test on.
    terms
        What the set's terms allow.
    training_name
        The set's own name of the training part.
    people
        Name of the set whose people are shown, where another set made this one of its images: a person has the same
        name in both. Empty: the people are this set's own.

    """

    name: str
    samples: tuple[ImageSample, ...]
    terms: str
    training_name: str = TRAINING
    people: str = ""


def read_table(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV file.

    Raises
    ------
    NasionError
        The file cannot be read, has no rows, lacks a column or has a row of another length.

    """
    rows = list(csv.DictReader(io.StringIO(read_text(path))))
    if not rows:
        raise NasionError(f"{path}: has no rows; give the set's full table")
    lacking = [name for name in needed if name not in rows[0]]
    if lacking:
        raise NasionError(f"{path}: has no column {lacking[0]!r}; give the table in its published form")
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise NasionError(f"{path}, line {number}: has another number of columns than the first line")
    return rows


def points_of(path: Path, number: int, row: dict[str, str], columns: Sequence[tuple[str, str]]) -> FloatArray:
    """Return (l, 2) of a row's columns; an empty cell is a point that is not marked."""
    try:
        return np.array([[float(row[x] or "nan"), float(row[y] or "nan")] for x, y in columns])
    except ValueError:
        raise NasionError(f"{path}, line {number}: a coordinate is no number; correct it") from None


def existing(path: Path, named_in: Path) -> Path:
    """Return an image's path; a missing one raises NasionError."""
    if not path.is_file():
        raise NasionError(f"{path}: no such file, but {named_in.name} names it; unpack the set completely")
    return path
