"""Regions of a mesh between planes, and their visible outer curves (chin-jaw and forehead).

Mesh segmentation by planes follows Martinez-Moreno et al., "Lilium", section II-F.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from nasion.errors import NasionError
from nasion.geometry.camera import Camera
from nasion.geometry.contours import forehead_contour
from nasion.geometry.raster import depth_of, silhouette_of
from nasion.geometry.surface import FloatArray, Mesh

HEAD_UP: Final = (0.0, 1.0, 0.0)
"""Normal of the Frankfurt plane in head axes."""

_REACH: Final = 1.6
"""How far below the mouth the chin's edge is looked for, in widths of the mouth."""
_FALL_MM: Final = 6.0
_STEEP: Final = 3.0
"""An edge: the surface turns away by more than 72 degrees (tangent 3) until it has fallen by more than 6 mm."""
_BEHIND_MM: Final = 25.0
"""A jaw's edge lies at most this far behind the nearest point of its line; farther edges are the neck's."""
_SIDESTEP: Final = 0.1
"""Neighbouring lines whose edges differ by more than this share of the width do not belong to one curve."""


def clip(mesh: Mesh, point_mm: ArrayLike, normal: ArrayLike) -> Mesh:
    """Return the part of a mesh on the side of a plane that the normal points to; crossing triangles are cut."""
    from trimesh.intersections import slice_faces_plane

    direction = np.asarray(normal, dtype=np.float64)
    length = float(np.linalg.norm(direction))
    if not length > 0:
        raise NasionError("a cutting plane has no direction; its two landmarks may lie in the same place")
    vertices, faces = slice_faces_plane(  # type: ignore[no-untyped-call]
        mesh.vertices, mesh.faces, direction / length, np.asarray(point_mm, dtype=np.float64)
    )[:2]
    return Mesh(vertices, faces)


def region_between_planes(mesh: Mesh, point_a: ArrayLike, point_b: ArrayLike, normal: ArrayLike) -> Mesh:
    """Return the part of a mesh between two parallel planes.

    Parameters
    ----------
    mesh
        The surface.
    point_a, point_b
        (3,) a point on each plane, mm, in either order.
    normal
        (3,) the planes' common direction.

    """
    a, b, n = (np.asarray(value, dtype=np.float64) for value in (point_a, point_b, normal))
    if (b - a) @ n < 0:
        n = -n
    return clip(clip(mesh, a, n), b, -n)


def chin_jaw_region(
    mesh: Mesh, level_mm: ArrayLike, right_mm: ArrayLike, left_mm: ArrayLike, up: ArrayLike = HEAD_UP
) -> Mesh:
    """Return the chin and jaw: below a level and between two upright planes.

    Parameters
    ----------
    mesh
        Skull or face.
    level_mm
        (3,) point on the upper plane: infradentale of a skull, the middle of the mouth of a face.
    right_mm, left_mm
        (3,) the subject's right and left mental foramen of a skull, cheilion of a face.
    up
        (3,) normal of the Frankfurt plane.

    """
    direction = np.asarray(up, dtype=np.float64)
    across = np.asarray(left_mm, dtype=np.float64) - np.asarray(right_mm, dtype=np.float64)
    across = across - (across @ direction) / (direction @ direction) * direction
    return region_between_planes(clip(mesh, level_mm, -direction), right_mm, left_mm, across)


def visible_chin_jaw_contour(
    mesh: Mesh,
    camera: Camera,
    level_mm: ArrayLike,
    right_mm: ArrayLike,
    left_mm: ArrayLike,
    up: ArrayLike = HEAD_UP,
) -> FloatArray:
    """Return the lower visible edge of ``chin_jaw_region`` in an image, from the subject's right to left, (n, 2) px.

    The mesh below the level is followed in the depth map, line by line between the two side points, down to the last
    edge that can be the jaw's: where the surface ends, falls back to the neck or turns steeply away from the camera.
    So a face may have its neck. Where the surface runs on into the neck without an edge there is no curve; of several
    stretches the longest is returned.

    Raises
    ------
    NasionError
        Where the chin is not in the image, or less than half of it has an edge.

    """
    sides = np.stack([np.asarray(p, dtype=np.float64) for p in (right_mm, left_mm)])
    right, left = camera.project(sides)
    width = float(np.linalg.norm(left - right))
    below = camera.project(sides.mean(axis=0) - np.asarray(up, dtype=np.float64)) - camera.project(sides.mean(axis=0))
    region = clip(mesh, level_mm, np.negative(up))
    if len(region.faces) == 0 or not (width > 0 and np.isfinite(width)):
        raise NasionError("the chin and jaw are not in the image; check the camera and the landmarks")
    across, down = (left - right) / width, below / np.linalg.norm(below)
    columns = np.arange(0.0, width, 1.0)
    steps = np.arange(-width, _REACH * width, 1.0)
    samples = right + columns[:, None, None] * across + steps[None, :, None] * down
    mm_per_px = float(camera.to_camera(sides)[:, 2].mean()) / camera.focal_px
    ends = _lower_edges(_sample(depth_of(region, camera)[0], samples), _STEEP * mm_per_px)
    run = _longest_run(ends, _SIDESTEP * width)
    if len(run) < len(columns) / 2:
        raise NasionError("the chin has no lower edge in the image; the view is not frontal or the mesh ends too high")
    contour: FloatArray = samples[run, ends[run]]
    return contour


def visible_forehead_contour(
    mesh: Mesh, camera: Camera, glabella_mm: ArrayLike, metopion_mm: ArrayLike, up: ArrayLike = HEAD_UP
) -> FloatArray:
    """Return the front outline of the region between glabella and metopion in a lateral image, upwards, (n, 2) px.

    Raises
    ------
    NasionError
        Where the region is not in the image.

    """
    ends = np.stack([np.asarray(p, dtype=np.float64) for p in (glabella_mm, metopion_mm)])
    region = region_between_planes(mesh, ends[0], ends[1], up)
    glabella, metopion = camera.project(ends)
    middle = ends.mean(axis=0)
    up_px = camera.project(middle + np.asarray(up, dtype=np.float64)) - camera.project(middle)
    return forehead_contour(silhouette_of(region, camera), glabella, metopion, up_px)


def _sample(depth: NDArray[np.float32], points_px: FloatArray) -> NDArray[np.float32]:
    """Return the depth at the nearest pixel of each point, infinite outside the image."""
    height, width = depth.shape
    column, row = (np.rint(points_px[..., axis]).astype(np.intp) for axis in (0, 1))
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return np.where(inside, depth[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)], np.float32(np.inf))


@njit(cache=True, nogil=True)
def _lower_edges(depth: Any, steep: float) -> Any:
    """Return the sample at which each line's last edge that can be the jaw's begins, -1 where there is none."""
    edges = np.full(len(depth), -1, dtype=np.intp)
    for line in range(len(depth)):
        farthest = depth[line].min() + _BEHIND_MM
        start = -1
        for sample in range(depth.shape[1] - 1):
            step = depth[line, sample + 1] - depth[line, sample]
            if not step > steep:
                start = -1
                continue
            if start < 0 or (step > _FALL_MM and depth[line, sample] <= farthest):
                start = sample
            if depth[line, start] <= farthest and depth[line, sample + 1] - depth[line, start] > _FALL_MM:
                edges[line] = start
    return edges


def _longest_run(ends: NDArray[np.intp], greatest_step: float) -> NDArray[np.intp]:
    """Return the lines of the longest stretch in which every line has an edge and neighbours' edges are close."""
    found = np.flatnonzero(ends >= 0)
    breaks = (np.diff(found) > 1) | (np.abs(np.diff(ends[found])) > greatest_step)
    return max(np.split(found, np.flatnonzero(breaks) + 1), key=len)
