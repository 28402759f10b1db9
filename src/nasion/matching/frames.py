"""From a picture to the frame in which patches are cut.

Cranio-ID takes pictures as they are: ``"picture"`` scales the longer side to 640 px, the size at which the paper's own
landmark networks look at them [I]. ``"aligned"`` (ours) moves, turns and scales a picture by its landmarks onto an
average head, so that the crop and the tilt of the head do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.matching.point_schemes import LEAST_NODES, PointScheme, has_shapes, shapes

Pixels = NDArray[np.uint8]
FloatArray = NDArray[np.float64]
FrameKind = Literal["picture", "aligned"]

PICTURE_PX: Final = 640
ALIGNED_SIZE_PX: Final = (200, 250)
"""Width and height of aligned pictures: head, hair and chin, as in published sketch sets."""
_UNIT_PX: Final = 84.0
_ORIGIN_PX: Final = (100.0, 163.0)
"""Where half way between nasion and gnathion lies in an aligned picture."""


def inner_window(scheme: PointScheme, shrink_px: float) -> NDArray[np.bool_]:
    """Return (h, w): the inner face of an average head in an aligned picture, its rim taken off by ``shrink_px``."""
    import cv2

    shape = shapes(scheme.name)["frontal"][list(scheme.inner)] * _UNIT_PX + _ORIGIN_PX
    hull = cv2.convexHull(shape[np.isfinite(shape).all(axis=1)].astype(np.float32))[:, 0]
    shown = np.zeros(ALIGNED_SIZE_PX[::-1], np.uint8)
    cv2.fillConvexPoly(shown, np.round(hull).astype(np.int32), 1)
    distance = cv2.distanceTransform(shown, cv2.DIST_L2, 5)
    return np.asarray(distance > shrink_px, np.bool_)


@dataclass(frozen=True, eq=False)
class Framed:
    """A picture in its frame.

    Attributes
    ----------
    image
        (h, w, 3) uint8.
    points_px
        (l, 2) in the frame, NaN where missing.
    view
        Number of the average view that the points fit best (``point_schemes.shapes``), 0 where that was not asked.

    """

    image: Pixels
    points_px: FloatArray
    view: int = 0


def framed(picture: Pixels, points_px: FloatArray, scheme: PointScheme, kind: FrameKind) -> Framed:
    """Return a picture and its points in the frame.

    Parameters
    ----------
    picture
        (h, w, 3) uint8 RGB.
    points_px
        (l, 2) in the scheme's order, NaN where missing; origin at the centre of the top left pixel.
    scheme
        Of the points.
    kind
        See the module.

    Raises
    ------
    NasionError
        The points are of another number, too few, or lie in one place.

    """
    import cv2

    if picture.ndim != 3 or points_px.shape != (len(scheme), 2):
        raise NasionError(f"a picture (h, w, 3) and {len(scheme)} points of {scheme.name} are needed for matching")
    there = np.asarray(np.isfinite(points_px).all(axis=1), np.bool_).reshape(-1)
    if there[list(scheme.nodes)].sum() < LEAST_NODES:
        raise NasionError(
            f"only {there[list(scheme.nodes)].sum()} of the {len(scheme.nodes)} landmarks are there; matching needs at "
            f"least {LEAST_NODES}: place them by hand"
        )
    if kind == "picture":
        height, width = picture.shape[:2]
        scale = PICTURE_PX / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        factors = np.array([size[0] / width, size[1] / height])
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        return Framed(cv2.resize(picture, size, interpolation=way).astype(np.uint8), (points_px + 0.5) * factors - 0.5)
    matrix, view = aligning(points_px, scheme)
    return Framed(warped(picture, matrix), points_px @ matrix[:, :2].T + matrix[:, 2], view)


def aligning(points_px: FloatArray, scheme: PointScheme) -> tuple[FloatArray, int]:
    """Return the (2, 3) least-squares similarity that carries points onto the best fitting average view, and the view.

    Raises
    ------
    NasionError
        The points lie in one place, or the scheme has no shapes.

    """
    best: tuple[float, FloatArray, int] | None = None
    for view, shape in enumerate(shapes(scheme.name).values()):
        target = shape * _UNIT_PX + _ORIGIN_PX
        rows = [k for k in scheme.anchors if np.isfinite(points_px[k]).all() and np.isfinite(target[k]).all()]
        if len(rows) < 3:
            continue
        matrix, error = _similarity(points_px[rows], target[rows])
        if best is None or error < best[0]:
            best = error, matrix, view
    if best is None:
        raise NasionError("too few landmarks lie on the face to align it; place more of them by hand")
    return best[1], best[2]


def standing(points_px: FloatArray, scheme: PointScheme) -> tuple[str, bool]:
    """Return the view that points show, ``"frontal"`` or ``"lateral"``, and whether they show a head's right side.

    Raises
    ------
    NasionError
        As of ``aligning``.

    """
    name = list(shapes(scheme.name))[aligning(points_px, scheme)[1]]
    return name.split("_")[0], name.endswith("_right")


def one_side(picture: Pixels, points_px: FloatArray, scheme: PointScheme) -> Framed:
    """Return a picture and its points, mirrored where it shows the head's right side, so that pictures can be compared.

    Without average shapes nothing is changed.
    """
    if not has_shapes(scheme.name):
        return Framed(picture, points_px)
    return (
        mirrored_picture(picture, points_px, scheme) if standing(points_px, scheme)[1] else Framed(picture, points_px)
    )


def _similarity(source: FloatArray, target: FloatArray) -> tuple[FloatArray, float]:
    """Return the (2, 3) least-squares similarity and its root mean square error."""
    z, w = source @ (1, 1j), target @ (1, 1j)  # a plane's points as complex numbers
    a, b = z - z.mean(), w - w.mean()
    spread = float((abs(a) ** 2).sum())
    if spread <= 1e-9:
        raise NasionError("the landmarks all lie in one place; place them again")
    factor = (a.conj() * b).sum() / spread
    shift = w.mean() - factor * z.mean()
    matrix = np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])
    return matrix, float(np.sqrt((abs(factor * a - b) ** 2).mean()))


def warped(picture: Pixels, matrix: FloatArray, size_px: tuple[int, int] = ALIGNED_SIZE_PX) -> Pixels:
    """Return (h, w, 3): a picture under a (2, 3) similarity into a frame of some width and height, its rim repeated."""
    import cv2

    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    source = picture
    if scale < 0.5:
        # a large picture is reduced by area first, as plain sampling would alias
        factor = 2 * scale
        # by the size, not by fx: OpenCV would sample by fx itself, which is not the ratio of the rounded sizes
        size = [max(1, round(factor * side)) for side in picture.shape[1::-1]]
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        own = np.array([picture.shape[1] / small.shape[1], picture.shape[0] / small.shape[0]])
        linear = matrix[:, :2] * own
        matrix = np.column_stack([linear, matrix[:, 2] + matrix[:, :2] @ (own / 2 - 0.5)])
        source = small.astype(np.uint8)
    # what lies beyond the picture repeats its rim: an edge there would be taken for an outline of the head
    made = cv2.warpAffine(source, matrix, size_px, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return made.astype(np.uint8)


def turned(
    picture: Pixels, points_px: FloatArray, angle_deg: float, scale: float, shift: tuple[float, float]
) -> Framed:
    """Return a picture turned about its middle, scaled and moved by shares of its size, and its points.

    The picture's size stays; its rim is repeated beyond it.
    """
    import cv2

    height, width = picture.shape[:2]
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, angle_deg, scale), np.float64)
    matrix[:, 2] += np.array(shift) * (width, height)
    moved = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Framed(moved.astype(np.uint8), points_px @ matrix[:, :2].T + matrix[:, 2])


def mirrored_picture(picture: Pixels, points_px: FloatArray, scheme: PointScheme) -> Framed:
    """Return the mirror image and its points under the names that they have there."""
    flipped = points_px[list(scheme.mirror)] * (-1, 1) + (picture.shape[1] - 1, 0)
    return Framed(np.ascontiguousarray(picture[:, ::-1]), flipped)
