"""Galleries and skull collections: which files in a folder belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from nasion.casework.records import PhotoFiles, Problem, SkullFiles
from nasion.errors import NasionError
from nasion.readers.photographs import ENDINGS

UNREADABLE_ENDINGS: Final = (".heic", ".heif")
"""Photographs, too, but of formats that are not read: they are named among the problems, not passed over."""
MESH_ENDINGS: Final = (".ply", ".stl", ".obj", ".vtp")
LANDMARK_ENDING: Final = ".landmarks.json"
MASK_ENDINGS: Final = (".mask.png", ".face.json")
CONTOURS_ENDING: Final = ".contours.json"


def gallery_people(gallery: Path) -> dict[str, tuple[tuple[PhotoFiles, ...], tuple[Problem, ...]]]:
    """Return person id to (photographs with their files, problems), by the person's folder name.

    A person is a sub-folder with ``NAME.jpg`` (or another of ``photographs.ENDINGS``), optionally
    ``NAME.landmarks.json`` (without it the landmarks are found), a face mask, ``NAME.mask.png`` or ``NAME.face.json``,
    and ``NAME.contours.json``; the photographs may also lie in its sub-folder ``photos``, as ``nasion population``
    writes them.

    Raises
    ------
    NasionError
        The gallery is no folder or has no sub-folder.

    """
    people = {}
    for folder in _sub_folders(gallery, "gallery", "photographs of a person"):
        photos, problems = _photos_of(folder)
        if not photos and not problems:
            reason = f"{folder}: no photograph ({', '.join(ENDINGS)}); add one"
            problems = [Problem(folder.name, None, reason)]
        people[folder.name] = (tuple(photos), tuple(problems))
    return people


def skull_collection(skulls: Path, units: str | None = None) -> dict[str, SkullFiles | Problem]:
    """Return skull id to its files, or what is wrong with them, by folder name.

    A skull is a sub-folder with ``skull.ply`` (or .stl, .obj, .vtp), ``cranial.landmarks.json`` or both; without the
    latter its landmarks are found.
    """
    found: dict[str, SkullFiles | Problem] = {}
    for folder in _sub_folders(skulls, "skulls folder", "skull"):
        landmarks = folder / f"cranial{LANDMARK_ENDING}"
        meshes = [folder / f"skull{ending}" for ending in MESH_ENDINGS if (folder / f"skull{ending}").is_file()]
        given = landmarks if landmarks.is_file() else None
        if given is None and not meshes:
            reason = f"{folder}: neither skull.ply nor cranial{LANDMARK_ENDING} is there; add one"
            found[folder.name] = Problem(folder.name, None, reason)
        else:
            found[folder.name] = SkullFiles(folder.name, given, meshes[0] if meshes else None, units)
    return found


def _sub_folders(parent: Path, what: str, content: str) -> Sequence[Path]:
    if not parent.is_dir():
        raise NasionError(f"{parent}: no such folder; give a {what} with one sub-folder for each {content}")
    folders = sorted(entry for entry in parent.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not folders:
        raise NasionError(f"{parent}: the {what} is empty; it needs one sub-folder for each {content}")
    return folders


def _photos_of(folder: Path) -> tuple[list[PhotoFiles], list[Problem]]:
    photos: list[PhotoFiles] = []
    problems: list[Problem] = []
    for image in _images(folder):
        landmarks = image.with_name(image.stem + LANDMARK_ENDING)
        masks = [path for ending in MASK_ENDINGS if (path := image.with_name(image.stem + ending)).is_file()]
        contours = image.with_name(image.stem + CONTOURS_ENDING)
        if len(masks) > 1:
            both = f"{image}: {masks[0].name} and {masks[1].name} are both there; keep one face mask"
            problems.append(Problem(folder.name, image.name, both))
        else:
            drawn = contours if contours.is_file() else None
            given = landmarks if landmarks.is_file() else None
            photos.append(PhotoFiles(image.name, image, given, masks[0] if masks else None, contours=drawn))
    return photos, problems


def _images(folder: Path) -> Iterator[Path]:
    for place in (folder, folder / "photos"):
        if place.is_dir():
            for path in sorted(place.iterdir()):
                hidden = path.name.startswith(".")
                is_photo = path.suffix.lower() in (*ENDINGS, *UNREADABLE_ENDINGS)
                if is_photo and not path.name.endswith(MASK_ENDINGS) and not hidden:
                    yield path
