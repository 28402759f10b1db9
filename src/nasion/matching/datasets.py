"""Published and own sets of pairs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from nasion.errors import NasionError
from nasion.matching.samples import MatchPair, MatchPicture
from nasion.readers.files import read_text

PAIRS_FILE: Final = "pairs.csv"
LANDMARKS_ENDING: Final = ".landmarks.json"
FRONTAL: Final = "frontal"
_CUHK_COLUMNS: Final = ("split", "subject", "photo", "sketch")
_POPULATION_COLUMNS: Final = ("split", "subject", "view", "photo", "xray")


def read_cuhk(folder: Path) -> list[MatchPair]:
    """Return the sketch-photo pairs of a folder laid out like CUHK's: ``pairs.csv`` (split, subject, photo, sketch).

    Landmark files beside the pictures (``NAME.landmarks.json``) are used where they are.

    Raises
    ------
    NasionError
        The table or a picture is missing, or a person stands there twice.

    """
    rows = _table(folder, _CUHK_COLUMNS)
    pairs = []
    for row in rows:
        probe = _picture(folder, row["sketch"], row["subject"], FRONTAL, "sketch")
        face = _picture(folder, row["photo"], row["subject"], FRONTAL, "face")
        pairs.append(MatchPair(probe, face, row["split"]))
    return _checked(pairs, folder)


def read_population(folder: Path, probe: str = "xray", photo: str = "photo") -> list[MatchPair]:
    """Return the pairs of virtual people: ``pairs.csv`` with split, subject, view, photo, xray and others.

    Parameters
    ----------
    folder
        With pictures and a ``NAME.landmarks.json`` beside each.
    probe
        Column of the probes: ``"xray"``, ``"xray_bone"`` (soft tissue taken out) or ``"sketch"``.
    photo
        Column of the faces: ``"photo"`` or ``"photo_hair"``.

    Raises
    ------
    NasionError
        The table, a column or a picture is missing, or a person has two pairs of one view.

    """
    rows = _table(folder, (*_POPULATION_COLUMNS, probe, photo))
    modality = "sketch" if probe == "sketch" else "xray"
    pairs = []
    for row in rows:
        pairs.append(
            MatchPair(
                _picture(folder, row[probe], row["subject"], row["view"], modality),
                _picture(folder, row[photo], row["subject"], row["view"], "face"),
                row["split"],
            )
        )
    return _checked(pairs, folder)


def _table(folder: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    path = folder / PAIRS_FILE
    reader = csv.DictReader(read_text(path).splitlines())
    absent = [name for name in columns if name not in (reader.fieldnames or ())]
    if absent:
        raise NasionError(f"{path}: has no column {', '.join(absent)}; its first line must name the columns")
    rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if any(not row[name] for name in columns if name != "split"):
            raise NasionError(f"{path}, line {number}: a field is empty; every pair needs {', '.join(columns)}")
    if not rows:
        raise NasionError(f"{path}: holds no pairs; give a line a pair")
    return rows


def _picture(folder: Path, name: str, person: str, view: str, modality: str) -> MatchPicture:
    path = folder / name
    if not path.is_file():
        raise NasionError(f"{path}: no such picture; {folder / PAIRS_FILE} names it")
    landmarks = path.with_name(path.stem + LANDMARKS_ENDING)
    return MatchPicture(path, person, view, modality, landmarks if landmarks.is_file() else None)


def _checked(pairs: list[MatchPair], folder: Path) -> list[MatchPair]:
    """Return the pairs; two of one person and view raise NasionError: one gallery picture a person and view."""
    seen: set[tuple[str, str]] = set()
    for pair in pairs:
        key = (pair.face.person, pair.face.view)
        if key in seen:
            raise NasionError(f"{folder / PAIRS_FILE}: {key[0]} has two pairs of the view {key[1]}; keep one")
        seen.add(key)
    return pairs
