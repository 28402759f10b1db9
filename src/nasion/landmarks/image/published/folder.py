"""Which published set a folder holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nasion.errors import NasionError
from nasion.landmarks.image.published.csv_sets import (
    FACES_TABLE,
    FILMS_TABLE,
    PAIRS_TABLE,
    read_cephalograms,
    read_faces68,
)
from nasion.landmarks.image.published.london import LONDON_TABLE, read_london
from nasion.landmarks.image.published.plain import ENDING, read_plain
from nasion.landmarks.image.published.tables import PublishedSet
from nasion.landmarks.image.published.text_sets import WFLW_LISTS, read_300w, read_wflw
from nasion.landmarks.image.published.yolo_set import CONFIG, read_yolo
from nasion.landmarks.image.schemes import ImageScheme


def read_published(folder: Path, scheme: ImageScheme) -> PublishedSet:
    """Read a set, its format told by its files.

    Parameters
    ----------
    folder
        Of the set, as published.
    scheme
        What its points are.

    Raises
    ------
    NasionError
        The folder is missing, of no known format, damaged, or its points are not those of the scheme.

    """
    if not folder.is_dir():
        raise NasionError(f"{folder}: no such folder; give the folder of the images with landmarks")
    made = _reader(folder)(folder, scheme)
    for sample in made.samples:
        if len(sample.points_px) != len(scheme):
            raise NasionError(
                f"{folder}: its images have {len(sample.points_px)} landmarks, but {scheme.name} has {len(scheme)}"
            )
    return made


def _reader(folder: Path) -> Callable[[Path, ImageScheme], PublishedSet]:
    if (folder / FACES_TABLE).is_file():
        return lambda path, scheme: read_faces68(path)
    if (folder / LONDON_TABLE).is_file():
        return lambda path, scheme: read_london(path)
    if (folder / FILMS_TABLE).is_file() and (folder / PAIRS_TABLE).is_file():
        return lambda path, scheme: read_cephalograms(path)
    if (folder / CONFIG).is_file():
        return read_yolo
    if any(folder.rglob(WFLW_LISTS)):
        return lambda path, scheme: read_wflw(path)
    if any(folder.rglob("*.pts")):
        return lambda path, scheme: read_300w(path)
    if any(folder.rglob(f"*{ENDING}")):
        return read_plain
    raise NasionError(
        f"{folder}: is in no known format (see docs/image_landmarks.md); for own images use NAME.jpg and "
        "NAME.landmarks.json"
    )
