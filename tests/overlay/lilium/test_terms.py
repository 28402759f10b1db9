"""Terms of the fitness in cases computed by hand."""

import numpy as np
import pytest

from nasion.anatomy.planes import HeadFrame
from nasion.geometry.camera import Camera, pose_rotation
from nasion.geometry.surface import Mesh
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.lilium.fitness import (
    CameraIntervals,
    FitnessParts,
    camera_penalty,
    exact_outside_pixels,
    square_beyond,
    turn_between_deg,
)
from nasion.overlay.lilium.outline import count_before, outline_edges, outside_pixels, project_outline
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.lilium.task import camera_intervals
from nasion.overlay.problem import CameraPrior, Photo

FREE = np.array([-np.inf, np.inf])
LIMITS = np.array([1.0, 10_000.0])
K = 1e9
EYE = np.eye(3)


def intervals(focal=FREE, distance=FREE, pose=EYE, turn=360.0):
    return CameraIntervals(np.array(focal, float), np.array(distance, float), pose, turn, LIMITS, K)


def penalty(given, rotation=EYE, translation=(0.0, 0.0, 1000.0), focal=2000.0, head=(0.0, 0.0, 0.0)):
    return camera_penalty(rotation, np.array(translation, float), focal, np.array(head, float), given)


def test_a_value_inside_its_interval_costs_nothing():
    assert [square_beyond(v, 1.0, 3.0) for v in (1.0, 2.0, 3.0)] == [0, 0, 0]
    assert square_beyond(0.5, 1.0, 3.0) == pytest.approx(0.25)
    assert square_beyond(5.0, 1.0, 3.0) == pytest.approx(4.0)


def test_turn_between_rotations():
    assert turn_between_deg(pose_rotation(10, 0, 0), pose_rotation(35, 0, 0)) == pytest.approx(25.0)
    assert turn_between_deg(np.eye(3), np.eye(3)) == pytest.approx(0.0, abs=1e-6)


def test_camera_penalty_by_hand():
    assert penalty(intervals()) == 0.0
    assert penalty(intervals(focal=(2010.0, 2100.0))) == pytest.approx(100.0)
    assert penalty(intervals(focal=(1000.0, 1997.0))) == pytest.approx(9.0)
    # the head stands 5 mm to the side and 12 mm nearer than the origin at 1000 mm: 988.0127 mm away
    away = np.hypot(5.0, 988.0)
    assert penalty(intervals(distance=(990.0, 2000.0)), head=(5.0, 0.0, -12.0)) == pytest.approx((990.0 - away) ** 2)
    turned = intervals(pose=pose_rotation(30, 0, 0), turn=20.0)
    assert penalty(turned, rotation=pose_rotation(0, 0, 0)) == pytest.approx(100.0)
    both = intervals(focal=(2010.0, 2100.0), distance=(900.0, 980.0))
    assert penalty(both) == pytest.approx(100.0 + 400.0)


@pytest.mark.parametrize("focal", [0.5, 10_001.0])
def test_a_focal_length_of_zero_or_without_limit_costs_k(focal):
    assert penalty(intervals(), focal=focal) == pytest.approx(K)


def test_intervals_lie_round_the_prior():
    frame = HeadFrame(pose_rotation(7, 0, 0), np.zeros(3), "frankfurt")
    prior = CameraPrior(focal_px=(2000.0, 100.0), distance_mm=(1500.0, 50.0), pose_deg=((20.0, 5.0, 0.0), 3.0))
    found = camera_intervals(Photo("p", {}, (100, 100), prior=prior), frame, LiliumSettings(interval_sds=2.0))
    np.testing.assert_allclose(found.focal_px, [1800, 2200])
    np.testing.assert_allclose(found.distance_mm, [1400, 1600])
    assert found.largest_turn == pytest.approx(6.0)
    np.testing.assert_allclose(found.pose, pose_rotation(20, 5, 0) @ frame.rotation)
    free = camera_intervals(Photo("p", {}, (100, 100)), frame, LiliumSettings())
    assert penalty(free, focal=77.0) == 0.0


def test_a_known_long_lens_raises_the_focal_limit():
    prior = CameraPrior(focal_px=(12_000.0, 500.0))
    frame = HeadFrame(np.eye(3), np.zeros(3), "frankfurt")
    found = camera_intervals(Photo("p", {}, (100, 100), prior=prior), frame, LiliumSettings(interval_sds=2.0))
    assert found.focal_limits_px[1] == pytest.approx(13_000.0)


def plate() -> Mesh:
    """A square of 100 mm; seen from 1000 mm with a focal length of 1000 px it covers 101 x 101 pixel centres."""
    vertices = np.array([[-50, -50, 0], [50, -50, 0], [50, 50, 0], [-50, 50, 0]], float)
    return Mesh(vertices, np.array([[0, 1, 2], [0, 2, 3]]))


CAMERA = Camera(np.eye(3), np.array([0.0, 0.0, 1000.0]), 1000.0, (100.0, 100.0), (201, 201))


def region(outside: np.ndarray, unknown: np.ndarray | None = None) -> FaceRegion:
    mask = np.where(outside, Place.OUTSIDE, Place.FACE).astype(np.uint8)
    if unknown is not None:
        mask[unknown] = Place.UNKNOWN
    return FaceRegion(mask)


def fast_count(mesh: Mesh, camera: Camera, outside: np.ndarray, around: Camera | None = None) -> int:
    edges = outline_edges(mesh, around or camera, mesh.vertices.mean(axis=0))
    segments, lines = np.empty((len(edges.ends), 4)), np.empty((2, max(outside.shape)))
    count = project_outline(edges, camera.rotation, camera.translation_mm, camera.focal_px, segments)
    cx, cy = camera.principal_point_px
    return outside_pixels(segments, count, cx, cy, count_before(outside), count_before(outside.T), *lines)


def test_pixels_outside_the_face_by_hand():
    outside = np.zeros((201, 201), dtype=bool)
    outside[:, 120:] = True
    # columns 120 to 150, rows 50 to 150
    assert exact_outside_pixels(plate(), CAMERA, region(outside)) == 31 * 101
    assert fast_count(plate(), CAMERA, outside) == 31 * 101


def test_what_is_hidden_takes_no_part():
    outside, unknown = np.zeros((201, 201), dtype=bool), np.zeros((201, 201), dtype=bool)
    outside[:, 120:] = True
    unknown[:100] = True
    assert exact_outside_pixels(plate(), CAMERA, region(outside, unknown)) == 31 * 51


def test_a_skull_beyond_the_picture_counts_inside_it_only():
    moved = Camera(CAMERA.rotation, np.array([80.0, 0.0, 1000.0]), 1000.0, (100.0, 100.0), (201, 201))
    outside = np.ones((201, 201), dtype=bool)
    assert exact_outside_pixels(plate(), moved, region(outside)) == 71 * 101
    assert fast_count(plate(), moved, outside) == 71 * 101


@pytest.mark.parametrize("turned", [False, True])
def test_a_notch_of_the_skull_is_not_counted(turned):
    # a plate with a gap between two legs: only the columns (turned: the rows) leave it empty
    x, y = [-50, -20, 20, 50], [-50, 0, 50]
    vertices = np.array([[a, b, 0] for b in y for a in x], float)
    quads = [(0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (4, 5, 9, 8), (6, 7, 11, 10)]
    faces = np.array([corners for a, b, c, d in quads for corners in ((a, b, c), (a, c, d))])
    if turned:
        vertices = vertices[:, [1, 0, 2]]
    legs = Mesh(vertices, faces)
    outside = np.ones((201, 201), dtype=bool)
    expected = 101 * 101 - 39 * 50
    assert exact_outside_pixels(legs, CAMERA, region(outside)) == expected
    assert fast_count(legs, CAMERA, outside) == expected


def test_nothing_is_counted_behind_the_camera():
    edges = outline_edges(plate(), CAMERA, np.zeros(3))
    assert project_outline(edges, np.eye(3), np.array([0.0, 0.0, -5.0]), 1000.0, np.empty((9, 4))) == -1


def test_the_sum_is_the_fitness():
    assert FitnessParts(1.0, 20.0, 300.0, 4000.0).total == 4321.0
