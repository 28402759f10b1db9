"""Similarity transforms and generalised Procrustes analysis."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from nasion.errors import NasionError
from nasion.geometry.procrustes import Similarity, fit_similarity, generalized_procrustes

seeds = st.integers(0, 10_000)


def random_similarity(rng: np.random.Generator) -> Similarity:
    return Similarity(float(rng.uniform(0.2, 5)), Rotation.random(rng=rng).as_matrix(), rng.normal(size=3) * 100)


@given(seeds, st.integers(3, 20))
def test_a_similarity_is_recovered_and_undone(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    points, truth = rng.normal(size=(count, 3)) * 50, random_similarity(rng)
    found = fit_similarity(points, truth.apply(points), rng.uniform(0.1, 1, count))
    assert found.scale == pytest.approx(truth.scale)
    assert_allclose(found.rotation, truth.rotation, atol=1e-6)
    assert_allclose(found.apply(points), truth.apply(points), atol=1e-6)
    assert_allclose(truth.inverse().apply(truth.apply(points)), points, atol=1e-9)


@given(seeds)
def test_a_mirror_image_is_not_reached_by_reflection(seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(10, 3))
    assert np.linalg.det(fit_similarity(points, points * [-1, 1, 1]).rotation) == pytest.approx(1)


@given(seeds)
def test_rotation_agrees_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, w = rng.normal(size=(8, 3)), rng.normal(size=(8, 3)), rng.uniform(0.1, 1, 8)
    reference, _ = Rotation.align_vectors(
        b - np.average(b, axis=0, weights=w), a - np.average(a, axis=0, weights=w), weights=w
    )
    assert_allclose(fit_similarity(a, b, w, scale=False).rotation, reference.as_matrix(), atol=1e-6)


def test_no_other_scale_fits_better() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(9, 3)), rng.normal(size=(9, 3))
    best = fit_similarity(a, b)

    def loss(scale: float) -> float:
        shift = b.mean(0) - scale * best.rotation @ a.mean(0)
        return float(((Similarity(scale, best.rotation, shift).apply(a) - b) ** 2).sum())

    assert loss(best.scale) < min(loss(best.scale * 1.01), loss(best.scale * 0.99))


def test_a_weight_of_zero_leaves_a_point_out() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(6, 3))
    target = points + np.array([1.0, 2.0, 3.0])
    target[0] += 100
    found = fit_similarity(points, target, [0, 1, 1, 1, 1, 1])
    assert_allclose(found.apply(points)[1:], target[1:], atol=1e-9)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.eye(3)[:2], "at least 3"),
        (np.outer([0, 1, 2, 5], [1, 2, 3]), "one line"),
        (np.ones((4, 3)), "one place"),
        ([[0, 0, 0], [1, 0, np.nan], [0, 1, 0]], "not finite"),
        ([[0, 0], [1, 0], [0, 1]], r"give \(n, 3\)"),
    ],
)
def test_degenerate_points_are_refused(source: object, message: str) -> None:
    points = np.asarray(source, dtype=float)
    with pytest.raises(NasionError, match=message):
        fit_similarity(points, points)


def test_bad_weights_and_unequal_sets_are_refused() -> None:
    points = np.random.default_rng(0).normal(size=(4, 3))
    with pytest.raises(NasionError, match="weights"):
        fit_similarity(points, points, [1, 1, 0, 0])
    with pytest.raises(NasionError, match="same landmarks"):
        fit_similarity(points, points[:3])


@given(seeds)
def test_one_shape_in_many_places_comes_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = rng.normal(size=(7, 3)) * 40
    shapes = np.stack([random_similarity(rng).apply(shape) for _ in range(5)])
    aligned, mean = generalized_procrustes(shapes)
    assert_allclose(aligned, np.broadcast_to(mean, aligned.shape), atol=1e-6)
    sizes = np.linalg.norm(shapes - shapes.mean(axis=1, keepdims=True), axis=(1, 2))
    assert np.linalg.norm(mean) == pytest.approx(sizes.mean())


def test_the_first_configuration_sets_the_frame() -> None:
    rng = np.random.default_rng(5)
    shape = rng.normal(size=(7, 3)) * 40
    moved = np.stack([shape + 10, shape @ Rotation.random(rng=rng).as_matrix().T])
    aligned, _ = generalized_procrustes(moved)
    assert_allclose(aligned[0], shape - shape.mean(axis=0), atol=1e-6)


def test_sizes_are_kept_where_asked() -> None:
    rng = np.random.default_rng(6)
    shapes = rng.normal(size=(7, 3)) + 0.1 * rng.normal(size=(4, 7, 3))
    shapes *= np.array([1, 2, 3, 4])[:, None, None]
    aligned, mean = generalized_procrustes(shapes, scale=False)
    assert_allclose(
        np.linalg.norm(aligned, axis=(1, 2)),
        np.linalg.norm(shapes - shapes.mean(axis=1, keepdims=True), axis=(1, 2)),
    )
    assert_allclose(aligned.mean(axis=0), mean, atol=1e-9)
    for shape in aligned:
        assert_allclose(fit_similarity(shape, mean, scale=False).rotation, np.eye(3), atol=1e-4)
