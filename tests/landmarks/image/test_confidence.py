"""What evidence means: known standard deviations come back, in image pixels."""

import numpy as np
import pytest

from nasion.landmarks.image.confidence import Calibration, Evidence, calibrate


def drawn(count: int, seed: int) -> tuple[Evidence, np.ndarray, np.ndarray]:
    """Errors whose standard deviation is 0.8 times the spread to the power of 0.7, two coordinates each."""
    rng = np.random.default_rng(seed)
    spread = np.exp(rng.normal(1.5, 0.5, (count, 6)))
    evidence = Evidence(rng.uniform(0.4, 0.9, (count, 6)), spread, np.ones((count, 6)))
    sigma = 0.8 * spread**0.7
    return evidence, sigma, np.linalg.norm(rng.normal(size=(count, 6, 2)), axis=2) * sigma


def test_known_deviations_come_back() -> None:
    evidence, _, errors = drawn(400, 0)
    meaning = calibrate(evidence, errors, [f"p{k}" for k in range(400)])
    new, sigma, new_errors = drawn(400, 1)
    scale = np.full((400, 1), 2.5)
    ratio = meaning.sigma_px(new, scale) / (2.5 * sigma)
    assert ratio[new.spread > 1.5] == pytest.approx(1, abs=0.15)  # smaller spreads count as about one pixel
    inside = new_errors * 2.5 <= meaning.radius_px(new, scale)
    assert inside.mean() == pytest.approx(0.9, abs=0.02)


def test_low_peaks_are_missing_and_plain_values_come_back() -> None:
    evidence, _, errors = drawn(100, 2)
    meaning = Calibration.from_plain(calibrate(evidence, errors, [f"p{k}" for k in range(100)]).to_plain())
    one = Evidence(np.array([0.6, 0.01, 0.6, 0.6, 0.6, 0.6]), np.full(6, 3.0), np.ones(6))
    missing = meaning.missing(list("abcdef"), one)
    assert list(missing) == ["b"] and missing["b"].startswith("not seen in this image: the heat map's peak is 0.01")
