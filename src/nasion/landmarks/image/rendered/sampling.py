"""Values of pictures at any places, and light as numbers."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.geometry.interpolation import FloatImage
from nasion.geometry.surface import FloatArray

LinearPixels = FloatImage
"""(h, w, 3) in linear light, 0 to 1."""
Rng = np.random.Generator

GAMMA: Final = 2.2
_COLUMNS: Final = 2048


def sampled(picture: FloatImage, places_px: NDArray[np.float32] | FloatArray) -> FloatImage:
    """Return a picture's values (p, c) at (p, 2) places, those beyond it as at its border.

    Parameters
    ----------
    picture
        (h, w, c) or (h, w), which has one channel.
    places_px
        Column and row.

    """
    rows = -(-len(places_px) // _COLUMNS)
    at = np.zeros((2, rows * _COLUMNS), np.float32)
    at[:, : len(places_px)] = places_px.T
    x, y = at.reshape(2, rows, _COLUMNS)
    made = cv2.remap(picture, x, y, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(made, np.float32).reshape(rows * _COLUMNS, -1)[: len(places_px)]
