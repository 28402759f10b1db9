"""The inner face alone: hair and the crop tell people apart in posed sets, and a skull knows neither."""

from __future__ import annotations

from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.matching.frames import FloatArray, Framed, Pixels, turned
from nasion.matching.point_schemes import PointScheme

_TURN_DEG: Final = 8.0
_SCALE: Final = 0.1
_SHIFT: Final = 0.05


def jittered(picture: Pixels, points_px: FloatArray, rng: np.random.Generator) -> Framed:
    """Return a picture under a random turn (up to 8 degrees), scale (10 %) and shift (5 % of its size)."""
    angle, scale = rng.uniform(-_TURN_DEG, _TURN_DEG), float(np.exp(rng.uniform(-_SCALE, _SCALE)))
    shift = rng.uniform(-_SHIFT, _SHIFT, 2)
    return turned(picture, points_px, angle, scale, (float(shift[0]), float(shift[1])))


def inner_face(picture: Pixels, points_px: FloatArray, scheme: PointScheme) -> Pixels:
    """Return the picture with everything outside the hull of the inner face's points in the hull's mean colour."""
    import cv2

    rows = [k for k in scheme.inner if np.isfinite(points_px[k]).all()]
    hull = cv2.convexHull(points_px[rows].astype(np.float32))[:, 0]
    shown = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(shown, np.round(hull).astype(np.int32), 1)
    if not shown.any():
        raise NasionError("the inner face lies outside the picture; correct its landmarks")
    mean = np.round(picture[shown > 0].mean(axis=0)).astype(np.uint8)
    return np.where(shown[:, :, None] > 0, picture, mean)
