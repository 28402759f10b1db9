"""What the report shows of landmarks that the program found: the skull from three sides and every photograph."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nasion.report.pictures import encoded

if TYPE_CHECKING:
    from nasion.casework.records import Case
    from nasion.landmarks.image.find import FoundImageLandmarks
    from nasion.landmarks.image.picture import LegendRow

MOST_PHOTOS: Final = 60
"""Photographs that are drawn, of the best candidates first: each adds some 0.1 MB to the report."""
_PEN: Final = 2.0
"""The page shows pictures at about half their size."""


@dataclass(frozen=True)
class FoundPhoto:
    """A photograph with the landmarks that were found in it.

    Attributes
    ----------
    title, path
        Whose, and which file.
    picture
        JPEG: points with circles that hold the landmark with 90 %.
    rows
        Every landmark in words.
    notes
        What was told of the picture, one line each.

    """

    title: str
    path: str
    picture: bytes
    rows: tuple[LegendRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class FoundShown:
    """What was found in this run, as the report shows it.

    Attributes
    ----------
    skull_views
        PNG of the one skull with its landmarks; None where they were given.
    photos
        See there.
    further
        How many more photographs have landmark files but no picture.

    """

    skull_views: bytes | None = None
    photos: tuple[FoundPhoto, ...] = ()
    further: int = 0


def write_found(case: Case, folder: Path) -> FoundShown:
    """Write landmark files and pictures of what was found in this run, and return what the report shows of it.

    Parameters
    ----------
    case
        What was found.
    folder
        Is made where there is anything to write.

    """
    from nasion.readers.files import write_bytes
    from nasion.readers.landmarks import write_landmarks

    new = [found for found in case.automatic if not found.given]
    if not new:
        return FoundShown()
    folder.mkdir(exist_ok=True)
    stems = {found.path: f"{k + 1:02d}_{_owner(found.path)}_{plain_name(found.path)}" for k, found in enumerate(new)}
    for found in new:
        write_landmarks(folder / f"{stems[found.path]}.landmarks.json", found.file)
    views = _skull_views(case)
    if views is not None:
        write_bytes(folder / "01_views.png", views)
    photographs = _found_photographs(case)
    photos = [_drawn(path, *own) for path, own in list(photographs.items())[:MOST_PHOTOS]]
    for photo in photos:
        write_bytes(folder / f"{stems[photo.path]}.jpg", photo.picture)
    return FoundShown(views, tuple(photos), len(photographs) - len(photos))


def plain_name(text: str) -> str:
    """Return a name that is safe in any file system."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", Path(text).stem).strip("-")[:60] or "unnamed"


def _owner(path: str) -> str:
    """Return the name of the folder that tells whose file it is."""
    folder = Path(path).parent
    return plain_name((folder.parent if folder.name == "photos" else folder).name)


def _skull_views(case: Case) -> bytes | None:
    if case.skull is None or case.skull.found is None:
        return None
    from nasion.landmarks.surface.picture import views_png

    return views_png(case.skull.found)


def _found_photographs(case: Case) -> dict[str, tuple[str, FoundImageLandmarks]]:
    """Return file to title and landmarks, best candidates first; several skulls share one person's photographs."""
    photographs = {}
    for candidate in case.candidates:
        for photograph in candidate.photographs:
            if photograph.found is not None and photograph.files is not None:
                name = photograph.photo.name
                title = name if case.skull is None or name == candidate.id else f"{candidate.id}, {name}"
                photographs[str(photograph.files.image)] = (title, photograph.found)
    return photographs


def _drawn(path: str, title: str, found: FoundImageLandmarks) -> FoundPhoto:
    from nasion.landmarks.image.picture import legend, points_picture
    from nasion.readers.photographs import read_photograph

    picture = encoded(points_picture(read_photograph(path).image, found, _PEN), "JPEG")
    return FoundPhoto(title, path, picture, legend(found), found.warnings)
