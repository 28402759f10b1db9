"""What a network sees of an image: a frame that may be turned, moved and scaled, and the way of points to and fro.

Training, calibration and use cut their crops here, so that a network is used as it was taught.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.samples import Box, Pixels

_REDUCE_FROM: Final = 2.0
"""Image pixels to a crop pixel from which the image is reduced by area first, as plain sampling would alias."""

Size = tuple[int, int]
"""Width and height of a crop, px."""


@dataclass(frozen=True)
class Frame:
    """Where a crop lies in an image.

    Attributes
    ----------
    centre_px
        The crop's centre in the image.
    scale
        Image pixels to a crop pixel.
    angle_deg
        By how much the crop's axes are turned in the image, clockwise as seen; a head that is tilted clockwise by this
        angle stands upright in the crop.

    """

    centre_px: tuple[float, float]
    scale: float
    angle_deg: float = 0.0

    def matrix(self, size: Size) -> FloatArray:
        """Return (2, 3): image to crop pixels."""
        turn = _turn(self.angle_deg)
        linear = turn.T / self.scale
        middle = (np.array(size, float) - 1) / 2
        return np.column_stack([linear, middle - linear @ np.array(self.centre_px)])

    def to_crop(self, points_px: FloatArray, size: Size) -> FloatArray:
        """Return (..., 2) points of the image in the crop."""
        matrix = self.matrix(size)
        moved: FloatArray = points_px @ matrix[:, :2].T + matrix[:, 2]
        return moved

    def to_image(self, points_crop: FloatArray, size: Size) -> FloatArray:
        """Return (..., 2) points of the crop in the image."""
        middle = (np.array(size, float) - 1) / 2
        moved: FloatArray = (points_crop - middle) @ _turn(self.angle_deg).T * self.scale + np.array(self.centre_px)
        return moved


def frame_of_points(points_px: FloatArray, size: Size, margin: float, angle_deg: float = 0.0) -> Frame:
    """Return the frame around the box of points, the box taken along the frame's own axes.

    Parameters
    ----------
    points_px
        (l, 2); NaN rows are left out.
    size
        Of the crop.
    margin
        Crop over box: 1 makes the box touch two sides of the crop.
    angle_deg
        See ``Frame``.

    Raises
    ------
    NasionError
        Fewer than two different points.

    """
    turn = _turn(angle_deg)
    upright = points_px[np.isfinite(points_px).all(axis=1)] @ turn
    if len(upright) < 2 or not (np.ptp(upright, axis=0) > 0).any():
        raise NasionError("fewer than two different points are marked; a crop needs at least two")
    low, high = upright.min(axis=0), upright.max(axis=0)
    centre = turn @ ((low + high) / 2)
    scale = margin * max((high - low) / (np.array(size, float) - 1))
    return Frame((float(centre[0]), float(centre[1])), float(scale), angle_deg)


def frame_of_box(box_px: Box, size: Size, margin: float) -> Frame:
    """Return the frame around an upright box, see ``frame_of_points``; an empty box raises NasionError."""
    left, top, right, bottom = box_px
    if not (right > left and bottom > top):
        raise NasionError(f"the box {left:g},{top:g},{right:g},{bottom:g} is empty; right and bottom must be larger")
    return frame_of_points(np.array([[left, top], [right, bottom]], float), size, margin)


def frame_of_picture(image: Pixels, size: Size) -> Frame:
    """Return the frame that holds a whole image."""
    height, width = image.shape[:2]
    return frame_of_box((-0.5, -0.5, width - 0.5, height - 0.5), size, 1.0)


def roll_deg(points_px: FloatArray, shape: FloatArray) -> float:
    """Return by how much points are turned against an upright shape, clockwise as seen, degrees.

    The rotation of the least-squares similarity (Umeyama 1991) from ``shape`` to the points, both (l, 2); NaN rows are
    left out.
    """
    there = np.isfinite(points_px).all(axis=1) & np.isfinite(shape).all(axis=1)
    a = shape[there] - shape[there].mean(axis=0)
    b = points_px[there] - points_px[there].mean(axis=0)
    cross = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()
    return math.degrees(math.atan2(cross, (a * b).sum()))


def cut(image: Pixels, frame: Frame, size: Size) -> Pixels:
    """Return the crop (h, w, 3), black where the image ends."""
    import cv2

    matrix = frame.matrix(size)
    if frame.scale >= _REDUCE_FROM:
        image, matrix = _reduced(image, matrix, frame.scale)
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _reduced(image: Pixels, matrix: FloatArray, scale: float) -> tuple[Pixels, FloatArray]:
    """Return the image reduced to about one pixel a crop pixel, and the matrix for it."""
    import cv2

    height, width = image.shape[:2]
    small = max(1, round(width / scale)), max(1, round(height / scale))
    factors = np.array([width / small[0], height / small[1]])
    linear = matrix[:, :2] * factors
    # pixel centres: x = (x' + 1/2) factor - 1/2
    shift = matrix[:, 2] + matrix[:, :2] @ (factors / 2 - 0.5)
    made = cv2.resize(image, small, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return made, np.column_stack([linear, shift])


def _turn(angle_deg: float) -> FloatArray:
    """Return (2, 2): crop axes to image axes."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    return np.array([[c, -s], [s, c]])
