"""KID, FID and IS against hand-computed cases, closed forms and independent implementations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from nasion.reconstruction.scores.frechet_distance import frechet_distance, too_few
from nasion.reconstruction.scores.inception_score import inception_score
from nasion.reconstruction.scores.kernel_distance import kernel_distance


def kid_by_loops(x: np.ndarray, y: np.ndarray) -> float:
    """Gretton et al. 2012, Eq. 4, written out."""
    n, d = x.shape

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return (float(a @ b) / d + 1) ** 3

    pairs = list(itertools.permutations(range(n), 2))
    return sum(k(x[i], x[j]) + k(y[i], y[j]) - k(x[i], y[j]) - k(x[j], y[i]) for i, j in pairs) / len(pairs)


def test_kid_by_hand() -> None:
    # d = 1: all x are 0 (k = 1 among themselves and with any y), all y are 1 (k = 8): 1 + 8 - 1 - 1
    found = kernel_distance(np.zeros((4, 1)), np.ones((4, 1)))
    assert found.value == pytest.approx(7.0)
    assert found.interval95 == pytest.approx((7.0, 7.0))
    assert found.pictures == 4


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 9), st.integers(1, 6))
def test_kid_agrees_with_its_definition(seed: int, n: int, d: int) -> None:
    x, y = np.random.default_rng(seed).standard_normal((2, n, d))
    assert kernel_distance(x, y + 0.5).value == pytest.approx(kid_by_loops(x, y + 0.5))


def test_kid_is_unbiased_also_where_generated_faces_depend_on_their_truth() -> None:
    # one distribution on both sides, each generated face near its own truth: the mean over many sets must be 0
    rng = np.random.default_rng(0)
    values = []
    for _ in range(1500):
        truth = rng.standard_normal((10, 3))
        generated = 0.8 * truth + 0.6 * rng.standard_normal((10, 3))
        values.append(kernel_distance(generated, truth).value)
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))


def test_kid_of_the_truth_itself_is_nought() -> None:
    x = np.random.default_rng(1).standard_normal((20, 8))
    assert kernel_distance(x, x).value == pytest.approx(0.0, abs=1e-12)


def test_kid_compares_people_of_one_fold_only() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((2, 9, 3))
    folds = [0, 0, 0, 0, 1, 1, 1, 1, 1]
    # the mean over the pairs of both folds, 12 and 20 ordered ones
    parts = [kid_by_loops(x[:4], y[:4]), kid_by_loops(x[4:], y[4:])]
    assert kernel_distance(x, y, folds).value == pytest.approx((12 * parts[0] + 20 * parts[1]) / 32)
    # one who remembers the faces of the other fold gains nothing by it
    faces = np.concatenate([rng.normal(-3, 1, (20, 3)), rng.normal(3, 1, (20, 3))])
    remembered = np.roll(faces, 20, axis=0)
    fold = np.repeat([0, 1], 20)
    assert abs(kernel_distance(remembered, faces).value) < 0.1 * kernel_distance(remembered, faces, fold).value
    with pytest.raises(ValueError, match="no two people"):
        kernel_distance(x, y, list(range(9)))


def test_kid_interval_covers_the_true_distance() -> None:
    # d = 1, x ~ N(0, 1), y ~ N(1, 1): E (xy + 1)^3 from the moments 0, 1, 0 and 1, 2, 4 of x and y
    def mean_kernel(a: list[float], b: list[float]) -> float:
        return a[2] * b[2] + 3 * a[1] * b[1] + 3 * a[0] * b[0] + 1

    x_moments, y_moments = [0.0, 1.0, 0.0], [1.0, 2.0, 4.0]
    truth = (
        mean_kernel(x_moments, x_moments) + mean_kernel(y_moments, y_moments) - 2 * mean_kernel(x_moments, y_moments)
    )
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(100):
        low, high = kernel_distance(rng.normal(0, 1, (200, 1)), rng.normal(1, 1, (200, 1))).interval95
        covered += low <= truth <= high
    assert covered >= 80


def test_kid_refuses_what_is_no_set_of_pairs() -> None:
    with pytest.raises(ValueError, match="one shape"):
        kernel_distance(np.zeros((5, 2)), np.zeros((6, 2)))
    with pytest.raises(ValueError, match="at least 4"):
        kernel_distance(np.zeros((3, 2)), np.zeros((3, 2)))


def test_fid_by_hand() -> None:
    # d = 1: means 0 and 3, variances 2 and 8: 9 + 2 + 8 - 2 sqrt(16) = 11
    assert frechet_distance(np.array([[-1.0], [1.0]]), np.array([[1.0], [5.0]])) == pytest.approx(9 + 2 + 8 - 8)


def test_fid_of_gaussians_has_its_closed_form() -> None:
    # commuting covariances: |m|^2 + sum (s1 - s2)^2
    rng = np.random.default_rng(0)
    one, other = np.array([1.0, 2.0, 0.5]), np.array([2.0, 1.0, 0.5])
    shift = np.array([1.0, 0.0, -2.0])
    x = rng.standard_normal((20_000, 3)) * one
    y = rng.standard_normal((20_000, 3)) * other + shift
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    expected = shift @ shift + np.square(one - other).sum()
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("n", "m", "d"), [(40, 30, 5), (8, 9, 20)])
def test_fid_agrees_with_the_matrix_root(n: int, m: int, d: int) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.standard_normal((n, d)), 2 * rng.standard_normal((m, d)) + 1
    one, other = np.cov(x.T), np.cov(y.T)
    jitter = 1e-9 * np.eye(d)  # the matrix root of a singular product is not defined
    root = np.trace(sqrtm((one + jitter) @ (other + jitter)).real)
    expected = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(one) + np.trace(other) - 2 * root
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-3)
    assert frechet_distance(x, x) == pytest.approx(0.0, abs=1e-9)


def test_fid_of_few_pictures_is_called_what_it_is() -> None:
    assert too_few(88, 1280)
    assert too_few(1280, 1280)  # n pictures span n - 1 directions
    assert not too_few(1281, 1280)


def test_is_by_hand() -> None:
    sure = 1000.0 * np.eye(4)
    # every part of two pictures holds two sure, different answers
    found = inception_score(sure)
    assert (found.mean, found.sd, found.splits) == (pytest.approx(2.0), pytest.approx(0.0), 2)
    # the same answer to all, or no answer at all: 1
    assert inception_score(np.tile(sure[:1], (40, 1))).mean == pytest.approx(1.0)
    assert inception_score(np.zeros((40, 7))).mean == pytest.approx(1.0)
    # ten parts of four sure, different answers
    assert inception_score(np.tile(sure, (10, 1))).mean == pytest.approx(4.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 60))
def test_is_lies_between_1_and_the_pictures_of_a_part(seed: int, n: int) -> None:
    found = inception_score(3 * np.random.default_rng(seed).standard_normal((n, 5)))
    assert 1 - 1e-9 <= found.mean <= min(5, -(-n // found.splits)) + 1e-9
