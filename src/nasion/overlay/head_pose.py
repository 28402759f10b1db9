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

    """

    camera: Camera
    yaw_deg: float
    up_px: FloatArray
    scale: float

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
        camera = solver.solve([bare]).photos[0].camera
    except NasionError:
        return None
    yaw, _, _ = pose_angles_deg(camera.rotation)
    center = np.array(_VAULT_CENTER_MM)
    middle, above = camera.project(np.stack([center, center + np.array([0.0, 10.0, 0.0])]))
    up = above - middle
    depth = float(camera.to_camera(center[None])[0, 2])
    if not (np.isfinite(up).all() and np.linalg.norm(up) > 0 and depth > 0 and abs(yaw) <= MOST_YAW_DEG):
        return None
    return HeadPose(camera, yaw, up / np.linalg.norm(up), camera.focal_px / depth)


def expected_outline(pose: HeadPose) -> FloatArray:
    """Return the convex outline, (n, 2) px, of an average head in this pose: vault and face, no neck, no hair."""
    import cv2

    projected = pose.camera.project(_head_points()).astype(np.float32)
    return np.asarray(cv2.convexHull(projected)[:, 0], dtype=np.float64)


@cache
def _head_points() -> FloatArray:
    """Return (n, 3) points on the generic head's skin: the vault's ellipsoid and the facial landmarks."""
    turn, lift = np.meshgrid(np.linspace(0, 2 * np.pi, 48, endpoint=False), np.linspace(-np.pi / 2, np.pi / 2, 25))
    ball = np.stack([np.cos(lift) * np.sin(turn), np.sin(lift), np.cos(lift) * np.cos(turn)], axis=-1).reshape(-1, 3)
    vault = np.array(_VAULT_CENTER_MM) + ball * np.array(_VAULT_HALF_AXES_MM)
    bones = np.array([reference_skull()[pair.cranial] for pair in PAIRS])
    # without the tip of the nose: the hull would take in the air before forehead and mouth
    return np.concatenate([vault, bones + TissueTable.load().mean_mm])
