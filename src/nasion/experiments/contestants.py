"""The solvers of the overlay experiment, each set up for one skull, and what each of them is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from nasion.anatomy.tissue import TissueTable
from nasion.experiments.protocol import ORACLE_STREAM, PersonTruth, Scenario, oracle_vectors, stream
from nasion.geometry.camera import Camera
from nasion.overlay.posest import solve as solve_posest
from nasion.overlay.posterior import PosteriorSolver
from nasion.overlay.problem import OverlayProblem, OverlaySolution, Photo

Solve = Callable[[Photo], tuple[float, Camera, bool]]
"""A photograph to (score, camera, converged); raises NasionError where there is no camera."""

GIVEN: Final = {
    "posest": "mean depths along the TRUE tissue directions of each skull's person (an oracle that casework lacks)",
    "posterior": "landmarks, face mask and contours; the tissue table only: no true direction, depth or build; no "
    "camera knowledge",
    "posterior-landmarks": "the same without mask and contours: landmarks alone",
}


def _answer(solution: OverlaySolution) -> tuple[float, Camera, bool]:
    found = solution.photos[0]
    return solution.score, found.camera, found.converged


def contestant(
    name: str, index: int, candidate: PersonTruth, scenario: Scenario, seed: int, tissue: TissueTable
) -> Solve:
    """Return the solver of a name for the skull of person ``index``."""
    if name == "posest":
        # one draw of direction errors a skull, the same for all photographs, as in the paper
        vectors = oracle_vectors(candidate, tissue, scenario, stream(seed, ORACLE_STREAM, index))

        def posest(photo: Photo) -> tuple[float, Camera, bool]:
            solution = solve_posest(OverlayProblem(candidate.skull, [photo]), vectors)
            return _answer(solution)

        return posest
    solver = PosteriorSolver(candidate.skull, tissue, mesh=candidate.mesh)

    def posterior(photo: Photo) -> tuple[float, Camera, bool]:
        seen = photo if name == "posterior" else replace(photo, face=None)
        solution = solver.solve([seen])
        return _answer(solution)

    return posterior
