"""The profile from published mean depths: no film is learnt from.

Depths are the 2023 T-Table's (Hona & Stephan 2024, read second-hand), laid along the normal of the bony outline, which
is drawn between its landmarks. Films mark the incisors' edges but neither prosthion nor infradentale: they are taken to
lie a crown's length (10.5 and 9 mm, assumed) from the edge towards A and B point. From there the table's upper lip
comes out high; 5 mm from the edge is, of 3, 5, 7 and 10.5 mm, what serves it best on the challenge's training films,
and is what it is given. ``tissue-table`` lays the mean vectors of ``anatomy.tissue`` in the film's Frankfurt axes
instead; it has none for the lower lip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.surface import FloatArray
from nasion.reconstruction.profile.bone_mask import frankfurt_axes
from nasion.reconstruction.profile.samples import SOFT, Profile, StrippedFilm, hard_row

T_TABLE_MM: Final = {
    "labrale_superius": 12.0,
    "labrale_inferius": 13.5,
    "subnasale": 13.5,
    "soft_pogonion": 11.0,
}
"""Adults' mean depths: at prosthion, infradentale, subspinale and pogonion."""
_PAIRS: Final = {"labrale_superius": "prosthion", "subnasale": "subspinale", "soft_pogonion": "pogonion"}
_BELOW_LIP_MM: Final = 5.0
_UPPER_CROWN_MM: Final = 10.5
_LOWER_CROWN_MM: Final = 9.0


@dataclass(frozen=True)
class MeanDepths:
    """Depths along the normal: the method ``t-table``."""

    def profiles(self, films: Sequence[StrippedFilm]) -> list[Profile]:
        """Return the profile of each film."""
        depth = np.array([T_TABLE_MM[name] for name in SOFT])[:, None]
        return [Profile(base + depth * normal) for base, normal in (_bases(film, _BELOW_LIP_MM) for film in films)]


@dataclass(frozen=True, eq=False)
class MeanVectors:
    """The tissue table's vectors, the lower lip's by its depth: the method ``tissue-table``."""

    table: TissueTable

    def profiles(self, films: Sequence[StrippedFilm]) -> list[Profile]:
        """Return the profile of each film."""
        return [self._profile(film) for film in films]

    def _profile(self, film: StrippedFilm) -> Profile:
        base, normal = _bases(film, _UPPER_CROWN_MM)
        axes = frankfurt_axes(film.hard_mm)
        rows = {pair.cranial: row for row, pair in enumerate(PAIRS)}
        points = []
        for k, name in enumerate(SOFT):
            if name in _PAIRS:
                _, up, front = self.table.mean_mm[rows[_PAIRS[name]]]
                points.append(base[k] + np.array([front, -up]) @ axes)
            else:
                points.append(base[k] + T_TABLE_MM[name] * normal[k])
        return Profile(np.array(points))


def _bases(film: StrippedFilm, upper_mm: float) -> tuple[FloatArray, FloatArray]:
    """Return the (4, 2) bony points below the profile's and the (4, 2) unit normals of the bony outline there.

    ``upper_mm`` is how far above the incisor's edge the upper lip's point lies.
    """

    def at(name: str) -> FloatArray:
        point: FloatArray = film.hard_mm[hard_row(name)]
        return point

    upper, lower = at("incision_superius"), at("incision_inferius")
    base = {
        "labrale_superius": upper + upper_mm * _unit(at("subspinale") - upper),
        "labrale_inferius": lower + _LOWER_CROWN_MM * _unit(at("supramentale") - lower),
        "subnasale": at("subspinale"),
        "soft_pogonion": at("pogonion"),
    }
    downwards = {
        "labrale_superius": upper - at("subspinale"),
        "labrale_inferius": at("supramentale") - lower,
        "subnasale": upper - at("anterior_nasal_spine"),
        "soft_pogonion": at("gnathion") - at("supramentale"),
    }
    along = np.array([_unit(downwards[name]) for name in SOFT])
    return np.array([base[name] for name in SOFT]), np.stack([along[:, 1], -along[:, 0]], axis=1)


def _unit(vector: FloatArray) -> FloatArray:
    unit: FloatArray = vector / np.linalg.norm(vector)
    return unit
