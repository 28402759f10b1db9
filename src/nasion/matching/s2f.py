"""S2F of Cranio-ID: keypoints in YOLO's form, as Roboflow exports them (``data.yaml``, images and labels).

A line of ``labels/NAME.txt`` is class, box (centre x, y, width, height) and x, y[, visibility] of 18 points (frontal)
or 13 (lateral), all in shares of the picture. The paper tells neither how files are named nor the classes, so this is
our convention: the class named ``face`` holds faces, any other skulls; a picture's person is its name up to ``.rf.``
(Roboflow's copies) without the words skull, face, xray, front, frontal, side, lateral and what joins them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.matching.samples import MatchPair, MatchPicture
from nasion.readers.files import read_text

CONFIG: Final = "data.yaml"
LABELS: Final = "labels"
_PARTS: Final = {"train": "train", "val": "val", "test": "test"}
_PICTURES: Final = (".jpg", ".jpeg", ".png", ".bmp")
_COUNTS: Final = {18: "frontal", 13: "lateral"}
_WORDS: Final = re.compile(r"(skull|face|xray|x-ray|frontal|front|side|lateral)", re.IGNORECASE)


@dataclass(frozen=True)
class _Labelled:
    picture: MatchPicture
    part: str


def read_s2f(folder: Path) -> list[MatchPair]:
    """Return the pairs of skull and face, by person and view, with the set's own parts.

    Copies that Roboflow made of one picture are left out but for the first. A set that was split by picture has people
    in several parts: their pairs keep the part of the skull, and training leaves such people out of the tests.

    Raises
    ------
    NasionError
        The set is damaged, or no skull has a face.

    """
    config = _config(folder / CONFIG)
    names = config.get("names", {})
    classes = dict(names) if isinstance(names, dict) else dict(enumerate(names))
    probes: dict[tuple[str, str], _Labelled] = {}
    faces: dict[tuple[str, str], _Labelled] = {}
    for key, part in _PARTS.items():
        if config.get(key):
            for found in _part(folder, config, str(config[key]), part, classes):
                side = faces if found.picture.modality == "face" else probes
                side.setdefault((found.picture.person, found.picture.view), found)
    pairs = [MatchPair(own.picture, faces[key].picture, own.part) for key, own in probes.items() if key in faces]
    if not pairs:
        raise NasionError(f"{folder}: no skull has a face of the same person and view; see the names of its files")
    return pairs


def s2f_points(labels: Path, size_px: tuple[int, int]) -> NDArray[np.float64]:
    """Return (31, 2) points of a label file in pixels of a picture (width, height): see ``cranio31``.

    Raises
    ------
    NasionError
        The file holds no object of 18 or 13 points.

    """
    _, count, rows = _object(labels)
    points = np.full((31, 2), np.nan)
    # shares count from the picture's corner, our pixels from the middle of the first one
    own = rows[:, :2] * size_px - 0.5
    if rows.shape[1] == 3:
        own[rows[:, 2] == 0] = np.nan
    first = 0 if count == 18 else 18
    points[first : first + count] = own
    return points


def _part(folder: Path, config: dict[str, Any], named: str, part: str, classes: dict[Any, Any]) -> Iterator[_Labelled]:
    base = folder / str(config.get("path", ""))
    places = [place for place in (base / named, folder / named, folder / named.removeprefix("../")) if place.is_dir()]
    if not places:
        raise NasionError(f"{folder / CONFIG}: there is no folder {named}; unpack the set completely")
    for path in sorted(own for own in places[0].iterdir() if own.suffix.lower() in _PICTURES):
        labels = path.parent.parent / LABELS / f"{path.stem}.txt"
        if not labels.is_file() or not labels.read_text(encoding="utf-8").strip():
            continue
        number, count, _ = _object(labels)
        modality = "face" if "face" in str(classes.get(number, number)).lower() else "xray"
        stem = path.stem.partition(".rf.")[0]
        person = re.sub(r"[\W_]+", "-", _WORDS.sub("-", stem)).strip("-")
        if not person:
            raise NasionError(f"{path}: its name tells no person; rename the pictures, e.g. 012_skull_front.png")
        yield _Labelled(MatchPicture(path, person, _COUNTS[count], modality, labels), part)


def _object(labels: Path) -> tuple[int, int, NDArray[np.float64]]:
    """Return class, number of points and (points, 2 or 3) of a file's first line."""
    line = read_text(labels).splitlines()[0]
    try:
        values = np.array([float(value) for value in line.split()])
        number = int(values[0])
    except (ValueError, IndexError):
        raise NasionError(f"{labels}: is not of YOLO's form; export the set again") from None
    for columns in (3, 2):
        count, rest = divmod(len(values) - 5, columns)
        if rest == 0 and count in _COUNTS:
            return number, count, values[5:].reshape(count, columns)
    raise NasionError(f"{labels}: holds {len(values) - 5} numbers after the box; 18 or 13 points are needed")


def _config(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError:
        raise NasionError("reading data.yaml needs PyYAML; install nasion[train]") from None
    try:
        values = yaml.safe_load(read_text(path))
    except yaml.YAMLError:
        values = None
    if not isinstance(values, dict):
        raise NasionError(f"{path}: is no YAML table; export the set again")
    return values
