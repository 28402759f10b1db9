"""Read and check the parts of a case: a skull and photographs with their landmarks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from nasion.casework.records import InputFile, PhotoFiles, Photograph, Skull, SkullFiles
from nasion.casework.settings import with_exif
from nasion.errors import NasionError
from nasion.overlay.problem import CameraPrior, Photo, SkullLandmarks

if TYPE_CHECKING:
    from nasion.anatomy.tissue import TissueTable
    from nasion.geometry.surface import Mesh

FARTHEST_FROM_MESH_MM: Final = 5.0
"""A cranial landmark farther than this from the skull's surface is refused."""


def input_file(path: Path) -> InputFile:
    """Return a file's path and SHA-256."""
    from nasion.readers.files import sha256

    return InputFile(str(path), sha256(path))


def load_skull(files: SkullFiles, accept_sides: bool = False) -> Skull:
    """Read a skull's landmarks and, where given, its mesh.

    Parameters
    ----------
    files
        Where they are.
    accept_sides
        Go on where left and right landmarks look exchanged.

    Raises
    ------
    NasionError
        A file cannot be read, left and right are exchanged, or a landmark lies farther than 5 mm from the mesh.

    """
    from nasion.overlay.checks import check_skull_helpers, check_skull_sides
    from nasion.readers.landmarks import read_landmarks

    found = read_landmarks(files.landmarks, "cranial", 3, files.units)
    landmarks = SkullLandmarks(dict(found.landmarks), dict(found.sigma), dict(found.helpers))
    if not accept_sides:
        check_skull_sides(landmarks, str(files.landmarks))
        check_skull_helpers(landmarks, str(files.landmarks))
    mesh, notes = (None, ()) if files.mesh is None else load_mesh(files)
    if mesh is not None:
        check_on_mesh(files, found.landmarks, mesh)
    paths = [files.landmarks] if files.mesh is None else [files.mesh, files.landmarks]
    return Skull(
        files.name,
        landmarks,
        mesh,
        files,
        tuple(input_file(path) for path in paths),
        tuple(f"{path}: {note}" for path, note in [(files.mesh, n) for n in notes])
        + tuple(f"{files.landmarks}: {note}" for note in found.warnings),
    )


def load_mesh(files: SkullFiles) -> tuple[Mesh, tuple[str, ...]]:
    """Return a skull's mesh and what should be known about it."""
    from nasion.readers.meshes import read_mesh

    if files.mesh is None:
        raise NasionError(f"{files.landmarks}: this skull has no mesh file; name one")
    read = read_mesh(files.mesh, "skull", files.units)
    return read.mesh, read.warnings


def check_on_mesh(files: SkullFiles, landmarks_mm: Mapping[str, NDArray[np.float64]], mesh: Mesh) -> None:
    """Raise NasionError where a landmark lies farther than 5 mm from the mesh; the farthest one is named."""
    from nasion.geometry.distance import closest_points

    names = list(landmarks_mm)
    _, distances, _ = closest_points(mesh, np.array([landmarks_mm[name] for name in names]).reshape(-1, 3))
    far = {name: float(d) for name, d in zip(names, distances, strict=True) if d > FARTHEST_FROM_MESH_MM}
    if far:
        worst = max(far, key=lambda name: far[name])
        others = f" ({len(far) - 1} more are too far as well)" if len(far) > 1 else ""
        raise NasionError(
            f"{files.landmarks}: {worst} lies {far[worst]:.1f} mm from the surface of {files.mesh}{others}; "
            f"at most {FARTHEST_FROM_MESH_MM:.0f} mm are allowed: check the landmark, the units and the frame"
        )


def load_photograph(
    files: PhotoFiles,
    prior: CameraPrior | None = None,
    accept_sides: bool = False,
    tissue: TissueTable | None = None,
) -> Photograph:
    """Read a photograph's landmarks and check them against its pixels.

    Parameters
    ----------
    files
        Image, landmarks and, optionally, face mask.
    prior
        The user's camera knowledge; EXIF fills in the focal length. None: what ``files`` holds.
    accept_sides
        Go on where left and right landmarks look exchanged.
    tissue
        The table with which the sides are judged; the built-in one where it is None.

    Raises
    ------
    NasionError
        A file cannot be read, landmarks lie outside the picture or belong to another form of it, or left and right are
        exchanged.

    """
    from nasion.readers.landmarks import read_landmarks
    from nasion.readers.photographs import check_image_size, read_mask, read_photograph

    picture = read_photograph(files.image)
    found = read_landmarks(files.landmarks, "facial", 2)
    check_image_size(files.landmarks, found, picture)
    paths = [files.image, files.landmarks]
    if files.mask is not None:
        read_mask(files.mask, picture.size_px)
        paths.append(files.mask)
    photo = Photo(
        files.name,
        dict(found.landmarks),
        picture.size_px,
        dict(found.sigma),
        with_exif(prior or files.prior, picture.focal_px),
    )
    if not accept_sides:
        from nasion.anatomy.tissue import TissueTable
        from nasion.overlay.sides import check_photo_sides

        check_photo_sides(photo, tissue or TissueTable.load())
    notes = [f"{files.image}: {note}" for note in picture.warnings]
    notes += [f"{files.landmarks}: {note}" for note in found.warnings]
    return Photograph(photo, files, tuple(input_file(path) for path in paths), tuple(notes))


def face_mask_of(photograph: Photograph) -> NDArray[np.bool_] | None:
    """Return a photograph's face mask, (height, width); None where it has none."""
    from nasion.readers.photographs import read_mask

    if photograph.files is None or photograph.files.mask is None:
        return None
    return read_mask(photograph.files.mask, photograph.photo.image_size_px)
