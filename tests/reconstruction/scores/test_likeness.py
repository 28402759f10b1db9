"""SSIM against its formula written out, and the mean face."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import correlate

from nasion.errors import NasionError
from nasion.reconstruction.scores.likeness import mean_face, similarity


def picture(seed: int, size: tuple[int, int] = (40, 30)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def ssim_by_formula(one: np.ndarray, other: np.ndarray) -> float:
    """Wang et al. 2004, Eq. 13, with the stated 11 x 11 window; where it fits into the picture."""
    at = np.arange(-5, 6)
    window = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    window /= window.sum()
    x, y = (own @ [0.299, 0.587, 0.114] for own in (one.astype(float), other.astype(float)))

    def mean(values: np.ndarray) -> np.ndarray:
        return correlate(values, window)[5:-5, 5:-5]

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


@pytest.mark.parametrize("seed", range(3))
def test_ssim_agrees_with_its_formula(seed: int) -> None:
    one, other = picture(seed), picture(seed + 10)
    mixed = ((one.astype(int) + other) // 2).astype(np.uint8)
    assert similarity(one, mixed) == pytest.approx(ssim_by_formula(one, mixed), abs=1e-9)
    assert similarity(one, other) == pytest.approx(similarity(other, one))


def test_ssim_by_hand() -> None:
    # flat pictures of luma 100 and 200: (2 * 100 * 200 + c1) / (100^2 + 200^2 + c1)
    one, other = (np.full((20, 20, 3), level, np.uint8) for level in (100, 200))
    c1 = 2.55**2
    assert similarity(one, other) == pytest.approx((40_000 + c1) / (50_000 + c1))
    assert similarity(one, one) == pytest.approx(1.0)


def test_ssim_refuses_other_sizes() -> None:
    with pytest.raises(NasionError, match="one size"):
        similarity(picture(0), picture(1, (30, 40)))
    with pytest.raises(NasionError, match="at least 11"):
        similarity(picture(0, (8, 8)), picture(1, (8, 8)))


def test_mean_face() -> None:
    faces = [np.full((2, 2, 3), level, np.uint8) for level in (0, 100, 255)]
    assert (mean_face(faces) == 118).all()  # 355 / 3 = 118.33; no overflow of bytes
    assert (mean_face(faces[:1]) == 0).all()
    with pytest.raises(NasionError, match="no face"):
        mean_face([])
