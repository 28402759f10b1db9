"""Alignment of a cloud with another surface from many starts at once.

Iterated closest points in the plane form (Chen & Medioni 1992), similarity motion, with a redescending weight (Tukey's
biweight of the distance times the cosine of the normals): what the other surface does not have pulls nowhere. Closest
points come from a table on a grid of cells, so that a step of one start takes microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from nasion.geometry.surface import FloatArray

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
    _climb(
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
    _share(
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


@njit(cache=True, nogil=True)
def _share(
    points: Any,
    normals: Any,
    weights: Any,
    target: Any,
    target_normals: Any,
    table: Any,
    origin: Any,
    cell: float,
    rotations: Any,
    shifts: Any,
    scales: Any,
    near: float,
    share: Any,
) -> None:
    x, n = np.empty(3), np.empty(3)
    for k in range(len(rotations)):
        total, all_weights = 0.0, 0.0
        for i in range(len(points)):
            all_weights += weights[i]
            j = _match(points[i], normals[i], rotations[k], shifts[k], scales[k], table, origin, cell, x, n)
            if j < 0:
                continue
            y, m = target[j], target_normals[j]
            d2 = ((x[0] - y[0]) ** 2 + (x[1] - y[1]) ** 2 + (x[2] - y[2]) ** 2) / (near * near)
            facing = n[0] * m[0] + n[1] * m[1] + n[2] * m[2]
            if d2 < 1.0 and facing > 0.0:
                total += weights[i] * (1.0 - d2) ** 2 * facing
        share[k] = total / max(all_weights, 1e-30)


@njit(cache=True, nogil=True)
def _match(p: Any, q: Any, r: Any, s: Any, z: float, table: Any, origin: Any, cell: float, x: Any, n: Any) -> int:
    """Write the moved point and normal, and return the number of the target's closest point, -1 where it is far."""
    for a in range(3):
        x[a] = z * (r[a, 0] * p[0] + r[a, 1] * p[1] + r[a, 2] * p[2]) + s[a]
        n[a] = r[a, 0] * q[0] + r[a, 1] * q[1] + r[a, 2] * q[2]
    i, j, k = (x[0] - origin[0]) / cell, (x[1] - origin[1]) / cell, (x[2] - origin[2]) / cell
    if min(i, j, k) < 0.0 or i >= table.shape[0] or j >= table.shape[1] or k >= table.shape[2]:
        return -1
    return table[int(i), int(j), int(k)]  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def _climb(
    points: Any,
    normals: Any,
    target: Any,
    target_normals: Any,
    weights: Any,
    table: Any,
    origin: Any,
    cell: float,
    rotations: Any,
    shifts: Any,
    scales: Any,
    cutoffs: Any,
    free_scale: float,
    damping: float,
) -> None:
    system, right, step, along = np.empty((7, 7)), np.empty(7), np.empty(7), np.empty(7)
    x, n, turn, fresh = np.empty(3), np.empty(3), np.empty((3, 3)), np.empty((3, 3))
    for k in range(len(rotations)):
        r, s = rotations[k], shifts[k]
        for cutoff in cutoffs:
            system[:] = 0.0
            right[:] = 0.0
            total, moment, square = 0.0, 0.0, cutoff * cutoff
            for i in range(len(points)):
                j = _match(points[i], normals[i], r, s, scales[k], table, origin, cell, x, n)
                if j < 0:
                    continue
                y, m = target[j], target_normals[j]
                d2 = (x[0] - y[0]) ** 2 + (x[1] - y[1]) ** 2 + (x[2] - y[2]) ** 2
                facing = n[0] * m[0] + n[1] * m[1] + n[2] * m[2]
                if d2 >= square or facing <= 0.0:
                    continue
                weight = (1.0 - d2 / square) ** 2 * facing * weights[j]
                along[0] = x[1] * m[2] - x[2] * m[1]
                along[1] = x[2] * m[0] - x[0] * m[2]
                along[2] = x[0] * m[1] - x[1] * m[0]
                along[3], along[4], along[5] = m[0], m[1], m[2]
                along[6] = x[0] * m[0] + x[1] * m[1] + x[2] * m[2]
                gap = m[0] * (y[0] - x[0]) + m[1] * (y[1] - x[1]) + m[2] * (y[2] - x[2])
                for a in range(7):
                    pull = weight * along[a]
                    right[a] += pull * gap
                    for b in range(a + 1):
                        system[a, b] += pull * along[b]
                total += weight
                moment += weight * (x[0] ** 2 + x[1] ** 2 + x[2] ** 2)
            if total < 1e-9:
                break
            for a in range(3):
                system[a, a] += damping * moment
                system[a + 3, a + 3] += damping * total
            system[6, 6] += 2.0 * damping * moment if free_scale > 0.0 else 1e9 * (moment + 1.0)
            _solve(system, right, step)
            length = np.sqrt(step[0] ** 2 + step[1] ** 2 + step[2] ** 2)
            if length > 0.5:
                for a in range(7):
                    step[a] *= 0.5 / length
            _rodrigues(step, turn)
            grow = 1.0
            if free_scale > 0.0:
                least, most = 1.0 / (1.0 + free_scale) / scales[k], (1.0 + free_scale) / scales[k]
                grow = min(max(1.0 + step[6], least), most)
            scales[k] *= grow
            for a in range(3):
                x[a] = grow * s[a]
                for b in range(3):
                    fresh[a, b] = turn[a, 0] * r[0, b] + turn[a, 1] * r[1, b] + turn[a, 2] * r[2, b]
            for a in range(3):
                s[a] = turn[a, 0] * x[0] + turn[a, 1] * x[1] + turn[a, 2] * x[2] + step[3 + a]
            r[:] = fresh


@njit(cache=True, nogil=True)
def _solve(system: Any, right: Any, step: Any) -> None:
    """Solve a positive definite system, given by its lower triangle, by Cholesky's method in place."""
    n = len(right)
    for a in range(n):
        for b in range(a + 1):
            value = system[a, b]
            for c in range(b):
                value -= system[a, c] * system[b, c]
            if a == b:
                system[a, a] = np.sqrt(max(value, 1e-30))
            else:
                system[a, b] = value / system[b, b]
    for a in range(n):
        value = right[a]
        for c in range(a):
            value -= system[a, c] * step[c]
        step[a] = value / system[a, a]
    for a in range(n - 1, -1, -1):
        value = step[a]
        for c in range(a + 1, n):
            value -= system[c, a] * step[c]
        step[a] = value / system[a, a]


@njit(cache=True, nogil=True)
def _rodrigues(axis: Any, turn: Any) -> None:
    """Write the rotation of a rotation vector (its first three numbers)."""
    u, v, w = axis[0], axis[1], axis[2]
    angle = np.sqrt(u * u + v * v + w * w)
    if angle < 1e-12:
        sine, cosine = 1.0, 0.5
    else:
        sine, cosine = np.sin(angle) / angle, (1.0 - np.cos(angle)) / (angle * angle)
    turn[0, 0], turn[0, 1], turn[0, 2] = (
        1 - cosine * (v * v + w * w),
        cosine * u * v - sine * w,
        cosine * u * w + sine * v,
    )
    turn[1, 0], turn[1, 1], turn[1, 2] = (
        cosine * u * v + sine * w,
        1 - cosine * (u * u + w * w),
        cosine * v * w - sine * u,
    )
    turn[2, 0], turn[2, 1], turn[2, 2] = (
        cosine * u * w - sine * v,
        cosine * v * w + sine * u,
        1 - cosine * (u * u + v * v),
    )
