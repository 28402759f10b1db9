"""Exact closest points on a mesh and signed distances to it.

Triangles are ordered along a Morton curve and bounded by a complete binary tree of boxes, which numpy builds level by
level; the search (numba) visits the nearer box first. The sign comes from the angle-weighted pseudo-normal of the
closest face, edge or vertex (Baerentzen & Aanaes, IEEE TVCG 11 (2005)).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray, IntArray, Mesh

_LEAF: Final = 4


def closest_points(mesh: Mesh, points: ArrayLike) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return the closest surface point of each of (m, 3) points.

    Returns
    -------
    (m, 3) closest points, (m,) distances in mm and (m,) triangle indices.

    Raises
    ------
    NasionError
        Where the mesh has no triangles or a point is not finite.

    """
    closest, distance, triangle, _ = _search(mesh, points)
    return closest, distance, triangle


def signed_distance(mesh: Mesh, points: ArrayLike) -> FloatArray:
    """Return (m,) distances in mm of (m, 3) points to a mesh: positive outside, negative inside.

    Exact for closed meshes whose triangles are counter-clockwise seen from outside; of an open mesh, the sign says on
    which side of the nearest piece of surface a point lies.
    """
    closest, distance, triangle, feature = _search(mesh, points)
    query = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    outward = _pseudo_normals(mesh)[triangle, feature]
    sign = np.where(np.einsum("ij,ij->i", query - closest, outward) < 0, -1.0, 1.0)
    signed: FloatArray = sign * distance
    return signed


def points_inside(mesh: Mesh, points: ArrayLike) -> NDArray[np.bool_]:
    """Return which of (m, 3) points lie inside a closed mesh, (m,)."""
    inside: NDArray[np.bool_] = signed_distance(mesh, points) < 0
    return inside


def _search(mesh: Mesh, points: ArrayLike) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
    query = np.ascontiguousarray(points, dtype=np.float64).reshape(-1, 3)
    if len(mesh.faces) == 0:
        raise NasionError("the mesh has no triangles; check the file")
    if not np.all(np.isfinite(query)):
        raise NasionError("a point is not finite; leave absent points out")
    corners = mesh.vertices[mesh.faces]
    order, boxes = _box_tree(corners)
    closest = np.empty_like(query)
    distance = np.empty(len(query))
    triangle = np.empty(len(query), dtype=np.int32)
    feature = np.empty(len(query), dtype=np.int32)
    sequence = np.argsort(_morton(query)) if len(query) else np.empty(0, dtype=np.intp)
    _find(query, sequence, corners[order], boxes, closest, distance, triangle, feature)
    return closest, distance, order[triangle], feature


def _box_tree(corners: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the triangles' order, and (nodes, 2, 3) boxes: node i has children 2i + 1 and 2i + 2."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    # by whole columns: reductions over three rows each are many times slower
    low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
    order = np.argsort(_morton((a + b + c) / 3), kind="stable").astype(np.int32)
    leaves = 1 << max(0, int(np.ceil(np.log2(len(order) / _LEAF))))
    padding = leaves * _LEAF - len(order)
    lows = np.pad(low[order], ((0, padding), (0, 0)), constant_values=np.inf).reshape(leaves, _LEAF, 3)
    highs = np.pad(high[order], ((0, padding), (0, 0)), constant_values=-np.inf).reshape(leaves, _LEAF, 3)
    level = np.stack([lows[:, 0], highs[:, 0]], axis=1)
    for k in range(1, _LEAF):
        np.minimum(level[:, 0], lows[:, k], out=level[:, 0])
        np.maximum(level[:, 1], highs[:, k], out=level[:, 1])
    levels = [level]
    while len(level) > 1:
        level = np.stack([np.minimum(level[::2, 0], level[1::2, 0]), np.maximum(level[::2, 1], level[1::2, 1])], axis=1)
        levels.append(level)
    return order, np.concatenate(levels[::-1])


def _morton(points: FloatArray) -> NDArray[np.uint64]:
    """Return the place of points on a Z-order curve with 21 bits an axis."""
    low = points.min(axis=0)
    extent = float(np.ptp(points, axis=0).max()) or 1.0
    cells = ((points - low) / extent * (2**21 - 1)).astype(np.uint64)
    for shift, mask in (
        (32, 0x1F00000000FFFF),
        (16, 0x1F0000FF0000FF),
        (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    ):
        cells = (cells | (cells << np.uint64(shift))) & np.uint64(mask)
    code: NDArray[np.uint64] = cells[:, 0] | (cells[:, 1] << np.uint64(1)) | (cells[:, 2] << np.uint64(2))
    return code


def _pseudo_normals(mesh: Mesh) -> FloatArray:
    """Return (m, 7, 3): for each triangle its face normal, those of its vertices, those of its edges 01, 12, 20."""
    corners = mesh.vertices[mesh.faces]
    sides = np.roll(corners, -1, axis=1) - corners
    normal = np.cross(sides[:, 0], sides[:, 1])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
    unit = sides / np.maximum(np.linalg.norm(sides, axis=2, keepdims=True), 1e-300)
    angle = np.arccos(np.clip(-np.einsum("ijk,ijk->ij", unit, np.roll(unit, 1, axis=1)), -1.0, 1.0))
    at_vertex = np.zeros_like(mesh.vertices)
    for k in range(3):
        np.add.at(at_vertex, mesh.faces[:, k], angle[:, k, None] * normal)
    ends = np.sort(np.stack([mesh.faces, np.roll(mesh.faces, -1, axis=1)], axis=2), axis=2).astype(np.int64)
    _, edge = np.unique(ends[..., 0] * len(mesh.vertices) + ends[..., 1], return_inverse=True)
    edge = edge.reshape(-1, 3)
    at_edge = np.zeros((int(edge.max()) + 1, 3))
    for k in range(3):
        np.add.at(at_edge, edge[:, k], normal)
    return np.concatenate([normal[:, None], at_vertex[mesh.faces], at_edge[edge]], axis=1)


@njit(cache=True, nogil=True)
def _box_distance2(boxes: Any, node: int, x: float, y: float, z: float) -> float:
    """Return the squared distance of a point to a box; infinite for the empty box."""
    dx = max(boxes[node, 0, 0] - x, 0.0, x - boxes[node, 1, 0])
    dy = max(boxes[node, 0, 1] - y, 0.0, y - boxes[node, 1, 1])
    dz = max(boxes[node, 0, 2] - z, 0.0, z - boxes[node, 1, 2])
    return dx * dx + dy * dy + dz * dz  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def _find(
    query: Any, sequence: Any, corners: Any, boxes: Any, closest: Any, distance: Any, triangle: Any, feature: Any
) -> None:
    leaves = (len(boxes) + 1) // 2
    stack = np.empty(128, dtype=np.int64)
    bounds = np.empty(128)
    last = 0
    for q in sequence:
        x, y, z = query[q, 0], query[q, 1], query[q, 2]
        # Neighbouring queries mostly share their triangle: the last answer bounds the search from the start.
        best, triangle[q], feature[q] = np.inf, -1, 0
        _, u, v, w = closest_on_triangle(x, y, z, corners, last)
        limit = ((x - u) ** 2 + (y - v) ** 2 + (z - w) ** 2) * (1.0 + 1e-12)
        stack[0], bounds[0], depth = 0, 0.0, 1
        while depth > 0:
            depth -= 1
            node = stack[depth]
            if bounds[depth] >= best or bounds[depth] > limit:
                continue
            if node >= leaves - 1:
                first = (node - leaves + 1) * _LEAF
                for t in range(first, min(first + _LEAF, len(corners))):
                    kind, u, v, w = closest_on_triangle(x, y, z, corners, t)
                    d2 = (x - u) ** 2 + (y - v) ** 2 + (z - w) ** 2
                    if d2 < best:
                        best, triangle[q], feature[q] = d2, t, kind
                        closest[q, 0], closest[q, 1], closest[q, 2] = u, v, w
                continue
            near, far = 2 * node + 1, 2 * node + 2
            near2, far2 = _box_distance2(boxes, near, x, y, z), _box_distance2(boxes, far, x, y, z)
            if far2 < near2:
                near, far, near2, far2 = far, near, far2, near2
            stack[depth], bounds[depth] = far, far2
            stack[depth + 1], bounds[depth + 1] = near, near2
            depth += 2
        distance[q] = np.sqrt(best)
        last = triangle[q]


@njit(cache=True, nogil=True)
def closest_on_triangle(x: float, y: float, z: float, corners: Any, t: int) -> tuple[int, float, float, float]:
    """Return where the triangle's closest point lies (0 face, 1-3 vertex, 4-6 edge) and its coordinates.

    Regions as in Ericson, "Real-Time Collision Detection" (2005), section 5.1.5.
    """
    ax, ay, az = corners[t, 0, 0], corners[t, 0, 1], corners[t, 0, 2]
    bx, by, bz = corners[t, 1, 0], corners[t, 1, 1], corners[t, 1, 2]
    cx, cy, cz = corners[t, 2, 0], corners[t, 2, 1], corners[t, 2, 2]
    ux, uy, uz = bx - ax, by - ay, bz - az
    vx, vy, vz = cx - ax, cy - ay, cz - az
    d1 = ux * (x - ax) + uy * (y - ay) + uz * (z - az)
    d2 = vx * (x - ax) + vy * (y - ay) + vz * (z - az)
    if d1 <= 0.0 and d2 <= 0.0:
        return 1, ax, ay, az
    d3 = ux * (x - bx) + uy * (y - by) + uz * (z - bz)
    d4 = vx * (x - bx) + vy * (y - by) + vz * (z - bz)
    if d3 >= 0.0 and d4 <= d3:
        return 2, bx, by, bz
    d5 = ux * (x - cx) + uy * (y - cy) + uz * (z - cz)
    d6 = vx * (x - cx) + vy * (y - cy) + vz * (z - cz)
    if d6 >= 0.0 and d5 <= d6:
        return 3, cx, cy, cz
    vc = d1 * d4 - d3 * d2
    if vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0 and d1 > d3:
        share = d1 / (d1 - d3)
        return 4, ax + share * ux, ay + share * uy, az + share * uz
    vb = d5 * d2 - d1 * d6
    if vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0 and d2 > d6:
        share = d2 / (d2 - d6)
        return 6, ax + share * vx, ay + share * vy, az + share * vz
    va = d3 * d6 - d5 * d4
    to_c, to_b = d4 - d3, d5 - d6
    if va <= 0.0 and to_c >= 0.0 and to_b >= 0.0 and to_c + to_b > 0.0:
        share = to_c / (to_c + to_b)
        return 5, bx + share * (cx - bx), by + share * (cy - by), bz + share * (cz - bz)
    total = va + vb + vc
    if not total > 0.0:
        return 1, ax, ay, az
    p, q = vb / total, vc / total
    return 0, ax + p * ux + q * vx, ay + p * uy + q * vy, az + p * uz + q * vz
