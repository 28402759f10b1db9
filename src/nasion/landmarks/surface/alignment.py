"""Alignment of a cloud with another surface from many starts at once.

Iterated closest points in the plane form (Chen & Medioni 1992), similarity motion, with a redescending weight (Tukey's
biweight of the distance times the cosine of the normals): what the other surface does not have pulls nowhere. Closest
points come from a table on a grid of cells, so that a step of one start takes microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from nasion.geometry.surface import FloatArray
from nasion.landmarks.surface.alignment_kernel import climb, share_on

_MARGIN: Final = 0.35
"""How far a table reaches beyond its surface, standard units."""
_DAMPING: Final = 0.03
"""Share of a full point-to-point pull: steadies directions in which planes alone leave the motion open."""


def _plain(values: FloatArray) -> FloatArray:
    """Return the array in the layout for which the loops are compiled."""
    return np.ascontiguousarray(values, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class ClosestTable:
    """Points of a surface with normals, and which of them is closest to each cell of a grid round them.

    Attributes
    ----------
    points, normals
        (m, 3).
    weights
        (m,) how much each point counts.
    table
        (i, j, k) int32 numbers of points.
    origin, cell
        Lowest corner of the grid, and the side of its cells.

    """

    points: FloatArray
    normals: FloatArray
    weights: FloatArray
    table: NDArray[np.int32]
    origin: FloatArray
    cell: float

    @classmethod
    def of(cls, points: FloatArray, normals: FloatArray, weights: FloatArray, cell: float) -> ClosestTable:
        """Return the table of a surface's points."""
        origin = points.min(axis=0) - _MARGIN
        counts = np.ceil((points.max(axis=0) + _MARGIN - origin) / cell).astype(int)
        axes = [origin[a] + (np.arange(counts[a]) + 0.5) * cell for a in range(3)]
        centers = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        # A tenth of a cell decides nothing here, and an approximate search takes half the time.
        nearest = cKDTree(points).query(centers, eps=0.1)[1].astype(np.int32).reshape(counts)
        return cls(_plain(points), _plain(normals), _plain(weights), nearest, origin, cell)


@dataclass(frozen=True, eq=False)
class Poses:
    """Similarities ``x -> scale * rotation @ x + shift``: (k, 3, 3), (k, 3), (k,)."""

    rotations: FloatArray
    shifts: FloatArray
    scales: FloatArray

    def __post_init__(self) -> None:
        for name in ("rotations", "shifts", "scales"):
            object.__setattr__(self, name, _plain(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.scales)

    def __getitem__(self, which: Any) -> Poses:
        return Poses(self.rotations[which], self.shifts[which], self.scales[which])

    @classmethod
    def joined(cls, parts: list[Poses]) -> Poses:
        """Return the poses of several sets as one."""
        return cls(
            np.concatenate([part.rotations for part in parts]),
            np.concatenate([part.shifts for part in parts]),
            np.concatenate([part.scales for part in parts]),
        )

    def inverse(self) -> Poses:
        """Return the similarities that lead back."""
        back = np.swapaxes(self.rotations, 1, 2)
        return Poses(back, -np.einsum("kij,kj->ki", back, self.shifts) / self.scales[:, None], 1.0 / self.scales)


def rotation_grid(step_deg: float) -> FloatArray:
    """Return (k, 3, 3) rotations such that nearly any rotation lies within ``step_deg`` of one of them.

    Directions on a Fibonacci sphere, each with turns about it.
    """
    step = 1.5 * np.radians(step_deg)
    turns, count = int(np.ceil(2 * np.pi / step)), int(np.ceil(4 * np.pi / step**2))
    k = np.arange(count) + 0.5
    tilts = Rotation.from_euler("ZY", np.c_[np.pi * (1 + np.sqrt(5.0)) * k, np.arccos(1 - 2 * k / count)])
    spins = Rotation.from_euler("Z", 2 * np.pi * np.arange(turns)[:, None] / turns)
    grid: FloatArray = (tilts.as_matrix()[:, None] @ spins.as_matrix()[None]).reshape(-1, 3, 3)
    return grid


def climbed(
    points: FloatArray,
    normals: FloatArray,
    target: ClosestTable,
    poses: Poses,
    cutoffs: tuple[float, ...],
    free_scale: float = 0.0,
) -> Poses:
    """Return the poses after one Gauss-Newton step for each cut-off distance.

    Parameters
    ----------
    points, normals
        (n, 3) of the cloud that moves.
    target
        Where it moves to.
    poses
        The starts.
    cutoffs
        Distances beyond which a point pulls no more, one for each step.
    free_scale
        Scales may lie between ``1 / (1 + free_scale)`` and ``1 + free_scale``; 0 leaves them as they are.

    """
    moved = Poses(poses.rotations.copy(), poses.shifts.copy(), poses.scales.copy())
    climb(
        _plain(points),
        _plain(normals),
        target.points,
        target.normals,
        target.weights,
        target.table,
        target.origin,
        target.cell,
        moved.rotations,
        moved.shifts,
        moved.scales,
        np.asarray(cutoffs, dtype=np.float64),
        free_scale,
        _DAMPING,
    )
    return moved


def fit_share(
    points: FloatArray, normals: FloatArray, weights: FloatArray, target: ClosestTable, poses: Poses, near: float
) -> FloatArray:
    """Return (k,) how much of a cloud lies on the target: the weighted mean of biweight(distance) x cosine(normals).

    ``near`` is the distance at which a point counts nothing, in the target's units.
    """
    share = np.empty(len(poses))
    share_on(
        _plain(points),
        _plain(normals),
        _plain(weights),
        target.points,
        target.normals,
        target.table,
        target.origin,
        target.cell,
        poses.rotations,
        poses.shifts,
        poses.scales,
        near,
        share,
    )
    return share
