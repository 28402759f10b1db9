"""Points spread over a mesh: exact in number, on it, far apart, the same for the same seed."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from nasion.errors import NasionError
from nasion.geometry.distance import closest_points
from nasion.geometry.poisson_disk import poisson_disk_sample
from nasion.geometry.surface import Mesh


def _mesh(shape: trimesh.Trimesh) -> Mesh:
    return Mesh(shape.vertices, shape.faces)


SPHERE = _mesh(trimesh.creation.icosphere(4))
BOX = _mesh(trimesh.creation.box((2.0, 1.0, 0.5)))


@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 700), seed=st.integers(0, 10_000))
def test_exactly_as_many_points_on_the_mesh(count: int, seed: int) -> None:
    points, normals = poisson_disk_sample(BOX, count, seed)
    assert points.shape == normals.shape == (count, 3)
    assert closest_points(BOX, points)[1].max() < 1e-9
    # a point of a box lies on a face, and there the normal is that face's; smoothing must not mix faces at an edge
    face = np.abs(np.abs(points) - [1.0, 0.5, 0.25]).argmin(axis=1)
    expected = np.zeros_like(points)
    expected[np.arange(count), face] = np.sign(points[np.arange(count), face])
    assert np.allclose(normals, expected, atol=1e-9)


def test_the_points_are_blue_noise() -> None:
    points, normals = poisson_disk_sample(SPHERE, 2000, 3)
    nearest = cKDTree(points).query(points, k=2)[0][:, 1]
    hexagonal = np.sqrt(2 * 4 * np.pi / (np.sqrt(3.0) * 2000))
    assert nearest.min() > 0.6 * hexagonal  # Yuksel 2015, table 1: about 0.7; random points come near to 0
    octants = np.bincount((points > 0) @ np.array([1, 2, 4]), minlength=8)
    assert np.abs(octants - 250).max() < 12  # random points spread by their root, 16
    radial = points / np.linalg.norm(points, axis=1, keepdims=True)
    assert ((normals * radial).sum(axis=1) > np.cos(np.radians(3.0))).all()  # a triangle's tilt: 2.4


def test_uneven_triangles_get_even_points() -> None:
    # the same plane, one half in 2 triangles, the other in 3,200
    fine = [(1 + x / 40, y / 40) for x in range(41) for y in range(41)]
    faces = [(i, i + 41, i + 42) for i in range(1639) if i % 41 < 40] + [
        (i, i + 42, i + 1) for i in range(1639) if i % 41 < 40
    ]
    coarse = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    flat = np.array(fine + coarse)
    n = len(fine)
    mesh = Mesh(np.c_[flat, np.zeros(len(flat))], np.array([*faces, (n, n + 1, n + 2), (n, n + 2, n + 3)]))
    points, _ = poisson_disk_sample(mesh, 500, 0)
    assert abs((points[:, 0] < 1).sum() - 250) < 12


def test_the_same_seed_gives_the_same_points_and_another_others() -> None:
    first, again, other = (poisson_disk_sample(SPHERE, 100, seed)[0] for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("thickness", [0.01, 0.1])
def test_the_two_sides_of_a_thin_sheet_get_as_many_points_as_their_area_says(thickness: float) -> None:
    sheet = _mesh(trimesh.creation.box((2.0, 2.0, thickness)))
    points, normals = poisson_disk_sample(sheet, 800, 1)
    upper = (points[:, 2] > thickness / 2 - 1e-9).sum()
    share = 4.0 / (8.0 + 8.0 * thickness)
    assert abs(upper - 800 * share) < 25
    spacing = cKDTree(points[normals[:, 2] > 0.9]).query(points[normals[:, 2] > 0.9], k=2)[0][:, 1]
    assert spacing.min() > 0.6 * np.sqrt(2 * 8.0 / (np.sqrt(3.0) * 800))


def test_points_stay_within_the_cube() -> None:
    points, _ = poisson_disk_sample(BOX, 300, 0, within=0.4)
    assert np.abs(points).max() <= 0.4
    # within 0.4 the box has left only its two large faces of height 0.25
    assert np.allclose(np.abs(points[:, 2]), 0.25)


def test_a_mesh_without_area_is_refused_in_one_line() -> None:
    line = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]), np.array([[0, 1, 2]]))
    with pytest.raises(NasionError, match="no surface"):
        poisson_disk_sample(line, 10)
    with pytest.raises(NasionError, match="no surface where the head should be"):
        poisson_disk_sample(BOX, 10, within=0.1)
    with pytest.raises(NasionError, match="1 or more"):
        poisson_disk_sample(BOX, 0)
