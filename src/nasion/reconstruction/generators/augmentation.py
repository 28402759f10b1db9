"""Augmentation of training pairs (FCR, section 3: horizontal flip, rotation, colour jitter, affine).

The paper makes four copies of each pair, 82 to 410; here each epoch draws anew. Geometry is drawn once a pair, so that
source and face stay one over the other. The jitter is the source's alone: films and drawings differ in light, and the
faces to be learnt are those that were taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.matching.frames import Pixels

_TURN_DEG: Final = 5.0
_SCALE: Final = 0.06
_SHEAR: Final = 0.04
_SHIFT: Final = 0.03
_BRIGHTNESS: Final = 0.06
_CONTRAST: Final = 0.08


@dataclass(frozen=True, eq=False)
class Change:
    """What happens to a pair.

    Attributes
    ----------
    flip
        Both are mirrored.
    matrix
        (2, 2): turn, scale and shear of both about the middle.
    shift
        (2,), shares of the side.
    contrast, brightness
        Factor on the source's contrast, and what is added to it, of 1.

    """

    flip: bool
    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]
    contrast: float
    brightness: float


def drawn_change(rng: np.random.Generator) -> Change:
    """Return a change at random: up to 5 degrees, 6 % of scale, 4 % of shear, 3 % of shift, and light a little."""
    angle = np.radians(rng.uniform(-_TURN_DEG, _TURN_DEG))
    scale = np.exp(rng.uniform(-_SCALE, _SCALE))
    shear = rng.uniform(-_SHEAR, _SHEAR)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = scale * turn @ np.array([[1.0, shear], [0.0, 1.0]])
    flip, shift = bool(rng.random() < 0.5), rng.uniform(-_SHIFT, _SHIFT, 2)
    contrast = 1 + rng.uniform(-_CONTRAST, _CONTRAST)
    return Change(flip, matrix, shift, float(contrast), float(rng.uniform(-_BRIGHTNESS, _BRIGHTNESS)))


def changed(source: Pixels, target: Pixels, change: Change) -> tuple[Pixels, Pixels]:
    """Return a pair after a change, (s, s, 3) uint8 each."""
    moved = _moved(source, change).astype(np.float32)
    lit = moved.mean() + change.contrast * (moved - moved.mean()) + 255 * change.brightness
    return np.rint(np.clip(lit, 0, 255)).astype(np.uint8), _moved(target, change)


def _moved(picture: Pixels, change: Change) -> Pixels:
    import cv2

    side = picture.shape[0]
    middle = np.full(2, (side - 1) / 2)
    own = picture[:, ::-1] if change.flip else picture
    shift = middle - change.matrix @ middle + change.shift * side
    matrix = np.column_stack([change.matrix, shift])
    flags, border = cv2.INTER_CUBIC, cv2.BORDER_REPLICATE
    made = cv2.warpAffine(np.ascontiguousarray(own), matrix, (side, side), flags=flags, borderMode=border)
    return made.astype(np.uint8)
