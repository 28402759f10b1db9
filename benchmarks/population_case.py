"""A built-in person's skull and one photograph, for benchmarks of overlays with all terms."""

from dataclasses import replace

import numpy as np

from nasion.anatomy.landmarks import PAIRS
from nasion.geometry.raster import depth_of
from nasion.geometry.surface import Mesh
from nasion.overlay.face_region import FaceRegion
from nasion.overlay.problem import CameraPrior, Photo, SkullLandmarks
from nasion.population.builtin import builtin_template
from nasion.population.person import PersonSampler
from nasion.population.photograph import View, face_contours, landmark_truth, sample_shot


def population_case(view: View) -> tuple[SkullLandmarks, Photo, Mesh]:
    person = PersonSampler(builtin_template()).sample(101)
    shot = sample_shot(person, view, np.random.default_rng(0))
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
    return SkullLandmarks(person.cranial, helpers_mm=person.cranial_helpers), photo, person.skull


def with_fresh_mask(photo: Photo) -> Photo:
    """Return the photograph as if just read: nothing of its mask computed yet."""
    assert photo.face is not None
    return replace(photo, face=FaceRegion(photo.face.mask, photo.face.contours))
