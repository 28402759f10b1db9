"""Which points are looked for in an image: names, order, mirror pairs and the lengths that errors are divided by.

``left`` and ``right`` are the subject's sides. ``ibug68`` is the order of Sagonas et al., "300 faces in-the-wild
challenge" (2013); ``wflw98`` that of Wu et al., "Look at boundary" (2018); ``cephalo19`` that of the ISBI 2015
cephalogram challenge (Wang et al., 2016). Both numbered face schemes count from 1 here.

``cranio_frontal18`` and ``cranio_lateral13`` have the counts of Cranio-ID (Prasad et al.): 18 points from the front, 13
from the side, 19 places in all when a pair's two sides count as two and the side view shows one of them. The paper
keeps its list for a supplement and gives numbers only; so the names here are our choice that fits these counts: twelve
paired points (both eyes' length and height, cheek and jaw width), six of the midline, and pogonion from the side only.
The same name stands for the place on the skull and for the place above it on the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import FACIAL_HELPERS, mirrored
from nasion.anatomy.landmarks import SCHEMES as OVERLAY_SCHEMES
from nasion.errors import NasionError

Subject = Literal["face", "cephalogram"]
"""What an image shows: a face (found by its box first), or a lateral radiograph (the picture as a whole)."""


@dataclass(frozen=True)
class ImageScheme:
    """Points of an image in a fixed order.

    Attributes
    ----------
    name, names
        Of the scheme and of its points.
    mirror
        Of each point, the place of the point that takes its name in a mirrored image.
    subject
        See ``Subject``.
    eye_corners
        Names of the outer corners of the eyes, by whose distance errors are divided (inter-ocular); None where there
        are none.
    face_height
        Names of the points (nasion and the lower end of the chin) whose distance is the face's height.

    """

    name: str
    names: tuple[str, ...]
    mirror: tuple[int, ...]
    subject: Subject
    eye_corners: tuple[str, str] | None
    face_height: tuple[str, str] | None

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def flip_index(self) -> NDArray[np.intp]:
        """The mirror map as an index: ``points[flip_index]`` are a mirrored image's points in the scheme's order."""
        return np.array(self.mirror, np.intp)

    def places(self, names: Sequence[str]) -> list[int]:
        """Return the rows of points by name."""
        return [self.names.index(name) for name in names]


def _mirror(count: int, pairs: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    mirror = list(range(count))
    for a, b in pairs:
        mirror[a], mirror[b] = b, a
    return tuple(mirror)


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, count + 1))


def _facing(first: int, last: int) -> list[tuple[int, int]]:
    """Return the pairs of a run of points that is mirrored end for end."""
    return [(first + k, last - k) for k in range((last - first + 1) // 2)]


def _across(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(a, b, strict=True))


def _named(name: str, names: tuple[str, ...], subject: Subject, **lengths: tuple[str, str] | None) -> ImageScheme:
    mirror = tuple(names.index(mirrored(own)) for own in names)
    return ImageScheme(name, names, mirror, subject, lengths.get("eye_corners"), lengths.get("face_height"))


_IBUG68: Final = [
    *_facing(0, 16),
    *_facing(17, 26),
    *_facing(31, 35),
    *_across([36, 37, 38, 39, 40, 41], [45, 44, 43, 42, 47, 46]),
    *_facing(48, 54),
    *_facing(55, 59),
    *_facing(60, 64),
    (65, 67),
]
_WFLW98: Final = [
    *_facing(0, 32),
    *_across(range(33, 42), [46, 45, 44, 43, 42, 50, 49, 48, 47]),
    *_facing(55, 59),
    *_across(range(60, 68), [72, 71, 70, 69, 68, 75, 74, 73]),
    *_facing(76, 82),
    *_facing(83, 87),
    *_facing(88, 92),
    (93, 95),
    (96, 97),
]
_EYE: Final = ("ectoconchion", "dacryon", "supraorbitale", "orbitale")
_WIDTH: Final = ("zygion", "gonion")
_MIDLINE: Final = ("vertex", "glabella", "nasion", "subspinale", "prosthion", "gnathion")

SCHEMES: Final[dict[str, ImageScheme]] = {
    scheme.name: scheme
    for scheme in (
        ImageScheme("ibug68", _numbers(68), _mirror(68, _IBUG68), "face", ("37", "46"), ("28", "9")),
        ImageScheme("wflw98", _numbers(98), _mirror(98, _WFLW98), "face", ("61", "73"), ("52", "17")),
        _named(
            "facial20",
            (*OVERLAY_SCHEMES["facial20"], *FACIAL_HELPERS),
            "face",
            eye_corners=("exocanthion_right", "exocanthion_left"),
            face_height=("nasion", "gnathion"),
        ),
        ImageScheme("cephalo19", _numbers(19), _mirror(19, ()), "cephalogram", None, ("2", "8")),
        _named(
            "cranio_frontal18",
            (*_MIDLINE, *(f"{name}_{side}" for name in (*_EYE, *_WIDTH) for side in ("left", "right"))),
            "face",
            eye_corners=("ectoconchion_right", "ectoconchion_left"),
            face_height=("nasion", "gnathion"),
        ),
        _named(
            "cranio_lateral13",
            (*_MIDLINE, "pogonion", *_EYE, *_WIDTH),
            "face",
            face_height=("nasion", "gnathion"),
        ),
    )
}
"""Schemes by name."""


def image_scheme(name: str) -> ImageScheme:
    """Return a scheme; an unknown name raises NasionError."""
    if name not in SCHEMES:
        raise NasionError(f"there is no scheme {name!r} for images; use one of {', '.join(SCHEMES)}")
    return SCHEMES[name]
