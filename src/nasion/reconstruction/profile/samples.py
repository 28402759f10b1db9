"""What the profile is told from, the stripped film, and what is told: points, their covariances, their truth.

Landmarks are those of the ISBI 2015 cephalogram challenge (Wang et al., 2016), of the midline or of the mean of both
sides, in millimetres of the film: x to the front, y down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray

HARD: Final[dict[str, int]] = {
    "sella": 1,
    "nasion": 2,
    "orbitale": 3,
    "porion": 4,
    "subspinale": 5,
    "supramentale": 6,
    "pogonion": 7,
    "menton": 8,
    "gnathion": 9,
    "gonion": 10,
    "incision_inferius": 11,
    "incision_superius": 12,
    "posterior_nasal_spine": 17,
    "anterior_nasal_spine": 18,
    "articulare": 19,
}
"""Bony landmarks and their numbers in the challenge's order; arrays of 15 rows follow this order."""
SOFT: Final[dict[str, int]] = {
    "labrale_superius": 13,
    "labrale_inferius": 14,
    "subnasale": 15,
    "soft_pogonion": 16,
}
"""Landmarks of the profile; arrays of 4 rows follow this order."""
_ROWS: Final = {name: row for row, name in enumerate(HARD)}


def hard_row(name: str) -> int:
    """Return the row of a bony landmark."""
    return _ROWS[name]


def hard_points(points: FloatArray) -> FloatArray:
    """Return the (15, 2) bony points of the challenge's (19, 2)."""
    return points[[number - 1 for number in HARD.values()]]


def soft_points(points: FloatArray) -> FloatArray:
    """Return the (4, 2) points of the profile of the challenge's (19, 2)."""
    return points[[number - 1 for number in SOFT.values()]]


@dataclass(frozen=True, eq=False)
class StrippedFilm:
    """A film without its soft tissue: all that a method is given to tell the profile from.

    Attributes
    ----------
    hard_mm
        (15, 2).
    image
        (h, w) uint8, the part round the facial skeleton, bone bright; 0 wherever ``mask`` is False.
    mask
        (h, w) bool: what was kept.
    corner_px
        (x, y) of the part's first pixel in the film.
    mm_per_px
        Of the film.

    """

    hard_mm: FloatArray
    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    corner_px: tuple[int, int]
    mm_per_px: float


@dataclass(frozen=True, eq=False)
class ProfileSample:
    """A stripped film with what was stripped from it: (4, 2) ``soft_mm``, and whose film it is."""

    film: StrippedFilm
    soft_mm: FloatArray
    person: str


@dataclass(frozen=True, eq=False)
class Profile:
    """A told profile: (4, 2) points; (4, 2, 2) covariances, None where a method knows none."""

    points_mm: FloatArray
    covariance_mm2: FloatArray | None = None
