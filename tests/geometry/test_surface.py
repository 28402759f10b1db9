"""The triangle mesh."""

import numpy as np
from numpy.testing import assert_allclose

from nasion.geometry.camera import pose_rotation
from nasion.geometry.surface import Mesh


def test_arrays_take_their_documented_types() -> None:
    mesh = Mesh(np.zeros((3, 3), dtype=np.float32), np.array([[0, 1, 2]], dtype=np.int64))
    assert mesh.vertices.dtype == np.float64
    assert mesh.faces.dtype == np.int32


def test_normals_of_a_sphere_point_outwards(sphere: Mesh) -> None:
    assert_allclose(sphere.vertex_normals(), sphere.vertices / 50.0, atol=5e-3)


def test_normals_are_weighted_by_area() -> None:
    # A triangle of area 2 facing +z and one of area 1/2 facing +x share vertex 0.
    mesh = Mesh([[0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 2], [0, 3, 4]])
    assert_allclose(mesh.vertex_normals()[0], np.array([0.5, 0, 2]) / np.hypot(0.5, 2))


def test_a_vertex_without_triangle_has_no_normal() -> None:
    mesh = Mesh([[0, 0, 0], [1, 0, 0], [0, 1, 0], [9, 9, 9]], [[0, 1, 2]])
    assert_allclose(mesh.vertex_normals()[3], 0)


def test_normals_turn_with_the_mesh(box: Mesh) -> None:
    rotation = pose_rotation(31, -12, 7)
    moved = box.transformed(rotation, np.array([1.0, 2.0, 3.0]))
    assert_allclose(moved.vertices, box.vertices @ rotation.T + [1, 2, 3])
    assert_allclose(moved.vertex_normals(), box.vertex_normals() @ rotation.T, atol=1e-12)
