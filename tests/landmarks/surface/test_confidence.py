"""Calibration against errors of known spread."""

import json

import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.landmarks.surface.confidence import Calibration, Evidence, calibrate

FACTORS = np.array([0.5, 1.0, 2.0, 4.0])
"""Each landmark's own factor."""


def world(seed: int, samples: int = 400) -> tuple[Evidence, np.ndarray, np.ndarray, list[str]]:
    """Errors whose spread is the landmark's factor times spread^1.5 / peak; also the true SD."""
    rng = np.random.default_rng(seed)
    spread = np.exp(rng.normal(np.log(3), 0.3, (samples, 4)))
    peak = rng.uniform(0.5, 1.0, (samples, 4))
    sigma = FACTORS * (spread / 3) ** 1.5 / peak
    errors = np.linalg.norm(rng.normal(size=(samples, 4, 3)) * sigma[..., None], axis=2)
    misfit = np.exp(rng.normal(np.log(0.05), 0.3, (samples, 4)))
    people = [f"{seed} {k // 4}" for k in range(samples)]
    return Evidence(peak, spread, misfit), errors, sigma, people


def test_known_spreads_are_found_again() -> None:
    evidence, errors, _, people = world(0)
    learnt = calibrate(evidence, errors, people)
    assert learnt.slopes == pytest.approx([1.5, -1.0, 0.0], abs=0.12)
    fresh, _, sigma, _ = world(1)
    assert np.abs(np.log(learnt.sigma_mm(fresh) / sigma)).max() < 0.15


def test_intervals_hold_what_they_promise() -> None:
    evidence, errors, _, people = world(2)
    learnt = calibrate(evidence, errors, people)
    fresh, new_errors, _, _ = world(3, 1000)
    inside = new_errors <= learnt.radius_mm(fresh)
    assert inside.mean() == pytest.approx(0.9, abs=0.02)
    assert (np.abs(inside.mean(axis=0) - 0.9) < 0.05).all()
    # 90 % of a 3D Gaussian lie within 2.50 SD
    assert learnt.radius_factors == pytest.approx(2.5, abs=0.2)


def test_radii_hold_under_heavy_tails_and_few_people() -> None:
    inside = []
    for seed in range(20):
        evidence, errors, _, people = world(seed, 24)
        tails = np.random.default_rng(seed).standard_t(2, errors.shape)
        learnt = calibrate(evidence, errors * np.abs(tails), people)
        fresh, new_errors, _, _ = world(seed + 500, 200)
        new_tails = np.random.default_rng(seed + 500).standard_t(2, new_errors.shape)
        inside.append(np.mean(new_errors * np.abs(new_tails) <= learnt.radius_mm(fresh)))
    assert 0.86 < np.mean(inside) < 0.94


def test_missing_landmarks_have_low_peaks() -> None:
    evidence, errors, _, people = world(4, 200)
    errors[::5, 1] = np.nan
    evidence.peak[::5, 1] *= 0.2
    learnt = calibrate(evidence, errors, people)
    assert learnt.present_lost == 0
    assert learnt.absent_invented == 0
    one = Evidence(np.array([0.9, 0.15, 0.9, np.nan]), np.full(4, 3.0), np.full(4, 0.05))
    missing = learnt.missing(["a", "b", "c", "d"], one)
    assert set(missing) == {"b", "d"}
    assert "0.15" in missing["b"]
    assert f"{learnt.least_peak[1]:.2f}" in missing["b"]


def test_without_absent_landmarks_only_the_weakest_peaks_are_missing() -> None:
    evidence, errors, _, people = world(5, 100)
    learnt = calibrate(evidence, errors, people)
    assert learnt.absent_invented is None
    assert learnt.present_lost == 0
    assert (learnt.least_peak < evidence.peak.min(axis=0)).all()
    assert (learnt.least_peak > 0.15).all()


def test_a_calibration_survives_a_card() -> None:
    evidence, errors, _, people = world(6, 100)
    learnt = calibrate(evidence, errors, people)
    back = Calibration.from_plain(json.loads(json.dumps(learnt.to_plain())))
    assert (back.sigma_mm(evidence) == learnt.sigma_mm(evidence)).all()
    assert (back.radius_mm(evidence) == learnt.radius_mm(evidence)).all()


def test_what_is_refused() -> None:
    evidence, errors, _, people = world(7, 16)
    with pytest.raises(NasionError, match="at least 5"):
        calibrate(evidence, errors, people)
    evidence, errors, _, people = world(7, 40)
    errors[:, 2] = np.nan
    with pytest.raises(NasionError, match="number 3"):
        calibrate(evidence, errors, people)
