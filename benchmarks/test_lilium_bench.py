"""Run times of one Lilium overlay at the paper's full 750 generations, one core. ``make bench`` prints them."""

import numpy as np
import pytest

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.raster import depth_of
from nasion.overlay.face_region import FaceRegion
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.lilium.solve import LiliumSolver
from nasion.overlay.problem import CameraPrior, Photo, SkullLandmarks
from nasion.population.builtin import builtin_template
from nasion.population.person import PersonSampler
from nasion.population.photograph import face_contours, landmark_truth, sample_shot

TISSUE = TissueTable.load()


@pytest.fixture(scope="module", params=["frontal", "lateral"])
def case(request):
    person = PersonSampler(builtin_template()).sample(101)
    shot = sample_shot(person, request.param, np.random.default_rng(0))
    camera = shot.camera
    depth, _ = depth_of(person.face, camera)
    truth = landmark_truth(person, camera, depth)
    photo = Photo(
        request.param,
        {pair.facial: truth.points_px[pair.facial] for pair in PAIRS if pair.facial in truth.visible},
        camera.image_size_px,
        prior=CameraPrior((camera.focal_px, 0.05 * camera.focal_px), (shot.distance_mm, 0.05 * shot.distance_mm)),
        face=FaceRegion(np.isfinite(depth).astype(np.uint8), face_contours(person, shot)),
    )
    return SkullLandmarks(person.cranial, helpers_mm=person.cranial_helpers), photo, person.skull


@pytest.mark.parametrize("terms", ["base", "skof", "par", "all"])
def test_lilium_one_overlay(benchmark, case, terms):
    skull, photo, mesh = case
    LiliumSolver(skull, TISSUE, LiliumSettings(terms=terms, generations=2), mesh).solve_photo(photo)
    benchmark.pedantic(
        lambda: LiliumSolver(skull, TISSUE, LiliumSettings(terms=terms), mesh).solve_photo(photo), rounds=5
    )
