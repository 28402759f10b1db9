"""Floor 3: skull-face overlay. All solvers take an ``OverlayProblem`` and give an ``OverlaySolution``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasion.overlay.problem import SOLVERS, OverlayProblem, OverlaySolution

if TYPE_CHECKING:
    from nasion.anatomy.tissue import TissueTable
    from nasion.overlay.lilium.settings import LiliumSettings
    from nasion.overlay.posest import PosestSettings
    from nasion.overlay.settings import PosteriorSettings

__all__ = ["SOLVERS", "solve"]


def solve(
    problem: OverlayProblem,
    solver: str = "posterior",
    tissue: TissueTable | None = None,
    settings: PosteriorSettings | LiliumSettings | PosestSettings | None = None,
) -> OverlaySolution:
    """Overlay one skull on one person's photographs with the solver of that name.

    Parameters
    ----------
    problem
        Skull and photographs.
    solver
        One of ``SOLVERS``.
    tissue
        The tissue table; the built-in one where None.
    settings
        The solver's own: ``PosteriorSettings``, ``LiliumSettings`` or ``PosestSettings``; its defaults where None. The
        seed of ``lilium``'s and ``posest``'s random numbers is among them; ``posterior`` draws none.

    Raises
    ------
    NasionError
        Unknown solver, another solver's settings, landmarks that cannot fix a camera, or an input missing that the
        solver's terms need.

    """
    from nasion.anatomy.tissue import TissueTable
    from nasion.overlay.solvers import solve_by

    return solve_by(solver, problem, tissue if tissue is not None else TissueTable.load(), settings)
