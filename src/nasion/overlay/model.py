"""The arrays that the compiled solver works on, built from a problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS, mirrored, side
from nasion.anatomy.planes import HeadFrame, head_frame
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.camera import image_center_px, pose_rotation
from nasion.overlay.problem import Photo, SkullLandmarks
from nasion.overlay.settings import FACE_HEIGHT_MM, PosteriorSettings

FloatArray = NDArray[np.float64]

INDEX: Final[Mapping[str, int]] = {pair.facial: j for j, pair in enumerate(PAIRS)}
"""Facial landmark name to its row in arrays of twenty."""


def _groups() -> NDArray[np.int64]:
    cranial = {pair.cranial: j for j, pair in enumerate(PAIRS)}
    rows = [
        (j, cranial[mirrored(pair.cranial)] if side(pair.cranial) == "left" else -1)
        for j, pair in enumerate(PAIRS)
        if side(pair.cranial) != "right"
    ]
    return np.array(rows, dtype=np.int64)


GROUPS: Final = _groups()
"""(14, 2) rows that share tissue: a midline landmark with -1, or left and right."""


@dataclass(frozen=True)
class SkullModel:
    """One skull with its tissue prior, in its Frankfurt frame from the landmarks' centroid; NaN where absent."""

    frame: HeadFrame
    points_mm: FloatArray
    skull_variance_mm2: FloatArray
    tissue_mean_mm: FloatArray
    group_covariance_mm2: FloatArray
    build_log_sd: float

    @classmethod
    def build(cls, skull: SkullLandmarks, tissue: TissueTable, settings: PosteriorSettings) -> SkullModel:
        """Arrange a skull's landmarks and the tissue table for the solver."""
        frame = head_frame(skull.landmarks_mm, skull.helpers_mm)
        points = np.full((len(PAIRS), 3), np.nan)
        variance = np.full(len(PAIRS), settings.skull_sigma_mm**2)
        for j, pair in enumerate(PAIRS):
            if pair.cranial in skull.landmarks_mm:
                points[j] = frame.to_frankfurt(skull.landmarks_mm[pair.cranial])
            if pair.cranial in skull.sigma_mm:
                variance[j] = skull.sigma_mm[pair.cranial] ** 2
        return cls(
            frame,
            points,
            variance,
            tissue.mean_mm.copy(),
            group_covariances(tissue),
            max(tissue.build_factor_log_sd, 1e-3),
        )

    def arrays(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return what the compiled solver takes: points, mean tissue, group covariances, skull variances."""
        return np.nan_to_num(self.points_mm), self.tissue_mean_mm, self.group_covariance_mm2, self.skull_variance_mm2

    def mask(self, observed_px: FloatArray) -> FloatArray:
        """Return the observations (..., 20, 2) without those of landmarks that the skull lacks."""
        return np.where(np.isnan(self.points_mm[:, :1]), np.nan, observed_px)


@lru_cache(maxsize=8)
def group_covariances(tissue: TissueTable) -> FloatArray:
    """Return (14, 6, 6) joint covariance of each group's tissue deviations at build factor 1, mm^2."""
    joint = tissue.joint_covariance_mm2.reshape(20, 3, 20, 3)
    out = np.zeros((len(GROUPS), 6, 6))
    for g, members in enumerate(GROUPS):
        used = [j for j in members if j >= 0]
        size = 3 * len(used)
        out[g, :size, :size] = joint[np.ix_(used, range(3), used, range(3))].reshape(size, size)
    return out


@dataclass(frozen=True)
class PhotoModel:
    """The photographs of one person for the solver; pixel coordinates from the principal point.

    Attributes
    ----------
    observed_px
        (P, 20, 2), NaN where absent on the photograph.
    noise_variance
        (P, 20): mm^2 at the head's distance where >= 0, else minus px^2.
    priors
        (P, 5): mean and information of log f, of log distance, information of the pose.
    pose
        (P, 3, 3) prior rotations from Frankfurt axes.
    principal_point_px
        (P, 2).

    """

    observed_px: FloatArray
    noise_variance: FloatArray
    priors: FloatArray
    pose: FloatArray
    principal_point_px: FloatArray

    @classmethod
    def build(cls, photos: Sequence[Photo], settings: PosteriorSettings) -> PhotoModel:
        """Arrange photographs for the solver."""
        count = len(photos)
        observed = np.full((count, len(PAIRS), 2), np.nan)
        noise = np.full((count, len(PAIRS)), (settings.landmark_sigma_face_height * FACE_HEIGHT_MM) ** 2)
        priors = np.empty((count, 5))
        pose = np.tile(np.eye(3), (count, 1, 1))
        centers = np.empty((count, 2))
        for p, photo in enumerate(photos):
            known = photo.prior
            centers[p] = known.principal_point_px or image_center_px(photo.image_size_px)
            for name, point in photo.landmarks_px.items():
                if name in INDEX:
                    observed[p, INDEX[name]] = np.asarray(point) - centers[p]
            for name, sigma in photo.sigma_px.items():
                if name in INDEX:
                    noise[p, INDEX[name]] = -(max(sigma, 1e-3) ** 2)
            priors[p] = _camera_prior(photo, settings)
            if known.pose_deg is not None:
                pose[p] = pose_rotation(*known.pose_deg[0])
        return cls(observed, noise, priors, pose, centers)


def _camera_prior(photo: Photo, settings: PosteriorSettings) -> tuple[float, float, float, float, float]:
    diagonal = float(np.hypot(*photo.image_size_px))
    focal, focal_sd = settings.focal_diagonals * diagonal, settings.focal_log_sd
    distance, distance_sd = settings.distance_mm, settings.distance_log_sd
    known = photo.prior
    if known.focal_px is not None:
        focal, focal_sd = known.focal_px[0], known.focal_px[1] / known.focal_px[0]
    if known.distance_mm is not None:
        distance, distance_sd = known.distance_mm[0], known.distance_mm[1] / known.distance_mm[0]
    pose_info = 0.0 if known.pose_deg is None else np.deg2rad(known.pose_deg[1]) ** -2
    return (
        float(np.log(focal)),
        max(focal_sd, 1e-4) ** -2,
        float(np.log(distance)),
        max(distance_sd, 1e-4) ** -2,
        float(pose_info),
    )
