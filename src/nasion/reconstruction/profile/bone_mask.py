"""The facial skeleton's region of a lateral film, drawn from bony landmarks and from nothing else.

A border that followed the skin, or the brightness of soft tissue, would tell the profile that it is to hide. So the
region is a polygon whose corners are bony landmarks, moved by constant lengths along the Frankfurt axes. The nose's
bones are left out, as their end is not marked: the border runs from nasion to the orbit's rim and to the spine.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray
from nasion.reconstruction.profile.samples import StrippedFilm, hard_row

_CORNERS: Final[tuple[tuple[str, float, float], ...]] = (
    ("nasion", 1.0, 0.0),
    ("orbitale", 6.0, 0.0),
    ("anterior_nasal_spine", 1.0, 0.0),
    ("subspinale", 1.0, 0.0),
    ("incision_superius", 1.0, 0.0),
    ("incision_inferius", 1.0, 0.0),
    ("supramentale", 1.0, 0.0),
    ("pogonion", 1.0, 0.0),
    ("gnathion", 0.7, 0.7),
    ("menton", 0.0, 1.0),
    ("gonion", -8.0, 1.0),
    ("articulare", -12.0, 0.0),
    ("porion", -10.0, 0.0),
    ("sella", -10.0, -10.0),
    ("nasion", -10.0, -14.0),
)
"""Landmark, mm to the front and mm down of each corner. 1 mm is kept in front of the bone; tissue has 7 or more."""


def frankfurt_axes(hard: FloatArray) -> FloatArray:
    """Return (2, 2) unit vectors of a film's points: from porion to orbitale, and down at a right angle to it."""
    front = hard[hard_row("orbitale")] - hard[hard_row("porion")]
    front = front / np.linalg.norm(front)
    return np.array([front, (-front[1], front[0])])


def bone_polygon(hard_mm: FloatArray) -> FloatArray:
    """Return the (15, 2) corners of the facial skeleton's region, mm, of (15, 2) bony points."""
    axes = frankfurt_axes(hard_mm)
    return np.array([hard_mm[hard_row(name)] + np.array([front, down]) @ axes for name, front, down in _CORNERS])


def stripped_film(image: NDArray[np.uint8], hard_mm: FloatArray, mm_per_px: float) -> StrippedFilm:
    """Return a film without its soft tissue: what lies outside the polygon of its bony landmarks is 0.

    Parameters
    ----------
    image
        (h, w) grey, the face looking to the right.
    hard_mm
        (15, 2).
    mm_per_px
        Of the film.

    """
    import cv2

    corners = bone_polygon(hard_mm) / mm_per_px
    inside = np.zeros(image.shape, dtype=np.uint8)
    cv2.fillPoly(inside, [np.rint(corners).astype(np.int32)], 1)
    low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, np.array(image.shape[::-1]) - 1)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, low + 1, image.shape[::-1])
    part = np.s_[low[1] : high[1], low[0] : high[0]]
    mask = inside[part] > 0
    return StrippedFilm(hard_mm, np.where(mask, image[part], 0).astype(np.uint8), mask, (low[0], low[1]), mm_per_px)
