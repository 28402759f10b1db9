"""The square frame that generators see: pictures are moved, turned and scaled by their own landmarks.

Source and face of a person lie over one another by the average head of ``matching.frames``, so a source in use needs
its own landmarks and nothing of the face. A set whose points have no published places (S2F) keeps its pictures as they
are.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from nasion.matching.frames import FloatArray, Pixels, aligning, warped
from nasion.matching.point_schemes import PointScheme

_WINDOWS: Final[dict[str, tuple[tuple[float, float, float], ...]]] = {
    "ibug68": ((-4.0, 14.0, 208.0),),
    "pairs20": ((12.0, 36.0, 176.0), (65.0, 22.0, 210.0), (-75.0, 22.0, 210.0)),
}
"""Left, top and side of the square, in the average head's frame, of each of its views; mirrored views have mirrored
squares, so that a mirrored picture is the picture of the mirrored head."""


def square_frame(picture: Pixels, points_px: FloatArray, scheme: PointScheme, side_px: int) -> Pixels:
    """Return (side, side, 3) of a picture.

    Parameters
    ----------
    picture
        (h, w, 3) uint8 RGB.
    points_px
        (l, 2) landmarks in the scheme's order, NaN where missing; not looked at where the scheme has no window.
    scheme
        Of the points.
    side_px
        Of the square.

    Raises
    ------
    NasionError
        Too few landmarks are there, or they lie in one place.

    """
    windows = _WINDOWS.get(scheme.name)
    if windows is None:
        return warped(picture, _whole(picture, side_px), (side_px, side_px))
    matrix, view = aligning(points_px, scheme)
    left, top, side = windows[view]
    scale = side_px / side
    into = np.array([[scale, 0.0, -left * scale - 0.5], [0.0, scale, -top * scale - 0.5]])
    own = into[:, :2] @ matrix
    own[:, 2] += into[:, 2]
    return warped(picture, own, (side_px, side_px))


def _whole(picture: Pixels, side_px: int) -> FloatArray:
    """Return the (2, 3) scaling that fits a picture into the square, in its middle."""
    height, width = picture.shape[:2]
    scale = side_px / max(height, width)
    shift = (side_px - scale * np.array([width, height])) / 2 + 0.5 * scale - 0.5
    return np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
