"""Drawn tissue vectors against the table they come from."""

import numpy as np
import pytest

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.tissue import TissueTable
from nasion.population.tissue_sampling import TissueDraw

INDEX = {pair.facial: k for k, pair in enumerate(PAIRS)}
BILATERAL = ("exocanthion", "endocanthion", "zygion", "frontotemporale", "alare", "gonion")
DRAWS = 4000


def drawn(draw: TissueDraw, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    pairs = [draw.sample(rng) for _ in range(DRAWS)]
    return np.array([build for build, _ in pairs]), np.array([vectors for _, vectors in pairs])


def left_right(scaled: np.ndarray) -> np.ndarray:
    """Return the correlations of mirrored components over all six bilateral pairs."""
    found = []
    for name in BILATERAL:
        left = scaled[:, INDEX[f"{name}_left"]]
        right = scaled[:, INDEX[f"{name}_right"]] * [-1, 1, 1]
        found += [np.corrcoef(left[:, axis], right[:, axis])[0, 1] for axis in range(3)]
    return np.array(found)


def test_vectors_over_the_build_factor_have_the_tables_moments() -> None:
    table = TissueTable.load()
    build, vectors = drawn(TissueDraw(table))
    scaled = vectors / build[:, None, None]
    sd = np.sqrt(np.einsum("jkk->jk", table.covariance_mm2))
    assert np.abs(scaled.mean(axis=0) - table.mean_mm).max() < 4.5 * (sd / DRAWS**0.5).max()
    assert scaled.std(axis=0) == pytest.approx(sd, rel=4.5 / (2 * DRAWS) ** 0.5)
    assert left_right(scaled) == pytest.approx(table.left_right_correlation, abs=0.04)


def test_depths_of_both_sides_correlate_by_about_nine_tenths() -> None:
    """The figure of Lilium, section II-C, for whole vectors: what the build factor leaves and the factor together."""
    _, vectors = drawn(TissueDraw(TissueTable.load()))
    depth = np.linalg.norm(vectors, axis=2)
    for name in BILATERAL:
        left, right = depth[:, INDEX[f"{name}_left"]], depth[:, INDEX[f"{name}_right"]]
        assert 0.85 < np.corrcoef(left, right)[0, 1] < 0.99


def test_the_build_factor_is_log_normal_from_thin_to_obese() -> None:
    table = TissueTable.load()
    build, _ = drawn(TissueDraw(table))
    assert np.median(build) == pytest.approx(1.0, abs=0.03)
    # Cut at 2 SD, which leaves 95 % of the mass; the SD of what is left, heaped at the ends, is 0.96 of the full one.
    assert np.log(build).std() == pytest.approx(0.96 * table.build_factor_log_sd, rel=0.05)
    assert build.min() == pytest.approx(np.exp(-2 * table.build_factor_log_sd))
    assert build.max() == pytest.approx(np.exp(2 * table.build_factor_log_sd))


def test_a_range_of_builds_is_kept() -> None:
    build, _ = drawn(TissueDraw(TissueTable.load(), build_range=(1.5, 2.5)))
    assert 1.5 <= build.min() < 1.52
    assert 2.48 < build.max() <= 2.5
    assert np.log(build).mean() == pytest.approx((np.log(1.5) + np.log(2.5)) / 2, abs=0.02)


def test_another_left_right_correlation() -> None:
    build, vectors = drawn(TissueDraw(TissueTable.load(), left_right_correlation=0.3))
    assert left_right(vectors / build[:, None, None]) == pytest.approx(0.3, abs=0.07)


def test_wrong_means_are_off_by_the_asked_number_of_sds() -> None:
    table = TissueTable.load()
    directions = []
    for seed in range(100):
        wrong = TissueDraw(table, mean_shift_sd=2.0, mean_shift_seed=seed, build_range=(1.0, 1.0))
        right = TissueDraw(table, build_range=(1.0, 1.0))
        # The same random numbers: what differs is the shift.
        shift = wrong.sample(np.random.default_rng(1))[1] - right.sample(np.random.default_rng(1))[1]
        unit = shift / np.linalg.norm(shift, axis=1, keepdims=True)
        sd = np.sqrt((unit[:, None] @ table.covariance_mm2 @ unit[:, :, None])[:, 0, 0])
        assert np.linalg.norm(shift, axis=1) == pytest.approx(2.0 * sd)
        directions.append(unit)
    # Evenly drawn directions: mean zero, second moments a third each.
    drawn_units = np.concatenate(directions)
    assert np.abs(drawn_units.mean(axis=0)).max() < 4.5 * (1 / 3 / len(drawn_units)) ** 0.5
    assert np.abs(drawn_units.T @ drawn_units / len(drawn_units) - np.eye(3) / 3).max() < 0.03


def test_the_shift_is_the_same_for_all_people_of_a_population() -> None:
    table = TissueTable.load()
    wrong = TissueDraw(table, mean_shift_sd=1.0, mean_shift_seed=4)
    right = TissueDraw(table)
    shifts = []
    for seed in range(3):
        (build, shifted), (_, plain) = (draw.sample(np.random.default_rng(seed)) for draw in (wrong, right))
        shifts.append((shifted - plain) / build)
    assert shifts[0] == pytest.approx(shifts[1])
    assert shifts[0] == pytest.approx(shifts[2])
