"""Similarities are found again; the share of a surface on itself is whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from nasion.landmarks.surface.alignment import ClosestTable, Poses, climbed, fit_share, rotation_grid

rng = np.random.default_rng(0)
SHAPE = rng.standard_normal((1500, 3))
SHAPE /= np.linalg.norm(SHAPE, axis=1, keepdims=True)
NORMALS = SHAPE / [0.9, 0.7, 0.5]
NORMALS /= np.linalg.norm(NORMALS, axis=1, keepdims=True)
SHAPE = SHAPE * [0.9, 0.7, 0.5]
TABLE = ClosestTable.of(SHAPE, NORMALS, np.ones(len(SHAPE)), 0.05)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 9999), scale=st.floats(0.9, 1.1))
def test_a_small_motion_of_an_ellipsoid_is_found_again(seed: int, scale: float) -> None:
    local = np.random.default_rng(seed)
    turn = Rotation.from_rotvec(local.uniform(-0.15, 0.15, 3)).as_matrix()
    shift = local.uniform(-0.08, 0.08, 3)
    moved = (SHAPE - shift) @ turn / scale  # SHAPE = scale * turn @ moved + shift
    start = Poses(np.eye(3)[None], np.zeros((1, 3)), np.ones(1))
    end = climbed(moved, NORMALS @ turn, TABLE, start, (0.4,) * 6 + (0.2,) * 10, free_scale=0.2)
    assert np.degrees(np.arccos(min((np.trace(end.rotations[0] @ turn.T) - 1) / 2, 1.0))) < 1.5
    assert end.scales[0] == pytest.approx(scale, abs=0.01)
    assert np.allclose(end.shifts[0], shift, atol=0.02)


def test_a_scale_that_is_not_free_stays() -> None:
    start = Poses(np.eye(3)[None], np.zeros((1, 3)), np.array([0.93]))
    assert climbed(SHAPE, NORMALS, TABLE, start, (0.3,) * 5).scales[0] == 0.93


def test_the_share_of_a_surface_on_itself() -> None:
    there = Poses(np.stack([np.eye(3)] * 3), np.array([[0.0, 0, 0], [5.0, 0, 0], [0.0, 0, 0]]), np.ones(3))
    weights = np.ones(len(SHAPE))
    share = fit_share(SHAPE, NORMALS, weights, TABLE, there, 0.1)
    assert share[0] > 0.9  # cells are no points: the closest of a cell's centre may be a neighbour
    assert share[1] == 0.0
    assert fit_share(SHAPE, -NORMALS, weights, TABLE, there, 0.1)[0] == 0.0
    half = np.where(SHAPE[:, 0] > 0, 1.0, 0.0)
    away = np.where(SHAPE[:, :1] > 0, SHAPE, SHAPE + 9.0)
    assert fit_share(away, NORMALS, half, TABLE, there, 0.1)[0] == pytest.approx(share[0], abs=0.03)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 9999))
def test_the_inverse_leads_back(seed: int) -> None:
    local = np.random.default_rng(seed)
    poses = Poses(Rotation.random(3, rng=local).as_matrix(), local.normal(size=(3, 3)), local.uniform(0.5, 2, 3))
    back = poses.inverse()
    x = local.normal(size=3)
    for k in range(3):
        y = poses.scales[k] * poses.rotations[k] @ x + poses.shifts[k]
        assert np.allclose(back.scales[k] * back.rotations[k] @ y + back.shifts[k], x)


@pytest.mark.parametrize("step_deg", [20.0, 34.0, 60.0])
def test_the_grid_leaves_no_rotation_far_away(step_deg: float) -> None:
    grid = rotation_grid(step_deg)
    assert np.allclose(np.linalg.det(grid), 1.0)
    some = Rotation.random(500, rng=np.random.default_rng(1)).as_matrix()
    trace = np.einsum("kij,lij->kl", some, grid).max(axis=1)
    nearest = np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))
    assert np.quantile(nearest, 0.93) < step_deg
    assert nearest.max() < 1.3 * step_deg
