"""From a picture file to a matcher's features: pixels, landmarks beside it or found, tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.matching.frames import one_side
from nasion.matching.point_schemes import point_scheme
from nasion.matching.points import PointFinder, probe_points
from nasion.matching.samples import MatchPicture
from nasion.matching.tokens import Tokens
from nasion.readers.files import sha256
from nasion.retrieval.pictures import NamedPicture
from nasion.version import __version__

Float32 = NDArray[np.float32]

FOUND_AS: Final = {"ibug68": "ibug68", "pairs20": "facial20"}
"""Scheme of a matcher to the scheme of ``landmarks.image`` that finds its points on faces and sketches."""
_LOOKED_AT: Final = "ibug68"
"""What its network finds; other schemes are completed from it."""


class PairModel(Protocol):
    """What a gallery needs of a matcher, e.g. ``matching.predict.Matcher``."""

    @property
    def sha256(self) -> str:
        """Of its files."""

    @property
    def scheme(self) -> str:
        """Of the landmarks that it takes."""

    def features(self, picture: NDArray[np.uint8], points_px: NDArray[np.float64], modality: str) -> Tokens:
        """Return a picture's features, which do not depend on a partner."""

    def embed(self, tokens: Tokens) -> Float32:
        """Return the unit vector that large galleries are searched by."""

    def unpack(self, vector: Float32) -> Tokens:
        """Return what ``Tokens.packed`` packed."""

    def score(self, probe: Tokens, faces: Sequence[Tokens]) -> NDArray[np.float64]:
        """Return the score of each pair."""


@dataclass(frozen=True, eq=False)
class Described:
    """A picture's features and where its landmarks come from.

    Attributes
    ----------
    tokens
        The features.
    picture_sha256
        Of the picture's file.
    landmarks
        ``"file"`` (beside the picture) or ``"found"``.
    landmarks_sha256
        Of the landmark file; None where they were found.
    notes
        What the user should know, one line each.

    """

    tokens: Tokens
    picture_sha256: str
    landmarks: str
    landmarks_sha256: str | None = None
    notes: tuple[str, ...] = ()


def describe(picture: MatchPicture, model: PairModel) -> Described:
    """Return a picture's features; one of a head's right side is mirrored.

    Raises
    ------
    NasionError
        The picture or its landmark file cannot be used, or too few landmarks are there; the message names the file.

    """
    own_hash = sha256(picture.path)
    pixels, points, notes = picture_and_points(picture, model.scheme)
    how, hashed = ("found", None) if picture.landmarks is None else ("file", sha256(picture.landmarks))
    try:
        own = one_side(pixels, points, point_scheme(model.scheme))
        tokens = model.features(own.image, own.points_px, picture.modality)
    except NasionError as fault:
        raise NasionError(f"{picture.path}: {fault}") from None
    return Described(tokens, own_hash, how, hashed, notes)


def picture_and_points(
    picture: MatchPicture, scheme: str
) -> tuple[NDArray[np.uint8], NDArray[np.float64], tuple[str, ...]]:
    """Return (h, w, 3) uint8 RGB, (l, 2) points of a scheme and notes; what cannot be used raises NasionError."""
    pixels, notes = _pixels(picture)
    return pixels, probe_points(picture, pixels, point_scheme(scheme), finder_of(scheme, picture.modality)), notes


def finder_of(scheme: str, modality: str) -> PointFinder | None:
    """Return what finds the landmarks of pictures without a landmark file; None where nothing does."""
    found_as = FOUND_AS.get(scheme)
    if found_as is None or modality == "xray":
        return None
    names = point_scheme(scheme).names
    missing = np.full(2, np.nan)

    from nasion.landmarks.image.find import find_image_landmarks, model_folder
    from nasion.networks.model_folder import MODEL_FILE

    def find(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        found = find_image_landmarks(pixels, found_as).result.found()
        return np.array([found.get(name, missing) for name in names])

    weights = sha256(model_folder(_LOOKED_AT) / MODEL_FILE)[:16]
    return PointFinder(f"{found_as} of nasion {__version__}, network {weights}", find)


def face_fields(own: NamedPicture, described: Described, model_sha256: str) -> dict[str, str]:
    """Return what a gallery keeps of a picture beside its vectors: ``gallery.GalleryFace`` without their place."""
    return {
        "id": own.id,
        "person": own.picture.person,
        "view": own.picture.view,
        "picture": str(own.picture.path.resolve()),
        "picture_sha256": described.picture_sha256,
        "landmarks": described.landmarks,
        "landmarks_sha256": described.landmarks_sha256 or "",
        "model_sha256": model_sha256,
        "nasion": __version__,
    }


def _pixels(picture: MatchPicture) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return (h, w, 3) uint8 RGB as training sees it, and notes; DICOM films are turned so that bone is bright."""
    from nasion.landmarks.image.pictures import DICOM_ENDINGS
    from nasion.readers.photographs import read_photograph
    from nasion.readers.radiographs import read_radiograph

    film = picture.modality == "xray" and picture.path.suffix.lower() in DICOM_ENDINGS
    read = read_radiograph(picture.path) if film else read_photograph(picture.path)
    return read.image, tuple(f"{picture.path}: {note}" for note in read.warnings)
