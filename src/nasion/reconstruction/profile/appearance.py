"""What a stripped film's bone looks like, as numbers: oriented gradients in the frame of the mean skull.

Every film is warped so that its bony landmarks fall on the mean skull's (thin-plate spline); what remains is form
between the landmarks and density. Dalal & Triggs, "Histograms of oriented gradients", CVPR 2005.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray
from nasion.reconstruction.profile.bone_mask import bone_polygon
from nasion.reconstruction.profile.samples import StrippedFilm

_STEP_MM: Final = 0.8
_BLUR_MM: Final = 0.3
_CELL: Final = 12
_BLOCK: Final = 3
_ORIENTATIONS: Final = 8


def appearance(film: StrippedFilm, mean_hard_mm: FloatArray) -> FloatArray:
    """Return (f,) oriented gradients of a stripped film.

    Parameters
    ----------
    film
        See ``bone_mask.stripped_film``.
    mean_hard_mm
        (15, 2) bony landmarks of the mean skull, onto which the film's are warped.

    """
    from skimage.feature import hog

    picture, mask = warped(film, mean_hard_mm)
    seen = picture[mask]
    level = np.where(mask, (picture - seen.mean()) / max(float(seen.std()), 1e-6), 0.0)
    made: FloatArray = hog(
        level,
        orientations=_ORIENTATIONS,
        pixels_per_cell=(_CELL, _CELL),
        cells_per_block=(_BLOCK, _BLOCK),
        block_norm="L2-Hys",
    )
    return made


def warped(film: StrippedFilm, mean_hard_mm: FloatArray) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return a stripped film and its mask warped onto the mean skull, (h, w) each; see ``appearance``."""
    import cv2
    from scipy.interpolate import RBFInterpolator

    corners = bone_polygon(mean_hard_mm)
    low, high = corners.min(axis=0), corners.max(axis=0)
    x, y = np.meshgrid(np.arange(low[0], high[0], _STEP_MM), np.arange(low[1], high[1], _STEP_MM))
    spline = RBFInterpolator(mean_hard_mm, film.hard_mm, kernel="thin_plate_spline")
    at = spline(np.stack([x.ravel(), y.ravel()], axis=1)) / film.mm_per_px - film.corner_px
    at_x, at_y = (at[:, axis].reshape(x.shape).astype(np.float32) for axis in (0, 1))
    weight = _blurred(film.mask.astype(np.float32), film.mm_per_px)
    smooth = _blurred(film.image.astype(np.float32), film.mm_per_px) / np.maximum(weight, 1e-3)

    def taken(image: Any, how: int) -> Any:
        return cv2.remap(image, at_x, at_y, how, borderMode=cv2.BORDER_CONSTANT, borderValue=0)

    mask = taken(film.mask.astype(np.uint8), cv2.INTER_NEAREST) > 0
    picture = taken(smooth, cv2.INTER_LINEAR)
    return np.where(mask, picture, 0).astype(np.float32), np.asarray(mask, dtype=np.bool_)


def _blurred(image: NDArray[np.float32], mm_per_px: float) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.GaussianBlur(image, (0, 0), _BLUR_MM / mm_per_px), dtype=np.float32)
