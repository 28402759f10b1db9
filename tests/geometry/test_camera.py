"""Camera, head pose and back-projection error."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from nasion.geometry.camera import (
    FRONTAL,
    Camera,
    back_projection_distances_mm,
    back_projection_error_mm,
    image_center_px,
    pose_angles_deg,
    pose_rotation,
)

FRONT = Camera(FRONTAL, np.array([0.0, 0.0, 1000.0]), 2000.0, (320.0, 240.0), (641, 481))
HEAD = np.random.default_rng(3).normal(size=(20, 3)) * 60


def test_projection_by_hand() -> None:
    # A point 10 mm to the subject's left, 20 mm up and 100 mm in front is 900 mm away:
    # 2000 * 10 / 900 to the picture's right of the principal point, 2000 * 20 / 900 above it.
    assert_allclose(FRONT.project([[10.0, 20.0, 100.0]]), [[320 + 200 / 9, 240 - 400 / 9]])


def test_the_camera_stands_in_front_of_the_face() -> None:
    assert_allclose(FRONT.center_mm, [0, 0, 1000])
    assert_allclose(FRONT.to_camera([[0, 0, 100]]), [[0, 0, 900]])


def test_points_behind_the_camera_are_nan() -> None:
    projected = FRONT.project([[0.0, 0.0, 1000.0], [0.0, 0.0, 2000.0], [0.0, 0.0, 0.0]])
    assert np.isnan(projected[:2]).all()
    assert_allclose(projected[2], [320, 240])


def test_image_center_is_between_the_middle_pixels() -> None:
    assert image_center_px((4, 3)) == (1.5, 1.0)


def test_signs_of_the_pose_angles() -> None:
    nose = np.array([0.0, 0.0, 100.0])
    assert (pose_rotation(30, 0, 0) @ nose)[0] > 0  # to the picture's right
    assert (pose_rotation(0, 30, 0) @ nose)[1] > 0  # chin down
    vertex = np.array([0.0, 100.0, 0.0])
    assert (pose_rotation(0, 0, 30) @ vertex)[0] > 0  # clockwise: the top goes right


@given(st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179))
def test_pose_angles_round_trip(yaw: float, pitch: float, roll: float) -> None:
    rotation = pose_rotation(yaw, pitch, roll)
    assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert_allclose(pose_angles_deg(rotation), (yaw, pitch, roll), atol=1e-6)


@given(st.floats(-90, 90), st.floats(-60, 60), st.floats(-45, 45))
def test_mirroring_the_head_mirrors_the_picture(yaw: float, pitch: float, roll: float) -> None:
    mirrored_head = HEAD * [-1, 1, 1]
    here = replace(FRONT, rotation=pose_rotation(yaw, pitch, roll))
    there = replace(FRONT, rotation=pose_rotation(-yaw, pitch, -roll))
    flipped = (here.project(HEAD) - [320, 0]) * [-1, 1] + [320, 0]
    assert_allclose(there.project(mirrored_head), flipped, atol=1e-8)


def test_dictionary_round_trip_through_json(camera: Camera) -> None:
    again = Camera.from_dict(json.loads(json.dumps(camera.to_dict())))
    assert_allclose(again.rotation, camera.rotation, rtol=0, atol=0)
    assert_allclose(again.translation_mm, camera.translation_mm, rtol=0, atol=0)
    assert (again.focal_px, again.principal_point_px) == (camera.focal_px, camera.principal_point_px)
    assert again.image_size_px == camera.image_size_px


@given(st.floats(0.1, 10))
def test_scaling_image_and_focal_length_keeps_the_rays(factor: float) -> None:
    scaled = replace(FRONT, focal_px=factor * 2000.0, principal_point_px=(factor * 320, factor * 240))
    pixels = FRONT.project(HEAD)
    assert_allclose(scaled.rays(factor * pixels), FRONT.rays(pixels), atol=1e-12)


def test_rays_pass_through_the_points(camera: Camera) -> None:
    rays = camera.rays(camera.project(HEAD))
    offset = HEAD - camera.center_mm
    assert_allclose(rays, offset / np.linalg.norm(offset, axis=1, keepdims=True), atol=1e-12)


def test_back_projection_error_of_the_true_camera_is_zero(camera: Camera) -> None:
    assert back_projection_error_mm(camera, HEAD, camera.project(HEAD)) == pytest.approx(0, abs=1e-9)


def test_back_projection_error_by_hand() -> None:
    # The ray through the principal point is the z axis: points 3-4-5 and 6-8-10 away from it.
    points = [[3.0, 4.0, 50.0], [-6.0, 8.0, -70.0]]
    centre = [[320.0, 240.0]] * 2
    assert_allclose(back_projection_distances_mm(FRONT, points, centre), [5, 10])
    assert back_projection_error_mm(FRONT, points, centre) == pytest.approx(7.5)
