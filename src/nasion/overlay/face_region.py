"""What a photograph shows of the face besides landmarks: a mask of three values, and contours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.contours import signed_distance_px

FloatArray = NDArray[np.float64]


class Place(IntEnum):
    """Values of a face mask."""

    OUTSIDE = 0
    FACE = 1
    UNKNOWN = 2
    """The border of the head is hidden here (hair, hat, beard): takes no part."""


@dataclass(frozen=True, eq=False)
class FaceRegion:
    """The face in a photograph.

    Attributes
    ----------
    mask
        (h, w) uint8 of ``Place``.
    contours
        ``"chin_jaw"`` and ``"forehead"`` of the face, (n, 2) px polylines; absent where not seen.

    """

    mask: NDArray[np.uint8]
    contours: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def image_size_px(self) -> tuple[int, int]:
        """(width, height)."""
        return self.mask.shape[1], self.mask.shape[0]

    @cached_property
    def outside(self) -> NDArray[np.bool_]:
        """(h, w): pixels that are surely not the face."""
        return np.asarray(self.mask == Place.OUTSIDE)

    @cached_property
    def distance_px(self) -> NDArray[np.float32]:
        """(h, w) signed distance to the border of the outside, positive there; the unknown counts as face."""
        farthest = float(sum(self.mask.shape))
        return np.clip(signed_distance_px(~self.outside), -farthest, farthest)
