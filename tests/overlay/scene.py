"""Virtual overlay problems without any rendering: a skull, tissue drawn from the table, a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS, side
from nasion.anatomy.planes import head_frame, reference_skull
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.overlay.problem import Photo, SkullLandmarks

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """A skull with its true facial landmarks, (20, 3) mm, and its tissue vectors in its own Frankfurt frame."""

    skull: SkullLandmarks
    facial_mm: FloatArray
    tissue_mm: FloatArray
    build: float


def make_head(rng: np.random.Generator, tissue: TissueTable, shape_sd_mm: float = 3.0, tissue_sd: float = 1.0) -> Head:
    points = reference_skull()
    cranial = np.array([points[p.cranial] for p in PAIRS]) + rng.normal(0, shape_sd_mm, (20, 3))
    build = float(np.exp(tissue_sd * tissue.build_factor_log_sd * rng.normal()))
    deviation = (np.linalg.cholesky(tissue.joint_covariance_mm2) @ rng.normal(size=60)).reshape(20, 3)
    vectors = build * (tissue.mean_mm + tissue_sd * deviation)
    helpers = {n: points[n] for n in ("porion_left", "porion_right", "orbitale_left", "orbitale_right")}
    skull = SkullLandmarks({p.cranial: cranial[j] for j, p in enumerate(PAIRS)}, helpers_mm=helpers)
    frame = head_frame(skull.landmarks_mm, helpers)
    return Head(skull, cranial + vectors @ frame.rotation, vectors, build)


def make_photo(
    head: Head,
    rng: np.random.Generator,
    pose_deg: tuple[float, float, float],
    noise_face_height: float = 0.0,
    distance_mm: float = 1500.0,
    focal_px: float = 2500.0,
    size: tuple[int, int] = (1000, 1200),
    hide: bool = True,
) -> tuple[Camera, FloatArray, Photo]:
    """Return (camera, (20, 2) true image points, photo); the far side is hidden beyond 40 degrees of yaw."""
    rotation = pose_rotation(*pose_deg)
    center = head.facial_mm.mean(axis=0)
    translation = np.array([25.0, -15.0, distance_mm]) - rotation @ center
    camera = Camera(rotation, translation, focal_px, image_center_px(size), size)
    points = camera.project(head.facial_mm)
    noise = rng.uniform(-1, 1, points.shape) * noise_face_height * 118.0 * focal_px / distance_mm
    far = "left" if pose_deg[0] > 0 else "right"
    seen = {
        p.facial: (points + noise)[j]
        for j, p in enumerate(PAIRS)
        if not (hide and abs(pose_deg[0]) > 40 and side(p.facial) == far)
    }
    return camera, points, Photo("photo", seen, size)
