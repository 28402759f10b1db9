"""Closest points and signed distances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from nasion.errors import NasionError
from nasion.geometry.distance import closest_points, points_inside, signed_distance
from nasion.geometry.surface import Mesh


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_agrees_with_trimesh_on_triangle_soup(seed: int, count: int) -> None:
    import trimesh

    rng = np.random.default_rng(seed)
    soup = Mesh(rng.normal(size=(3 * count, 3)) * 20, np.arange(3 * count))
    points = rng.normal(size=(40, 3)) * 40
    closest, distance, triangle = closest_points(soup, points)
    reference = trimesh.Trimesh(soup.vertices, soup.faces, process=False)
    expected, expected_distance, _ = trimesh.proximity.closest_point_naive(reference, points)
    assert_allclose(distance, expected_distance, atol=1e-9)
    assert_allclose(closest, expected, atol=1e-7)
    assert_allclose(np.linalg.norm(points - closest, axis=1), distance, atol=1e-9)
    on_triangle = [
        closest_points(Mesh(soup.vertices, soup.faces[t : t + 1]), c[None])[1][0]
        for t, c in zip(triangle, closest, strict=True)
    ]
    assert_allclose(on_triangle, 0, atol=1e-9)


def test_every_region_of_a_triangle_by_hand() -> None:
    triangle = Mesh([[0, 0, 0], [4, 0, 0], [0, 4, 0]], [[0, 1, 2]])
    points = [[1, 1, 5], [-3, -4, 0], [9, 0, 0], [0, 9, 0], [2, -2, 0], [-2, 2, 0], [4, 4, 0]]
    closest, distance, _ = closest_points(triangle, points)
    assert_allclose(closest, [[1, 1, 0], [0, 0, 0], [4, 0, 0], [0, 4, 0], [2, 0, 0], [0, 2, 0], [2, 2, 0]])
    assert_allclose(distance, [5, 5, 5, 5, 2, 2, np.sqrt(8)])


@given(st.lists(st.tuples(*[st.floats(-100, 100)] * 3), min_size=1, max_size=20))
@settings(deadline=None)
def test_signed_distance_of_a_box(points: list[tuple[float, float, float]]) -> None:
    import trimesh

    solid = trimesh.creation.box(extents=(40.0, 60.0, 80.0))
    over = np.abs(points) - [20, 30, 40]
    expected = np.linalg.norm(np.maximum(over, 0), axis=1) + np.minimum(over.max(axis=1), 0)
    assert_allclose(signed_distance(Mesh(solid.vertices, solid.faces), points), expected, atol=1e-9)


def test_signed_distance_of_a_sphere(sphere: Mesh) -> None:
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(500, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radius = rng.uniform(5, 120, 500)
    # The inscribed polyhedron lies up to 50 (1 - cos(edge / 2 radius)) = 0.03 mm inside the sphere.
    assert_allclose(signed_distance(sphere, directions * radius[:, None]), radius - 50, atol=0.04)
    clear = np.abs(radius - 50) > 0.1
    assert_array_equal(points_inside(sphere, directions * radius[:, None])[clear], (radius < 50)[clear])


def test_the_sign_follows_the_orientation(sphere: Mesh) -> None:
    points = np.array([[0.0, 0, 0], [0, 0, 80]])
    inside_out = Mesh(sphere.vertices, sphere.faces[:, ::-1])
    assert_allclose(signed_distance(inside_out, points), -signed_distance(sphere, points))


def test_nothing_to_ask_and_nothing_to_answer(box: Mesh) -> None:
    assert closest_points(box, np.empty((0, 3)))[1].shape == (0,)
    with pytest.raises(NasionError, match="no triangles"):
        closest_points(Mesh(box.vertices, np.empty((0, 3))), [[0, 0, 0]])
    with pytest.raises(NasionError, match="not finite"):
        closest_points(box, [[0, np.nan, 0]])
