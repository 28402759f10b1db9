"""The Face Research Lab London Set: a 189-point template, read as the 68 points of iBUG.

DeBruine & Jones (2017), figshare 10.6084/m9.figshare.5047666, CC BY 4.0. The template names no points, only groups;
what each point is was seen by drawing its number on faces. "Left" is the image's left here, as points are numbered from
there in both orders. Where iBUG has another number of points on a line, they divide the template's line into parts of
equal length:

* 1 to 17: the face's outline from the front of one ear over the chin to the other (112 and 109 ... 129);
* 18 to 22, 23 to 27: the brows' upper edges (71 ... 75, 78 ... 82);
* 28 to 31: the ridge of the nose, from between the template's first two pairs of points to its lowest pair (50 ... 60);
* 38, 39, 41, 42 and 44, 45, 47, 48: the lids' edges, a third of the way each.

Other points are the template's own, or lie between two of them: 32 and 36 between the wing's side and its lowest point,
33 and 35 between that and the columella; 61 and 65, the inner corners of the lips, two fifths of the way from the
mouth's corner to the first points inside. After a similarity the mean differs from that of frontal faces of HELEN with
closed mouths by 2.7 % of the distance between the outer corners of the eyes on average, most at the tip of the nose
(6.6 %), which hangs lower in pictures taken from nearby.
"""

from __future__ import annotations

from collections.abc import Sequence
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
_CHIN: Final = 9
"""Place of the chin in the outline."""
_BROWS: Final = ((71, 72, 73, 74, 75), (78, 79, 80, 81, 82))
_RIDGE: Final = ((50, 51, 56, 57), (51, 57), (52, 58), (53, 59), (54, 60))
"""Points whose means are the ridge's."""
_WINGS: Final = ((63, 64), (64, 180), (55,), (69, 181), (68, 69))
_LIDS: Final = (
    ((18, 19, 20, 21, 22), (22, 30, 29, 28, 18)),
    ((23, 24, 25, 26, 27), (27, 33, 32, 31, 23)),
)
"""Upper and lower lid of each eye, from corner to corner in iBUG's order."""
_OUTER_LIPS: Final = (87, 88, 89, 90, 91, 92, 93, 108, 107, 106, 105, 104)
_UPPER_INSIDE: Final = (95, 96, 97)
_LOWER_INSIDE: Final = (102, 101, 100)
_INNER_CORNERS: Final = ((87, 94, 99), (93, 98, 103))
_INNER_SHARE: Final = 0.4


def read_london(folder: Path) -> PublishedSet:
    """Read the neutral faces: ``landmarks189.csv`` with image, subject and x0, y0 ... x188, y188.

    The smiling ones have no points. A set without parts.

    Raises
    ------
    NasionError
        The table is damaged or names an image that is not there.

    """
    path = folder / LONDON_TABLE
    columns = [(f"x{k}", f"y{k}") for k in range(TEMPLATE_POINTS)]
    rows = read_table(path, ["image", "subject", *(name for pair in columns for name in pair)])
    samples = []
    for number, row in enumerate(rows, start=2):
        points = ibug68_of_template(points_of(path, number, row, columns))
        samples.append(ImageSample(existing(folder / row["image"], path), points, row["subject"]))
    return PublishedSet(LONDON, tuple(samples), LONDON_TERMS)


def ibug68_of_template(template: FloatArray) -> FloatArray:
    """Return the (68, 2) iBUG points of a (189, 2) template; a point that needs one that is NaN is NaN."""
    outline = template[list(_OUTLINE)]
    ridge = np.array([template[list(group)].mean(axis=0) for group in _RIDGE])
    parts: list[FloatArray] = [
        divided(outline[: _CHIN + 1], 8)[:-1],
        divided(outline[_CHIN:], 8),
        *(divided(template[list(brow)], 4) for brow in _BROWS),
        divided(ridge, 3),
        np.array([template[list(group)].mean(axis=0) for group in _WINGS]),
        *(divided(template[list(lid)], 3)[:-1] for eye in _LIDS for lid in eye),
        template[list(_OUTER_LIPS)],
        _inner_corner(template, _INNER_CORNERS[0]),
        template[list(_UPPER_INSIDE)],
        _inner_corner(template, _INNER_CORNERS[1]),
        template[list(_LOWER_INSIDE)],
    ]
    return np.concatenate([part.reshape(-1, 2) for part in parts])


def divided(line: FloatArray, parts: int) -> FloatArray:
    """Return the (parts + 1, 2) points that divide a polyline (n, 2) into parts of equal length; NaN if one is NaN."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    places = np.linspace(0.0, along[-1], parts + 1)
    return np.stack([np.interp(places, along, line[:, axis]) for axis in range(2)], axis=1)


def _inner_corner(template: FloatArray, points: Sequence[int]) -> FloatArray:
    corner, upper, lower = template[list(points)]
    inside: FloatArray = corner + _INNER_SHARE * ((upper + lower) / 2 - corner)
    return inside
