"""Landmarks that nobody placed: found on the skull's surface, with what a reader of the report must know."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from nasion.casework.records import InputFile, Skull, SkullFiles
from nasion.errors import NasionError
from nasion.overlay.problem import SkullLandmarks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nasion.readers.landmarks import LandmarkFile

SKULL_SCHEME = "cranial20"
REAL_SKULL_SD_MM = 2.5
"""Added (as a variance) to the SDs of landmarks found on a skull: those hold for virtual people like the ones that the
network learnt from, while on real skulls errors were larger (docs/surface_landmarks.md, "Real heads")."""
PHOTO_SCHEME = "facial20"


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
    landmarks = SkullLandmarks(
        {name: upright @ point for name, point in own.landmarks.items()},
        {name: math.hypot(sigma, REAL_SKULL_SD_MM) for name, sigma in own.sigma.items()},
        {name: upright @ point for name, point in own.helpers.items()},
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
    )


def found_photo_landmarks(path: Path, image: NDArray[np.uint8]) -> tuple[LandmarkFile, list[str]]:
    """Return the facial landmarks found in a photograph, with their SDs in pixels, and notes.

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
    own = found.landmark_file()
    return own, [f"{path}: {note}" for note in (*found.warnings, in_words(own))]


def in_words(found: LandmarkFile) -> str:
    """Return how many landmarks were found automatically, how surely, and which are missing, in one sentence."""
    unit = "px" if found.units == "px" else "mm"
    count = len(found.landmarks) + len(found.helpers)
    middle = statistics.median(found.sigma.values())
    missing = f"; missing: {', '.join(name.replace('_', ' ') for name in found.missing)}" if found.missing else ""
    return f"{count} landmarks were found automatically, median SD {middle:.1f} {unit}{missing}"
