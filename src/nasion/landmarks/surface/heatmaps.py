"""Heat maps: how near a point of a cloud is to each landmark (Burger et al., Eq. 1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasion.geometry.surface import FloatArray


def heat_maps(points: ArrayLike, landmarks: ArrayLike, sigma: float) -> NDArray[np.float32]:
    """Return (n, l) values exp(-d^2 / (2 sigma^2)); a landmark that is absent (NaN) is cold everywhere.

    Parameters
    ----------
    points
        (n, 3).
    landmarks
        (l, 3), NaN where absent.
    sigma
        In the unit of the points.

    """
    position = np.asarray(points, dtype=np.float64)
    target = np.asarray(landmarks, dtype=np.float64)
    squared: FloatArray = ((position[:, None] - target[None]) ** 2).sum(axis=2)
    absent = ~np.isfinite(target).all(axis=1)
    squared[:, absent] = np.inf
    heat: NDArray[np.float32] = np.exp(-squared / (2 * sigma**2)).astype(np.float32)
    return heat
