"""The place on a mesh where a Gaussian fits a few heat values best (Numba loops of ``refinement``)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from nasion.geometry.distance import closest_on_triangle
from nasion.geometry.surface import FloatArray

_STEPS: Final = 40
_SMALL_STEP: Final = 1e-6
"""Sigmas."""
_MOST_DAMPING: Final = 1e9
_MAX_HEIGHT: Final = 1.2
"""How far a peak may rise above the highest value where that is above 1 / 1.2 (a heat map's own peak is 1)."""


@njit(cache=True, nogil=True)
def best_vertex(vertices: Any, center: Any, reach: float, at: Any, values: Any, sigma: float) -> int:
    """Return the vertex within ``reach`` of ``center`` that minimises Eq. 8; the nearest one where none is within."""
    best, nearest, least, closest2 = -1, 0, np.inf, np.inf
    for v in range(len(vertices)):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        d2 = (x - center[0]) ** 2 + (y - center[1]) ** 2 + (z - center[2]) ** 2
        if d2 < closest2:
            closest2, nearest = d2, v
        if d2 <= reach * reach:
            error = 0.0
            for q in range(len(at)):
                q2 = (x - at[q, 0]) ** 2 + (y - at[q, 1]) ** 2 + (z - at[q, 2]) ** 2
                error += (values[q] - np.exp(-q2 / (2.0 * sigma * sigma))) ** 2
                if error >= least:
                    break
            if error < least:
                least, best = error, v
    return best if best >= 0 else nearest


@njit(cache=True, nogil=True)
def bounding_spheres(vertices: Any, faces: Any) -> Any:
    """Return (m, 4): centre and radius of a sphere that holds each triangle."""
    spheres = np.empty((len(faces), 4))
    for t in range(len(faces)):
        a, b, c = vertices[faces[t, 0]], vertices[faces[t, 1]], vertices[faces[t, 2]]
        r0, r1, r2 = 0.0, 0.0, 0.0
        for axis in range(3):
            middle = (a[axis] + b[axis] + c[axis]) / 3.0
            spheres[t, axis] = middle
            r0 += (a[axis] - middle) ** 2
            r1 += (b[axis] - middle) ** 2
            r2 += (c[axis] - middle) ** 2
        spheres[t, 3] = np.sqrt(max(r0, r1, r2))
    return spheres


@njit(cache=True, nogil=True)
def nearby_triangles(spheres: Any, center: Any, reach: float) -> Any:
    """Return the triangles (m,) whose bounding sphere meets a ball; the nearest one where none does."""
    near = np.empty(len(spheres), dtype=np.int64)
    count, nearest, least = 0, 0, np.inf
    x, y, z = center[0], center[1], center[2]
    for t in range(len(spheres)):
        d2 = (spheres[t, 0] - x) ** 2 + (spheres[t, 1] - y) ** 2 + (spheres[t, 2] - z) ** 2
        if d2 <= (reach + spheres[t, 3]) ** 2:
            near[count] = t
            count += 1
        elif count == 0 and d2 < least:
            least, nearest = d2, t
    if count == 0:
        near[0], count = nearest, 1
    return near[:count].copy()


def fit_on_surface(
    corners: FloatArray, spheres: FloatArray, starts: FloatArray, at: FloatArray, values: FloatArray, sigma: float
) -> tuple[FloatArray, float]:
    """Return the surface point (3,) whose Gaussian of free height fits best, and the sum of squared differences.

    Parameters
    ----------
    corners
        (m, 3, 3) triangles, at least one.
    spheres
        (m, 4) see ``bounding_spheres``.
    starts
        (s, 3) tries; the one that fits best, once laid onto the surface, is where the descent begins.
    at, values
        (t, 3) points and (t,) their heat.
    sigma
        Standard deviation of the Gaussian.

    """
    point = np.empty(3)
    cost = _descend(corners, spheres, starts, at, values, sigma, point)
    return point, float(cost)


@njit(cache=True, nogil=True)
def _descend(corners: Any, spheres: Any, starts: Any, at: Any, values: Any, sigma: float, best: Any) -> float:
    trial, step = np.empty(3), np.empty(3)
    gauss, slope = np.empty(len(at)), np.empty((len(at), 2))
    cost, triangle = np.inf, 0
    for s in range(len(starts)):
        t = lay_on(corners, spheres, starts[s], trial)
        tried = _cost(trial, at, values, sigma, gauss)
        if s == 0 or tried < cost:
            cost, triangle = tried, t
            best[:] = trial
    damping = 1e-3
    for _ in range(_STEPS):
        _step(corners[triangle], best, at, values, sigma, damping, gauss, slope, step)
        length = np.sqrt(step[0] ** 2 + step[1] ** 2 + step[2] ** 2)
        if length < _SMALL_STEP * sigma or damping > _MOST_DAMPING:
            break
        shrink = min(1.0, sigma / length)
        for axis in range(3):
            step[axis] = best[axis] + shrink * step[axis]
        t = lay_on(corners, spheres, step, trial)
        tried = _cost(trial, at, values, sigma, gauss)
        if tried < cost:
            cost, triangle = tried, t
            best[:] = trial
            damping = max(damping * 0.2, 1e-9)
        else:
            damping *= 5.0
    return cost


@njit(cache=True, nogil=True)
def lay_on(corners: Any, spheres: Any, point: Any, result: Any) -> int:
    """Write the closest surface point to ``result``; return its triangle."""
    x, y, z = point[0], point[1], point[2]
    least, chosen = np.inf, 0
    for t in range(len(corners)):
        d2 = (x - spheres[t, 0]) ** 2 + (y - spheres[t, 1]) ** 2 + (z - spheres[t, 2]) ** 2
        if d2 > (least + spheres[t, 3]) ** 2:
            continue
        _, u, v, w = closest_on_triangle(x, y, z, corners, t)
        gap = np.sqrt((x - u) ** 2 + (y - v) ** 2 + (z - w) ** 2)
        if gap < least:
            least, chosen = gap, t
            result[0], result[1], result[2] = u, v, w
    return chosen


@njit(cache=True, nogil=True)
def _height(values: Any, gauss: Any) -> tuple[float, bool]:
    """Return the best height of the Gaussian, and whether it lies inside its bounds."""
    product, square, highest = 0.0, 1e-300, 0.0
    for q in range(len(values)):
        product += values[q] * gauss[q]
        square += gauss[q] * gauss[q]
        highest = max(highest, values[q])
    most = max(1.0, _MAX_HEIGHT * highest)
    free = product / square
    if free >= most:
        return most, False
    return free, True


@njit(cache=True, nogil=True)
def _cost(center: Any, at: Any, values: Any, sigma: float, gauss: Any) -> float:
    for q in range(len(at)):
        d2 = (center[0] - at[q, 0]) ** 2 + (center[1] - at[q, 1]) ** 2 + (center[2] - at[q, 2]) ** 2
        gauss[q] = np.exp(-d2 / (2.0 * sigma * sigma))
    height, _ = _height(values, gauss)
    total = 0.0
    for q in range(len(at)):
        total += (values[q] - height * gauss[q]) ** 2
    return total


@njit(cache=True, nogil=True)
def _step(
    corner: Any, center: Any, at: Any, values: Any, sigma: float, damping: float, gauss: Any, slope: Any, step: Any
) -> None:
    """Write a damped Gauss-Newton step in the triangle's plane; the height is eliminated (Kaufman 1975)."""
    step[:] = 0.0
    first = corner[1] - corner[0]
    other = corner[2] - corner[0]
    length = np.sqrt((first * first).sum())
    if not length > 0.0:
        first, length = other.copy(), np.sqrt((other * other).sum())
    if not length > 0.0:
        return
    first = first / length
    second = other - first * (first * other).sum()
    length = np.sqrt((second * second).sum())
    second = second / length if length > 0.0 else np.zeros(3)
    _cost(center, at, values, sigma, gauss)
    height, free = _height(values, gauss)
    overlap_u, overlap_v, square = 0.0, 0.0, 1e-300
    for q in range(len(at)):
        u, v = 0.0, 0.0
        for axis in range(3):
            away = at[q, axis] - center[axis]
            u += away * first[axis]
            v += away * second[axis]
        slope[q, 0] = height * gauss[q] * u / (sigma * sigma)
        slope[q, 1] = height * gauss[q] * v / (sigma * sigma)
        overlap_u += gauss[q] * slope[q, 0]
        overlap_v += gauss[q] * slope[q, 1]
        square += gauss[q] * gauss[q]
    uu, uv, vv, bu, bv = 0.0, 0.0, 0.0, 0.0, 0.0
    for q in range(len(at)):
        rest = values[q] - height * gauss[q]
        u, v = slope[q, 0], slope[q, 1]
        if free:
            u -= gauss[q] * overlap_u / square
            v -= gauss[q] * overlap_v / square
        uu += u * u
        uv += u * v
        vv += v * v
        bu += u * rest
        bv += v * rest
    ridge = damping * (uu + vv) + 1e-300
    uu, vv = uu + ridge, vv + ridge
    determinant = uu * vv - uv * uv
    if not determinant > 0.0:
        return
    du, dv = (vv * bu - uv * bv) / determinant, (uu * bv - uv * bu) / determinant
    for axis in range(3):
        step[axis] = du * first[axis] + dv * second[axis]
