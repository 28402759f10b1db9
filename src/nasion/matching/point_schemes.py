"""Which points a picture's graph is built on: names, mirror pairs, nodes, and the shapes to align pictures to.

``ibug68``: faces and sketches by the 68 points of Sagonas et al. (2013); 31 of them are nodes: seven of the jaw line,
six of the brows, five of the nose, eight of the eyes, five of the mouth (the others lie too close to see more).
``pairs20``: the twenty cranial-facial pairs; a skull's file names the cranial, a face's the facial one of each pair.
``cranio31``: the 18 frontal and, after them, the 13 lateral points of Cranio-ID's S2F set; a picture has one kind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import SCHEMES as OVERLAY_SCHEMES
from nasion.anatomy.landmarks import mirrored
from nasion.errors import NasionError

LEAST_NODES: Final = 6
"""A picture with fewer nodes cannot be used."""


@dataclass(frozen=True)
class PointScheme:
    """Points in a fixed order.

    Attributes
    ----------
    name
        Of the scheme.
    names, probe_names
        Of the points in the files of faces and sketches, and of radiographs.
    mirror
        Of each point, the place of the point that takes its name in a mirrored picture.
    nodes
        Places of the points that are the graph's nodes.
    anchors
        Places of the points by which a picture is aligned.
    inner
        Places of the points whose hull is the inner face, without hair.

    """

    name: str
    names: tuple[str, ...]
    probe_names: tuple[str, ...]
    mirror: tuple[int, ...]
    nodes: tuple[int, ...]
    anchors: tuple[int, ...]
    inner: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, count + 1))


def _ibug68() -> PointScheme:
    mirror = list(range(68))
    for first, last in ((0, 16), (17, 26), (31, 35), (48, 54), (55, 59), (60, 64)):
        for k in range(first, last + 1):
            mirror[k] = first + last - k
    for a, b in zip((36, 37, 38, 39, 40, 41, 65), (45, 44, 43, 42, 47, 46, 67), strict=True):
        mirror[a], mirror[b] = b, a
    jaw, brows, nose = (1, 4, 6, 8, 10, 12, 15), (17, 19, 21, 22, 24, 26), (27, 30, 31, 33, 35)
    eyes, mouth = (36, 37, 39, 41, 42, 44, 45, 46), (48, 50, 52, 54, 57)
    names = _numbers(68)
    return PointScheme(
        "ibug68",
        names,
        names,
        tuple(mirror),
        (*jaw, *brows, *nose, *eyes, *mouth),
        tuple(range(17, 68)),
        tuple(range(68)),
    )


def _pairs20() -> PointScheme:
    faces, skulls = OVERLAY_SCHEMES["facial20"], OVERLAY_SCHEMES["cranial20"]
    hairy = ("metopion", "bregma", "frontotemporale_left", "frontotemporale_right")
    every = tuple(range(len(faces)))
    return PointScheme(
        "pairs20",
        faces,
        skulls,
        tuple(faces.index(mirrored(name)) for name in faces),
        every,
        every,
        tuple(k for k in every if faces[k] not in hairy),
    )


def _cranio31() -> PointScheme:
    every = tuple(range(31))
    names = tuple(f"{view}_{k}" for view, count in (("frontal", 18), ("lateral", 13)) for k in range(1, count + 1))
    return PointScheme("cranio31", names, names, every, every, every, every)


SCHEMES: Final[dict[str, PointScheme]] = {made.name: made for made in (_ibug68(), _pairs20(), _cranio31())}
"""Schemes by name. ``cranio31`` mirrors no point: its frontal pairs are not published."""


def point_scheme(name: str) -> PointScheme:
    """Return a scheme; an unknown name raises NasionError."""
    if name not in SCHEMES:
        raise NasionError(f"there is no scheme {name!r} for matching; use one of {', '.join(SCHEMES)}")
    return SCHEMES[name]


@cache
def _stored_shapes() -> dict[str, dict[str, list[list[float | None]]]]:
    text = resources.files("nasion.matching").joinpath("data/shapes.json").read_text(encoding="utf-8")
    shapes: dict[str, dict[str, list[list[float | None]]]] = json.loads(text)["shapes"]
    return shapes


def has_shapes(scheme: str) -> bool:
    """Return whether average shapes of a scheme are known."""
    return scheme in _stored_shapes()


def shapes(scheme: str) -> dict[str, NDArray[np.float64]]:
    """Return by view the (l, 2) places of a scheme's points in an average head, x right, y down.

    The unit is the distance of nasion and gnathion, the origin half way between them; NaN where the view does not
    show a point. A scheme without shapes raises NasionError.
    """
    stored = _stored_shapes()
    if not has_shapes(scheme):
        raise NasionError(
            f"pictures with points of {scheme} cannot be aligned; use a preset that takes them as they are"
        )
    return {view: np.array(points, np.float64) for view, points in stored[scheme].items()}
