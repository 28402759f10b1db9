"""The paper's three scenarios: what noise the landmarks get and what each solver is told (Lilium, section III)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import head_frame
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.camera import Camera, pose_angles_deg
from nasion.geometry.surface import Mesh
from nasion.overlay.face_region import FaceRegion
from nasion.overlay.problem import CameraPrior, Photo, SkullLandmarks
from nasion.overlay.settings import FACE_HEIGHT_MM

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Scenario:
    """One of the paper's experiments.

    Attributes
    ----------
    landmark_noise_face_height
        Image landmarks move by up to this share of the face height in u and in v (uniform).
    direction_error_deg
        The oracle's tissue directions are turned by up to this angle (uniform) about a random axis.

    """

    landmark_noise_face_height: float
    direction_error_deg: float


NOISE_STREAM: Final = 3
ORACLE_STREAM: Final = 4
SUBSET_STREAM: Final = 5
"""Purposes of random numbers; 1 and 2 are the population's. Equal numbers for two purposes would tie them together."""


SCENARIOS: Final[dict[str, Scenario]] = {
    "A": Scenario(0.0, 0.0),
    "B": Scenario(0.01, 0.0),
    "C": Scenario(0.01, 30.0),
}


@dataclass(frozen=True)
class PhotoTruth:
    """A photograph with its truth.

    Attributes
    ----------
    name, view
        ``view`` is ``"frontal"`` or ``"lateral"``.
    camera
        The true camera.
    points_px
        (20, 2) true image points, hidden ones too, in the order of ``PAIRS``.
    visible
        (20,) which are seen.
    face_mask
        (h, w) the face's silhouette, packed by ``numpy.packbits`` along its rows.
    scale_px_per_mm
        At the face's mean depth.
    contours
        Of the face: ``"chin_jaw"`` or ``"forehead"``, (n, 2) px.

    """

    name: str
    view: str
    camera: Camera
    points_px: FloatArray
    visible: NDArray[np.bool_]
    face_mask: NDArray[np.uint8]
    scale_px_per_mm: float
    contours: Mapping[str, FloatArray] = field(default_factory=dict)

    def mask(self) -> NDArray[np.bool_]:
        """Return the (h, w) face mask."""
        width, height = self.camera.image_size_px
        return np.unpackbits(self.face_mask, axis=1, count=width)[:height].astype(bool)


@dataclass(frozen=True, eq=False)
class PersonTruth:
    """A person of the experiment: skull with landmarks, and true facial landmarks (20, 3)."""

    name: str
    skull: SkullLandmarks
    mesh: Mesh
    facial_mm: FloatArray


FOCAL_RELATIVE_SD: Final = 0.05
DISTANCE_RELATIVE_SD: Final = 0.05
POSE_SD_DEG: Final = 2.5
"""Camera knowledge that the paper's intervals "around the true values" stand for; their widths are ours."""


def true_camera_prior(camera: Camera, person: PersonTruth) -> CameraPrior:
    """Return camera knowledge around the truth, as the paper gives its solver."""
    frame = head_frame(person.skull.landmarks_mm, person.skull.helpers_mm)
    distance = float(np.linalg.norm(frame.origin_mm - camera.center_mm))
    return CameraPrior(
        (camera.focal_px, FOCAL_RELATIVE_SD * camera.focal_px),
        (distance, DISTANCE_RELATIVE_SD * distance),
        (pose_angles_deg(camera.rotation @ frame.rotation.T), POSE_SD_DEG),
    )


def stream(seed: int, purpose: int, *which: int) -> np.random.Generator:
    """Return random numbers that belong to one purpose and item alone."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, *which)))


def noisy_photo(photo: PhotoTruth, scenario: Scenario, rng: np.random.Generator) -> Photo:
    """Return a photograph as a case would have it: visible landmarks with the scenario's noise, mask and contours."""
    reach = scenario.landmark_noise_face_height * FACE_HEIGHT_MM * photo.scale_px_per_mm
    points = photo.points_px + rng.uniform(-reach, reach, photo.points_px.shape)
    seen = {pair.facial: points[j] for j, pair in enumerate(PAIRS) if photo.visible[j]}
    face = FaceRegion(photo.mask().astype(np.uint8), photo.contours)
    return Photo(photo.name, seen, photo.camera.image_size_px, face=face)


def oracle_vectors(
    person: PersonTruth, tissue: TissueTable, scenario: Scenario, rng: np.random.Generator
) -> FloatArray:
    """Return ``posest``'s (20, 3) tissue vectors, Frankfurt frame: mean depths along the person's true directions.

    No casework has such an oracle. The directions are turned by the scenario's error.
    """
    frame = head_frame(person.skull.landmarks_mm, person.skull.helpers_mm)
    bone = np.array([person.skull.landmarks_mm[pair.cranial] for pair in PAIRS])
    true = (person.facial_mm - bone) @ frame.rotation.T
    depth = np.linalg.norm(tissue.mean_mm, axis=1, keepdims=True)
    directions = true / np.linalg.norm(true, axis=1, keepdims=True)
    axis = np.cross(directions, rng.normal(size=(len(PAIRS), 3)))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.deg2rad(rng.uniform(0, scenario.direction_error_deg, len(PAIRS)))
    turned = Rotation.from_rotvec(axis * angle[:, None]).apply(directions)
    return np.asarray(depth * turned, dtype=np.float64)
