"""A virtual person of the built-in population with photographs, faces and camera knowledge."""

from dataclasses import dataclass

import numpy as np
import pytest

from nasion.anatomy.landmarks import PAIRS
from nasion.geometry.camera import Camera, back_projection_error_mm
from nasion.geometry.raster import depth_of
from nasion.overlay.face_region import FaceRegion
from nasion.overlay.problem import CameraPrior, OverlayProblem, Photo, SkullLandmarks
from nasion.population.builtin import builtin_template
from nasion.population.person import Person, PersonSampler
from nasion.population.photograph import VIEWS, face_contours, landmark_truth, sample_shot


@dataclass(frozen=True, eq=False)
class Case:
    """A noise-free photograph with its truth; image points and facial landmarks in the order of ``PAIRS``."""

    problem: OverlayProblem
    camera: Camera
    facial_mm: np.ndarray
    points_px: np.ndarray

    def bpe_mm(self, camera: Camera) -> float:
        return back_projection_error_mm(camera, self.facial_mm, self.points_px)


def photographed(person: Person, view: str, rng: np.random.Generator) -> Case:
    shot = sample_shot(person, view, rng)
    camera = shot.camera
    depth, _ = depth_of(person.face, camera)
    truth = landmark_truth(person, camera, depth)
    photo = Photo(
        view,
        {pair.facial: truth.points_px[pair.facial] for pair in PAIRS if pair.facial in truth.visible},
        camera.image_size_px,
        prior=CameraPrior((camera.focal_px, 0.05 * camera.focal_px), (shot.distance_mm, 0.05 * shot.distance_mm)),
        face=FaceRegion(np.isfinite(depth).astype(np.uint8), face_contours(person, shot)),
    )
    skull = SkullLandmarks(person.cranial, helpers_mm=person.cranial_helpers)
    points = np.array([truth.points_px[pair.facial] for pair in PAIRS])
    facial = np.array([person.facial[pair.facial] for pair in PAIRS])
    return Case(OverlayProblem(skull, [photo], person.skull), camera, facial, points)


@pytest.fixture(scope="session")
def cases() -> dict[str, Case]:
    person = PersonSampler(builtin_template()).sample(101)
    rng = np.random.default_rng(0)
    return {view: photographed(person, view, rng) for view in VIEWS}
