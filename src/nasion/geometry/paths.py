"""How far each ray of a picture runs through a solid: signed crossings with its surface, added up, without any display.

A ray enters where it meets a surface's outside and leaves where it meets the inside, so the sum of the distances at
which it leaves minus those at which it enters is its path through the solid; no order is needed, and solids may
overlap (they then count twice) or hold cavities. A pixel centre on a common edge belongs to exactly one of the
triangles (rows and columns are half open), so a closed surface has as many entries as exits on every ray.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nasion.geometry.camera import Camera
from nasion.geometry.raster import project_with_depth
from nasion.geometry.surface import Mesh


def path_lengths(mesh: Mesh, camera: Camera) -> NDArray[np.float32]:
    """Return how many millimetres each pixel's ray runs through a solid.

    Parameters
    ----------
    mesh
        Its surface. Where it is open, rays with more entries than exits, or fewer, take the value of the nearest ray
        that has as many of both.
    camera
        A pinhole or, for X-rays, a point source; its rotation may be a reflection (a picture seen from behind). All of
        the mesh must be in front of it: triangles that are not are left out.

    Returns
    -------
    (height, width) float32 mm.

    """
    width, height = camera.image_size_px
    points_px, depth_mm = project_with_depth(mesh, camera)
    sums = np.zeros((height, width))
    balance = np.zeros((height, width), dtype=np.int32)
    handedness = 1.0 if np.linalg.det(camera.rotation) > 0 else -1.0
    _add_crossings(points_px, depth_mm, mesh.faces, handedness, sums, balance)
    cx, cy = camera.principal_point_px
    across = (np.arange(width) - cx) / camera.focal_px
    down = (np.arange(height) - cy) / camera.focal_px
    sums *= np.sqrt(1.0 + across[None, :] ** 2 + down[:, None] ** 2)
    return _mended(sums, balance)


def _mended(sums: NDArray[np.float64], balance: NDArray[np.int32]) -> NDArray[np.float32]:
    whole = balance == 0
    if not whole.all() and whole.any():
        from scipy.ndimage import distance_transform_edt

        row, column = distance_transform_edt(~whole, return_distances=False, return_indices=True)
        sums = sums[row, column]
    # a surface turned inside out in places, or folded, gives paths below zero
    return np.maximum(sums, 0.0).astype(np.float32)


@njit(cache=True, nogil=True)
def top_down(
    x0: float, y0: float, x1: float, y1: float, x2: float, y2: float
) -> tuple[float, float, float, float, float, float]:
    """Return a triangle's corners in the order of their rows."""
    if y1 < y0:
        x0, y0, x1, y1 = x1, y1, x0, y0
    if y2 < y1:
        x1, y1, x2, y2 = x2, y2, x1, y1
        if y1 < y0:
            x0, y0, x1, y1 = x1, y1, x0, y0
    return x0, y0, x1, y1, x2, y2


@njit(cache=True, nogil=True, error_model="numpy")
def row_crossings(y: float, x0: float, y0: float, x1: float, y1: float, x2: float, y2: float) -> tuple[float, float]:
    """Return where a row, y0 <= y < y2, enters and leaves a triangle with corners in the order of their rows.

    Each edge is followed from its upper end to its lower one, so that neighbours agree to the last bit.
    """
    long_side = x0 + (y - y0) * (x2 - x0) / (y2 - y0)
    if y < y1:  # noqa: SIM108
        short_side = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    else:
        short_side = x1 + (y - y1) * (x2 - x1) / (y2 - y1)
    return min(long_side, short_side), max(long_side, short_side)


@njit(cache=True, nogil=True, error_model="numpy")
def _add_crossings(points: Any, depth: Any, faces: Any, handedness: float, sums: Any, balance: Any) -> None:
    height, width = sums.shape
    for face in range(len(faces)):
        i, j, k = faces[face, 0], faces[face, 1], faces[face, 2]
        if not (depth[i] > 0.0 and depth[j] > 0.0 and depth[k] > 0.0):
            continue
        x0, y0, x1, y1, x2, y2 = points[i, 0], points[i, 1], points[j, 0], points[j, 1], points[k, 0], points[k, 1]
        area2 = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
        if area2 == 0.0 or not math.isfinite(area2):
            continue
        w0, w1, w2 = 1.0 / depth[i], 1.0 / depth[j], 1.0 / depth[k]
        along_x = ((w1 - w0) * (y2 - y0) - (w2 - w0) * (y1 - y0)) / area2
        along_y = ((w2 - w0) * (x1 - x0) - (w1 - w0) * (x2 - x0)) / area2
        nearest, farthest = max(w0, w1, w2), min(w0, w1, w2)
        # rows go down: an outside that is seen has a negative area
        sign = -1 if area2 * handedness < 0.0 else 1
        ax, ay, aw = x0, y0, w0
        x0, y0, x1, y1, x2, y2 = top_down(x0, y0, x1, y1, x2, y2)
        for y in range(math.ceil(max(y0, 0.0)), math.ceil(min(y2, float(height)))):
            low, high = row_crossings(y, x0, y0, x1, y1, x2, y2)
            for x in range(math.ceil(max(low, 0.0)), math.ceil(min(high, float(width)))):
                w = min(max(aw + along_x * (x - ax) + along_y * (y - ay), farthest), nearest)
                sums[y, x] += sign / w
                balance[y, x] += sign
