"""Films that show one and the same picture, though no table says so.

All films are laid into one frame by their bony landmarks; fine detail, evened in contrast, is correlated. Pairs that
are more alike than chance are aligned anew by their pixels (Evangelidis & Psarakis, IEEE PAMI 30 (2008): ECC, affine);
what then correlates is one film, or one patient on two. On the 300 films of the ISBI 2015 challenge all 20 pairs that
are known as one film reach 0.96 or more, 5 of 6 other films of one patient 0.84 or more; of all others the highest was
0.77, apart from four pairs that turned out, when looked at, to be unknown repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray
from nasion.reconstruction.profile.plane import PlaneSimilarity, mean_shape

ALIKE: Final = 0.8
"""Correlation after alignment from which two films are one patient's."""
_WORTH_ALIGNING: Final = 0.5
_STEP_MM: Final = 0.8
_MARGIN_MM: Final = 5.0
_FINE_PX: Final = 1.0
_COARSE_PX: Final = 5.0
_EVEN_PX: Final = 8.0
_ROUNDS: Final = 60

FloatImage = NDArray[np.float32]


def same_pictures(
    images: Sequence[Callable[[], NDArray[np.uint8]]],
    hard_mm: Sequence[FloatArray],
    mm_per_px: Sequence[float],
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> list[tuple[int, int]]:
    """Return the pairs of films, as places in the lists, that show one patient by their pictures.

    Parameters
    ----------
    images
        Read each film, (h, w).
    hard_mm, mm_per_px
        Each film's (15, 2) bony points and scale.
    advance
        Called with (films read, all).

    """
    frame = mean_shape(hard_mm)
    details = []
    for done, (read, hard, scale) in enumerate(zip(images, hard_mm, mm_per_px, strict=True)):
        advance(done, len(images))
        details.append(_detail(read(), hard, scale, frame))
    advance(len(images), len(images))
    flat = np.array([detail.ravel() for detail in details])
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    first, second = np.nonzero(np.triu(flat @ flat.T > _WORTH_ALIGNING, 1))
    return [(int(a), int(b)) for a, b in zip(first, second, strict=True) if _aligned(details[a], details[b]) >= ALIKE]


def _detail(image: NDArray[np.uint8], hard_mm: FloatArray, mm_per_px: float, frame: FloatArray) -> FloatImage:
    """Return a film's fine detail in the frame, of even contrast."""
    low, high = frame.min(axis=0) - _MARGIN_MM, frame.max(axis=0) + _MARGIN_MM
    x, y = np.meshgrid(np.arange(low[0], high[0], _STEP_MM), np.arange(low[1], high[1], _STEP_MM))
    to_frame = PlaneSimilarity.between(hard_mm, frame)
    places = to_frame.back(np.stack([x.ravel(), y.ravel()], axis=1)) / mm_per_px
    at_x, at_y = (places[:, axis].reshape(x.shape).astype(np.float32) for axis in (0, 1))
    smooth = cv2.GaussianBlur(image, (0, 0), 0.4 * _STEP_MM / mm_per_px)
    laid = cv2.remap(smooth, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    laid = laid.astype(np.float32)
    detail = cv2.GaussianBlur(laid, (0, 0), _FINE_PX) - cv2.GaussianBlur(laid, (0, 0), _COARSE_PX)
    level = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), _EVEN_PX)) + 2.0
    return np.asarray(detail / level, dtype=np.float32)


def _aligned(one: FloatImage, other: FloatImage) -> float:
    """Return the correlation of two details, the first laid onto the other; 0 where they cannot be aligned."""
    rule = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _ROUNDS, 1e-4)
    start, everywhere = np.eye(2, 3, dtype=np.float32), np.ones(other.shape, dtype=np.uint8)
    try:
        value, _ = cv2.findTransformECC(one, other, start, cv2.MOTION_AFFINE, rule, everywhere, 5)
    except cv2.error:  # no overlap with any likeness
        return 0.0
    return float(value)
