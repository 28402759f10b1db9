"""Floor 3: skull-face overlay. One module a solver; all take an ``OverlayProblem`` and give an ``OverlaySolution``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasion.errors import NasionError
from nasion.overlay.problem import SOLVERS, OverlayProblem, OverlaySolution

if TYPE_CHECKING:
    from nasion.anatomy.tissue import TissueTable
    from nasion.overlay.settings import PosteriorSettings

__all__ = ["SOLVERS", "solve"]


def solve(
    problem: OverlayProblem,
    solver: str = "posterior",
    tissue: TissueTable | None = None,
    settings: PosteriorSettings | None = None,
    seed: int = 0,
) -> OverlaySolution:
    """Overlay one skull on one person's photographs with the solver of that name.

    Parameters
    ----------
    problem
        Skull landmarks and photographs.
    solver
        One of ``SOLVERS``.
    tissue
        The tissue table; the built-in one where None.
    settings
        Assumptions of the posterior solver.
    seed
        Of the random samples of ``posest``; the posterior solver draws none.

    Raises
    ------
    NasionError
        Unknown solver, or landmarks that cannot fix a camera.

    """
    from nasion.anatomy.tissue import TissueTable
    from nasion.overlay.posest import PosestSettings
    from nasion.overlay.posest import solve as solve_posest
    from nasion.overlay.posterior import PosteriorSolver

    table = tissue if tissue is not None else TissueTable.load()
    if solver == "posterior":
        return PosteriorSolver(problem.skull, table, settings, problem.mesh).solve(problem.photos)
    if solver == "posest":
        return solve_posest(problem, table.mean_mm, PosestSettings(seed=seed))
    raise NasionError(f"there is no solver {solver!r}; choose one of {', '.join(SOLVERS)}")
