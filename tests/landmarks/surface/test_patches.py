"""Pieces of surfaces, held against solids whose areas and normals are known."""

import numpy as np
import pytest
import trimesh

from nasion.geometry.surface import Mesh
from nasion.landmarks.surface.patches import PatchSource


def sphere(radius: float) -> PatchSource:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=radius)
    return PatchSource.of(Mesh(np.asarray(ball.vertices, dtype=np.float64), np.asarray(ball.faces, dtype=np.int32)))


def test_points_lie_on_the_sphere_within_the_ball_with_radial_normals() -> None:
    center = np.array([0.0, 0.0, 50.0])
    found = sphere(50.0).around(center, 20.0, 400, np.random.default_rng(0)).astype(np.float64)
    assert np.isfinite(found).all()
    points = found[:, :3] + center
    assert np.abs(np.linalg.norm(points, axis=1) - 50.0).max() < 0.05
    assert np.linalg.norm(found[:, :3], axis=1).max() <= 20.0
    outward = (found[:, 3:] * points).sum(axis=1) / np.linalg.norm(points, axis=1)
    assert outward.min() > 0.999


def test_points_are_even_by_area() -> None:
    # Archimedes: caps of a sphere within distance d of the pole have area pi d^2, so d^2 is even
    found = sphere(50.0).around(np.array([0.0, 0.0, 50.0]), 20.0, 4000, np.random.default_rng(1))
    shares = np.sort((found[:, :3].astype(np.float64) ** 2).sum(axis=1)) / 20.0**2
    even = (np.arange(len(shares)) + 0.5) / len(shares)
    assert np.abs(shares - even).max() < 1.63 / np.sqrt(len(shares))  # Kolmogorov-Smirnov, 1 %


def test_a_ball_that_misses_the_surface_is_empty() -> None:
    found = sphere(50.0).around(np.array([0.0, 0.0, 100.0]), 20.0, 50, np.random.default_rng(2))
    assert np.isnan(found).all()


def test_what_is_near_gives_the_same_pieces() -> None:
    whole, center = sphere(50.0), np.array([0.0, 30.0, 40.0])
    near = whole.near(center, 25.0)
    assert len(near.mesh.faces) < 0.2 * len(whole.mesh.faces)
    for point in (center, center + np.array([3.0, -2.0, 1.0])):
        same = [source.around(point, 20.0, 100, np.random.default_rng(3)) for source in (whole, near)]
        assert np.array_equal(*same)


def test_closest_points_agree_with_an_independent_search() -> None:
    ball = sphere(50.0)
    points = np.random.default_rng(4).normal(0, 40, (30, 3))
    mesh = trimesh.Trimesh(ball.mesh.vertices, ball.mesh.faces, process=False)
    wanted = trimesh.proximity.closest_point_naive(mesh, points)[0]
    assert np.array([ball.closest(point) for point in points]) == pytest.approx(wanted, abs=1e-6)
