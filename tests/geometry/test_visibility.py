"""Visible points."""

from dataclasses import replace

import numpy as np
from numpy.testing import assert_array_equal

from nasion.geometry.camera import Camera
from nasion.geometry.surface import Mesh
from nasion.geometry.visibility import visible_points


def test_a_sphere_shows_the_side_that_faces_the_camera(sphere: Mesh, camera: Camera) -> None:
    # A surface point p of a sphere around the origin is seen when (eye - p) . p > 0.
    points = sphere.vertices[::7]
    facing = (
        np.einsum("ij,ij->i", camera.center_mm - points, points)
        / 50
        / np.linalg.norm(camera.center_mm - points, axis=1)
    )
    visible = visible_points(points, sphere, camera)
    assert visible[facing > 0].all()
    assert not visible[facing < -0.2].any()


def test_outside_the_image_or_behind_the_camera_is_not_visible(sphere: Mesh, camera: Camera) -> None:
    points = np.array([[0.0, 400.0, 0.0], camera.center_mm * 2, camera.center_mm * 0.5])
    assert_array_equal(visible_points(points, sphere, camera), [False, False, True])


def test_the_tolerance_is_a_depth(sphere: Mesh, camera: Camera) -> None:
    toward = camera.center_mm / np.linalg.norm(camera.center_mm)
    points = np.array([toward * (50 - 2.0), toward * (50 - 4.0)])
    assert_array_equal(visible_points(points, sphere, camera), [True, False])
    assert_array_equal(visible_points(points, sphere, camera, tolerance_mm=5.0), [True, True])
    assert_array_equal(visible_points(points, sphere, camera, tolerance_mm=1.0), [False, False])


def test_no_mesh_hides_nothing(sphere: Mesh, camera: Camera) -> None:
    away = replace(camera, translation_mm=np.array([0.0, 0.0, 300.0]))
    assert visible_points([[0, 0, 0]], Mesh(sphere.vertices, np.empty((0, 3))), away).all()
