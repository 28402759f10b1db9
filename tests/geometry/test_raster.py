"""Silhouettes and depth maps."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from nasion.geometry.camera import FRONTAL, Camera
from nasion.geometry.raster import depth_map, depth_of, project_with_depth, silhouette, silhouette_of
from nasion.geometry.surface import Mesh

SIZE = (16, 12)
# Sixteenths of a pixel: exact in floating point, and many points and edges fall on pixel centres.
coordinate = st.integers(-40, 300).map(lambda value: value / 16)


@st.composite
def triangles(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    points = draw(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=8))
    corner = st.integers(0, len(points) - 1)
    faces = draw(st.lists(st.tuples(corner, corner, corner), min_size=1, max_size=5))
    return np.array(points), np.array(faces, dtype=np.int32)


def covered_by_exact_arithmetic(points: NDArray[np.float64], faces: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Point-in-triangle by signs of rational cross products."""
    width, height = SIZE
    mask = np.zeros((height, width), dtype=bool)
    exact = [(Fraction(float(x)), Fraction(float(y))) for x, y in points]

    def cross(a: tuple[Fraction, Fraction], b: tuple[Fraction, Fraction], p: tuple[Fraction, Fraction]) -> Fraction:
        return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])

    for i, j, k in faces:
        a, b, c = exact[i], exact[j], exact[k]
        if cross(a, b, c) == 0:
            continue
        for y in range(height):
            for x in range(width):
                p = (Fraction(x), Fraction(y))
                signs = (cross(a, b, p), cross(b, c, p), cross(c, a, p))
                mask[y, x] |= all(s >= 0 for s in signs) or all(s <= 0 for s in signs)
    return mask


def test_a_right_triangle_by_hand() -> None:
    mask = silhouette([[1, 1], [4, 1], [1, 4]], [[0, 1, 2]], (6, 6))
    expected = np.zeros((6, 6), dtype=bool)
    expected[1, 1:5] = expected[2, 1:4] = expected[3, 1:3] = expected[4, 1] = True
    assert_array_equal(mask, expected)


def test_a_triangle_between_pixel_centres_covers_nothing() -> None:
    assert not silhouette([[1.2, 1.2], [1.8, 1.2], [1.2, 1.8]], [[0, 1, 2]], (6, 6)).any()


def test_flat_triangles_and_unusable_vertices_are_left_out() -> None:
    points = [[0, 0], [5, 5], [2, 2], [np.nan, 1], [np.inf, 3]]
    faces = [[0, 1, 2], [0, 0, 1], [0, 1, 3], [0, 1, 4]]
    assert not silhouette(points, faces, (6, 6)).any()
    assert (depth_map(points, np.ones(5), faces, (6, 6))[1] == -1).all()


def test_a_triangle_greater_than_the_image_fills_it() -> None:
    points = [[-1e6, -1e6], [2e6, -1e6], [-1e6, 2e6]]
    assert silhouette(points, [[0, 1, 2]], SIZE).all()
    assert not silhouette(points, np.empty((0, 3)), SIZE).any()


@settings(max_examples=60, deadline=None)
@given(triangles())
def test_agrees_with_exact_arithmetic(scene: tuple[NDArray[np.float64], NDArray[np.int32]]) -> None:
    assert_array_equal(silhouette(*scene, SIZE), covered_by_exact_arithmetic(*scene))


@settings(max_examples=60, deadline=None)
@given(triangles(), st.randoms(use_true_random=False))
def test_order_and_winding_do_not_matter(scene: tuple[NDArray[np.float64], NDArray[np.int32]], random: object) -> None:
    points, faces = scene
    depth = np.linspace(100, 200, len(points))
    order = list(range(len(faces)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = faces[order][:, ::-1]
    assert_array_equal(silhouette(points, shuffled, SIZE), silhouette(points, faces, SIZE))
    assert_allclose(depth_map(points, depth, shuffled, SIZE)[0], depth_map(points, depth, faces, SIZE)[0], rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(triangles())
def test_depth_map_covers_the_silhouette(scene: tuple[NDArray[np.float64], NDArray[np.int32]]) -> None:
    points, faces = scene
    depth, triangle = depth_map(points, np.full(len(points), 300.0), faces, SIZE)
    mask = silhouette(points, faces, SIZE)
    assert_array_equal(triangle >= 0, mask)
    assert_array_equal(np.isfinite(depth), mask)
    assert_allclose(depth[mask], 300)


@settings(max_examples=30, deadline=None)
@given(triangles(), st.integers(-5, 5), st.integers(-5, 5))
def test_moving_by_whole_pixels_moves_the_mask(
    scene: tuple[NDArray[np.float64], NDArray[np.int32]], right: int, down: int
) -> None:
    points, faces = scene
    large = silhouette(points + 20, faces, (60, 60))
    moved = silhouette(points + 20 + [right, down], faces, (60, 60))
    inner = slice(6, 54)
    assert_array_equal(moved[6 + down : 54 + down, 6 + right : 54 + right], large[inner, inner])


def test_moving_the_principal_point_moves_the_mask(box: Mesh, camera: Camera) -> None:
    cx, cy = camera.principal_point_px
    moved = silhouette_of(box, replace(camera, principal_point_px=(cx + 7, cy - 4)))
    assert_array_equal(moved[:-4, 7:], silhouette_of(box, camera)[4:, :-7])


def test_no_cracks_between_neighbours(sphere: Mesh, camera: Camera) -> None:
    mask = silhouette_of(sphere, camera)
    for row in mask:
        covered = np.flatnonzero(row)
        assert len(covered) == 0 or len(covered) == covered[-1] - covered[0] + 1


def test_projection_agrees_with_the_camera(box: Mesh, camera: Camera) -> None:
    near = replace(camera, translation_mm=np.array([0.0, 0.0, 10.0]))
    for eye in (camera, near):
        points_px, depth_mm = project_with_depth(box, eye)
        assert_allclose(points_px, eye.project(box.vertices), rtol=1e-12)
        assert_allclose(depth_mm, eye.to_camera(box.vertices)[:, 2])


def test_a_mesh_around_the_camera_is_dropped_not_smeared(box: Mesh, camera: Camera) -> None:
    inside = Camera(FRONTAL, np.zeros(3), 100.0, camera.principal_point_px, camera.image_size_px)
    z = inside.to_camera(box.vertices)[:, 2]
    drawn = np.unique(depth_of(box, inside)[1])
    # Of the box's twelve triangles only the two of the face at z = -40 lie wholly in front of the camera.
    assert_array_equal(drawn[drawn >= 0], np.flatnonzero((z > 0)[box.faces].all(axis=1)))
    assert (drawn >= 0).sum() == 2


def test_depth_of_a_tilted_plane_is_exact() -> None:
    # The plane z = 20 - x / 2 in head axes, seen from z = 400: ray (u, v, 1) meets it where depth is
    # 400 - z, z = 20 - x / 2 and x = u * depth, so depth = 380 / (1 - u / 2).
    corners = [[-90.0, -60.0, 65.0], [90.0, -60.0, -25.0], [90.0, 60.0, -25.0], [-90.0, 60.0, 65.0]]
    plane = Mesh(np.array(corners), np.array([[0, 1, 2], [0, 2, 3]]))
    camera = Camera(FRONTAL, np.array([0.0, 0.0, 400.0]), 300.0, (50.0, 40.0), (101, 81))
    depth, triangle = depth_of(plane, camera)
    column = np.broadcast_to(np.arange(101), depth.shape)
    expected = 380 / (1 - (column - 50) / 300 / 2)
    assert (triangle >= 0).sum() > 5000
    assert_allclose(depth[triangle >= 0], expected[triangle >= 0], rtol=1e-6)


def test_the_nearer_triangle_wins() -> None:
    points = [[0, 0], [10, 0], [0, 10]] * 2
    depth, triangle = depth_map(points, [500, 500, 500, 400, 400, 400], [[0, 1, 2], [3, 4, 5]], (8, 8))
    assert (triangle[0, :8] == 1).all()
    assert depth[2, 2] == pytest.approx(400)


def test_a_sphere_is_seen_as_its_conic(sphere: Mesh, camera: Camera) -> None:
    # A ray with unit direction d hits the sphere of radius r around c when |c|^2 - (c . d)^2 <= r^2.
    height, width = camera.image_size_px[::-1]
    column, row = np.meshgrid(np.arange(width), np.arange(height))
    rays = camera.rays(np.stack([column, row], axis=-1).reshape(-1, 2))
    gap = np.linalg.norm(np.cross(-camera.center_mm, rays), axis=1).reshape(height, width)
    mm_per_px = 600 / 900
    mask = silhouette_of(sphere, camera)
    assert mask[gap < 50 - mm_per_px].all()
    assert not mask[gap > 50 + mm_per_px].any()
