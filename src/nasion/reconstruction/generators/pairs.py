"""Pairs of source and face in the generators' frame, from the sets of ``nasion.matching.datasets``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nasion.errors import NasionError
from nasion.matching.card import picture_mark
from nasion.matching.datasets import FRONTAL, read_cuhk, read_population
from nasion.matching.frames import Pixels
from nasion.matching.point_schemes import PointScheme, point_scheme
from nasion.matching.points import PointFinder, aligned_set_points, probe_points
from nasion.matching.prepared import read_pixels
from nasion.matching.s2f import read_s2f
from nasion.matching.samples import MatchPair, MatchPicture
from nasion.matching.training_plan import SCHEME_OF
from nasion.reconstruction.generators.frames import square_frame

DATASETS: Final = tuple(SCHEME_OF)
SOURCES: Final = ("xray", "xray_bone", "sketch")
"""Of the population: radiographs, the same without soft tissue, drawings."""


@dataclass(frozen=True, eq=False)
class FacePair:
    """A source and the face of the same person, one over the other.

    Attributes
    ----------
    person, view
        Whose, and from where.
    split
        The set's own part; empty where it has none.
    source, target
        (s, s, 3) uint8 RGB.
    files, marks
        Of source and face: paths, and ``matching.card.picture_mark`` of each, by which the same pictures are known.

    """

    person: str
    view: str
    split: str
    source: Pixels
    target: Pixels
    files: tuple[Path, Path]
    marks: tuple[str, str]


@dataclass(frozen=True, eq=False)
class PairSet:
    """The pairs that can be used, and by file the reasons why others cannot."""

    pairs: tuple[FacePair, ...]
    faults: dict[Path, str]


def read_pairs(dataset: str, folder: Path, source: str = "xray") -> list[MatchPair]:
    """Return a set's pairs as files.

    Parameters
    ----------
    dataset
        ``"cuhk"``, ``"population"`` or ``"s2f"``.
    folder
        Of the set.
    source
        Of the population: one of ``SOURCES``.

    Raises
    ------
    NasionError
        The set is unknown or damaged.

    """
    if source not in SOURCES:
        raise NasionError(f"there is no source {source!r}; use one of {', '.join(SOURCES)}")
    if dataset == "population":
        return read_population(folder, source)
    if dataset not in DATASETS:
        raise NasionError(f"there is no dataset {dataset!r}; use one of {', '.join(DATASETS)}")
    return read_cuhk(folder) if dataset == "cuhk" else read_s2f(folder)


def load(
    dataset: str,
    folder: Path,
    side_px: int,
    *,
    source: str = "xray",
    finder: PointFinder | None = None,
    told: Callable[[int, int], None] | None = None,
) -> PairSet:
    """Return a set's pairs in the frame; see ``read_pairs`` and ``framed_pairs``."""
    return framed_pairs(read_pairs(dataset, folder, source), point_scheme(SCHEME_OF[dataset]), side_px, finder, told)


def framed_pairs(
    pairs: Sequence[MatchPair],
    scheme: PointScheme,
    side_px: int,
    finder: PointFinder | None = None,
    told: Callable[[int, int], None] | None = None,
) -> PairSet:
    """Return pairs in the frame, each picture by its own landmarks.

    Parameters
    ----------
    pairs
        Of the set.
    scheme
        Of its landmarks.
    side_px
        Of the pictures.
    finder
        Of landmarks where no file holds them. None: pictures of 200 x 250 px are taken to be aligned by their eyes as
        CUHK's are (pairs then lie over one another to the pixel), others cannot be used.
    told
        Told (pairs read, all).

    """
    if finder is None and scheme.name == "ibug68":
        finder = aligned_set_points(scheme)
    faults: dict[Path, str] = {}
    made = []
    for number, pair in enumerate(pairs, start=1):
        shown = []
        for picture in (pair.probe, pair.face):
            try:
                shown.append(framed_picture(picture, scheme, side_px, finder))
            except NasionError as fault:
                faults[picture.path] = str(fault)
        if len(shown) == 2:
            files = (pair.probe.path, pair.face.path)
            marks = (picture_mark(files[0]), picture_mark(files[1]))
            made.append(FacePair(pair.face.person, pair.face.view, pair.split, shown[0], shown[1], files, marks))
        if told is not None:
            told(number, len(pairs))
    return PairSet(tuple(made), faults)


def framed_picture(picture: MatchPicture, scheme: PointScheme, side_px: int, finder: PointFinder | None) -> Pixels:
    """Return one picture in the frame; one without usable landmarks raises NasionError."""
    pixels = read_pixels(picture)
    points = probe_points(picture, pixels, scheme, finder)
    try:
        return square_frame(pixels, points, scheme, side_px)
    except NasionError as fault:
        raise NasionError(f"{picture.path}: {fault}") from None


def view_number(view: str) -> float:
    """Return a view as the generators are told it: -1 frontal, 1 any other."""
    return -1.0 if view == FRONTAL else 1.0
