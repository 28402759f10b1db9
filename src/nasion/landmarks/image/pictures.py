"""Any file of a photograph or a radiograph as the picture in which landmarks are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.landmarks.image.face_finder import FaceBox
from nasion.landmarks.image.schemes import Subject
from nasion.readers.photographs import read_photograph

Image = NDArray[np.uint8]

DICOM_ENDINGS: Final = (".dcm", ".dicom")
LARGEST_MEGAPIXELS: Final = 40.0
"""Larger pictures are reduced before they are searched: a face in them is large enough."""

_DRAWN_CHROMA: Final = 6.0
_DRAWN_PAPER: Final = 0.43
_DRAWN_MIDDLE: Final = 212.0
_PAPER_LEVELS: Final = 20.0


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture and what the user should know of it.

    Attributes
    ----------
    image
        (h, w, 3) uint8 RGB, upright after its EXIF orientation.
    warnings
        One line each.

    """

    image: Image
    warnings: tuple[str, ...] = ()


def read_picture(path: Path, subject: Subject) -> Picture:
    """Read a photograph (``"face"``) or a radiograph (``"cephalogram"``).

    Raises
    ------
    NasionError
        The file is missing, damaged or no picture, or is a DICOM file where a photograph is wanted.

    """
    if subject == "cephalogram":
        from nasion.readers.radiographs import read_radiograph

        film = read_radiograph(path)
        return Picture(film.image, film.warnings)
    if path.suffix.lower() in DICOM_ENDINGS:
        raise NasionError(f"{path}: is a DICOM file; faces are looked for in photographs (radiographs: cephalo19)")
    photograph = read_photograph(path)
    return Picture(photograph.image, photograph.warnings)


def reduced(image: Image) -> tuple[Image, float, tuple[str, ...]]:
    """Return a picture of at most ``LARGEST_MEGAPIXELS``, its scale against the given one, and a note if it shrank."""
    height, width = image.shape[:2]
    megapixels = height * width / 1e6
    if megapixels <= LARGEST_MEGAPIXELS:
        return image, 1.0, ()
    scale = (LARGEST_MEGAPIXELS / megapixels) ** 0.5
    size = (round(width * scale), round(height * scale))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    note = f"it has {megapixels:.0f} megapixels; it was searched at {scale:.0%} of its size, the points are in its own"
    return small, scale, (note,)


def looks_drawn(image: Image, face: FaceBox) -> bool:
    """Return whether a face is drawn on paper: without colour, bright, and half of it as bright as the paper.

    Measured: 87 of 88 sketches (CUHK) are told, and 1 of 271 photographs made grey (CUHK, London, HELEN, AFW) is.
    """
    left, top = max(0, int(face.x_px)), max(0, int(face.y_px))
    part = image[top : int(face.y_px + face.height_px), left : int(face.x_px + face.width_px)]
    if min(part.shape[:2]) < 2:
        return False
    lab = cv2.cvtColor(cv2.resize(part, (128, 160), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB).astype(float)
    light = lab[..., 0]
    chroma = float(np.median(np.hypot(lab[..., 1] - 128, lab[..., 2] - 128)))
    paper = float(np.mean(light > np.quantile(light, 0.98) - _PAPER_LEVELS))
    return chroma < _DRAWN_CHROMA and paper > _DRAWN_PAPER and float(np.median(light)) > _DRAWN_MIDDLE
