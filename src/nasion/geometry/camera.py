"""The pinhole camera of every result, head pose angles and the back-projection error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

FloatArray = NDArray[np.float64]

FRONTAL: Final[FloatArray] = np.diag([1.0, -1.0, -1.0])
"""Head-to-camera rotation of a subject who looks straight into the camera."""

FULL_FRAME_DIAGONAL_MM: Final = math.hypot(36.0, 24.0)
"""Diagonal of the 35 mm film frame, to which equivalent focal lengths refer."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: ``X_camera = rotation @ X_head + translation_mm``, ``u = focal_px * x / z + cx``.

    Camera axes are x right, y down, z away from the viewer; the pixel origin is the centre of the top-left pixel.

    Attributes
    ----------
    rotation
        (3, 3) head axes to camera axes.
    translation_mm
        (3,) the head's origin in camera axes.
    focal_px
        Focal length in pixels.
    principal_point_px
        (cx, cy).
    image_size_px
        (width, height).

    """

    rotation: FloatArray
    translation_mm: FloatArray
    focal_px: float
    principal_point_px: tuple[float, float]
    image_size_px: tuple[int, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rotation", np.asarray(self.rotation, dtype=np.float64).reshape(3, 3))
        object.__setattr__(self, "translation_mm", np.asarray(self.translation_mm, dtype=np.float64).reshape(3))

    @property
    def center_mm(self) -> FloatArray:
        """The camera's position in head axes, (3,)."""
        return -self.rotation.T @ self.translation_mm

    def to_camera(self, points_mm: ArrayLike) -> FloatArray:
        """Return (n, 3) points in camera axes."""
        return np.asarray(points_mm, dtype=np.float64) @ self.rotation.T + self.translation_mm

    def project(self, points_mm: ArrayLike) -> FloatArray:
        """Return (n, 2) pixel coordinates of (n, 3) head points; points behind the camera give NaN."""
        x = self.to_camera(points_mm)
        z = np.where(x[..., 2:] > 0, x[..., 2:], np.nan)
        projected: FloatArray = self.focal_px * x[..., :2] / z + np.asarray(self.principal_point_px)
        return projected

    def rays(self, points_px: ArrayLike) -> FloatArray:
        """Return (n, 3) unit directions in head axes of the rays through (n, 2) pixels."""
        uv = (np.asarray(points_px, dtype=np.float64) - np.asarray(self.principal_point_px)) / self.focal_px
        d = np.concatenate([uv, np.ones((*uv.shape[:-1], 1))], axis=-1) @ self.rotation
        unit: FloatArray = d / np.linalg.norm(d, axis=-1, keepdims=True)
        return unit

    def enlarged(self, factor: int) -> Camera:
        """Return the camera of the same picture with ``factor`` x ``factor`` pixels for each."""
        cx, cy = self.principal_point_px
        width, height = self.image_size_px
        shift = (factor - 1) / 2
        return replace(
            self,
            focal_px=factor * self.focal_px,
            principal_point_px=(factor * cx + shift, factor * cy + shift),
            image_size_px=(factor * width, factor * height),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the camera as it stands in every result file."""
        return {
            "rotation": self.rotation.tolist(),
            "translation_mm": self.translation_mm.tolist(),
            "focal_px": float(self.focal_px),
            "principal_point_px": [float(c) for c in self.principal_point_px],
            "image_size_px": [int(s) for s in self.image_size_px],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Camera:
        """Read the form that ``to_dict`` writes."""
        cx, cy = data["principal_point_px"]
        w, h = data["image_size_px"]
        return cls(
            np.asarray(data["rotation"]),
            np.asarray(data["translation_mm"]),
            float(data["focal_px"]),
            (float(cx), float(cy)),
            (int(w), int(h)),
        )


def image_center_px(image_size_px: tuple[int, int]) -> tuple[float, float]:
    """Return the principal point of an uncropped picture: its middle, with pixel centres at integers."""
    return (image_size_px[0] - 1) / 2, (image_size_px[1] - 1) / 2


def pose_rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> FloatArray:
    """Return the head-to-camera rotation of a head pose.

    ``R = Rz(roll) @ FRONTAL @ Rx(pitch) @ Ry(yaw)``: yaw > 0 turns the face to the subject's left (the picture's
    right), pitch > 0 lowers the chin, roll > 0 tilts the head clockwise in the picture. Degrees.
    """
    about_vertical = Rotation.from_euler("y", yaw_deg, degrees=True).as_matrix()
    about_lateral = Rotation.from_euler("x", pitch_deg, degrees=True).as_matrix()
    in_picture = Rotation.from_euler("z", roll_deg, degrees=True).as_matrix()
    rotation: FloatArray = in_picture @ FRONTAL @ about_lateral @ about_vertical
    return rotation


def pose_angles_deg(rotation: FloatArray) -> tuple[float, float, float]:
    """Return (yaw, pitch, roll) in degrees: the inverse of ``pose_rotation``.

    FRONTAL flips y and z, so ``R = FRONTAL @ Rz(-roll) @ Rx(pitch) @ Ry(yaw)``.
    """
    minus_roll, pitch, yaw = Rotation.from_matrix(FRONTAL @ rotation).as_euler("ZXY", degrees=True)
    return float(yaw), float(pitch), float(-minus_roll)


def back_projection_distances_mm(camera: Camera, points_mm: ArrayLike, points_px: ArrayLike) -> FloatArray:
    """Return (n,) distances of head points to the rays that ``camera`` sends through their image points.

    Parameters
    ----------
    camera
        The estimated camera.
    points_mm
        (n, 3) true facial landmarks, hidden ones too.
    points_px
        (n, 2) their true image points.

    """
    offset = np.asarray(points_mm, dtype=np.float64) - camera.center_mm
    distances: FloatArray = np.linalg.norm(np.cross(offset, camera.rays(points_px)), axis=-1)
    return distances


def back_projection_error_mm(camera: Camera, points_mm: ArrayLike, points_px: ArrayLike) -> float:
    """Return the back-projection error (BPE): the mean of ``back_projection_distances_mm`` (Lilium, section III-B)."""
    return float(back_projection_distances_mm(camera, points_mm, points_px).mean())
