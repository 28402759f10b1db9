"""Values of vertices carried to the pixels of a picture, correct in perspective."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from nasion.geometry.surface import IntArray

FloatImage = NDArray[np.float32]


def carried_to_pixels(
    values: ArrayLike, points_px: ArrayLike, depth_mm: ArrayLike, faces: ArrayLike, triangle: IntArray
) -> tuple[FloatImage, NDArray[np.bool_]]:
    """Return what each pixel of ``raster.depth_map`` shows.

    Parameters
    ----------
    values
        (n, c) of the vertices.
    points_px, depth_mm, faces
        As given to ``depth_map``.
    triangle
        (height, width) as it returned, -1 where empty.

    Returns
    -------
    (height, width, c) float32, 0 where empty: the pixel's plane through the three vertices' values; and (height, width)
    bool, whether the triangle's outside is seen (its vertices go counter-clockwise), False where empty.

    """
    own = np.ascontiguousarray(values, dtype=np.float32)
    made = np.zeros((*triangle.shape, own.shape[1]), dtype=np.float32)
    outside = np.zeros(triangle.shape, dtype=np.bool_)
    _carry(
        own,
        np.ascontiguousarray(points_px, dtype=np.float64),
        np.ascontiguousarray(depth_mm, dtype=np.float64),
        np.ascontiguousarray(faces, dtype=np.int32),
        triangle,
        made,
        outside,
    )
    return made, outside


@njit(cache=True, nogil=True, error_model="numpy")
def _carry(values: Any, points: Any, depth: Any, faces: Any, triangle: Any, made: Any, outside: Any) -> None:
    height, width = triangle.shape
    for y in range(height):
        for x in range(width):
            face = triangle[y, x]
            if face < 0:
                continue
            i, j, k = faces[face, 0], faces[face, 1], faces[face, 2]
            ax, ay = points[i, 0] - x, points[i, 1] - y
            bx, by = points[j, 0] - x, points[j, 1] - y
            cx, cy = points[k, 0] - x, points[k, 1] - y
            p, q, s = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
            area = p + q + s
            outside[y, x] = area < 0.0
            # a pixel's centre lies in its triangle but for rounding, which must not turn a weight negative
            p = max(p / area, 0.0) / depth[i]
            q = max(q / area, 0.0) / depth[j]
            s = max(s / area, 0.0) / depth[k]
            total = p + q + s
            for c in range(values.shape[1]):
                made[y, x, c] = (p * values[i, c] + q * values[j, c] + s * values[k, c]) / total
