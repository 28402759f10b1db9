"""Landmarks of an image by a trained network, run by ONNX Runtime: no PyTorch is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.card import Card, read_model
from nasion.landmarks.image.confidence import Calibration, Evidence
from nasion.landmarks.image.crops import Frame, frame_of_picture, frame_of_points, roll_deg
from nasion.landmarks.image.face_finder import FaceBox
from nasion.landmarks.image.passes import Look, look, two_looks
from nasion.landmarks.image.samples import Pixels
from nasion.landmarks.image.schemes import image_scheme
from nasion.networks.model_folder import stamps_of
from nasion.networks.sessions import make_session

_BELOW: Final = 0.15
"""How far the middle of the 68 points lies below that of the found box, in the box's size: the box holds the forehead.
Median of 200 photographs of HELEN and AFW, SD 0.04."""
_SIDE: Final = 0.92
"""Longer side of the 68 points' box over the found box's size; SD 0.05."""


@dataclass(frozen=True, eq=False)
class ImageLandmarks:
    """Landmarks of one image.

    Attributes
    ----------
    names
        The scheme's landmarks.
    points_px
        (l, 2), NaN where missing; origin at the centre of the top left pixel.
    sigma_px
        (l,) standard deviation of a coordinate, NaN where missing.
    radius90_px
        (l,) radius that holds the truth with 90 %, NaN where missing.
    missing
        Name to the reason.
    evidence
        (l,) arrays, of the missing ones too; None where the landmarks follow from others.

    """

    names: tuple[str, ...]
    points_px: FloatArray
    sigma_px: FloatArray
    radius90_px: FloatArray
    missing: dict[str, str]
    evidence: Evidence | None = None

    def found(self) -> dict[str, FloatArray]:
        """Return name to (2,) px of the landmarks that are there."""
        return {n: p for n, p in zip(self.names, self.points_px, strict=True) if n not in self.missing}

    def scaled(self, factor: float) -> ImageLandmarks:
        """Return the landmarks in a picture that is ``factor`` times as large."""
        points = (self.points_px + 0.5) * factor - 0.5
        sigma, radius = self.sigma_px * factor, self.radius90_px * factor
        return ImageLandmarks(self.names, points, sigma, radius, self.missing, self.evidence)


@dataclass(frozen=True, eq=False)
class ImageLandmarker:
    """A trained model, ready for use; see ``load_image_landmarker``."""

    card: Card
    calibration: Calibration
    session: Any
    shape: FloatArray

    def find(self, image: Pixels, face: FaceBox | None = None) -> ImageLandmarks:
        """Return the landmarks of an image.

        Parameters
        ----------
        image
            (h, w, 3) uint8 RGB.
        face
            Where the face is; None for radiographs, of which the whole picture is taken.

        Raises
        ------
        NasionError
            The network cannot be run, or its points all lie in one place.

        """
        size = self.card.input_size_px
        first = frame_of_picture(image, size) if face is None else self._frame_of(face)
        flip = image_scheme(self.card.scheme).flip_index if self.card.mirrored else None
        seen = two_looks(self.session, image, first, size, self.card.margin, self.shape, flip)
        return self._meant(seen)

    def find_either_side(self, image: Pixels) -> tuple[ImageLandmarks, bool]:
        """Return the landmarks of a radiograph that may look to either side, and whether it was mirrored for it.

        Networks learn heads that look to one side; of the picture and its mirror image the one with higher heat maps
        is taken.
        """
        size = self.card.input_size_px
        mirrored = np.ascontiguousarray(image[:, ::-1])
        frame = frame_of_picture(image, size)
        plain, other = (look(self.session, side, frame, size) for side in (image, mirrored))
        if other.peak.mean() <= plain.peak.mean():
            return self._meant(self._second(image, plain)), False
        found = self._meant(self._second(mirrored, other))
        order = image_scheme(self.card.scheme).flip_index
        points = found.points_px[order] * (-1.0, 1.0) + (image.shape[1] - 1.0, 0.0)
        names = {self.card.names[k]: self.card.names[own] for own, k in enumerate(order)}
        missing = {names[name]: reason for name, reason in found.missing.items()}
        sigma, radius = found.sigma_px[order], found.radius90_px[order]
        return ImageLandmarks(found.names, points, sigma, radius, missing, found.evidence), True

    def _second(self, image: Pixels, seen: Look) -> Look:
        size = self.card.input_size_px
        frame = frame_of_points(seen.points_px, size, self.card.margin, roll_deg(seen.points_px, self.shape))
        return look(self.session, image, frame, size)

    def _frame_of(self, face: FaceBox) -> Frame:
        """Return the first crop: the frame round the points that a face's box lets expect."""
        half = _SIDE * face.size_px / 2
        down = np.radians(face.roll_deg + 90.0)
        middle = np.array(face.center_px) + _BELOW * face.size_px * np.array([np.cos(down), np.sin(down)])
        corners = np.array([middle - half, middle + half])
        return frame_of_points(corners, self.card.input_size_px, self.card.margin, float(face.roll_deg))

    def _meant(self, seen: Look) -> ImageLandmarks:
        evidence = Evidence.of(seen)
        missing = self.calibration.missing(self.card.names, evidence)
        there = np.array([name not in missing for name in self.card.names])
        return ImageLandmarks(
            self.card.names,
            np.where(there[:, None], seen.points_px, np.nan),
            np.where(there, self.calibration.sigma_px(evidence, seen.frame.scale), np.nan),
            np.where(there, self.calibration.radius_px(evidence, seen.frame.scale), np.nan),
            missing,
            evidence,
        )


def load_image_landmarker(folder: Path) -> ImageLandmarker:
    """Return the model of a folder, kept for the next call while the folder's files stay as they are.

    Raises
    ------
    NasionError
        A file is missing or damaged.

    """
    return _loaded(folder.resolve(), stamps_of(folder))


@lru_cache(maxsize=8)
def _loaded(folder: Path, stamps: tuple[int, ...]) -> ImageLandmarker:
    del stamps
    model = read_model(folder)
    return ImageLandmarker(
        model.card, Calibration.from_plain(model.card.calibration), make_session(model.onnx), np.array(model.card.shape)
    )
