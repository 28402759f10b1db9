"""The smooth warp."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.interpolate import RBFInterpolator

from nasion.errors import NasionError
from nasion.geometry.rbf import RbfWarp
from nasion.geometry.surface import Mesh

seeds = st.integers(0, 10_000)


@given(seeds)
def test_affine_maps_come_out_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source, elsewhere = rng.normal(size=(12, 3)) * 60, rng.normal(size=(50, 3)) * 200
    matrix, shift = np.eye(3) + 0.3 * rng.normal(size=(3, 3)), rng.normal(size=3) * 30
    warp = RbfWarp.fit(source, source @ matrix.T + shift)
    assert_allclose(warp(elsewhere), elsewhere @ matrix.T + shift, atol=1e-7)


@given(seeds)
def test_landmarks_land_on_landmarks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(30, 3)) * 60
    target = source + rng.normal(size=(30, 3)) * 8
    assert_allclose(RbfWarp.fit(source, target)(source), target, atol=1e-8)


@pytest.mark.parametrize("smoothing", [0.0, 25.0])
def test_agrees_with_scipy(smoothing: float) -> None:
    rng = np.random.default_rng(4)
    source, elsewhere = rng.normal(size=(25, 3)) * 60, rng.normal(size=(100, 3)) * 90
    target = source + rng.normal(size=(25, 3)) * 8
    reference = RBFInterpolator(source, target, kernel="linear", degree=1, smoothing=smoothing)
    assert_allclose(RbfWarp.fit(source, target, smoothing)(elsewhere), reference(elsewhere), atol=1e-6)


def test_moving_the_scene_moves_the_warp() -> None:
    rng = np.random.default_rng(7)
    source, elsewhere = rng.normal(size=(15, 3)) * 60, rng.normal(size=(40, 3)) * 90
    target = source + rng.normal(size=(15, 3)) * 8
    shift = np.array([300.0, -200.0, 100.0])
    here = RbfWarp.fit(source, target)(elsewhere)
    assert_allclose(RbfWarp.fit(source + shift, target + shift)(elsewhere + shift), here + shift, atol=1e-7)


def test_smoothing_forgives_one_wrong_landmark() -> None:
    rng = np.random.default_rng(8)
    source = rng.normal(size=(30, 3)) * 60
    target = source.copy()
    target[0] += 20
    error = [np.abs(RbfWarp.fit(source, target, s)(source) - source)[0].max() for s in (0.0, 50.0, 500.0)]
    assert error[0] == pytest.approx(20)
    assert error[0] > error[1] > error[2]


def test_a_mesh_keeps_its_triangles(box: Mesh) -> None:
    warped = RbfWarp.fit(box.vertices, box.vertices * 2).mesh(box)
    assert_allclose(warped.vertices, box.vertices * 2, atol=1e-9)
    assert warped.faces is box.faces or (warped.faces == box.faces).all()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.eye(3), "at least four"),
        (np.random.default_rng(0).normal(size=(8, 3)) * [1, 1, 0], "one plane"),
        (np.vstack([np.eye(3), np.zeros((2, 3))]), "same place"),
        (np.vstack([np.eye(3), np.full((1, 3), np.nan)]), "not finite"),
    ],
)
def test_landmarks_that_leave_the_warp_open_are_refused(source: np.ndarray, message: str) -> None:
    with pytest.raises(NasionError, match=message):
        RbfWarp.fit(source, source)


def test_unequal_sets_and_negative_smoothing_are_refused() -> None:
    points = np.random.default_rng(0).normal(size=(6, 3))
    with pytest.raises(NasionError, match="same landmarks"):
        RbfWarp.fit(points, points[:5])
    with pytest.raises(NasionError, match="negative"):
        RbfWarp.fit(points, points, -1.0)
