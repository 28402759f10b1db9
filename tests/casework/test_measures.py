"""Figures of a solved photograph against values worked out by hand."""

import math

import numpy as np
import pytest

from nasion.anatomy.planes import reference_skull
from nasion.casework.measures import camera_figures, face_height_px, measure_photo, outside_face_fraction
from nasion.geometry.camera import FRONTAL, Camera, pose_rotation
from nasion.geometry.surface import Mesh
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.problem import Photo, PhotoSolution, SkullLandmarks

POINTS = reference_skull()
SKULL = SkullLandmarks(
    {name: POINTS[name] for name in ("nasion", "gnathion", "zygion_left", "zygion_right", "bregma")},
    helpers_mm={name: POINTS[name] for name in ("porion_left", "porion_right", "orbitale_left", "orbitale_right")},
)


def solution(camera: Camera, residuals, covariance, names=("nasion", "gnathion"), camera_covariance=None):
    residuals = np.asarray(residuals, dtype=float)
    return PhotoSolution(
        "p", camera, names, np.zeros_like(residuals), np.asarray(covariance, dtype=float), residuals, None,
        camera_covariance, (), True,
    )  # fmt: skip


def test_residuals_in_px_mm_and_sd():
    camera = Camera(FRONTAL, (0.0, 0.0, 1000.0), 2000.0, (500.0, 500.0), (1001, 1001))
    photo = Photo("p", {"nasion": np.array([10.0, 10.0]), "gnathion": np.array([10.0, 210.0])}, (1001, 1001))
    covariance = [np.diag([9.0, 16.0]), np.diag([25.0, 4.0])]
    measured = measure_photo(SKULL, photo, solution(camera, [[3.0, 4.0], [0.0, 2.0]], covariance), None, None)
    assert measured.residuals_px == pytest.approx({"nasion": 5.0, "gnathion": 2.0})
    # 1 px at depth z is z / f mm; the head looks along -z, so a landmark's depth is 1000 - its z
    depth = {name: 1000.0 - POINTS[name][2] for name in ("nasion", "gnathion")}
    assert measured.residuals_mm["nasion"] == pytest.approx(5.0 * depth["nasion"] / 2000)
    assert measured.residuals_mm["gnathion"] == pytest.approx(2.0 * depth["gnathion"] / 2000)
    # (3/3)^2 + (4/4)^2 over two components; (2/2)^2 over two
    assert measured.residuals_sd == pytest.approx({"nasion": 1.0, "gnathion": math.sqrt(0.5)})
    assert measured.rms_px == pytest.approx(math.sqrt((25 + 4) / 2))
    assert measured.face_height_px == pytest.approx(200.0)
    assert measured.rms_face_height == pytest.approx(measured.rms_px / 200)
    assert measured.outside_face_fraction is None


def test_face_height_falls_back_to_118_mm_at_the_head():
    camera = Camera(FRONTAL, (0.0, 0.0, 1000.0), 2000.0, (500.0, 500.0), (1001, 1001))
    center = np.mean(list(SKULL.landmarks_mm.values()), axis=0)
    height = face_height_px(Photo("p", {"nasion": np.zeros(2)}, (1001, 1001)), camera, SKULL)
    assert height == pytest.approx(118.0 * 2000 / (1000 - center[2]))


def test_share_of_the_silhouette_outside_the_mask():
    # a square of 100 mm at 1 m, f = 1000 px: columns 0 to 100 of the picture, of which 0 to 24 are off the mask
    square = Mesh(
        np.array([[-50, -50, 0], [50, -50, 0], [50, 50, 0], [-50, 50, 0]], dtype=float), [[0, 1, 2], [0, 2, 3]]
    )
    camera = Camera(FRONTAL, (0.0, 0.0, 1000.0), 1000.0, (50.0, 50.0), (101, 101))
    mask = np.full((101, 101), Place.FACE, dtype=np.uint8)
    mask[:, :25] = Place.OUTSIDE
    assert outside_face_fraction(square, camera, FaceRegion(mask)) == pytest.approx(25 / 101)
    assert outside_face_fraction(square, camera, FaceRegion(np.ones_like(mask))) == 0.0
    assert outside_face_fraction(None, camera, FaceRegion(mask)) is None
    # what is unknown does not count as outside; where all is unknown nothing is measured
    mask[:, :10] = Place.UNKNOWN
    assert outside_face_fraction(square, camera, FaceRegion(mask)) == pytest.approx(15 / 101)
    assert outside_face_fraction(square, camera, FaceRegion(np.full_like(mask, Place.UNKNOWN))) is None


def test_camera_in_figures():
    # focal length = half the width: a horizontal field of view of 90 degrees
    camera = Camera(pose_rotation(30, -10, 5), (0.0, 0.0, 1000.0), 600.0, (599.5, 399.5), (1200, 800))
    figures = camera_figures(SKULL, solution(camera, [[0, 0], [0, 0]], [np.eye(2)] * 2))
    assert figures.field_of_view_deg == pytest.approx(90.0)
    # 1200 x 800 has the shape of 36 x 24 mm: 36 mm / 1200 px
    assert figures.focal_35mm == pytest.approx(600 * 36 / 1200)
    assert figures.pose_deg == pytest.approx((30, -10, 5), abs=1.0)
    center = np.mean(list(SKULL.landmarks_mm.values()), axis=0)
    assert figures.distance_mm == pytest.approx(np.linalg.norm(camera.to_camera(center)))
    assert figures.distance_sd_mm is None


def test_camera_spreads_follow_the_covariance():
    camera = Camera(FRONTAL, (0.0, 0.0, 1000.0), 600.0, (599.5, 399.5), (1200, 800))
    covariance = np.zeros((7, 7))
    covariance[:3, :3] = np.diag([0.01, 0.02, 0.03]) ** 2
    covariance[5:, 5:] = [[0.04, -0.03], [-0.03, 0.09]]
    figures = camera_figures(SKULL, solution(camera, [[0, 0], [0, 0]], [np.eye(2)] * 2, camera_covariance=covariance))
    # var(log distance) = 0.04 + 0.09 - 2 * 0.03
    assert figures.distance_sd_mm == pytest.approx(figures.distance_mm * math.sqrt(0.07))
    assert figures.focal_35mm_sd == pytest.approx(figures.focal_35mm * 0.3)
    # d(2 atan(w / 2f)) / d log f = -sin(field of view) = -1 at 90 degrees
    assert figures.field_of_view_sd_deg == pytest.approx(math.degrees(0.3))
    # facing the camera, camera x turns the pitch, y the yaw and z the roll
    assert figures.pose_sd_deg == pytest.approx(np.degrees([0.02, 0.01, 0.03]), rel=0.02)
