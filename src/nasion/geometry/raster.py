"""Scan-line rasteriser: silhouettes and depth maps of triangle meshes, without any display.

A pixel is covered where its centre lies in the closed triangle. The crossing of an edge with a row is computed from the
edge's upper to its lower end, so neighbouring triangles agree on it to the last bit and no crack can open between them.
Either winding counts, so open and closed meshes are drawn alike. A triangle with a vertex that is not finite or not in
front of the camera is dropped, and so is a triangle without area.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from nasion.geometry.camera import Camera
from nasion.geometry.surface import FloatArray, IntArray, Mesh

BoolImage = NDArray[np.bool_]
DepthImage = NDArray[np.float32]


def project_with_depth(mesh: Mesh, camera: Camera) -> tuple[FloatArray, FloatArray]:
    """Return (n, 2) pixels and (n,) depths (camera z, mm) of a mesh's vertices; pixels behind the camera are NaN."""
    points_px = np.empty((len(mesh.vertices), 2))
    depth_mm = np.empty(len(mesh.vertices))
    cx, cy = camera.principal_point_px
    _project(
        mesh.vertices,
        np.ascontiguousarray(camera.rotation),
        camera.translation_mm,
        float(camera.focal_px),
        float(cx),
        float(cy),
        points_px,
        depth_mm,
    )
    return points_px, depth_mm


def silhouette(points_px: ArrayLike, faces: ArrayLike, image_size_px: tuple[int, int]) -> BoolImage:
    """Return the union of projected triangles.

    Parameters
    ----------
    points_px
        (n, 2) projected vertices; NaN drops the triangles that use the vertex.
    faces
        (m, 3) vertex indices.
    image_size_px
        (width, height); what falls outside is clipped.

    Returns
    -------
    (height, width) bool.

    """
    width, height = image_size_px
    mask = np.zeros((height, width), dtype=np.bool_)
    _fill(_points(points_px), _faces(faces), mask)
    return mask


def depth_map(
    points_px: ArrayLike, depth_mm: ArrayLike, faces: ArrayLike, image_size_px: tuple[int, int]
) -> tuple[DepthImage, IntArray]:
    """Return the depth of the nearest surface and its triangle at each pixel.

    Depth is perspective-correct: its inverse is linear over the image of a triangle.

    Parameters
    ----------
    points_px
        (n, 2) projected vertices.
    depth_mm
        (n,) camera z of the vertices; values that are not positive drop the triangles that use them.
    faces
        (m, 3) vertex indices.
    image_size_px
        (width, height).

    Returns
    -------
    (height, width) float32 depth in mm, infinite where empty, and (height, width) int32 triangle index, -1 where empty.

    """
    width, height = image_size_px
    inverse = np.zeros((height, width))
    triangle = np.full((height, width), -1, dtype=np.int32)
    _fill_depth(_points(points_px), np.ascontiguousarray(depth_mm, dtype=np.float64), _faces(faces), inverse, triangle)
    with np.errstate(divide="ignore"):
        depth = (1.0 / inverse).astype(np.float32)
    return depth, triangle


def silhouette_of(mesh: Mesh, camera: Camera) -> BoolImage:
    """Return the (height, width) silhouette of a mesh in a camera's image."""
    return silhouette(project_with_depth(mesh, camera)[0], mesh.faces, camera.image_size_px)


def depth_of(mesh: Mesh, camera: Camera) -> tuple[DepthImage, IntArray]:
    """Return ``depth_map`` of a mesh in a camera's image."""
    points_px, depth_mm = project_with_depth(mesh, camera)
    return depth_map(points_px, depth_mm, mesh.faces, camera.image_size_px)


def _points(points_px: ArrayLike) -> FloatArray:
    return np.ascontiguousarray(points_px, dtype=np.float64).reshape(-1, 2)


def _faces(faces: ArrayLike) -> IntArray:
    return np.ascontiguousarray(faces, dtype=np.int32).reshape(-1, 3)


@njit(cache=True, nogil=True)
def _project(
    vertices: Any, rotation: Any, translation: Any, focal: float, cx: float, cy: float, points_px: Any, depth: Any
) -> None:
    for i in range(len(vertices)):
        a, b, c = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        x = rotation[0, 0] * a + rotation[0, 1] * b + rotation[0, 2] * c + translation[0]
        y = rotation[1, 0] * a + rotation[1, 1] * b + rotation[1, 2] * c + translation[1]
        z = rotation[2, 0] * a + rotation[2, 1] * b + rotation[2, 2] * c + translation[2]
        depth[i] = z
        if z > 0.0:
            points_px[i, 0] = focal * x / z + cx
            points_px[i, 1] = focal * y / z + cy
        else:
            points_px[i, 0] = np.nan
            points_px[i, 1] = np.nan


@njit(cache=True, nogil=True)
def _rows_of(points: Any, i: int, j: int, k: int, height: int) -> tuple[int, int]:
    """Return the first and last row whose pixel centres a triangle can reach, clipped to the image."""
    y0, y1, y2 = points[i, 1], points[j, 1], points[k, 1]
    low = min(y0, y1, y2)
    high = max(y0, y1, y2)
    reach = abs(y0) + abs(y1) + abs(y2) + abs(points[i, 0]) + abs(points[j, 0]) + abs(points[k, 0])
    if not math.isfinite(reach) or high < 0.0 or low > height - 1.0:
        return 0, -1
    return math.ceil(max(low, 0.0)), math.floor(min(high, height - 1.0))


@njit(cache=True, nogil=True)
def _area2(points: Any, i: int, j: int, k: int) -> float:
    """Return twice the signed area in pixels; negative where a counter-clockwise outside is seen (rows go down)."""
    ax = points[j, 0] - points[i, 0]
    ay = points[j, 1] - points[i, 1]
    bx = points[k, 0] - points[i, 0]
    by = points[k, 1] - points[i, 1]
    return ax * by - ay * bx  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def _by_row(points: Any, i: int, j: int, k: int) -> tuple[int, int, int]:
    """Return the three vertices from the top row to the bottom row."""
    if points[j, 1] < points[i, 1]:
        i, j = j, i
    if points[k, 1] < points[j, 1]:
        j, k = k, j
        if points[j, 1] < points[i, 1]:
            i, j = j, i
    return i, j, k


@njit(cache=True, nogil=True)
def _span(points: Any, i: int, j: int, k: int, y: float, width: int) -> tuple[int, int]:
    """Return the first and last covered column of row ``y``; the vertices come from top to bottom."""
    x0, y0 = points[i, 0], points[i, 1]
    x1, y1 = points[j, 0], points[j, 1]
    x2, y2 = points[k, 0], points[k, 1]
    # Multiply before dividing: a crossing that falls on a pixel centre then comes out exact.
    long_side = x0 + (y - y0) * (x2 - x0) / (y2 - y0)
    if y < y1:
        short_side = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    elif y > y1:
        short_side = x1 + (y - y1) * (x2 - x1) / (y2 - y1)
    else:
        short_side = x1
    low = max(min(long_side, short_side), 0.0)
    high = min(max(long_side, short_side), width - 1.0)
    if low > high:
        return 0, -1
    return math.ceil(low), math.floor(high)


@njit(cache=True, nogil=True, error_model="numpy")
def _all_covered(mask: Any, first: int, last: int, low: float, high: float) -> bool:
    """Return whether the rectangle of rows and columns around a triangle is filled already."""
    width = mask.shape[1]
    left = math.ceil(max(low, 0.0))
    right = math.floor(min(high, width - 1.0))
    for y in range(first, last + 1):
        for x in range(left, right + 1):
            if not mask[y, x]:
                return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(points: Any, faces: Any, mask: Any) -> None:
    height, width = mask.shape
    for face in range(len(faces)):
        i, j, k = faces[face, 0], faces[face, 1], faces[face, 2]
        first, last = _rows_of(points, i, j, k, height)
        if first > last:
            continue
        low = min(points[i, 0], points[j, 0], points[k, 0])
        high = max(points[i, 0], points[j, 0], points[k, 0])
        # Most triangles of a head lie behind others; finding that out costs less than their edges.
        if high < 0.0 or low > width - 1.0 or _all_covered(mask, first, last, low, high):
            continue
        if _area2(points, i, j, k) == 0.0:
            continue
        i, j, k = _by_row(points, i, j, k)
        for y in range(first, last + 1):
            left, right = _span(points, i, j, k, float(y), width)
            for x in range(left, right + 1):
                mask[y, x] = True


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_depth(points: Any, depth: Any, faces: Any, inverse: Any, triangle: Any) -> None:
    height, width = inverse.shape
    for face in range(len(faces)):
        i, j, k = faces[face, 0], faces[face, 1], faces[face, 2]
        if not (depth[i] > 0.0 and depth[j] > 0.0 and depth[k] > 0.0):
            continue
        first, last = _rows_of(points, i, j, k, height)
        area2 = _area2(points, i, j, k)
        if first > last or area2 == 0.0:
            continue
        i, j, k = _by_row(points, i, j, k)
        area2 = _area2(points, i, j, k)
        x0, y0 = points[i, 0], points[i, 1]
        w0 = 1.0 / depth[i]
        w1 = 1.0 / depth[j]
        w2 = 1.0 / depth[k]
        nearest = max(w0, w1, w2)
        farthest = min(w0, w1, w2)
        along_x = ((w1 - w0) * (points[k, 1] - y0) - (w2 - w0) * (points[j, 1] - y0)) / area2
        along_y = ((w2 - w0) * (points[j, 0] - x0) - (w1 - w0) * (points[k, 0] - x0)) / area2
        for y in range(first, last + 1):
            left, right = _span(points, i, j, k, float(y), width)
            for x in range(left, right + 1):
                w = w0 + along_x * (x - x0) + along_y * (y - y0)
                w = min(max(w, farthest), nearest)
                if w > inverse[y, x]:
                    inverse[y, x] = w
                    triangle[y, x] = face
