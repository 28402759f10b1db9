"""Films to learn the profile from and films to be judged on, without a patient in common.

Folders are laid out like the ISBI 2015 cephalograms: ``landmarks.csv`` (image, split, l1_x, l1_y ... l19_x, l19_y),
the images that it names, and, where it is known that films repeat, ``same_patient_pairs.csv`` (image_a, image_b).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.published.csv_sets import FILMS_TABLE, ISBI_MM_PER_PX, PAIRS_TABLE
from nasion.landmarks.image.published.tables import TRAINING, existing, points_of, read_table
from nasion.readers.files import sha256

ORIGINAL_PX: Final = (1935, 2400)
ORIGINAL_MM_PER_PX: Final = 0.1
SAME_FILM: Final = "same film"
_COLUMNS: Final = [(f"l{k}_x", f"l{k}_y") for k in range(1, 20)]


@dataclass(frozen=True, eq=False)
class Film:
    """A film with the challenge's points.

    Attributes
    ----------
    image
        The file.
    name
        As the table names it.
    split
        The table's part; empty where it has none.
    points_px
        (19, 2).
    patient
        Films of one patient share it.

    """

    image: Path
    name: str
    split: str
    points_px: FloatArray
    patient: str


@dataclass(frozen=True, eq=False)
class FilmSplit:
    """Films to learn from and to be judged on.

    Attributes
    ----------
    train, test
        Without a patient in common.
    left_out
        Films to judge on whose patients are learnt from.
    repeated
        Pairs of films, also left out ones, that the pairs table calls the same film, marked twice.
    pairs_known
        There is a pairs table.

    """

    train: tuple[Film, ...]
    test: tuple[Film, ...]
    left_out: tuple[Film, ...]
    repeated: tuple[tuple[Film, Film], ...]
    pairs_known: bool


def mm_per_px(image_size_px: tuple[int, int]) -> tuple[float, bool]:
    """Return a film's nominal scale by its size, and whether the size is the challenge's own, enlarged or reduced.

    The challenge states 0.1 mm a pixel at 1935 x 2400; any other shape of picture is taken as the stored 774 x 960,
    0.25 mm a pixel.
    """
    width, height = image_size_px
    if abs(width * ORIGINAL_PX[1] / (height * ORIGINAL_PX[0]) - 1) < 0.01:
        return ORIGINAL_MM_PER_PX * ORIGINAL_PX[0] / width, True
    return ISBI_MM_PER_PX, False


def read_films(train: Path, test: Path) -> FilmSplit:
    """Read two folders, which may be one: then its split ``train`` is learnt from and all others are judged on.

    Of two folders, a train folder with several splits gives its split ``train``, and a test folder with several splits
    all but that; a folder of one split is taken whole. Test films of patients who are learnt from are left out: those
    that a pairs table names, and those whose file is the same, byte for byte.

    Raises
    ------
    NasionError
        A folder or table is missing or damaged, a point is not marked, or no films are left to judge on.

    """
    one, other = _read(train), _read(test)
    together = train.resolve() == test.resolve()
    learnt = [film for film in one if film.split == TRAINING or (not together and len(_splits(one)) == 1)]
    judged = [film for film in other if film.split != TRAINING or (not together and len(_splits(other)) == 1)]
    if not learnt:
        raise NasionError(f"{train / FILMS_TABLE}: has no films of split {TRAINING!r} to learn from")
    if not judged:
        raise NasionError(f"{test / FILMS_TABLE}: has no films to judge on beside its split {TRAINING!r}")
    pairs, known = _pairs(train, test)
    films = _with_patients([*learnt, *judged], len(learnt), pairs)
    learnt, judged = films[: len(learnt)], films[len(learnt) :]
    seen = {film.patient for film in learnt}
    kept = tuple(film for film in judged if film.patient not in seen)
    if not kept:
        raise NasionError(f"{test}: all its films show patients of {train}; give films of other people")
    left_out = tuple(film for film in judged if film.patient in seen)
    return FilmSplit(tuple(learnt), kept, left_out, _repeated(films, pairs), known)


def without_repeats(split: FilmSplit, same: Sequence[tuple[Film, Film]]) -> FilmSplit:
    """Return the split with further pairs of films known to show one patient.

    Raises
    ------
    NasionError
        No films are left to judge on.

    """
    groups = _Groups()
    for one, other in same:
        groups.join(one.patient, other.patient)
    train, test, left_out = (
        tuple(replace(film, patient=groups.first(film.patient)) for film in films)
        for films in (split.train, split.test, split.left_out)
    )
    seen = {film.patient for film in train}
    kept = tuple(film for film in test if film.patient not in seen)
    if not kept:
        raise NasionError("all test films show patients of the training films; give films of other people")
    gone = tuple(film for film in test if film.patient in seen)
    return replace(split, train=train, test=kept, left_out=(*left_out, *gone))


def _repeated(films: Sequence[Film], pairs: Sequence[dict[str, str]]) -> tuple[tuple[Film, Film], ...]:
    """Return the pairs of the same film, where each side means one film."""
    found = []
    for row in pairs:
        sides = [_meant(row, side, films) for side in ("a", "b")]
        if row.get("kind") == SAME_FILM and all(len(side) == 1 for side in sides):
            found.append((films[sides[0][0]], films[sides[1][0]]))
    return tuple(found)


def _splits(films: Sequence[Film]) -> set[str]:
    return {film.split for film in films}


def _read(folder: Path) -> list[Film]:
    if not folder.is_dir():
        raise NasionError(f"{folder}: no such folder; give the folder of the cephalograms")
    path = folder / FILMS_TABLE
    if not path.is_file():
        raise NasionError(f"{folder}: holds no {FILMS_TABLE}; give a folder laid out like the ISBI 2015 cephalograms")
    rows = read_table(path, ["image", *(name for pair in _COLUMNS for name in pair)])
    films = []
    for number, row in enumerate(rows, start=2):
        points = points_of(path, number, row, _COLUMNS)
        if not np.isfinite(points).all():
            raise NasionError(f"{path}, line {number}: a landmark is not marked; all 19 are needed")
        image = existing(folder / row["image"], path)
        films.append(Film(image, row["image"], row.get("split", ""), points, ""))
    return films


def _pairs(*folders: Path) -> tuple[list[dict[str, str]], bool]:
    """Return the rows of all pairs tables and whether there is one."""
    rows, known = [], False
    for path in dict.fromkeys((folder / PAIRS_TABLE).resolve() for folder in folders):
        if path.is_file():
            rows += read_table(path, ["image_a", "image_b"])
            known = True
    return rows, known


def _with_patients(films: Sequence[Film], learnt: int, pairs: Iterable[dict[str, str]]) -> list[Film]:
    """Return the films with patients; the first ``learnt`` films are of the train folder.

    Pairs may name films that are in neither folder: through them others still belong together.
    """
    groups = _Groups()
    sides = ["train"] * learnt + ["test"] * (len(films) - learnt)
    own = [f"{side}/{film.name}" for side, film in zip(sides, films, strict=True)]
    for film, key in zip(films, own, strict=True):
        groups.join(key, f"~ file {sha256(film.image)}")
    for row in pairs:
        keys = [key for side in ("a", "b") for key in _keys(row, side, films, own)]
        for key in keys:
            groups.join(keys[0], key)
    return [replace(film, patient=groups.first(key)) for film, key in zip(films, own, strict=True)]


class _Groups:
    """Names that belong together, by the first of them."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def first(self, name: str) -> str:
        """Return the name of the group."""
        while (parent := self._parent.setdefault(name, name)) != name:
            name = parent
        return name

    def join(self, one: str, other: str) -> None:
        """Put two names into one group."""
        low, high = sorted((self.first(one), self.first(other)))
        self._parent[high] = low


def _keys(row: dict[str, str], side: str, films: Sequence[Film], own: Sequence[str]) -> list[str]:
    """Return the films that a side of a pair means, or a name of its own where they are in neither folder."""
    return [own[k] for k in _meant(row, side, films)] or [f"~ elsewhere {row[f'image_{side}']}"]


def _meant(row: dict[str, str], side: str, films: Sequence[Film]) -> list[int]:
    """Return the places of the films of a side's name; of several, those of its split."""
    named = [k for k, film in enumerate(films) if film.name == row[f"image_{side}"]]
    return [k for k in named if films[k].split == row.get(f"split_{side}", "")] or named
