"""Outlines of image masks, and the two curves that an overlay compares: chin-jaw and forehead.

Contours run halfway between covered and empty pixel centres. Points are (column, row), pixel centres at integers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasion.errors import NasionError
from nasion.geometry.camera import Camera
from nasion.geometry.raster import BoolImage, silhouette_of
from nasion.geometry.surface import FloatArray, Mesh


def mask_border(mask: BoolImage) -> list[FloatArray]:
    """Return every border of a mask as a closed (n, 2) contour, last point equal to the first, longest first.

    Borders of holes are among them. The image's edge counts as empty.
    """
    from skimage.measure import find_contours

    padded = np.pad(np.asarray(mask, dtype=np.bool_), 1).astype(np.float32)
    contours = [contour[:, ::-1] - 1.0 for contour in find_contours(padded, 0.5)]  # type: ignore[no-untyped-call]
    return sorted(contours, key=len, reverse=True)


def outer_contour(mask: BoolImage) -> FloatArray:
    """Return the (n, 2) closed contour that encloses the greatest area.

    Raises
    ------
    NasionError
        Where the mask is empty.

    """
    borders = mask_border(mask)
    if not borders:
        raise NasionError("the mask is empty, so it has no contour; check the mask or the camera")
    return max(borders, key=lambda contour: abs(enclosed_area_px(contour)))


def enclosed_area_px(contour: ArrayLike) -> float:
    """Return the signed area of a closed (n, 2) contour, px^2: positive where it runs clockwise in the picture."""
    x, y = np.asarray(contour, dtype=np.float64).T
    return float(0.5 * np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def signed_distance_px(mask: BoolImage) -> NDArray[np.float32]:
    """Return each pixel's distance to the mask's border: positive outside, negative inside, (height, width).

    Distances run between pixel centres, less half a pixel, so that zero lies halfway between covered and empty pixels.
    An empty mask gives infinity everywhere, a full one minus infinity.
    """
    import cv2

    inside = np.ascontiguousarray(mask, dtype=np.uint8)
    if not inside.any():
        return np.full(inside.shape, np.inf, dtype=np.float32)
    if inside.all():
        return np.full(inside.shape, -np.inf, dtype=np.float32)
    outward = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    inward = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.where(inside > 0, np.float32(0.5) - inward, outward - np.float32(0.5)).astype(np.float32)


def silhouette_contour(mesh: Mesh, camera: Camera) -> FloatArray:
    """Return ``outer_contour`` of a mesh's silhouette."""
    return outer_contour(silhouette_of(mesh, camera))


def chin_jaw_contour(
    mask: BoolImage, right_px: ArrayLike, left_px: ArrayLike, hidden: BoolImage | None = None
) -> FloatArray:
    """Return the chin and jaw line of a frontal photograph's face mask, from the subject's right to left.

    It is the lower part of the outer contour between the two cheilia (mental foramina in a skull's mask), square to the
    line that joins them. The mask must end at the chin, without the neck ("Lilium", section II-F).

    Parameters
    ----------
    mask
        (height, width) face mask.
    right_px, left_px
        (2,) image points of the subject's right and left cheilion.
    hidden
        (height, width): border points here are left out; the longest stretch of the rest is returned.

    Returns
    -------
    (n, 2) polyline.

    Raises
    ------
    NasionError
        Where the points coincide or the mask has no border below them.

    """
    right, left = np.asarray(right_px, dtype=np.float64), np.asarray(left_px, dtype=np.float64)
    width = float(np.linalg.norm(left - right))
    if not width > 0:
        raise NasionError("the two corners of the mouth lie in the same place; check the landmarks")
    across = (left - right) / width
    # In a picture the subject's right is to the left, so this points to the chin; rows go down.
    down = np.array([-across[1], across[0]])
    points = outer_contour(mask)[:-1]
    lateral, below = (points - right) @ across, (points - right) @ down
    runs = _runs(points, (lateral >= 0) & (lateral <= width) & (below > 0) & _shown(points, hidden))
    if not runs:
        raise NasionError("the face mask has no border below the mouth; check the mask and the landmarks")
    lowest = max(runs, key=lambda run: np.ptp(run @ across))
    return lowest if (lowest[-1] - lowest[0]) @ across > 0 else lowest[::-1]


def forehead_contour(
    mask: BoolImage,
    glabella_px: ArrayLike,
    metopion_px: ArrayLike,
    up_px: ArrayLike,
    hidden: BoolImage | None = None,
) -> FloatArray:
    """Return the forehead line of a lateral photograph's face mask, from glabella up to metopion.

    It is the part of the outer contour between the levels of glabella and metopion (lines across ``up_px``: the two
    planes parallel to the Frankfurt plane, seen from the side) on the side where these landmarks lie ("Lilium",
    section II-F).

    Parameters
    ----------
    mask
        (height, width) face mask.
    glabella_px, metopion_px
        (2,) image points.
    up_px
        (2,) direction in the image that is square to the Frankfurt plane and points up the head.
    hidden
        (height, width): border points here are left out.

    Returns
    -------
    (n, 2) polyline.

    Raises
    ------
    NasionError
        Where metopion is not above glabella or the mask has no border there.

    """
    glabella, metopion = np.asarray(glabella_px, dtype=np.float64), np.asarray(metopion_px, dtype=np.float64)
    up = np.asarray(up_px, dtype=np.float64)
    up = up / np.linalg.norm(up)
    height = float((metopion - glabella) @ up)
    if not height > 0:
        raise NasionError("metopion does not lie above glabella in the photograph; check the landmarks")
    points = outer_contour(mask)[:-1]
    level = (points - glabella) @ up
    runs = _runs(points, (level >= 0) & (level <= height) & _shown(points, hidden))
    if not runs:
        raise NasionError("the face mask has no border between glabella and metopion; check the mask and the landmarks")
    middle = (glabella + metopion) / 2
    front = min(runs, key=lambda run: float(np.linalg.norm(run - middle, axis=1).min()))
    return front if (front[-1] - front[0]) @ up > 0 else front[::-1]


def _shown(points: FloatArray, hidden: BoolImage | None) -> NDArray[np.bool_]:
    """Return which border points, halfway between pixels, have no hidden pixel beside them."""
    if hidden is None:
        return np.ones(len(points), dtype=np.bool_)
    height, width = hidden.shape
    shown = np.ones(len(points), dtype=np.bool_)
    for rounded in (np.floor, np.ceil):
        column, row = rounded(points).astype(np.intp).T
        shown &= ~hidden[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
    return shown


def _runs(points: FloatArray, keep: NDArray[np.bool_]) -> list[FloatArray]:
    """Return the unbroken stretches (two points or more) of a closed contour, given without its repeated last point."""
    if keep.all():
        return [points]
    start = int(np.argmin(keep))
    points, keep = np.roll(points, -start, axis=0), np.roll(keep, -start)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], keep, [False]]).astype(np.int8)))
    return [points[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 2]
