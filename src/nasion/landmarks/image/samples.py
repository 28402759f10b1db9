"""An image with known points: what networks learn from and are judged by."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.readers.files import read_bytes

Pixels = NDArray[np.uint8]
"""(h, w, 3) RGB."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom; pixels."""


@dataclass(frozen=True, eq=False)
class ImageSample:
    """One image.

    Attributes
    ----------
    image
        A file, or (h, w, 3) RGB or (h, w) grey uint8.
    points_px
        (l, 2) in the scheme's order, origin at the centre of the top left pixel; NaN where a point is not marked.
    person
        Who is shown; samples of one person never lie on two sides of a split. Where a set names no persons, the image.
    box_px
        The face as the set gives it.
    part
        The set's own part, e.g. ``"train"``.
    mm_per_px
        Scale of a radiograph.
    conditions
        What the set says of the image, e.g. ``{"occlusion"}``.

    """

    image: Path | Pixels
    points_px: FloatArray
    person: str
    box_px: Box | None = None
    part: str = ""
    mm_per_px: float | None = None
    conditions: frozenset[str] = field(default_factory=frozenset)

    def pixels(self) -> Pixels:
        """Return the image; a file is decoded as stored (no EXIF rotation: points are marked on the stored pixels).

        Raises
        ------
        NasionError
            The file is missing or no image.

        """
        if isinstance(self.image, Path):
            return _decoded(self.image)
        return as_rgb(self.image)


def as_rgb(image: NDArray[np.uint8]) -> Pixels:
    """Return (h, w, 3) of an RGB or grey image; grey is repeated."""
    return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)


def _decoded(path: Path) -> Pixels:
    import cv2

    data = np.frombuffer(read_bytes(path), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise NasionError(f"{path}: cannot be read as an image; save it as PNG or JPEG")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
