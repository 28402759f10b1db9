"""Whether a place on the face shows skin, or hair, a hat or something else lies over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray

COVERED: Final = "hair or something else covers the place: it does not look like the skin of the cheeks"
MAY_BE_COVERED: Final = ("metopion",)
"""Landmarks that fringes and caps cover; those further down lie among the brows or on the bare face."""

_PATCH_SHARE: Final = 0.035
"""Radius of the patches looked at, over the distance between the outer corners of the eyes."""
_WORKING_PX: Final = 200.0
"""The face is looked at with about so many pixels between the eyes."""
_LEAST_SPREAD: Final = (9.0, 4.0, 4.0)
_FARTHEST: Final = 4.0
"""Robust distance in Lab from which a patch is not skin."""
_ROUGH: Final = 3.0
"""Roughness, times that of the cheeks, from which it is not."""


def covered(
    image: NDArray[np.uint8], points68_px: FloatArray, names: Sequence[str], points_px: FloatArray
) -> dict[str, str]:
    """Return the landmarks of ``MAY_BE_COVERED`` that do not lie on bare skin, with the reason.

    A patch is compared in colour and roughness with patches of the cheeks, the nose and between the brows.

    Parameters
    ----------
    image
        (h, w, 3) uint8 RGB.
    points68_px
        (68, 2) in the iBUG order, NaN where missing.
    names, points_px
        Landmarks and (n, 2) places.

    """
    samples = _skin_places(points68_px)
    eyes = float(np.linalg.norm(points68_px[45] - points68_px[36])) if np.isfinite(points68_px[[36, 45]]).all() else 0.0
    size = max(eyes, float(np.linalg.norm(np.nanmax(points68_px, 0) - np.nanmin(points68_px, 0))) * 0.4)
    if not len(samples) or not size > 0:
        return {}
    patches = [_patch(image, place, size) for place in samples]
    known = np.array([patch for patch in patches if patch is not None])
    if len(known) < 3:
        return {}
    middle = np.median(known, axis=0)
    spread = np.maximum(1.4826 * np.median(abs(known - middle), axis=0)[:3], _LEAST_SPREAD)
    result = {}
    for name, place in zip(names, points_px, strict=True):
        patch = _patch(image, place, size) if name in MAY_BE_COVERED and np.isfinite(place).all() else None
        if patch is None:
            continue
        # a forehead may be brighter than the cheeks, hair is darker or of another colour
        away = (patch - middle)[:3] / (spread * (1.0 if patch[0] < middle[0] else 2.0, 1.0, 1.0))
        if np.linalg.norm(away) > _FARTHEST or patch[3] > _ROUGH * middle[3]:
            result[name] = COVERED
    return result


def _skin_places(points68_px: FloatArray) -> FloatArray:
    """Return (n, 2) places of bare skin in nearly every face: cheeks, nose, between the brows."""
    p = points68_px
    places = [
        (p[36] + p[41]) / 2 * 0.45 + p[31] * 0.3 + p[2] * 0.25,
        (p[45] + p[46]) / 2 * 0.45 + p[35] * 0.3 + p[14] * 0.25,
        p[31] * 0.5 + p[2] * 0.5,
        p[35] * 0.5 + p[14] * 0.5,
        p[28],
        p[29],
        (p[21] + p[22]) / 2,
    ]
    there = [place for place in places if np.isfinite(place).all()]
    return np.array(there).reshape(-1, 2)


def _patch(image: NDArray[np.uint8], place: FloatArray, size_px: float) -> FloatArray | None:
    """Return median Lab colour and roughness of the patch round a place, None outside the picture."""
    radius = max(_PATCH_SHARE * size_px, 1.5)
    x, y = place
    left, top = int(x - radius), int(y - radius)
    right, bottom = int(x + radius) + 1, int(y + radius) + 1
    if left < 0 or top < 0 or right >= image.shape[1] or bottom >= image.shape[0]:
        return None
    part = image[top : bottom + 1, left : right + 1]
    shrink = _WORKING_PX / size_px
    if shrink < 1:
        part = np.asarray(cv2.resize(part, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    lab = cv2.cvtColor(part, cv2.COLOR_RGB2LAB).astype(np.float64)
    rough = float(np.median(abs(cv2.Laplacian(lab[..., 0], cv2.CV_64F)))) + 0.5
    return np.array([*np.median(lab.reshape(-1, 3), axis=0), rough])
