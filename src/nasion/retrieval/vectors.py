"""Rows of float32 in a file: appended or written in place, read through a memory map."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class VectorFile:
    """A file of rows.

    What lies behind the rows that the gallery knows (left by an interrupted run) has no meaning and is written over.
    The file never shrinks: other processes may have mapped it.

    Attributes
    ----------
    path
        Little-endian float32, without a header.
    width
        Numbers in a row.

    """

    path: Path
    width: int

    def rows(self, count: int) -> Float32:
        """Return (count, width): the first rows, mapped and not read.

        Raises
        ------
        NasionError
            The file holds fewer, or cannot be read.

        """
        if count == 0:
            return np.zeros((0, self.width), np.float32)
        needed = count * self.width * 4
        try:
            present = self.path.stat().st_size
        except OSError:
            present = 0
        if present < needed:
            raise NasionError(
                f"{self.path}: {present} of at least {needed} bytes are there, vectors are lost; restore it from a "
                "copy, or make the gallery again from its pictures"
            )
        return np.memmap(self.path, dtype="<f4", mode="r", shape=(count, self.width))

    def write(self, place: int, vector: Float32) -> None:
        """Write one row, in place or behind the last one."""
        data = np.ascontiguousarray(vector, dtype="<f4").tobytes()
        with self.path.open("r+b" if self.path.exists() else "w+b") as stream:
            stream.seek(place * self.width * 4)
            stream.write(data)

    def settle(self) -> None:
        """Wait until what was written is on the disk."""
        if self.path.exists():
            with self.path.open("r+b") as stream:
                os.fsync(stream.fileno())
