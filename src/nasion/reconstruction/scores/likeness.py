"""SSIM of a generated face and the true one, and the mean face that everyone is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError

Pixels = NDArray[np.uint8]

_WINDOW_PX: Final = 11


def similarity(generated: Pixels, truth: Pixels) -> float:
    """Return the mean structural similarity of two (h, w, 3) RGB pictures of one size, -1 to 1.

    Wang et al., IEEE TIP 2004: of luminance, Gaussian window of 1.5 px in 11 x 11, K 0.01 and 0.03, range 255. It
    depends on the size of the pictures; compare figures of one size.

    Raises
    ------
    NasionError
        The sizes differ, or are below the window.

    """
    from skimage import metrics

    structural_similarity: Any = metrics.structural_similarity
    if generated.shape != truth.shape or min(truth.shape[:2]) < _WINDOW_PX:
        raise NasionError(
            f"pictures of {generated.shape[:2]} and {truth.shape[:2]} pixels cannot be compared; "
            f"give two of one size, at least {_WINDOW_PX} x {_WINDOW_PX}"
        )
    value = structural_similarity(
        _luminance(generated),
        _luminance(truth),
        data_range=255.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(value)


def mean_face(faces: Sequence[Pixels]) -> Pixels:
    """Return the mean of aligned (h, w, 3) faces of one size: what is known of a face before its skull is seen.

    Of training people only; its similarity to the truth is the floor that a generator must pass.
    """
    if not faces:
        raise NasionError("no face to average; give at least one training person")
    total = np.zeros(faces[0].shape)
    for face in faces:
        total += face
    return np.asarray(np.rint(total / len(faces)), np.uint8)


def _luminance(picture: Pixels) -> NDArray[np.float64]:
    """Return (h, w): luma of ITU-R BT.601."""
    grey: NDArray[np.float64] = picture.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return grey
