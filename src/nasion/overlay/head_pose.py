"""How a head stands in a photograph, from its landmarks alone: the camera of the generic head and its outline."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import reference_skull
from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, pose_angles_deg
from nasion.overlay.posterior import PosteriorSolver, generic_head
from nasion.overlay.problem import Photo
from nasion.overlay.settings import PosteriorSettings

FloatArray = NDArray[np.float64]

LATERAL_YAW_DEG: Final = 45.0
"""From this turn on a photograph is lateral."""
MOST_YAW_DEG: Final = 110.0
"""A head turned farther shows its back: the landmarks are wrong."""

MOST_NOD_DEG: Final = 15.0
_NOD_AXIS_MM: Final = np.array([0.0, -10.0, 95.0])
"""Middle of the face: the landmarks hold it in its place whatever the nod."""
_VAULT_CENTER_MM: Final = (0.0, 38.0, 4.0)
_VAULT_HALF_AXES_MM: Final = (76.0, 88.0, 98.0)
"""Skin of the vault as an ellipsoid, Frankfurt axes from between the porions: breadth 152, length 196, vertex 126 mm
above the porions: about the mean of adults."""


@dataclass(frozen=True)
class HeadPose:
    """A head in a photograph.

    Attributes
    ----------
    camera
        Of the generic head (Frankfurt axes, mm, origin between the porions).
    yaw_deg
        Turn to the subject's left.
    up_px
        (2,) unit direction up the head in the picture.
    scale
        Pixels a millimetre at the head's centre.
    nod_sd_deg
        How sure the landmarks make the nod: its SD.

    """

    camera: Camera
    yaw_deg: float
    up_px: FloatArray
    scale: float
    nod_sd_deg: float = 0.0

    @property
    def lateral(self) -> bool:
        """True from 45 degrees on."""
        return abs(self.yaw_deg) >= LATERAL_YAW_DEG


def head_pose(photo: Photo, tissue: TissueTable | None = None) -> HeadPose | None:
    """Return how the head stands; None where the landmarks do not tell.

    The generic head is overlaid by the ``posterior`` solver, landmarks alone.

    Parameters
    ----------
    photo
        Its mask and contours are not used.
    tissue
        The built-in table where it is None.

    """
    settings = PosteriorSettings()
    bare = Photo(photo.name, photo.landmarks_px, photo.image_size_px, photo.sigma_px, photo.prior)
    solver = PosteriorSolver(generic_head(settings.generic_sigma_mm), tissue or TissueTable.load(), settings)
    try:
        solved = solver.solve([bare]).photos[0]
    except NasionError:
        return None
    camera = solved.camera
    yaw, _, _ = pose_angles_deg(camera.rotation)
    center = np.array(_VAULT_CENTER_MM)
    middle, above = camera.project(np.stack([center, center + np.array([0.0, 10.0, 0.0])]))
    up = above - middle
    depth = float(camera.to_camera(center[None])[0, 2])
    if not (np.isfinite(up).all() and np.linalg.norm(up) > 0 and depth > 0 and abs(yaw) <= MOST_YAW_DEG):
        return None
    # the covariance is that of a rotation vector in camera axes; the nod turns about the head's own X axis
    axis = camera.rotation[:, 0]
    variance = 0.0 if solved.camera_covariance is None else float(axis @ solved.camera_covariance[:3, :3] @ axis)
    nod_sd = float(np.degrees(np.sqrt(max(variance, 0.0))))
    return HeadPose(camera, yaw, up / np.linalg.norm(up), camera.focal_px / depth, nod_sd)


def expected_outline(pose: HeadPose, nod_sds: float = 0.0) -> FloatArray:
    """Return the convex outline, (n, 2) px, of an average head in this pose: vault and face, no neck, no hair.

    With ``nod_sds`` it holds every nod up to so many SDs to either side.
    """
    import cv2

    chin_up = np.radians(min(nod_sds * pose.nod_sd_deg, MOST_NOD_DEG))
    turns = [0.0] if chin_up == 0 else [-chin_up, 0.0, chin_up]
    points = [(_head_points() - _NOD_AXIS_MM) @ _about_x(turn).T + _NOD_AXIS_MM for turn in turns]
    projected = pose.camera.project(np.concatenate(points)).astype(np.float32)
    return np.asarray(cv2.convexHull(projected)[:, 0], dtype=np.float64)


def _about_x(angle: float) -> FloatArray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])


@cache
def _head_points() -> FloatArray:
    """Return (n, 3) points on the generic head's skin: the vault's ellipsoid and the facial landmarks."""
    turn, lift = np.meshgrid(np.linspace(0, 2 * np.pi, 48, endpoint=False), np.linspace(-np.pi / 2, np.pi / 2, 25))
    ball = np.stack([np.cos(lift) * np.sin(turn), np.sin(lift), np.cos(lift) * np.cos(turn)], axis=-1).reshape(-1, 3)
    vault = np.array(_VAULT_CENTER_MM) + ball * np.array(_VAULT_HALF_AXES_MM)
    bones = np.array([reference_skull()[pair.cranial] for pair in PAIRS])
    # without the tip of the nose: the hull would take in the air before forehead and mouth
    return np.concatenate([vault, bones + TissueTable.load().mean_mm])
