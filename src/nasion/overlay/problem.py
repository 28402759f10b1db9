"""What every overlay solver takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.camera import Camera
from nasion.geometry.surface import Mesh
from nasion.overlay.face_region import FaceRegion

FloatArray = NDArray[np.float64]

SOLVERS: Final = ("posterior", "lilium", "posest")

LARGEST_COORDINATE: Final = 1e6
FARTHEST: Final = 1e8
"""Largest focal length (px) and distance (mm) that can be meant."""


@dataclass(frozen=True)
class CameraPrior:
    """What is known of a photograph's camera; each entry is optional, as (value, standard deviation).

    Attributes
    ----------
    focal_px
        Focal length in pixels and its SD.
    distance_mm
        Distance from the camera to the head's centre and its SD.
    pose_deg
        (yaw, pitch, roll) of ``geometry.camera.pose_rotation``, from the Frankfurt axes, and one SD for all three.
    principal_point_px
        Known principal point; the image's centre where it is None.

    """

    focal_px: tuple[float, float] | None = None
    distance_mm: tuple[float, float] | None = None
    pose_deg: tuple[tuple[float, float, float], float] | None = None
    principal_point_px: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name, known in (("focal length", self.focal_px), ("distance", self.distance_mm)):
            if known is not None and not (np.isfinite(known).all() and min(known) > 0):
                raise NasionError(f"the {name} and its SD must be numbers above 0, not {known[0]} and {known[1]}")
            if known is not None and known[0] > FARTHEST:
                raise NasionError(f"a {name} of {known[0]:g} cannot be meant; correct it")
        if self.pose_deg is not None and not (np.isfinite(self.pose_deg[0]).all() and 0 < self.pose_deg[1] < np.inf):
            raise NasionError("a head pose needs three angles in degrees and an SD above 0")


@dataclass(frozen=True)
class Photo:
    """The landmarks seen in one photograph.

    Attributes
    ----------
    name
        Shown in results.
    landmarks_px
        Facial landmark name to (2,) pixel coordinates; what cannot be seen is left out.
    image_size_px
        (width, height).
    sigma_px
        SD of single landmarks; the solver's default elsewhere.
    prior
        Camera knowledge.
    face
        Mask and contours of the face; None where there are none.

    """

    name: str
    landmarks_px: Mapping[str, FloatArray]
    image_size_px: tuple[int, int]
    sigma_px: Mapping[str, float] = field(default_factory=dict)
    prior: CameraPrior = field(default_factory=CameraPrior)
    face: FaceRegion | None = None

    def __post_init__(self) -> None:
        _check_points(self.name, self.landmarks_px, 2)
        _check_sigmas(self.name, self.sigma_px)
        if min(self.image_size_px) < 1:
            raise NasionError(f"{self.name}: the image size must be above 0, not {self.image_size_px}")


@dataclass(frozen=True)
class SkullLandmarks:
    """Cranial landmarks of one skull.

    Attributes
    ----------
    landmarks_mm
        Cranial landmark name to (3,) mm, in any frame whose axes are roughly the head's (+X left, +Y up, +Z front).
    sigma_mm
        Isotropic SD of single landmarks' places; the solver's default elsewhere.
    helpers_mm
        Helper points (porion, orbitale, ...) of the same skull; they serve the Frankfurt plane.

    """

    landmarks_mm: Mapping[str, FloatArray]
    sigma_mm: Mapping[str, float] = field(default_factory=dict)
    helpers_mm: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_points("skull landmarks", self.landmarks_mm, 3)
        _check_points("skull landmarks", self.helpers_mm, 3)
        _check_sigmas("skull landmarks", self.sigma_mm)


def _check_points(owner: str, points: Mapping[str, FloatArray], dimensions: int) -> None:
    for name, point in points.items():
        values = np.asarray(point, dtype=np.float64)
        if values.shape != (dimensions,) or not (np.abs(values) < LARGEST_COORDINATE).all():
            raise NasionError(
                f"{owner}: {name} has a coordinate that is not a number or far too large; "
                "place it again or leave it out"
            )


def _check_sigmas(owner: str, sigmas: Mapping[str, float]) -> None:
    for name, sigma in sigmas.items():
        if not 0 <= sigma < LARGEST_COORDINATE:
            raise NasionError(
                f"{owner}: the SD of {name} must be from 0 to {LARGEST_COORDINATE:.0f}, not {sigma}; correct it"
            )


@dataclass(frozen=True)
class OverlayProblem:
    """One skull against the photographs of one person, which are solved jointly where the solver can.

    ``mesh`` is the skull's surface in the frame of its landmarks; terms that need it are left out where it is None.
    """

    skull: SkullLandmarks
    photos: Sequence[Photo]
    mesh: Mesh | None = None

    def __post_init__(self) -> None:
        if not self.photos:
            raise NasionError("there is no photograph to overlay; give at least one")


@dataclass(frozen=True)
class PhotoSolution:
    """One photograph's part of a solution. Arrays of landmarks follow ``names``.

    Attributes
    ----------
    photo
        The photograph's name.
    camera
        The estimated camera, in the frame in which the skull's landmarks were given.
    names
        The facial landmarks used.
    predicted_px
        (n, 2) projections of cranial landmark + the solver's expected tissue vector.
    predicted_covariance_px
        (n, 2, 2) covariance of observed minus predicted (tissue, skull and image noise); the posterior solver's
        residuals follow a Student t with this scale matrix.
    residuals_px
        (n, 2) observed minus predicted.
    log_likelihood
        Log marginal likelihood of this photograph alone; None where the solver has none.
    camera_covariance
        (7, 7) covariance of: rotation vector (radians, camera axes), the image position of the centroid of the cranial
        landmarks given (px, 2), log of the scale at the head's centre (px per mm), log focal length; distance = focal
        / scale. None where the solver has none.
    flags
        Short machine-readable names of what is implausible, e.g. ``"distance_implausible"``.

    """

    photo: str
    camera: Camera
    names: tuple[str, ...]
    predicted_px: FloatArray
    predicted_covariance_px: FloatArray
    residuals_px: FloatArray
    log_likelihood: float | None
    camera_covariance: FloatArray | None
    flags: tuple[str, ...]
    converged: bool


@dataclass(frozen=True)
class TissueEstimate:
    """A tissue vector given the data, in the skull's given frame: mean and SD (mm, per axis), and the table's mean."""

    mean_mm: FloatArray
    sd_mm: FloatArray
    table_mean_mm: FloatArray


@dataclass(frozen=True)
class OverlaySolution:
    """The answer to an ``OverlayProblem``.

    Attributes
    ----------
    solver
        Its name.
    photos
        One solution a photograph, in the problem's order.
    score
        Higher is a better match; comparable between candidates of one run with one solver only.
    log_likelihood
        Joint log marginal likelihood of all photographs; None where the solver has none.
    build_factor
        Estimated build factor and the SD of its logarithm; None where the solver has none.
    tissue
        By facial landmark name.
    seconds
        Wall time of the solver.

    """

    solver: str
    photos: tuple[PhotoSolution, ...]
    score: float
    log_likelihood: float | None
    build_factor: tuple[float, float] | None
    tissue: Mapping[str, TissueEstimate]
    seconds: float
