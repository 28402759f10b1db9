"""Read and check the parts of a case: a skull and photographs with their landmarks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from nasion.casework.automatic import found_photo_landmarks, found_skull, said_by_file, skull_landmarks
from nasion.casework.records import AutomaticLandmarks, InputFile, PhotoFiles, Photograph, Skull, SkullFiles
from nasion.casework.settings import with_exif
from nasion.errors import NasionError
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.problem import CameraPrior, Photo

if TYPE_CHECKING:
    from nasion.anatomy.tissue import TissueTable
    from nasion.geometry.surface import Mesh
    from nasion.landmarks.image.find import FoundImageLandmarks
    from nasion.readers.landmarks import LandmarkFile
    from nasion.readers.photographs import Photograph as PicturePixels

FARTHEST_FROM_MESH_MM: Final = 5.0
"""A cranial landmark farther than this from the skull's surface is refused."""


def input_file(path: Path) -> InputFile:
    """Return a file's path and SHA-256."""
    from nasion.readers.files import sha256

    return InputFile(str(path), sha256(path))


def skull_files(mesh: Path | None, landmarks: Path | None, units: str | None = None) -> SkullFiles:
    """Return where a skull is read from; neither mesh nor landmarks raises NasionError."""
    given = mesh or landmarks
    if given is None:
        raise NasionError("a skull needs its surface (--skull), its landmarks (--skull-landmarks) or both")
    return SkullFiles(given.name, landmarks, mesh, units)


def load_skull(files: SkullFiles, accept_sides: bool = False) -> Skull:
    """Read a skull's landmarks and, where given, its mesh; without landmarks they are found on the mesh.

    Parameters
    ----------
    files
        Where they are.
    accept_sides
        Go on where left and right landmarks look exchanged.

    Raises
    ------
    NasionError
        A file cannot be read, left and right are exchanged, a landmark lies farther than 5 mm from the mesh, or no
        landmarks can be found on it.

    """
    if files.landmarks is None:
        return found_skull(files, accept_sides)
    from nasion.overlay.checks import check_skull_helpers, check_skull_sides
    from nasion.readers.landmarks import read_landmarks

    given = read_landmarks(files.landmarks, "cranial", 3, files.units)
    landmarks = skull_landmarks(given)
    if not accept_sides:
        check_skull_sides(landmarks, str(files.landmarks))
        check_skull_helpers(landmarks, str(files.landmarks))
    mesh, notes = (None, ()) if files.mesh is None else _read_mesh(files.mesh, files.units)
    if mesh is not None:
        _check_on_mesh(files, given.landmarks, mesh)
    automatic, said = said_by_file(files.landmarks, given)
    paths = [files.landmarks] if files.mesh is None else [files.mesh, files.landmarks]
    return Skull(
        files.name,
        landmarks,
        mesh,
        files,
        tuple(input_file(path) for path in paths),
        tuple(f"{path}: {note}" for path, note in [(files.mesh, n) for n in notes])
        + tuple(f"{files.landmarks}: {note}" for note in given.warnings)
        + said,
        automatic=automatic,
    )


def _read_mesh(path: Path, units: str | None) -> tuple[Mesh, tuple[str, ...]]:
    from nasion.readers.meshes import read_mesh

    read = read_mesh(path, "skull", units)
    return read.mesh, read.warnings


def _check_on_mesh(files: SkullFiles, landmarks_mm: Mapping[str, NDArray[np.float64]], mesh: Mesh) -> None:
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
    """Read a photograph's landmarks and check them against its pixels; without landmarks they are found in it.

    Parameters
    ----------
    files
        Image and, optionally, landmarks, face mask and contours, or the wish that the face be found.
    prior
        The user's camera knowledge; EXIF fills in the focal length. None: what ``files`` holds.
    accept_sides
        Go on where left and right landmarks look exchanged.
    tissue
        The table with which the sides are judged; the built-in one where it is None.

    Raises
    ------
    NasionError
        A file cannot be read, landmarks lie outside the picture or belong to another form of it, left and right are
        exchanged, or no landmarks can be found in it.

    """
    from nasion.readers.photographs import read_photograph

    picture = read_photograph(files.image)
    marks, found, automatic, landmark_notes = _landmarks_of(files, picture)
    drawn_face(files, picture.size_px)
    paths = [path for path in (files.image, files.landmarks, files.mask, files.contours) if path is not None]
    photo = Photo(
        files.name,
        dict(marks.landmarks),
        picture.size_px,
        dict(marks.sigma),
        with_exif(prior or files.prior, picture.focal_px),
    )
    if not accept_sides and files.landmarks is not None:
        from nasion.anatomy.tissue import TissueTable
        from nasion.overlay.sides import check_photo_sides

        check_photo_sides(photo, tissue or TissueTable.load())
    notes = [f"{files.image}: {note}" for note in picture.warnings]
    notes += landmark_notes
    found_mask = None
    if files.find_face and files.mask is None:
        found_mask, note = found_face(photo, picture.image, tissue)
        notes.append(f"{files.image}: {note}")
    inputs = tuple(input_file(path) for path in paths)
    return Photograph(photo, files, dict(marks.helpers), found_mask, inputs, tuple(notes), found, automatic)


def _landmarks_of(
    files: PhotoFiles, picture: PicturePixels
) -> tuple[LandmarkFile, FoundImageLandmarks | None, tuple[AutomaticLandmarks, ...], list[str]]:
    """Return a photograph's landmarks, how they were found if they were not given, their record, and notes."""
    if files.landmarks is None:
        found, notes = found_photo_landmarks(files.image, picture.image)
        marks = found.landmark_file()
        return marks, found, (AutomaticLandmarks(str(files.image), marks),), notes
    from nasion.readers.landmarks import read_landmarks
    from nasion.readers.photographs import check_image_size

    given = read_landmarks(files.landmarks, "facial", 2)
    check_image_size(files.landmarks, given, picture)
    automatic, said = said_by_file(files.landmarks, given)
    return given, None, automatic, [*(f"{files.landmarks}: {note}" for note in given.warnings), *said]


def drawn_face(files: PhotoFiles, size_px: tuple[int, int]) -> FaceRegion | None:
    """Return the face region of a photograph's mask and contour files; None where it has none.

    Contours of the mask's own file go before those of the contour file. Contours without a mask leave all unknown.
    """
    from nasion.readers.face_masks import read_contours, read_face_mask

    contours = {} if files.contours is None else read_contours(files.contours, size_px)
    if files.mask is not None:
        drawn = read_face_mask(files.mask, size_px)
        return FaceRegion(drawn.places, drawn.contours or contours)
    if contours:
        return FaceRegion(np.full(size_px[::-1], Place.UNKNOWN, dtype=np.uint8), contours)
    return None


def found_face(photo: Photo, image: NDArray[np.uint8], tissue: TissueTable | None = None) -> tuple[bytes | None, str]:
    """Return the automatic mask of a photograph as PNG bytes, None where it was refused, and a note for the user."""
    import cv2

    from nasion.overlay.face_segmentation import segment_face
    from nasion.overlay.head_pose import head_pose

    pose = head_pose(photo, tissue)
    if pose is None:
        return None, "no automatic mask: the landmarks do not tell the head's pose"
    found = segment_face(image, photo.landmarks_px, pose)
    if found.region is None:
        return None, found.note
    return cv2.imencode(".png", found.region.mask)[1].tobytes(), found.note


def face_region_of(photograph: Photograph, tissue: TissueTable | None = None) -> FaceRegion | None:
    """Return a photograph's face region: drawn, else found, with the contours that the mask shows where none is drawn.

    None where there is neither mask nor contour.
    """
    from nasion.overlay.face_contours import with_contours
    from nasion.overlay.head_pose import head_pose

    photo = photograph.photo
    region = photo.face if photograph.files is None else drawn_face(photograph.files, photo.image_size_px)
    if photograph.found_mask is not None and photograph.files is not None:
        import cv2

        places = cv2.imdecode(np.frombuffer(photograph.found_mask, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
        region = FaceRegion(np.asarray(places, dtype=np.uint8), {} if region is None else region.contours)
    if region is None or region.contours:
        return region
    return with_contours(region, {**photograph.helpers_px, **photo.landmarks_px}, head_pose(photo, tissue))
