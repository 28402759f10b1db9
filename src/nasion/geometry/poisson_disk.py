"""Points spread evenly and at random over a triangle mesh (blue noise).

Weighted sample elimination: Yuksel, "Sample Elimination for Generating Poisson Disk Sample Sets", Computer Graphics
Forum 34(2), 2015.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray, Mesh

_CANDIDATES: Final = 5
"""Random points from which one is kept (Yuksel 2015, section 3: five are enough)."""
_BETA: Final = 0.65
_GAMMA: Final = 1.5
_SAME_SIDE: Final = 0.5
"""Cosine between normals above which two candidates count as on one side of a thin sheet."""


def poisson_disk_sample(
    mesh: Mesh, count: int, seed: int = 0, within: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return exactly ``count`` points on a mesh and their unit normals.

    Parameters
    ----------
    mesh
        Vertices must be finite; the winding gives the normals' side.
    count
        Number of points.
    seed
        The same seed gives the same points.
    within
        Only points whose coordinates all lie between minus this and this; None for all.

    Returns
    -------
    (count, 3) points and (count, 3) normals. A normal is the mean over the candidates that lie nearer than the points'
    spacing on the same side, which takes the noise of small triangles out.

    Raises
    ------
    NasionError
        The mesh has no area, or none within the limit.

    """
    if count < 1:
        raise NasionError(f"cannot spread {count} points over a mesh; ask for 1 or more")
    rng = np.random.default_rng(seed)
    limit = np.inf if within is None else float(within)
    points, normals, area = _candidates(mesh, _CANDIDATES * count, rng, limit)
    # Yuksel 2015, equation 2: the largest radius at which count disks fit the area.
    radius = float(np.sqrt(area / (2.0 * np.sqrt(3.0) * count)))
    kept, smooth = _eliminated(points, normals, count, radius)
    return points[kept], smooth


def _candidates(mesh: Mesh, count: int, rng: np.random.Generator, limit: float) -> tuple[FloatArray, FloatArray, float]:
    """Return random points, their triangles' normals, and the area that they stand for."""
    area = _areas(mesh.vertices, mesh.faces, limit)
    total = np.cumsum(area)
    if not total[-1] > 0:
        place = "" if np.isinf(limit) else " where the head should be"
        raise NasionError(f"the mesh has no surface{place}; check that it shows a head or a skull")
    found: list[tuple[FloatArray, FloatArray]] = []
    have, drawn, wanted = 0, 0, count
    for _ in range(12):
        face = np.searchsorted(total, rng.random(wanted) * total[-1], side="right")
        points, normals = _placed(mesh.vertices, mesh.faces, np.minimum(face, len(area) - 1), rng.random((wanted, 2)))
        inside = (np.abs(points) <= limit).all(axis=1)
        found.append((points[inside], normals[inside]))
        have, drawn = have + int(inside.sum()), drawn + wanted
        if have >= count:
            break
        wanted = min(16 * count, int(1.2 * (count - have) * drawn / max(have, 1)) + 100)
    if have < count:
        raise NasionError("almost none of the mesh lies where the head should be; crop it to the head")
    points, normals = (np.concatenate([part[k] for part in found])[:count] for k in (0, 1))
    return points, normals, float(total[-1]) * have / drawn


@njit(cache=True, nogil=True)
def _areas(vertices: Any, faces: Any, limit: float) -> Any:
    """Return the triangles' areas, zero for those whose box does not meet the cube."""
    area = np.zeros(len(faces))
    for f in range(len(faces)):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        meets = True
        for i in range(3):
            if min(a[i], b[i], c[i]) > limit or max(a[i], b[i], c[i]) < -limit:
                meets = False
        if meets:
            x = (b[1] - a[1]) * (c[2] - a[2]) - (b[2] - a[2]) * (c[1] - a[1])
            y = (b[2] - a[2]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[2] - a[2])
            z = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
            area[f] = 0.5 * np.sqrt(x * x + y * y + z * z)
    return area


def _placed(vertices: FloatArray, faces: Any, face: Any, uv: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return points evenly distributed in given triangles, and the triangles' unit normals."""
    a, b, c = (vertices[faces[face, k]] for k in range(3))
    root, v = np.sqrt(uv[:, :1]), uv[:, 1:]
    points = (1.0 - root) * a + root * (1.0 - v) * b + root * v * c
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.finfo(float).tiny)
    return points, normals


def _eliminated(points: FloatArray, normals: FloatArray, count: int, radius: float) -> tuple[Any, FloatArray]:
    """Return the numbers of the points that are kept, and their smoothed normals."""
    low = points.min(axis=0)
    cell = 2.0 * radius
    cells = np.maximum(((points.max(axis=0) - low) / cell).astype(np.int64) + 1, 1)
    index = ((points - low) / cell).astype(np.int64)
    key = (index[:, 0] * cells[1] + index[:, 1]) * cells[2] + index[:, 2]
    order = np.argsort(key, kind="stable")
    # Sorted by cell, neighbours are near in memory, which halves the time.
    points, normals, key, index = points[order], normals[order], key[order], index[order]
    start, near, distance = _neighbors(points, normals, key, index, cells, cell)
    kept = _kept(start, near, distance, count, radius, _BETA, _GAMMA, _CANDIDATES)
    smooth = _smoothed(kept, normals, start, near, distance, radius, _SAME_SIDE)
    return order[kept], smooth


@njit(cache=True, nogil=True)
def _neighbors(points: Any, normals: Any, key: Any, index: Any, cells: Any, reach: float) -> Any:
    """Return for each point those nearer than ``reach`` that do not face the other way, and their distances.

    Points are sorted by the key of their cell, so three cells in a row are one stretch of them.
    """
    n = len(points)
    start = np.zeros(n + 1, dtype=np.int64)
    near = np.empty(32 * n, dtype=np.int32)
    distance = np.empty(32 * n, dtype=np.float32)
    first = np.zeros(9, dtype=np.int64)
    last = np.zeros(9, dtype=np.int64)
    before = np.int64(-1)
    total, limit = 0, reach * reach
    for i in range(n):
        if key[i] != before:
            before = key[i]
            _stretches(key, index[i], cells, first, last)
        while total + (last - first).sum() > len(near):
            near = np.concatenate((near, np.empty_like(near)))
            distance = np.concatenate((distance, np.empty_like(distance)))
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        u, v, w = normals[i, 0], normals[i, 1], normals[i, 2]
        for s in range(9):
            for j in range(first[s], last[s]):
                a, b, c = x - points[j, 0], y - points[j, 1], z - points[j, 2]
                square = a * a + b * b + c * c
                if i == j or square >= limit or u * normals[j, 0] + v * normals[j, 1] + w * normals[j, 2] < 0:
                    continue
                near[total] = j
                distance[total] = np.sqrt(square)
                total += 1
        start[i + 1] = total
    return start, near, distance


@njit(cache=True, nogil=True)
def _stretches(key: Any, cell: Any, cells: Any, first: Any, last: Any) -> None:
    """Write where the points of the nine rows of three cells round a cell begin and end."""
    s = 0
    low, high = max(cell[2] - 1, 0), min(cell[2] + 1, cells[2] - 1)
    for i in range(cell[0] - 1, cell[0] + 2):
        for j in range(cell[1] - 1, cell[1] + 2):
            first[s], last[s] = 0, 0
            if 0 <= i < cells[0] and 0 <= j < cells[1]:
                row = (i * cells[1] + j) * cells[2]
                first[s] = np.searchsorted(key, row + low)
                last[s] = np.searchsorted(key, row + high + 1)
            s += 1


@njit(cache=True, nogil=True)
def _kept(start: Any, near: Any, distance: Any, count: int, radius: float, beta: float, gamma: float, over: int) -> Any:
    """Return the numbers of the points left when the most crowded one is taken away again and again (section 3)."""
    n = len(start) - 1
    least = 2.0 * radius * beta * (1.0 - (1.0 / over) ** gamma)
    pull = np.zeros(start[n])
    crowd = np.zeros(n)
    for i in range(n):
        for k in range(start[i], start[i + 1]):
            # Equation 3 with its exponent of 8, which three products give ten times as fast as a power.
            share = 1.0 - max(distance[k], least) / (2.0 * radius)
            share *= share
            share *= share
            pull[k] = share * share
            crowd[i] += pull[k]
    heap = np.arange(n)
    place = np.arange(n)
    for i in range(n // 2 - 1, -1, -1):
        _sink(heap, place, crowd, i, n)
    size = n
    while size > count:
        top = heap[0]
        size -= 1
        heap[0] = heap[size]
        place[heap[0]] = 0
        place[top] = -1
        _sink(heap, place, crowd, 0, size)
        for k in range(start[top], start[top + 1]):
            j = near[k]
            if place[j] >= 0:
                crowd[j] -= pull[k]
                _sink(heap, place, crowd, place[j], size)
    return np.sort(heap[:size])


@njit(cache=True, nogil=True)
def _sink(heap: Any, place: Any, crowd: Any, i: int, size: int) -> None:
    """Restore the order of the heap (most crowded first) below a place whose value has become smaller."""
    item = heap[i]
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and crowd[heap[child + 1]] > crowd[heap[child]]:
            child += 1
        if crowd[heap[child]] <= crowd[item]:
            break
        heap[i] = heap[child]
        place[heap[i]] = i
        i = child
    heap[i] = item
    place[item] = i


@njit(cache=True, nogil=True)
def _smoothed(kept: Any, normals: Any, start: Any, near: Any, distance: Any, reach: float, same_side: float) -> Any:
    """Return the unit mean of the normals round each kept point that lie near it and turn alike."""
    smooth = np.empty((len(kept), 3))
    for row in range(len(kept)):
        i = kept[row]
        own = normals[i]
        x, y, z = own[0], own[1], own[2]
        for k in range(start[i], start[i + 1]):
            other = normals[near[k]]
            if distance[k] < reach and own[0] * other[0] + own[1] * other[1] + own[2] * other[2] > same_side:
                x, y, z = x + other[0], y + other[1], z + other[2]
        length = np.sqrt(x * x + y * y + z * z)
        smooth[row, 0], smooth[row, 1], smooth[row, 2] = x / length, y / length, z / length
    return smooth
