"""Who is shown: the first two people of a built-in population, their photographs, and the overlays of each solver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from nasion.anatomy.landmarks import PAIRS, SCHEMES
from nasion.anatomy.planes import HeadFrame, head_frame
from nasion.anatomy.tissue import TissueTable
from nasion.experiments.protocol import (
    NOISE_STREAM,
    ORACLE_STREAM,
    SCENARIOS,
    PersonTruth,
    PhotoTruth,
    noisy_photo,
    oracle_vectors,
    stream,
    true_camera_prior,
)
from nasion.geometry.camera import Camera
from nasion.overlay.face_region import FaceRegion
from nasion.overlay.lilium.settings import LiliumSettings, Terms
from nasion.overlay.lilium.solve import LiliumResult, LiliumSolver
from nasion.overlay.posest import solve as solve_posest
from nasion.overlay.posterior import PosteriorSolver
from nasion.overlay.problem import OverlayProblem, Photo, SkullLandmarks
from nasion.population.folder import person_of, photograph_rng
from nasion.population.person import Person
from nasion.population.photograph import VIEWS, take_photograph
from nasion.population.template_source import load_template

from .style import ColorImage

SEED: Final = 0
SCENARIO: Final = SCENARIOS["C"]


@dataclass(frozen=True, eq=False)
class Sitting:
    """A photograph with its truth, and what solvers see of it: noisy landmarks, face, camera knowledge."""

    image: ColorImage
    truth: PhotoTruth
    seen: Photo

    @property
    def face(self) -> FaceRegion:
        """Mask and contours."""
        if self.seen.face is None:
            raise RuntimeError(f"{self.truth.name} has no face")
        return self.seen.face


@dataclass(frozen=True, eq=False)
class Subject:
    """A person: ``index`` of the population, skull with landmarks, a frontal and a lateral photograph."""

    index: int
    truth: PersonTruth
    frontal: Sitting
    lateral: Sitting

    @cached_property
    def frame(self) -> HeadFrame:
        """The skull's Frankfurt frame."""
        return head_frame(self.truth.skull.landmarks_mm, self.truth.skull.helpers_mm)


def load_subjects(count: int) -> list[Subject]:
    """Return the first people of the built-in population, with the first photograph of each view."""
    template = load_template("builtin")
    subjects = []
    for index in range(count):
        person = person_of(template, SEED, index)
        truth = PersonTruth(
            person.name,
            SkullLandmarks(person.cranial, helpers_mm=person.cranial_helpers),
            person.skull,
            np.array([person.facial[pair.facial] for pair in PAIRS]),
        )
        subjects.append(Subject(index, truth, *(_sitting(person, truth, index, number) for number in range(2))))
    return subjects


def _sitting(person: Person, truth: PersonTruth, index: int, number: int) -> Sitting:
    view = VIEWS[number]
    taken = take_photograph(person, view, photograph_rng(SEED, index, view, 0))
    camera, names = taken.shot.camera, SCHEMES["facial20"]
    photo = PhotoTruth(
        f"{person.name}/{view}_00",
        view,
        camera,
        np.array([taken.landmarks.points_px[name] for name in names]),
        np.array([name in taken.landmarks.visible for name in names]),
        np.packbits(taken.face_mask, axis=1),
        camera.focal_px / float(camera.to_camera(truth.facial_mm)[:, 2].mean()),
        taken.contours,
    )
    seen = noisy_photo(photo, SCENARIO, stream(SEED, NOISE_STREAM, index, number))
    return Sitting(taken.image, photo, replace(seen, prior=true_camera_prior(camera, truth)))


def lilium_result(candidate: Subject, photo: Photo, terms: Terms) -> LiliumResult:
    """Return Lilium's best individual for a skull on a photograph."""
    skull, mesh = candidate.truth.skull, candidate.truth.mesh
    return LiliumSolver(skull, TissueTable.load(), LiliumSettings(terms=terms), mesh).solve_photo(photo)


def cameras_of_all_solvers(candidate: Subject, photo: Photo) -> dict[str, Camera]:
    """Return each solver's camera for a skull on a photograph; ``posest`` alone gets its oracle."""
    truth, tissue = candidate.truth, TissueTable.load()
    vectors = oracle_vectors(truth, tissue, SCENARIO, stream(SEED, ORACLE_STREAM, candidate.index))
    posest = solve_posest(OverlayProblem(truth.skull, [photo]), vectors)
    posterior = PosteriorSolver(truth.skull, tissue, mesh=truth.mesh)
    return {
        "posest": posest.photos[0].camera,
        "lilium --terms base": lilium_result(candidate, photo, "base").camera,
        "lilium --terms all": lilium_result(candidate, photo, "all").camera,
        "posterior": posterior.solve([photo]).photos[0].camera,
    }
