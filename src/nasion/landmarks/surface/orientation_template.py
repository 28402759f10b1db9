"""What a raw scan is laid on to be oriented: mean heads in the standard frame."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.poisson_disk import poisson_disk_sample
from nasion.geometry.surface import FloatArray, Mesh
from nasion.geometry.winding import oriented_outward
from nasion.landmarks.surface.alignment import ClosestTable
from nasion.landmarks.surface.cloud import Frame, finite_part
from nasion.readers.files import write_bytes

STANDARD_MM: Final = 130.0
"""Millimetres of one standard unit: the cube holds any adult head down to some 20 mm below the chin."""
STANDARD_CENTER_MM: Final = (0.0, 15.0, 5.0)
"""The cube's centre in the Frankfurt frame (origin between the porions): a head's and a skull's middle."""

_POINTS: Final = 1200
_CELL: Final = 0.08
_FRONT: Final = 0.25
_REST_WEIGHT: Final = 0.3
"""The face has the relief that tells one rotation from another: what lies behind it counts less."""


def standard_frame() -> Frame:
    """Return the standard frame of a head that is in its Frankfurt frame."""
    return Frame(np.eye(3), np.array(STANDARD_CENTER_MM), STANDARD_MM)


@dataclass(frozen=True, eq=False)
class OrientationTemplate:
    """Outer points of mean heads of one kind, in the standard frame.

    Attributes
    ----------
    what
        For messages: ``"skull"`` or ``"face"``.
    tables
        One for each mean head.

    """

    what: Literal["skull", "face"]
    tables: tuple[ClosestTable, ...]

    @classmethod
    def of(cls, what: Literal["skull", "face"], heads: list[Mesh]) -> OrientationTemplate:
        """Return the template of heads in the Frankfurt frame (mm, origin between the porions)."""
        return cls(what, tuple(_table(*_outer_cloud(head)) for head in heads))

    def write(self, path: Path | str) -> None:
        """Write an ``.npz`` file, some 15 kB a head."""
        arrays = {f"points_{k}": table.points.astype(np.float32) for k, table in enumerate(self.tables)}
        arrays |= {f"normals_{k}": table.normals.astype(np.float16) for k, table in enumerate(self.tables)}
        content = io.BytesIO()
        np.savez_compressed(content, what=np.array(self.what), **arrays)  # type: ignore[arg-type]
        write_bytes(path, content.getvalue())

    @classmethod
    def read(cls, path: Path | str) -> OrientationTemplate:
        """Read what ``write`` wrote.

        Raises
        ------
        NasionError
            The file is missing or damaged.

        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                what = str(stored["what"])
                count = sum(name.startswith("points_") for name in stored.files)
                clouds = [(stored[f"points_{k}"], stored[f"normals_{k}"]) for k in range(count)]
        except (OSError, ValueError, KeyError, BadZipFile, EOFError) as fault:
            reason = " ".join(str(fault).split())[:120]
            raise NasionError(f"{path}: no orientation template ({reason}); install or train the model again") from None
        if what not in ("skull", "face") or not clouds:
            raise NasionError(f"{path}: no orientation template; install or train the model again")
        tables = tuple(_table(p.astype(np.float64), n.astype(np.float64)) for p, n in clouds)
        return cls("skull" if what == "skull" else "face", tables)


def _outer_cloud(head: Mesh) -> tuple[FloatArray, FloatArray]:
    surface = finite_part(head)
    standard = oriented_outward(surface.moved(standard_frame().to_standard(surface.vertices)))
    points, normals = poisson_disk_sample(standard, _POINTS, 0, within=1.0)
    outer = outer_points(points, normals)
    return points[outer], normals[outer]


def _table(points: FloatArray, normals: FloatArray) -> ClosestTable:
    return ClosestTable.of(points, normals, np.where(points[:, 2] > _FRONT, 1.0, _REST_WEIGHT), _CELL)


def outer_points(points: FloatArray, normals: FloatArray, cell: float = 0.1) -> NDArray[np.bool_]:
    """Return which points can be seen from outside: those in front of their cell in one of 26 views, facing it."""
    axes = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    axes = axes[np.abs(axes).sum(axis=1) > 0]
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    seen = np.zeros(len(points), dtype=bool)
    for axis in axes:
        side = np.linalg.svd(axis[None])[2][1:]
        flat = points @ side.T
        index = ((flat - flat.min(axis=0)) / cell).astype(np.int64)
        key = index[:, 0] * (index[:, 1].max() + 1) + index[:, 1]
        depth = points @ axis
        front = np.full(key.max() + 1, -np.inf)
        np.maximum.at(front, key, depth)
        seen |= (depth > front[key] - cell) & (normals @ axis > 0.3)
    return seen
