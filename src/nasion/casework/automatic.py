"""Landmarks that nobody placed: found on the skull's surface or in a photograph, in this run or by an earlier one."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nasion.casework.records import AutomaticLandmarks, InputFile, Skull, SkullFiles
from nasion.errors import NasionError
from nasion.overlay.problem import SkullLandmarks
from nasion.overlay.settings import PosteriorSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nasion.landmarks.image.find import FoundImageLandmarks
    from nasion.readers.landmarks import LandmarkFile

SKULL_SCHEME = "cranial20"
REAL_SKULL_SD_MM = 2.5
"""Added (as a variance) to the SDs of landmarks found on a skull: those hold for virtual people like the ones that the
network learnt from, while on real skulls errors were larger (docs/surface_landmarks.md, "Real heads")."""
PHOTO_SCHEME = "facial20"


def skull_landmarks(file: LandmarkFile) -> SkullLandmarks:
    """Return a skull's landmarks with the SDs that enter the comparison.

    Where a program found them (``found_by``), be it in this run or before, each gets a variance of ``REAL_SKULL_SD_MM``
    squared beside its own or the solver's default. Landmarks that somebody placed keep their own SDs.
    """
    sigma = dict(file.sigma)
    if file.found_by is not None:
        default = PosteriorSettings().skull_sigma_mm
        sigma = {
            name: math.hypot(sigma.get(name, default), REAL_SKULL_SD_MM) for name in (*file.landmarks, *file.helpers)
        }
    return SkullLandmarks(dict(file.landmarks), sigma, dict(file.helpers))


def said_by_file(path: Path, file: LandmarkFile) -> tuple[tuple[AutomaticLandmarks, ...], tuple[str, ...]]:
    """Return the record and the note of a landmark file whose points a program found; nothing of any other."""
    if file.found_by is None:
        return (), ()
    return (AutomaticLandmarks(str(path), file, given=True),), (f"{path}: {in_words(file)}",)


def found_skull(files: SkullFiles, accept_sides: bool = False) -> Skull:
    """Return a skull whose landmarks are found on its mesh, both in head axes.

    Parameters
    ----------
    files
        With a mesh.
    accept_sides
        Go on with a mesh whose triangles face inward, as those of a mirrored one do.

    Raises
    ------
    NasionError
        The mesh cannot be read, oriented or used; see ``landmarks.surface.find.find_landmarks``.

    """
    from nasion.landmarks.surface.find import find_landmarks
    from nasion.landmarks.surface.orientation import SIZE_RANGE_MM
    from nasion.readers.files import sha256
    from nasion.readers.meshes import read_mesh

    if files.mesh is None:
        raise NasionError(f"{files.name}: neither a mesh nor landmarks are given; name one")
    read = read_mesh(files.mesh, "skull", files.units, SIZE_RANGE_MM)
    try:
        found = find_landmarks(read.mesh, SKULL_SCHEME, accept_sides=accept_sides)
    except NasionError as fault:
        raise NasionError(f"{files.mesh}: {fault}; or place the landmarks and give them") from None
    own = found.landmark_file()
    upright = found.orientation.frame.rotation
    placed = skull_landmarks(own)
    landmarks = replace(
        placed,
        landmarks_mm={name: upright @ point for name, point in placed.landmarks_mm.items()},
        helpers_mm={name: upright @ point for name, point in placed.helpers_mm.items()},
    )
    mesh = found.orientation.mesh
    notes = (*read.warnings, *found.warnings, in_words(own))
    return Skull(
        files.name,
        landmarks,
        mesh.moved(mesh.vertices @ upright.T),
        files,
        (InputFile(str(files.mesh), sha256(files.mesh)),),
        tuple(f"{files.mesh}: {note}" for note in notes),
        found,
        (AutomaticLandmarks(str(files.mesh), own),),
    )


def found_photo_landmarks(path: Path, image: NDArray[np.uint8]) -> tuple[FoundImageLandmarks, list[str]]:
    """Return the facial landmarks found in a photograph, and notes.

    Parameters
    ----------
    path
        Of the photograph, for messages.
    image
        (h, w, 3) uint8, the upright picture.

    Raises
    ------
    NasionError
        No face is found, or it cannot be used; see ``landmarks.image.find.find_image_landmarks``.

    """
    from nasion.landmarks.image.find import find_image_landmarks

    try:
        found = find_image_landmarks(image, PHOTO_SCHEME)
    except NasionError as fault:
        raise NasionError(f"{path}: {fault}") from None
    return found, [f"{path}: {note}" for note in (*found.warnings, in_words(found.landmark_file()))]


def in_words(found: LandmarkFile) -> str:
    """Return how many landmarks were found automatically, by what, how surely, and which are missing."""
    count = len(found.landmarks) + len(found.helpers)
    spread = f", median SD {statistics.median(found.sigma.values()):.1f} {found.units}" if found.sigma else ""
    wider = f"; {REAL_SKULL_SD_MM} mm are added (as a variance) for real skulls" if found.units == "mm" else ""
    missing = f"; missing: {', '.join(name.replace('_', ' ') for name in found.missing)}" if found.missing else ""
    return f"{count} landmarks were found automatically ({found.found_by}){spread}{wider}{missing}"
