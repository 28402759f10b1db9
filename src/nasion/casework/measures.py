"""Figures of a solved photograph: residuals in three units, the face height, containment and the camera."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import head_frame
from nasion.casework.records import CameraFigures, PhotoMeasures
from nasion.geometry.camera import FULL_FRAME_DIAGONAL_MM, Camera, pose_angles_deg
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.problem import Photo, PhotoSolution, SkullLandmarks
from nasion.overlay.settings import FACE_HEIGHT_MM

if TYPE_CHECKING:
    from nasion.geometry.surface import Mesh

FloatArray = NDArray[np.float64]

_CRANIAL: Final = {pair.facial: pair.cranial for pair in PAIRS}


def measure_photo(
    skull: SkullLandmarks, photo: Photo, solved: PhotoSolution, mesh: Mesh | None, face: FaceRegion | None
) -> PhotoMeasures:
    """Return the figures of one solved photograph.

    Parameters
    ----------
    skull
        The cranial landmarks that were solved with.
    photo
        The photograph's landmarks.
    solved
        The solver's answer.
    mesh
        The skull's surface, for the containment measure.
    face
        The photograph's face region.

    """
    residuals = np.asarray(solved.residuals_px, dtype=np.float64).reshape(-1, 2)
    lengths = np.linalg.norm(residuals, axis=1)
    covariance = np.asarray(solved.predicted_covariance_px, dtype=np.float64).reshape(-1, 2, 2)
    in_sd = np.sqrt(np.einsum("ni,ni->n", residuals, np.linalg.solve(covariance, residuals[..., None])[..., 0]) / 2)
    in_mm = lengths * _depths_mm(skull, solved) / solved.camera.focal_px
    rms = float(np.sqrt(np.mean(lengths**2))) if len(lengths) else 0.0
    height = face_height_px(photo, solved.camera, skull)
    return PhotoMeasures(
        residuals_px=_by_name(solved, lengths),
        residuals_mm=_by_name(solved, in_mm),
        residuals_sd=_by_name(solved, in_sd),
        rms_px=rms,
        face_height_px=height,
        rms_face_height=rms / height,
        outside_face_fraction=outside_face_fraction(mesh, solved.camera, face),
        camera=camera_figures(skull, solved),
    )


def face_height_px(photo: Photo, camera: Camera, skull: SkullLandmarks) -> float:
    """Return nasion to gnathion in the photograph, or 118 mm at the head's distance where one of them is absent."""
    nasion, gnathion = (photo.landmarks_px.get(name) for name in ("nasion", "gnathion"))
    if nasion is not None and gnathion is not None:
        height = float(np.linalg.norm(np.asarray(nasion) - np.asarray(gnathion)))
        if height > 0:
            return height
    depth = float(camera.to_camera(_center(skull)[None])[0, 2])
    return FACE_HEIGHT_MM * camera.focal_px / max(depth, 1.0)


def outside_face_fraction(mesh: Mesh | None, camera: Camera, face: FaceRegion | None) -> float | None:
    """Return the share of the skull's silhouette that lies on ``OUTSIDE``; None without mesh, mask or silhouette."""
    if mesh is None or face is None or (face.mask == Place.UNKNOWN).all():
        return None
    from nasion.geometry.raster import silhouette_of

    skull = silhouette_of(mesh, camera)
    covered = int(skull.sum())
    return float((skull & face.outside).sum() / covered) if covered else None


def camera_figures(skull: SkullLandmarks, solved: PhotoSolution) -> CameraFigures:
    """Return an estimated camera as distance, field of view and head pose, with SDs from its covariance."""
    camera = solved.camera
    width, height = camera.image_size_px
    diagonal = math.hypot(width, height)
    distance = float(np.linalg.norm(_center(skull) - camera.center_mm))
    field_of_view = 2 * math.atan(width / (2 * camera.focal_px))
    to_head = head_frame(skull.landmarks_mm, skull.helpers_mm).rotation
    pose = pose_angles_deg(camera.rotation @ to_head.T)
    focal_35mm = camera.focal_px / diagonal * FULL_FRAME_DIAGONAL_MM
    plain = CameraFigures(distance, math.degrees(field_of_view), focal_35mm, pose)
    if solved.camera_covariance is None or not np.isfinite(solved.camera_covariance).all():
        return plain
    covariance = np.asarray(solved.camera_covariance)
    # distance = exp(log(distance / focal) + log focal)
    log_distance_sd = math.sqrt(max(covariance[5, 5] + covariance[6, 6] + 2 * covariance[5, 6], 0.0))
    log_focal_sd = math.sqrt(max(covariance[6, 6], 0.0))
    return CameraFigures(
        distance,
        math.degrees(field_of_view),
        focal_35mm,
        pose,
        distance_sd_mm=distance * log_distance_sd,
        field_of_view_sd_deg=math.degrees(math.sin(field_of_view) * log_focal_sd),
        focal_35mm_sd=focal_35mm * log_focal_sd,
        pose_sd_deg=_pose_sd_deg(camera.rotation @ to_head.T, covariance[:3, :3]),
    )


def _pose_sd_deg(rotation: FloatArray, covariance: FloatArray) -> tuple[float, float, float]:
    """Return the SDs of (yaw, pitch, roll) by central differences over the rotation vector (camera axes)."""
    from scipy.spatial.transform import Rotation

    step = 1e-4
    jacobian = np.empty((3, 3))
    for axis, turn in enumerate(np.eye(3) * step):
        ahead, behind = (
            np.asarray(pose_angles_deg(Rotation.from_rotvec(sign * turn).as_matrix() @ rotation)) for sign in (1, -1)
        )
        jacobian[:, axis] = ((ahead - behind + 180) % 360 - 180) / (2 * step)
    yaw, pitch, roll = np.sqrt(np.clip(np.diag(jacobian @ covariance @ jacobian.T), 0, None))
    return float(yaw), float(pitch), float(roll)


def _depths_mm(skull: SkullLandmarks, solved: PhotoSolution) -> FloatArray:
    points = np.array([skull.landmarks_mm[_CRANIAL[name]] for name in solved.names]).reshape(-1, 3)
    depths: FloatArray = solved.camera.to_camera(points)[:, 2]
    return depths


def _center(skull: SkullLandmarks) -> FloatArray:
    center: FloatArray = np.mean([np.asarray(point) for point in skull.landmarks_mm.values()], axis=0)
    return center


def _by_name(solved: PhotoSolution, values: FloatArray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(solved.names, values, strict=True)}
