"""The second stage: hand-made surfaces whose true landmark lies inside a triangle."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from nasion.errors import NasionError
from nasion.geometry.distance import closest_points
from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.surface.heatmaps import heat_maps
from nasion.landmarks.surface.refinement import refine, weighted_mean
from nasion.landmarks.surface.settings import SurfaceNetSettings

EDGE = 0.1
SETTINGS = SurfaceNetSettings()
VERTEX, MEAN = replace(SETTINGS, refinement="vertex"), replace(SETTINGS, refinement="mean")


def plane(edge: float = EDGE) -> Mesh:
    """A square of triangles in z = 0."""
    side = np.arange(-0.5, 0.5 + edge / 2, edge)
    x, y = np.meshgrid(side, side, indexing="ij")
    vertices = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)
    number = np.arange(x.size).reshape(x.shape)
    a, b, c, d = (number[i : i - 1 or None, j : j - 1 or None] for i, j in ((0, 0), (1, 0), (1, 1), (0, 1)))
    faces = np.concatenate([np.stack(t, axis=-1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])
    return Mesh(vertices, faces)


def cloud_on_plane(count: int = 2500, seed: int = 0) -> FloatArray:
    rng = np.random.default_rng(seed)
    side = int(count**0.5)
    x, y = np.meshgrid(*[(np.arange(side) + 0.5) / side - 0.5] * 2)
    points = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)
    points[:, :2] += rng.uniform(-0.3, 0.3, (len(points), 2)) / side
    return points


@settings(max_examples=20, deadline=None)
@given(st.floats(-0.35, 0.35), st.floats(-0.35, 0.35), st.floats(0.2, 1.0))
def test_centre_inside_a_triangle_of_a_plane(x: float, y: float, height: float) -> None:
    truth, points = np.array([[x, y, 0.0]]), cloud_on_plane()
    found = refine(points, height * heat_maps(points, truth, 0.03), plane(), SETTINGS)
    assert np.linalg.norm(found.points - truth) < 1e-4 * EDGE
    assert found.misfit[0] < 1e-5
    assert found.peak[0] <= height


def test_a_coarse_sphere() -> None:
    ball = trimesh.creation.icosphere(3)  # edges of 0.14, five sigmas
    mesh = Mesh(ball.vertices, ball.faces)
    points = np.asarray(trimesh.sample.sample_surface(ball, 20000, seed=0)[0])
    truth = np.asarray(trimesh.sample.sample_surface(ball, 12, seed=1)[0])
    heat = heat_maps(points, truth, 0.03)
    error = np.linalg.norm(refine(points, heat, mesh, SETTINGS).points - truth, axis=1)
    assert error.max() < 1e-3 * 0.14
    at_vertices = np.linalg.norm(refine(points, heat, mesh, VERTEX).points - truth, axis=1)
    assert at_vertices.mean() > 20 * error.mean()


def test_results_lie_on_the_surface() -> None:
    rng = np.random.default_rng(0)
    ball = trimesh.creation.icosphere(3)
    mesh, points = Mesh(ball.vertices, ball.faces), np.asarray(trimesh.sample.sample_surface(ball, 3000, seed=2)[0])
    heat = heat_maps(points, rng.normal(size=(6, 3)), 0.5) + 0.2 * rng.random((3000, 6))
    found = refine(points, heat, mesh, SETTINGS).points
    assert closest_points(mesh, found)[1].max() < 1e-9


def test_the_best_vertex_is_that_of_equation_8() -> None:
    rng = np.random.default_rng(3)
    mesh, points = plane(0.02), cloud_on_plane(seed=3)
    truth = np.array([[0.11, -0.07, 0], [-0.2, 0.21, 0]])
    heat = heat_maps(points, truth, 0.03) + 0.05 * rng.random((len(points), 2))
    found = refine(points, heat, mesh, VERTEX).points
    for k in range(2):
        top = np.argsort(-heat[:, k])[:12]
        share = np.exp(heat[top, k]) / np.exp(heat[top, k]).sum()
        mean = share @ points[top]
        radius = 5 * np.linalg.norm(points[top] - mean, axis=1).max()
        ball = mesh.vertices[np.linalg.norm(mesh.vertices - mean, axis=1) <= radius]
        gauss = np.exp(-((ball[:, None] - points[top][None]) ** 2).sum(axis=2) / (2 * 0.03**2))
        assert found[k] == pytest.approx(ball[((heat[top, k] - gauss) ** 2).mean(axis=1).argmin()])
        assert refine(points, heat, mesh, MEAN).points[k] == pytest.approx(mean)


def test_weighted_mean_by_hand() -> None:
    at = np.array([[0.0, 0, 0], [1, 0, 0]])
    assert weighted_mean(at, np.array([0.0, np.log(3)])) == pytest.approx([0.75, 0, 0])


def test_a_low_peak_does_not_push_the_landmark_aside() -> None:
    # a Gaussian of height 1, as in Eq. 8, fits a peak of 0.3 best from the side
    truth, points, mesh = np.array([[0.013, 0.027, 0.0]]), cloud_on_plane(), plane(0.01)
    heat = 0.3 * heat_maps(points, truth, 0.03)
    assert np.linalg.norm(refine(points, heat, mesh, SETTINGS).points - truth) < 1e-5
    assert np.linalg.norm(refine(points, heat, mesh, VERTEX).points - truth) > 0.03


def test_a_second_peak_does_not_pull() -> None:
    truth, points = np.array([[0.3, 0.3, 0.0], [-0.3, -0.3, 0]]), cloud_on_plane()
    both = heat_maps(points, truth, 0.03) * [1, 0.9]
    found = refine(points, both.sum(axis=1, keepdims=True), plane(), SETTINGS)
    assert np.linalg.norm(found.points[0] - truth[0]) < 1e-3


def test_a_wider_heat_map_has_more_spread() -> None:
    points, truth = cloud_on_plane(), np.zeros((1, 3))
    narrow, wide = (refine(points, heat_maps(points, truth, s), plane(), SETTINGS) for s in (0.03, 0.12))
    # mean square radius of the disc where a Gaussian exceeds one half: sigma^2 ln 2
    assert narrow.spread[0] == pytest.approx(0.03 * np.log(2) ** 0.5, rel=0.1)
    assert wide.spread[0] == pytest.approx(0.12 * np.log(2) ** 0.5, rel=0.03)
    assert wide.misfit[0] > narrow.misfit[0]


def test_input_that_does_not_serve() -> None:
    points = cloud_on_plane()
    heat = heat_maps(points, np.zeros((1, 3)), 0.03)
    with pytest.raises(NasionError, match="do not belong"):
        refine(points[:-1], heat, plane(), SETTINGS)
    with pytest.raises(NasionError, match="at least 12"):
        refine(points[:5], heat[:5], plane(), SETTINGS)
    with pytest.raises(NasionError, match="no triangles"):
        refine(points, heat, Mesh(np.zeros((0, 3)), np.zeros((0, 3))), SETTINGS)
    with pytest.raises(NasionError, match="no numbers"):
        refine(points, heat * np.nan, plane(), SETTINGS)
