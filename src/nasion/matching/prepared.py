"""Pairs of pictures as landmark graphs: read, described and kept on disk, so that nothing is described twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.matching.descriptors import Descriptor
from nasion.matching.frames import FloatArray, Framed, Pixels, mirrored_picture, one_side
from nasion.matching.hair import inner_face, jittered
from nasion.matching.nodes import Nodes, nodes_of
from nasion.matching.point_schemes import PointScheme, point_scheme
from nasion.matching.points import PointFinder, probe_points
from nasion.matching.samples import MatchPair, MatchPicture
from nasion.matching.settings import PictureSettings
from nasion.readers.files import read_bytes, sha256, write_bytes

_FORMAT: Final = 3
_SHIFT: Final = 0.01
_TURN_DEG: Final = 1.0
_SCALE: Final = 0.015
_EACH: Final = 0.01
"""How far a detector may err, SDs: all points together (over the face's height), and each by itself."""
_MOST_PICTURES: Final = 20_000
"""That are described for a training, copies counted."""


@dataclass(frozen=True, eq=False)
class Graphs:
    """One picture's nodes as they are, and of its copies with displaced landmarks."""

    plain: Nodes
    copies: tuple[Nodes, ...]


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """A pair as graphs.

    Attributes
    ----------
    person, view
        Of the pair.
    probe, face
        Its pictures.
    mirrored
        Both pictures were mirrored.

    """

    person: str
    view: str
    probe: Graphs
    face: Graphs
    mirrored: bool = False


@dataclass(frozen=True)
class Preparing:
    """How pictures become graphs.

    Attributes
    ----------
    settings
        Of the pictures.
    describers
        See ``nodes.nodes_of``.
    finder
        Of landmarks; None where every picture has a file of them.
    hide_hair
        The inner face alone, and a random crop, see ``hair``.
    seed
        Of crops and copies.
    store
        Folder of what has been described.

    """

    settings: PictureSettings
    describers: tuple[Descriptor, Descriptor]
    finder: PointFinder | None
    hide_hair: bool
    seed: int
    store: Path

    @property
    def scheme(self) -> PointScheme:
        """Of the landmarks."""
        return point_scheme(self.settings.scheme)

    def picture(self, picture: MatchPicture, copies: int = 0, mirrored: bool = False) -> Graphs:
        """Return a picture's graphs, from the store where they are.

        Raises
        ------
        NasionError
            The picture cannot be read, or its landmarks are not found or too few.

        """
        key = self._key(picture, mirrored)
        paths = [self.store / f"{key}-{number}.npz" for number in range(copies + 1)]
        if not all(path.is_file() for path in paths):
            shown = self._shown(picture)
            own = one_side(shown.image, shown.points_px, self.scheme)
            if mirrored:
                own = mirrored_picture(own.image, own.points_px, self.scheme)
            for number, path in enumerate(paths):
                if not path.is_file():
                    points = own.points_px if number == 0 else displaced(own.points_px, self._rng(key, number))
                    write_bytes(path, nodes_of(own.image, points, self.settings, self.describers).to_bytes())
        made = [Nodes.from_bytes(read_bytes(path)) for path in paths]
        return Graphs(made[0], tuple(made[1:]))

    def _shown(self, picture: MatchPicture) -> Framed:
        """Return the picture as it is looked at; landmarks are found before anything is hidden."""
        pixels = read_pixels(picture)
        if not self.hide_hair:
            return Framed(pixels, probe_points(picture, pixels, self.scheme, self.finder))
        rng = self._rng(sha256(picture.path), 0)
        if picture.landmarks is not None:
            own = jittered(pixels, probe_points(picture, pixels, self.scheme, None), rng)
        else:
            own = self._found_in_crop(picture, pixels, rng)
        return Framed(inner_face(own.image, own.points_px, self.scheme), own.points_px)

    def _found_in_crop(self, picture: MatchPicture, pixels: Pixels, rng: np.random.Generator) -> Framed:
        """Return the random crop and the points found in it; average points know no crop and are carried along."""
        nowhere = np.zeros((len(self.scheme), 2))
        if self.finder is None or self.finder.looks:
            own = jittered(pixels, nowhere, rng)
            return Framed(own.image, probe_points(picture, own.image, self.scheme, self.finder))
        return jittered(pixels, probe_points(picture, pixels, self.scheme, self.finder), rng)

    def _key(self, picture: MatchPicture, mirrored: bool) -> str:
        landmarks = None if picture.landmarks is None else sha256(picture.landmarks)
        parts = {
            "format": _FORMAT,
            "picture": sha256(picture.path),
            "landmarks": landmarks or (self.finder.name if self.finder else ""),
            "modality": picture.modality,
            "settings": asdict(self.settings),
            "describers": [own.sha256 for own in self.describers],
            "hide_hair": self.hide_hair,
            "seed": self.seed,
            "mirrored": mirrored,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:40]

    def _rng(self, key: str, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, number, int(key[:15], 16)])


def copies_of_many(pairs: int, copies: int) -> tuple[int, bool]:
    """Return how many displaced copies each picture of a large set gets, and whether mirrored people are added.

    Few people need many; of thousands their own variety serves, and describing copies would take hours.
    """
    for number in range(copies, 0, -1):
        if 4 * pairs * (1 + number) <= _MOST_PICTURES:
            return number, True
    return min(copies, 1), False


def prepare_pairs(
    pairs: Sequence[MatchPair],
    preparing: Preparing,
    copies: int = 0,
    told: Callable[[int, int], None] | None = None,
) -> tuple[list[PreparedPair | None], dict[Path, str]]:
    """Return the pairs as graphs, and the pictures that cannot be used with the reason; a pair with one is None.

    With ``copies`` (at most, see ``copies_of_many``) the mirrored pairs follow the plain ones, in the same order.
    """
    copies, with_mirrored = copies_of_many(len(pairs), copies)
    faults: dict[Path, str] = {}

    def graphs(picture: MatchPicture, mirrored: bool) -> Graphs | None:
        try:
            return preparing.picture(picture, copies, mirrored)
        except NasionError as fault:
            faults[picture.path] = str(fault)
            return None

    made: list[PreparedPair | None] = []
    sides = (False, True) if with_mirrored else (False,)
    for mirrored in sides:
        for pair in pairs:
            probe, face = graphs(pair.probe, mirrored), graphs(pair.face, mirrored)
            there = probe is not None and face is not None
            made.append(
                PreparedPair(pair.face.person, pair.face.view, probe, face, mirrored)  # type: ignore[arg-type]
                if there
                else None
            )
            if told is not None:
                told(len(made), len(sides) * len(pairs))
    return made, faults


def displaced(points_px: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return points as a detector might have found them: moved, turned and scaled together, and each by itself."""
    there = points_px[np.isfinite(points_px).all(axis=1)]
    middle, size = there.mean(axis=0), float(np.ptp(there, axis=0).max())
    angle, scale = np.radians(rng.normal(0, _TURN_DEG)), float(np.exp(rng.normal(0, _SCALE)))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = rng.normal(0, _SHIFT * size, 2)
    own = rng.normal(0, _EACH * size, points_px.shape)
    moved: FloatArray = (points_px - middle) @ turn.T + middle + shift + own
    return moved


def read_pixels(picture: MatchPicture) -> Pixels:
    """Return (h, w, 3) uint8 RGB of a picture, upright; a damaged file raises NasionError."""
    from nasion.readers.photographs import read_photograph

    return read_photograph(picture.path).image
