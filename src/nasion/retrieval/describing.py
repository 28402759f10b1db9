"""From a picture file to a matcher's features: pixels, landmarks beside it or found, tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.matching.samples import MatchPicture
from nasion.matching.tokens import Tokens
from nasion.readers.files import sha256
from nasion.retrieval.pictures import NamedPicture
from nasion.version import __version__

Float32 = NDArray[np.float32]


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
    """Return a picture's features.

    Raises
    ------
    NasionError
        The picture or its landmark file cannot be used, or too few landmarks are there; the message names the file.

    """
    own_hash = sha256(picture.path)
    image, notes = _pixels(picture)
    if picture.landmarks is None:
        points, more = _found(picture, image, model.scheme)
        how, hashed = "found", None
    else:
        points, more = _from_file(picture.landmarks, model.scheme), ()
        how, hashed = "file", sha256(picture.landmarks)
    try:
        tokens = model.features(image, points, picture.modality)
    except NasionError as fault:
        raise NasionError(f"{picture.path}: {fault}") from None
    return Described(tokens, own_hash, how, hashed, (*notes, *more))


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
    from nasion.landmarks.image.pictures import read_picture

    read = read_picture(picture.path, "cephalogram" if picture.modality == "xray" else "face")
    return read.image, tuple(f"{picture.path}: {note}" for note in read.warnings)


def _found(picture: MatchPicture, image: NDArray[np.uint8], scheme: str) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    from nasion.landmarks.image.find import find_image_landmarks

    try:
        found = find_image_landmarks(image, scheme)
    except NasionError as fault:
        raise NasionError(f"{picture.path}: {fault}") from None
    return found.result.points_px, tuple(f"{picture.path}: {note}" for note in found.warnings)


def _from_file(path: Path, scheme: str) -> NDArray[np.float64]:
    """Return (l, 2) points in the scheme's order, NaN where the file has none."""
    from nasion.landmarks.image.schemes import image_scheme
    from nasion.readers.files import read_text
    from nasion.readers.landmark_formats import parse_nasion_json

    try:
        raw = parse_nasion_json(read_text(path))
    except ValueError as fault:
        if isinstance(fault, NasionError):
            raise
        raise NasionError(f"{path}: cannot be read as landmarks ({' '.join(str(fault).split())})") from None
    if raw.scheme != scheme:
        raise NasionError(
            f"{path}: its scheme is {raw.scheme!r}, this model takes {scheme!r}; place those, or take the file away "
            "so that they are found"
        )
    names = image_scheme(scheme).names
    points = np.full((len(names), 2), np.nan)
    for label, values in raw.points:
        if label in names and len(values) == 2:
            points[names.index(label)] = values
    return points
