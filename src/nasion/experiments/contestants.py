"""The solvers of the overlay experiment by name: what each is told, and how it is set up for one skull."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from nasion.anatomy.tissue import TissueTable
from nasion.experiments.protocol import ORACLE_STREAM, PersonTruth, Scenario, oracle_vectors, stream
from nasion.geometry.camera import Camera
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.lilium.settings import LiliumSettings, Terms
from nasion.overlay.lilium.solve import LiliumSolver
from nasion.overlay.posest import solve as solve_posest
from nasion.overlay.posterior import PosteriorSolver
from nasion.overlay.problem import CameraPrior, OverlayProblem, OverlaySolution, Photo
from nasion.overlay.settings import PosteriorSettings


@dataclass(frozen=True, eq=False)
class Entrant:
    """A skull that photographs are compared with, and what the experiment tells of it."""

    person: PersonTruth
    index: int
    run: int
    seed: int
    scenario: Scenario
    tissue: TissueTable


@dataclass(frozen=True)
class Answer:
    """Score, one camera a photograph, and whether the solver settled."""

    score: float
    cameras: tuple[Camera, ...]
    converged: bool


Solve = Callable[[Sequence[Photo]], Answer]
"""Photographs of one person to an answer; raises NasionError where there is no camera."""


@dataclass(frozen=True)
class Contestant:
    """A solver of the experiment.

    Attributes
    ----------
    given
        What it is told, for the tables.
    prepare
        Entrant to solver.
    told_camera
        Whether it is given camera knowledge around the truth.
    slow
        Whether it is judged on the experiment's random subset alone.

    """

    given: str
    prepare: Callable[[Entrant], Solve]
    told_camera: bool = False
    slow: bool = False

    def sees(self, photo: Photo, prior: CameraPrior) -> Photo:
        """Return the photograph with the camera knowledge that this solver may have."""
        return replace(photo, prior=prior if self.told_camera else CameraPrior())


def _answer(solution: OverlaySolution) -> Answer:
    found = solution.photos
    return Answer(solution.score, tuple(photo.camera for photo in found), all(photo.converged for photo in found))


def _posest(entrant: Entrant) -> Solve:
    # one draw of direction errors a skull and run, the same for all photographs, as in the paper
    rng = stream(entrant.seed, ORACLE_STREAM, entrant.run, entrant.index)
    vectors = oracle_vectors(entrant.person, entrant.tissue, entrant.scenario, rng)
    return lambda photos: _answer(solve_posest(OverlayProblem(entrant.person.skull, photos), vectors))


def _posest_by_table(entrant: Entrant) -> Solve:
    vectors = entrant.tissue.mean_mm
    return lambda photos: _answer(solve_posest(OverlayProblem(entrant.person.skull, photos), vectors))


def _lilium(entrant: Entrant, terms: Terms) -> Solve:
    settings = LiliumSettings(terms=terms, seed=entrant.run)
    solver = LiliumSolver(entrant.person.skull, entrant.tissue, settings, entrant.person.mesh)
    return lambda photos: _answer(solver.solve(photos))


def _everything(face: FaceRegion) -> FaceRegion | None:
    return face


def _nothing(face: FaceRegion) -> FaceRegion | None:
    return None


def _without_contours(face: FaceRegion) -> FaceRegion | None:
    return FaceRegion(face.mask)


def _without_border(face: FaceRegion) -> FaceRegion | None:
    return FaceRegion(np.full_like(face.mask, Place.UNKNOWN), face.contours)


def _posterior(
    entrant: Entrant,
    shown: Callable[[FaceRegion], FaceRegion | None] = _everything,
    settings: PosteriorSettings | None = None,
    tissue: Callable[[TissueTable], TissueTable] = lambda table: table,
) -> Solve:
    solver = PosteriorSolver(entrant.person.skull, tissue(entrant.tissue), settings, entrant.person.mesh)

    def solve(photos: Sequence[Photo]) -> Answer:
        solution = solver.solve([replace(p, face=None if p.face is None else shown(p.face)) for p in photos])
        return _answer(solution)

    return solve


def _one_build(table: TissueTable) -> TissueTable:
    return replace(table, build_factor_log_sd=0.02)


def _free_sides(table: TissueTable) -> TissueTable:
    return replace(table, left_right_correlation=0.0)


_FLAT_LOG_SD: Final = 5.0
_TOLD: Final = "the tissue table only: no true direction, depth or build; no camera knowledge"
_CAMERA: Final = "camera knowledge around the truth (focal length and distance 5 %, pose 2.5 degrees SD)"

CONTESTANTS: Final[dict[str, Contestant]] = {
    "posest": Contestant(
        "mean depths along the TRUE tissue directions of each skull's person (an oracle that casework lacks)", _posest
    ),
    "posest-table": Contestant("the tissue table's mean vectors: what a case can give it", _posest_by_table),
    "lilium": Contestant(
        f"landmarks, face mask and contours, all terms; {_TOLD}", partial(_lilium, terms="all"), slow=True
    ),
    "lilium-base": Contestant(f"landmarks alone; {_TOLD}", partial(_lilium, terms="base"), slow=True),
    "lilium-skof": Contestant(f"landmarks and face mask; {_TOLD}", partial(_lilium, terms="skof"), slow=True),
    "lilium-par": Contestant(f"landmarks and contours; {_TOLD}", partial(_lilium, terms="par"), slow=True),
    "lilium-camera": Contestant(
        f"as lilium, and {_CAMERA}, as in the paper", partial(_lilium, terms="all"), told_camera=True, slow=True
    ),
    "posterior": Contestant(f"landmarks, face mask and contours; {_TOLD}", _posterior),
    "posterior-camera": Contestant(f"as posterior, and {_CAMERA}", _posterior, told_camera=True),
    "posterior-landmarks": Contestant(f"landmarks alone; {_TOLD}", partial(_posterior, shown=_nothing)),
    "posterior-containment": Contestant(
        "landmarks and face mask: posterior without contours", partial(_posterior, shown=_without_contours)
    ),
    "posterior-contours": Contestant(
        "landmarks and contours: posterior without the mask", partial(_posterior, shown=_without_border)
    ),
    "posterior-one-build": Contestant(
        "as posterior, the build factor held at 1", partial(_posterior, tissue=_one_build)
    ),
    "posterior-free-sides": Contestant(
        "as posterior, left and right tissue uncorrelated", partial(_posterior, tissue=_free_sides)
    ),
    "posterior-thin-tails": Contestant(
        "as posterior, Gaussian instead of Student-t landmarks",
        partial(_posterior, settings=PosteriorSettings(degrees_of_freedom=1e6)),
    ),
    "posterior-free-distance": Contestant(
        "as posterior, flat prior of the distance",
        partial(_posterior, settings=PosteriorSettings(distance_log_sd=_FLAT_LOG_SD)),
    ),
    "posterior-free-focal": Contestant(
        "as posterior, flat prior of the focal length",
        partial(_posterior, settings=PosteriorSettings(focal_log_sd=_FLAT_LOG_SD)),
    ),
}
"""By name; those that follow ``posterior-contours`` leave out one assumption each."""
