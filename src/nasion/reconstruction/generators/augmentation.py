"""Augmentation of training pairs (FCR, section 3: horizontal flip, rotation, colour jitter, affine).

The paper makes four copies of each pair, 82 to 410; here each epoch draws anew. Geometry is drawn once a pair, so that
source and face stay one over the other. The jitter is the source's alone: films and drawings differ in light, and the
faces to be learnt are those that were taken.

The strong kind, ours, also bends source and face by the same smooth shifts, which makes people who never were, and
varies the source's tone curve, sharpness and grain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.matching.frames import Pixels
from nasion.reconstruction.generators.settings import Augmentation

_TURN_DEG: Final = 5.0
_SCALE: Final = 0.06
_SHEAR: Final = 0.04
_SHIFT: Final = 0.03
_BRIGHTNESS: Final = 0.06
_CONTRAST: Final = 0.08
_BENDS: Final = ((4, 0.02), (8, 0.01))
"""Grids of random shifts between which pictures are bent: points a side, and SD in shares of the side."""
_GAMMA: Final = 0.35
_BLUR: Final = (0.2, 0.8)
"""SD in pixels, of every second source."""
_GRAIN: Final = 0.04


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


def augmented(source: Pixels, target: Pixels, kind: Augmentation, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """Return a pair, (s, s, 3) uint8 each, changed at random in the given way."""
    if kind == "none":
        return source, target
    source, target = changed(source, target, drawn_change(rng))
    if kind == "strong":
        source, target = bent(source, target, drawn_shifts(rng, len(source)))
        source = toned(source, rng)
    return source, target


def drawn_shifts(rng: np.random.Generator, side_px: int) -> NDArray[np.float32]:
    """Return smooth shifts (s, s, 2) of a square picture's pixels, x and y, px."""
    import cv2

    total = np.zeros((side_px, side_px, 2), np.float32)
    for points, sd in _BENDS:
        own = rng.normal(0.0, sd * side_px, (points, points, 2)).astype(np.float32)
        total += cv2.resize(own, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    return total


def bent(source: Pixels, target: Pixels, shifts: NDArray[np.float32]) -> tuple[Pixels, Pixels]:
    """Return both pictures with each pixel taken from where its shift points."""
    import cv2

    side = len(source)
    across, down = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    x, y = across + shifts[..., 0], down + shifts[..., 1]
    flags, border = cv2.INTER_CUBIC, cv2.BORDER_REPLICATE
    first, second = (np.asarray(cv2.remap(own, x, y, flags, borderMode=border), np.uint8) for own in (source, target))
    return first, second


def toned(source: Pixels, rng: np.random.Generator) -> Pixels:
    """Return a source (s, s, 3) with another tone curve, sharpness and grain."""
    import cv2

    own = (source.astype(np.float32) / 255) ** np.float32(np.exp(rng.normal(0.0, _GAMMA)))
    if rng.random() < 0.5:
        own = np.asarray(cv2.GaussianBlur(own, (0, 0), rng.uniform(*_BLUR)), np.float32)
    own = own + rng.normal(0.0, rng.uniform(0.0, _GRAIN), own.shape[:2])[..., None]
    return np.rint(255 * np.clip(own, 0, 1)).astype(np.uint8)


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
