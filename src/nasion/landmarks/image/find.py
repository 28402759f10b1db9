"""From a photograph or a radiograph to landmarks, and from picture files to landmark files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.completion import TARGETS, shipped_completion
from nasion.landmarks.image.face_finder import FaceBox, one_face
from nasion.landmarks.image.hair import covered
from nasion.landmarks.image.pictures import DICOM_ENDINGS, looks_drawn, read_picture, reduced
from nasion.landmarks.image.predict import ImageLandmarker, ImageLandmarks, load_image_landmarker
from nasion.landmarks.image.samples import Pixels
from nasion.landmarks.image.schemes import image_scheme
from nasion.landmarks.input_folder import find_in_each, one_of_each_name
from nasion.landmarks.landmark_file import file_of
from nasion.networks.model_folder import model_in, shipped_folder
from nasion.networks.sessions import model_name
from nasion.readers.landmarks import LandmarkFile, write_landmarks
from nasion.readers.photographs import ENDINGS

FREE_ONLY: Final = "NASION_FREE_WEIGHTS"
"""Environment variable: 1 leaves out the weights whose training data may not be used commercially."""

_WEIGHTS: Final = Path(__file__).parent / "weights"
_NONCOMMERCIAL: Final = Path(__file__).parent / "weights_noncommercial"
_COMPLETED_FROM: Final = "ibug68"
_INPUTS: Final = "pictures"
_PROFILE_DEG: Final = 60.0
_STRANGE_MISFIT: Final = 3.0
"""Misfit of the 68 points to a head from which something is wrong; unseen heads stay below 2."""
_MOST_MISSING: Final = 0.5


@dataclass(frozen=True, eq=False)
class FoundImageLandmarks:
    """Landmarks of a picture.

    Attributes
    ----------
    scheme
        Of the landmarks.
    image_size_px
        (width, height) of the upright picture, in whose pixels they are.
    face
        Where the face is; None for radiographs.
    result
        The landmarks.
    warnings
        What the user should know, one line each.
    found_by
        The model, as landmark files name it.

    """

    scheme: str
    image_size_px: tuple[int, int]
    face: FaceBox | None
    result: ImageLandmarks
    warnings: tuple[str, ...]
    found_by: str

    def landmark_file(self) -> LandmarkFile:
        """Return what a landmark file holds: points, standard deviations, and what is missing."""
        result = self.result
        return replace(
            file_of(self.scheme, "px", result.names, result.found(), result.sigma_px),
            missing=dict(self.result.missing),
            image_size_px=self.image_size_px,
            found_by=self.found_by,
        )


def model_folder(scheme: str, given: Path | None = None) -> Path:
    """Return the folder of the model that finds a scheme: the given one, else the one in the package.

    ``facial20`` follows from the 68 points of ``ibug68``. Weights whose training data may not be used commercially go
    before free ones, unless the environment variable ``NASION_FREE_WEIGHTS`` is 1.

    Raises
    ------
    NasionError
        The scheme is unknown, or the package has no weights of it.

    """
    image_scheme(scheme)
    if given is not None:
        return model_in(given)
    network = _COMPLETED_FROM if scheme == "facial20" else scheme
    places = [_WEIGHTS] if os.environ.get(FREE_ONLY) == "1" else [_NONCOMMERCIAL, _WEIGHTS]
    return shipped_folder(places, network, "image-landmarks")


def find_image_landmarks(image: Pixels, scheme: str, model: Path | None = None) -> FoundImageLandmarks:
    """Find the landmarks of a picture.

    Parameters
    ----------
    image
        (h, w, 3) uint8 RGB, upright; of a radiograph bone is bright.
    scheme
        ``"facial20"``, ``"ibug68"``, ``"cephalo19"`` or another of ``schemes.SCHEMES`` for which there is a model.
    model
        Folder of a trained model; None takes the package's own. For ``facial20`` it may be one of ``ibug68``, whose 68
        points are completed, or one of ``facial20``.

    Raises
    ------
    NasionError
        There is no face, it is too small, or most of its landmarks are not seen; there is no such model, or it is of
        another scheme.

    """
    folder = model_folder(scheme, model)
    landmarker = load_image_landmarker(folder)
    own = landmarker.card.scheme
    if own != scheme and (scheme, own) != ("facial20", _COMPLETED_FROM):
        raise NasionError(f"{folder}: is a model of {own}, not of {scheme}; give another --model")
    small, scale, notes = reduced(image)
    if landmarker.card.subject == "cephalogram":
        found = _radiograph(small, scheme, landmarker)
    else:
        found = _face(small, scheme, landmarker)
    face = None if found.face is None else found.face.scaled(1 / scale)
    size = (image.shape[1], image.shape[0])
    warnings = (*notes, *found.warnings)
    return replace(found, image_size_px=size, face=face, result=found.result.scaled(1 / scale), warnings=warnings)


def _radiograph(image: Pixels, scheme: str, landmarker: ImageLandmarker) -> FoundImageLandmarks:
    result, mirrored = landmarker.find_either_side(image)
    _refuse_unseen(result, "a lateral radiograph of a head")
    notes = ("the head looks to the left: the landmarks were found on its mirror image",) if mirrored else ()
    return FoundImageLandmarks(scheme, (image.shape[1], image.shape[0]), None, result, notes, _name(landmarker))


def _face(image: Pixels, scheme: str, landmarker: ImageLandmarker) -> FoundImageLandmarks:
    face, notes = one_face(image)
    if looks_drawn(image, face):
        notes = (*notes, "it looks like a drawing; the landmarks' SDs hold for photographs, correct them by hand")
    result = landmarker.find(image, face)
    _refuse_unseen(result, "a face")
    if scheme != landmarker.card.scheme:
        result, more = completed(image, result)
        notes = (*notes, *more)
    return FoundImageLandmarks(scheme, (image.shape[1], image.shape[0]), face, result, notes, _name(landmarker))


def _name(landmarker: ImageLandmarker) -> str:
    return model_name(landmarker.card.scheme, landmarker.card.model_sha256)


def _refuse_unseen(result: ImageLandmarks, what: str) -> None:
    if len(result.missing) > _MOST_MISSING * len(result.names):
        count = len(result.names) - len(result.missing)
        raise NasionError(
            f"only {count} of {len(result.names)} landmarks are seen in it; is it {what}? Place them by hand"
        )


def completed(image: Pixels, given: ImageLandmarks) -> tuple[ImageLandmarks, tuple[str, ...]]:
    """Return the facial landmarks and helpers that 68 points tell, and notes.

    Parameters
    ----------
    image
        (h, w, 3): what hair covers is left out.
    given
        Of ``ibug68``.

    """
    found = shipped_completion().complete(given.points_px, given.sigma_px).on_real_heads()
    missing = covered(image, given.points_px, TARGETS, found.points_px) | found.missing()
    inside = (abs(found.points_px - np.array(image.shape[1::-1]) / 2 + 0.5) <= np.array(image.shape[1::-1]) / 2).all(1)
    missing |= {TARGETS[k]: "outside the picture" for k in np.flatnonzero(~inside)}
    notes = []
    if found.misfit > _STRANGE_MISFIT:
        notes.append(f"the 68 points do not form a face (misfit {found.misfit:.1f} SD); check the landmarks")
    if abs(found.yaw_deg) > _PROFILE_DEG:
        notes.append(f"the face is seen from the side (about {abs(found.yaw_deg):.0f} degrees): check the landmarks")
    return _ordered(missing, found.points_px, found.sigma_px, found.radius90_px), tuple(notes)


def _ordered(missing: dict[str, str], points: FloatArray, sigma: FloatArray, radius: FloatArray) -> ImageLandmarks:
    there = np.array([name not in missing for name in TARGETS])
    return ImageLandmarks(
        TARGETS,
        np.where(there[:, None], points, np.nan),
        np.where(there, sigma, np.nan),
        np.where(there, radius, np.nan),
        {name: missing[name] for name in TARGETS if name in missing},
    )


def find_in_file(path: Path, scheme: str, out: Path, model: Path | None = None) -> FoundImageLandmarks:
    """Find the landmarks of a picture file and write them, in pixels of the upright picture.

    Raises
    ------
    NasionError
        The picture cannot be read or used, or the file cannot be written; the message names the picture.

    """
    model_folder(scheme, model)
    picture = read_picture(path, image_scheme(scheme).subject)
    try:
        found = find_image_landmarks(picture.image, scheme, model)
    except NasionError as fault:
        raise NasionError(f"{path}: {fault}") from None
    write_landmarks(out, found.landmark_file())
    return replace(found, warnings=(*picture.warnings, *found.warnings))


def pictures_in(folder: Path, scheme: str) -> list[Path]:
    """Return the picture files of a folder, by name; face masks (``NAME.mask.png``) are none.

    Raises
    ------
    NasionError
        There are none, or two of one name with different endings, whose landmark files would be the same.

    """
    endings = ENDINGS + (DICOM_ENDINGS if image_scheme(scheme).subject == "cephalogram" else ())
    paths = (
        path
        for path in folder.iterdir()
        if path.suffix.lower() in endings
        and path.is_file()
        and not path.name.startswith(".")
        and not path.name.endswith(".mask.png")
    )
    return one_of_each_name(folder, paths, _INPUTS, endings)


def find_in_folder(
    folder: Path,
    scheme: str,
    out: Path,
    model: Path | None = None,
    *,
    force: bool = False,
    each: Callable[[Path, FoundImageLandmarks | NasionError], None],
) -> int:
    """Find the landmarks of a folder's pictures; return how many pictures could not be used.

    Parameters
    ----------
    folder
        Of pictures.
    scheme, model
        See ``find_image_landmarks``.
    out
        Folder for ``NAME.landmarks.json``.
    force
        Replace the folder.
    each
        Told after each picture: what was found, or why not.

    Raises
    ------
    NasionError
        There are no pictures, none can be used, there is no model, or the folder cannot be written.

    """
    paths = pictures_in(folder, scheme)
    load_image_landmarker(model_folder(scheme, model))

    def find(path: Path, target: Path) -> FoundImageLandmarks:
        return find_in_file(path, scheme, target, model)

    return find_in_each(folder, paths, _INPUTS, out, force, find, each)
