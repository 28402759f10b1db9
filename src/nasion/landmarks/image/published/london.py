"""The Face Research Lab London Set: a 189-point template, read as the 68 points of iBUG.

DeBruine & Jones (2017), figshare 10.6084/m9.figshare.5047666, CC BY 4.0. The template names no points, only groups;
what each point is was seen by drawing its number on faces. "Left" is the image's left here, as points are numbered from
there in both orders. Where iBUG has another number of points on a line, they divide the template's line into parts of
equal length:

* 1 to 17: the face's outline from the front of one ear over the chin to the other (109 ... 129 ... 112), less a
  fortieth of each half at its end;
* 18 to 22, 23 to 27: the brows' upper edges (71 ... 75, 78 ... 82);
* 28 to 31: the ridge of the nose, from between the template's first two pairs of points (50 ... 57) to below its lowest
  pair (54, 60), a seventh of the way to the base;
* 38, 39, 41, 42 and 44, 45, 47, 48: the lids' edges, a third of the way each.

Other points are the template's own, or lie between two of them: 32 and 36 between the wing's side and its lowest point,
33 and 35 between that and the columella; 34 between the columella and the philtrum's upper end; 56, 57, 59 and 60 a
quarter of the way from the template's points of the lower lip to the next ones inward; 61 and 65, the inner corners of
the lips, two fifths of the way from the mouth's corner to the first points inside. Shares were chosen by looking at
both: a network learnt from HELEN finds these points with a mean error of 2.2 % of the distance between the outer
corners of the eyes, and none lies off by more than 2 % in the same direction on all faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.published.tables import PublishedSet, existing, points_of, read_table
from nasion.landmarks.image.samples import ImageSample

LONDON_TABLE: Final = "landmarks189.csv"
LONDON: Final = "Face Research Lab London Set"
LONDON_TERMS: Final = "CC BY 4.0 (DeBruine & Jones 2017, Face Research Lab London Set, 10.6084/m9.figshare.5047666)"
TEMPLATE_POINTS: Final = 189

_OUTLINE: Final = (109, 185, 110, 186, 111, 125, 126, 127, 128, 129, 130, 131, 132, 133, 114, 188, 113, 187, 112)
_ENDS: Final = 1 / 40
_CHIN: Final = 9
"""Place of the chin in the outline."""
_BROWS: Final = ((71, 72, 73, 74, 75), (78, 79, 80, 81, 82))
_RIDGE: Final = ((50, 51, 56, 57), (51, 57), (52, 58), (53, 59), (54, 60))
"""Points whose means are the ridge's."""
_BASE: Final = 55
_TIP_SHARE: Final = 1 / 7
_WINGS: Final = ((63, 64), (64, 180), (55, 55, 170, 172), (69, 181), (68, 69))
_LIDS: Final = (
    ((18, 19, 20, 21, 22), (22, 30, 29, 28, 18)),
    ((23, 24, 25, 26, 27), (27, 33, 32, 31, 23)),
)
"""Upper and lower lid of each eye, from corner to corner in iBUG's order."""
_OUTER_LIPS: Final = (87, 88, 89, 90, 91, 92, 93, 108, 107, 106, 105, 104)
_LIP_GOALS: Final = (87, 88, 89, 90, 91, 92, 93, 107, 106, 106, 106, 105)
_LIP_SHARE: Final = 0.25
_UPPER_INSIDE: Final = (95, 96, 97)
_LOWER_INSIDE: Final = (102, 101, 100)
_INNER_CORNERS: Final = ((87, 94, 99), (93, 98, 103))
_INNER_SHARE: Final = 0.4
_HAIRLINE: Final = (144, 143, 142, 141, 140, 139, 138, 137, 136, 135, 134)
_ON_HAIR: Final = ((137, 149), (138, 150), (139, 151), (140, 152), (141, 153))
"""A point of the hairline and one of the head's outline: hair lies between them."""


@dataclass(frozen=True, eq=False)
class LondonFace:
    """A neutral face: its image, whose it is, and the template's (189, 2) points in it."""

    image: Path
    person: str
    template_px: FloatArray

    def skin_outline_px(self) -> FloatArray:
        """Return the polygon (p, 2) of bare skin: face and forehead."""
        return self.template_px[[*_OUTLINE, *_HAIRLINE]]

    def hair_places_px(self) -> FloatArray:
        """Return places (q, 2) on the hair above the forehead."""
        return np.asarray(self.template_px[np.array(_ON_HAIR)].mean(axis=1), float)


def read_london_faces(folder: Path) -> tuple[LondonFace, ...]:
    """Read the neutral faces: ``landmarks189.csv`` with image, subject and x0, y0 ... x188, y188.

    Raises
    ------
    NasionError
        The table is damaged or names an image that is not there.

    """
    path = folder / LONDON_TABLE
    columns = [(f"x{k}", f"y{k}") for k in range(TEMPLATE_POINTS)]
    rows = read_table(path, ["image", "subject", *(name for pair in columns for name in pair)])
    return tuple(
        LondonFace(existing(folder / row["image"], path), row["subject"], points_of(path, number, row, columns))
        for number, row in enumerate(rows, start=2)
    )


def read_london(folder: Path) -> PublishedSet:
    """Read the neutral faces as a set without parts; the smiling ones have no points. See ``read_london_faces``."""
    faces = read_london_faces(folder)
    samples = tuple(ImageSample(face.image, ibug68_of_template(face.template_px), face.person) for face in faces)
    return PublishedSet(LONDON, samples, LONDON_TERMS)


def ibug68_of_template(template: FloatArray) -> FloatArray:
    """Return the (68, 2) iBUG points of a (189, 2) template; a point that needs one that is NaN is NaN."""
    outline = template[list(_OUTLINE)]
    ridge = np.array([template[list(group)].mean(axis=0) for group in _RIDGE])
    ridge[-1] += _TIP_SHARE * (template[_BASE] - ridge[-1])
    parts: list[FloatArray] = [
        divided(outline[: _CHIN + 1], 8, _ENDS)[:-1],
        divided(outline[_CHIN:][::-1], 8, _ENDS)[::-1],
        *(divided(template[list(brow)], 4) for brow in _BROWS),
        divided(ridge, 3),
        np.array([template[list(group)].mean(axis=0) for group in _WINGS]),
        *(divided(template[list(lid)], 3)[:-1] for eye in _LIDS for lid in eye),
        template[list(_OUTER_LIPS)] + _LIP_SHARE * (template[list(_LIP_GOALS)] - template[list(_OUTER_LIPS)]),
        _inner_corner(template, _INNER_CORNERS[0]),
        template[list(_UPPER_INSIDE)],
        _inner_corner(template, _INNER_CORNERS[1]),
        template[list(_LOWER_INSIDE)],
    ]
    return np.concatenate([part.reshape(-1, 2) for part in parts])


def divided(line: FloatArray, parts: int, left_out: float = 0.0) -> FloatArray:
    """Return the (parts + 1, 2) points that divide a polyline (n, 2) into parts of equal length; NaN if one is NaN.

    ``left_out`` is the share of the line before the first point.
    """
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    places = np.linspace(left_out * along[-1], along[-1], parts + 1)
    return np.stack([np.interp(places, along, line[:, axis]) for axis in range(2)], axis=1)


def _inner_corner(template: FloatArray, points: Sequence[int]) -> FloatArray:
    corner, upper, lower = template[list(points)]
    inside: FloatArray = corner + _INNER_SHARE * ((upper + lower) / 2 - corner)
    return inside
