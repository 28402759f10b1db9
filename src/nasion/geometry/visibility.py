"""Which points of a head a camera sees."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasion.geometry.camera import Camera
from nasion.geometry.raster import DepthImage, depth_of
from nasion.geometry.surface import Mesh

TOLERANCE_MM: Final = 3.0


def visible_points(
    points_mm: ArrayLike, mesh: Mesh, camera: Camera, tolerance_mm: float = TOLERANCE_MM
) -> NDArray[np.bool_]:
    """Return which of (n, 3) points are in the image, in front of the camera and not hidden by the mesh, (n,).

    ``visible_in_depth`` on the mesh's own depth map.
    """
    return visible_in_depth(points_mm, depth_of(mesh, camera)[0], camera, tolerance_mm)


def visible_in_depth(
    points_mm: ArrayLike, depth: DepthImage, camera: Camera, tolerance_mm: float = TOLERANCE_MM
) -> NDArray[np.bool_]:
    """Return which of (n, 3) points a depth map does not hide, (n,).

    A point counts as hidden when it lies more than ``tolerance_mm`` behind the surface at all four pixels around its
    projection. The tolerance forgives landmarks that do not lie exactly on the surface; the four pixels forgive steep
    surfaces, where depth changes by more than the tolerance within one pixel, and the outline, where one of the four is
    empty. So a hidden point within one pixel of an outline passes for visible.

    Parameters
    ----------
    points_mm
        (n, 3) in head axes.
    depth
        (height, width) mm, infinite where empty, of the same camera.
    camera
        The camera of the depth map.
    tolerance_mm
        How far behind the surface a point may lie.

    """
    points = np.asarray(points_mm, dtype=np.float64).reshape(-1, 3)
    height, width = depth.shape
    uv = camera.project(points)
    z = camera.to_camera(points)[:, 2]
    with np.errstate(invalid="ignore"):
        inside = (uv >= -0.5).all(axis=1) & (uv[:, 0] < width - 0.5) & (uv[:, 1] < height - 0.5)
    visible = np.zeros(len(points), dtype=np.bool_)
    column = np.floor(uv[inside, 0]).astype(np.intp)
    row = np.floor(uv[inside, 1]).astype(np.intp)
    farthest = np.max(
        [
            depth[np.clip(row + down, 0, height - 1), np.clip(column + right, 0, width - 1)]
            for down in (0, 1)
            for right in (0, 1)
        ],
        axis=0,
    )
    visible[inside] = z[inside] <= farthest + tolerance_mm
    return visible
