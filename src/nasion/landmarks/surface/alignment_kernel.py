"""The loops of ``alignment``, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def share_on(
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
    """Write each pose's share; see ``alignment.fit_share``."""
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
def climb(
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
    """Move poses in place; see ``alignment.climbed``."""
    system, right, step = np.empty((7, 7)), np.empty(7), np.empty(7)
    for k in range(len(rotations)):
        r, s = rotations[k], shifts[k]
        for cutoff in cutoffs:
            system[:] = 0.0
            right[:] = 0.0
            total, moment = _pulled(
                points,
                normals,
                target,
                target_normals,
                weights,
                table,
                origin,
                cell,
                r,
                s,
                scales[k],
                cutoff,
                system,
                right,
            )
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
            grow = 1.0
            if free_scale > 0.0:
                least, most = 1.0 / (1.0 + free_scale) / scales[k], (1.0 + free_scale) / scales[k]
                grow = min(max(1.0 + step[6], least), most)
            scales[k] *= grow
            _move(r, s, grow, step)


@njit(cache=True, nogil=True)
def _pulled(
    points: Any,
    normals: Any,
    target: Any,
    target_normals: Any,
    weights: Any,
    table: Any,
    origin: Any,
    cell: float,
    r: Any,
    s: Any,
    z: float,
    cutoff: float,
    system: Any,
    right: Any,
) -> Any:
    """Add all points' pulls to the normal equations; return the sum of their weights and that of their moments."""
    x, n, along = np.empty(3), np.empty(3), np.empty(7)
    total, moment, square = 0.0, 0.0, cutoff * cutoff
    for i in range(len(points)):
        j = _match(points[i], normals[i], r, s, z, table, origin, cell, x, n)
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
    return total, moment


@njit(cache=True, nogil=True)
def _move(r: Any, s: Any, grow: float, step: Any) -> None:
    """Turn, move and enlarge a pose, in place, by a step: three numbers of a turn, then three of a shift."""
    x, turn, fresh = np.empty(3), np.empty((3, 3)), np.empty((3, 3))
    _rodrigues(step, turn)
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
