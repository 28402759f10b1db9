"""Edges that can lie on a mesh's outline in the views near one camera, for fast outlines without rasterising.

An edge lies on the outline only where one of its triangles faces the camera and the other does not, or where it has
but one triangle. The outline of such edges is that of the mesh itself, perspective included; only edges far inside the
silhouette in all views near the start are left out, and the mesh may be decimated first.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nasion.geometry.camera import Camera
from nasion.geometry.raster import silhouette
from nasion.geometry.surface import FloatArray, IntArray, Mesh

_VIEW_STEPS_DEG: Final = (-30.0, -20.0, -10.0, 0.0, 10.0, 20.0, 30.0)
_VIEW_PX: Final = 256
_RIM_PX: Final = 3.0
"""Views lie 10 degrees apart: at most 5 from the nearest, where the outline of a 100 mm vault moves by 0.4 mm."""


class OutlineEdges(NamedTuple):
    """Edges with the planes of their triangles; a tuple, so that compiled code takes it.

    Attributes
    ----------
    ends
        (n, 2, 3) mm.
    planes
        (n, 2, 4) normal and offset of both triangles: ``normal . x + offset`` is positive in front. An edge with one
        triangle has that and its opposite, so it counts in every view.

    """

    ends: FloatArray
    planes: FloatArray


def outline_edges(mesh: Mesh, camera: Camera, center_mm: FloatArray) -> OutlineEdges:
    """Return the edges of a mesh that can lie on its outline, up to 30 degrees from a camera's view.

    Parameters
    ----------
    mesh
        Any triangles, open or closed; edges with three triangles and more, or with triangles that disagree about the
        outside, count in every view.
    camera
        The middle view.
    center_mm
        (3,) point that the views turn about.

    """
    edges, planes = _edges(mesh)
    used = np.unique(edges)
    number = np.full(len(mesh.vertices), -1)
    number[used] = np.arange(len(used))
    near = np.zeros(len(mesh.vertices), dtype=bool)
    center = camera.to_camera(center_mm[None])[0]
    reach = float(np.linalg.norm(mesh.vertices[used] - center_mm, axis=1).max())
    focal = 0.45 * _VIEW_PX * max(center[2] - reach, 0.2 * center[2]) / reach
    for pitch in _VIEW_STEPS_DEG:
        for yaw in _VIEW_STEPS_DEG:
            turn = Rotation.from_euler("yx", [yaw, pitch], degrees=True).as_matrix() @ camera.rotation
            x = (mesh.vertices - center_mm) @ turn.T
            x[:, 2] += np.linalg.norm(center)
            pixels = focal * x[:, :2] / np.maximum(x[:, 2:], 1.0) + (_VIEW_PX - 1) / 2
            near |= _near_outline(pixels, mesh.faces)
    keep = near[edges].any(axis=1)
    return OutlineEdges(np.ascontiguousarray(mesh.vertices[edges[keep]]), np.ascontiguousarray(planes[keep]))


def _near_outline(pixels: FloatArray, faces: IntArray) -> NDArray[np.bool_]:
    mask = silhouette(pixels, faces, (_VIEW_PX, _VIEW_PX)).astype(np.uint8)
    inside = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    column, row = (np.clip(np.rint(pixels[:, axis]), 0, _VIEW_PX - 1).astype(np.intp) for axis in (0, 1))
    return np.asarray(inside[row, column] <= _RIM_PX)


def _edges(mesh: Mesh) -> tuple[IntArray, FloatArray]:
    """Return (n, 2) edges and the (n, 2, 4) planes of their triangles."""
    corners = mesh.vertices[mesh.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    plane = np.concatenate([normal, -(normal * corners[:, 0]).sum(axis=1, keepdims=True)], axis=1)
    directed = mesh.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    owner = np.repeat(np.arange(len(mesh.faces)), 3)
    ordered = np.sort(directed, axis=1)
    order = np.lexsort((ordered[:, 1], ordered[:, 0]))
    ordered, owner, forward = ordered[order], owner[order], (directed[order, 0] < directed[order, 1])
    first = np.flatnonzero(np.r_[True, (ordered[1:] != ordered[:-1]).any(axis=1)])
    count = np.diff(np.r_[first, len(ordered)])
    second = np.minimum(first + 1, len(ordered) - 1)
    planes = np.stack([plane[owner[first]], plane[owner[second]]], axis=1)
    agree = (count == 2) & (forward[first] != forward[second])
    planes[~agree, 1] = -planes[~agree, 0]
    return ordered[first], planes


@njit(cache=True, nogil=True, error_model="numpy")
def project_outline(edges, rotation, translation, focal, segments):  # type: ignore[no-untyped-def]
    """Write the outline's segments (u0, v0, u1, v1), px from the principal point; return their number.

    Returns -1 where a segment reaches behind the camera.

    Parameters
    ----------
    edges
        ``OutlineEdges``.
    rotation, translation, focal
        The camera in the edges' axes.
    segments
        (n, 4) or more, overwritten.

    """
    # the camera's position
    c0 = -(rotation[0, 0] * translation[0] + rotation[1, 0] * translation[1] + rotation[2, 0] * translation[2])
    c1 = -(rotation[0, 1] * translation[0] + rotation[1, 1] * translation[1] + rotation[2, 1] * translation[2])
    c2 = -(rotation[0, 2] * translation[0] + rotation[1, 2] * translation[1] + rotation[2, 2] * translation[2])
    ends, planes = edges.ends, edges.planes
    found = 0
    for e in range(ends.shape[0]):
        a = planes[e, 0, 0] * c0 + planes[e, 0, 1] * c1 + planes[e, 0, 2] * c2 + planes[e, 0, 3]
        b = planes[e, 1, 0] * c0 + planes[e, 1, 1] * c1 + planes[e, 1, 2] * c2 + planes[e, 1, 3]
        if a * b > 0.0:
            continue
        for k in range(2):
            p0, p1, p2 = ends[e, k, 0], ends[e, k, 1], ends[e, k, 2]
            z = rotation[2, 0] * p0 + rotation[2, 1] * p1 + rotation[2, 2] * p2 + translation[2]
            if not z > 1.0:
                return -1
            scale = focal / z
            u = rotation[0, 0] * p0 + rotation[0, 1] * p1 + rotation[0, 2] * p2 + translation[0]
            v = rotation[1, 0] * p0 + rotation[1, 1] * p1 + rotation[1, 2] * p2 + translation[1]
            segments[found, 2 * k] = scale * u
            segments[found, 2 * k + 1] = scale * v
        found += 1
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def outside_pixels(segments, count, cx, cy, outside_before, outside_above, least, most):  # type: ignore[no-untyped-def]
    """Return how many pixels inside an outline are outside the face.

    The outline is filled from its first to its last pixel in each row, and again in each column; both contain the
    silhouette, so the smaller count is taken. Only gaps that are closed both ways, or holes, count as skull.

    Parameters
    ----------
    segments, count
        Of ``project_outline``.
    cx, cy
        Principal point, px.
    outside_before, outside_above
        (h, w + 1) and (w, h + 1) numbers of outside pixels left of each column and above each row.
    least, most
        (max(h, w),) scratch.

    """
    rows = _filled_outside(segments, count, 0, cx, cy, outside_before, least, most)
    if rows == 0:
        return 0
    return min(rows, _filled_outside(segments, count, 1, cy, cx, outside_above, least, most))


@njit(cache=True, nogil=True, error_model="numpy")
def _filled_outside(segments, count, axis, c_along, c_line, before, least, most):  # type: ignore[no-untyped-def]
    """Fill an outline line by line, rows for ``axis`` 0 and columns for 1, and count its outside pixels."""
    lines, length = before.shape[0], before.shape[1] - 1
    least[:lines] = 1e9
    most[:lines] = -1e9
    for s in range(count):
        u0, v0 = segments[s, axis], segments[s, 1 - axis]
        u1, v1 = segments[s, 2 + axis], segments[s, 3 - axis]
        if v0 > v1:
            u0, v0, u1, v1 = u1, v1, u0, v0
        low, high = v0 + c_line, v1 + c_line
        if not (high >= 0.0 and low <= lines - 1.0):
            continue
        first, last = math.ceil(max(low, 0.0)), math.floor(min(high, lines - 1.0))
        if first > last:
            continue
        slope = (u1 - u0) / (v1 - v0) if v1 > v0 else 0.0
        u = u0 + c_along + (first - low) * slope
        for y in range(first, last + 1):
            least[y] = min(least[y], u)
            most[y] = max(most[y], u)
            u += slope
    total = 0
    for y in range(lines):
        if most[y] >= 0.0 and least[y] <= length - 1.0:
            a = math.ceil(max(least[y], 0.0))
            b = math.floor(min(most[y], length - 1.0))
            if a <= b:
                total += before[y, b + 1] - before[y, a]
    return total


def count_before(outside: NDArray[np.bool_]) -> IntArray:
    """Return (h, w + 1) counts of outside pixels left of each column."""
    counts = np.zeros((outside.shape[0], outside.shape[1] + 1), dtype=np.int32)
    np.cumsum(outside, axis=1, dtype=np.int32, out=counts[:, 1:])
    return counts
