"""The solvers of the overlay experiment, each set up for one skull, and what each of them is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from nasion.anatomy.tissue import TissueTable
from nasion.experiments.protocol import PersonTruth, Scenario, oracle_vectors
from nasion.geometry.camera import Camera
from nasion.overlay.posest import solve as solve_posest
from nasion.overlay.posterior import PosteriorSolver
from nasion.overlay.problem import OverlayProblem, Photo

Solve = Callable[[Photo], tuple[float, Camera]]
"""A photograph to (score, camera); raises NasionError where there is no camera."""

GIVEN: Final = {
    "posest": "mean depths along the TRUE tissue directions of each skull's person (an oracle that casework lacks)",
    "posterior": "landmarks, face mask and contours; the tissue table only: no true direction, depth or build; no camera "
    "knowledge",
    "posterior-landmarks": "the same without mask and contours: landmarks alone",
}


def contestant(
    name: str, index: int, candidate: PersonTruth, scenario: Scenario, seed: int, tissue: TissueTable
) -> Solve:
    """Return the solver of a name for the skull of person ``index``."""
    if name == "posest":
        # one draw of direction errors a skull, the same for all photographs, as in the paper
        vectors = oracle_vectors(candidate, tissue, scenario, np.random.default_rng([seed, 7919, index]))

        def posest(photo: Photo) -> tuple[float, Camera]:
            solution = solve_posest(OverlayProblem(candidate.skull, [photo]), vectors)
            return solution.score, solution.photos[0].camera

        return posest
    solver = PosteriorSolver(candidate.skull, tissue, mesh=candidate.mesh)

    def posterior(photo: Photo) -> tuple[float, Camera]:
        seen = photo if name == "posterior" else replace(photo, face=None)
        solution = solver.solve([seen])
        return solution.score, solution.photos[0].camera

    return posterior
