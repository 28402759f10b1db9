"""The solvers by name: what settings each takes and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.posest import PosestSettings
from nasion.overlay.posest import solve as solve_posest
from nasion.overlay.problem import OverlayProblem, OverlaySolution
from nasion.overlay.settings import PosteriorSettings

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class Method(Generic[Settings]):
    """A solver: the class of its settings, and the function that solves with them."""

    settings: type[Settings]
    solve: Callable[[OverlayProblem, TissueTable, Settings], OverlaySolution]


def _posterior(problem: OverlayProblem, tissue: TissueTable, settings: PosteriorSettings) -> OverlaySolution:
    from nasion.overlay.posterior import PosteriorSolver

    return PosteriorSolver(problem.skull, tissue, settings, problem.mesh).solve(problem.photos)


def _lilium(problem: OverlayProblem, tissue: TissueTable, settings: LiliumSettings) -> OverlaySolution:
    from nasion.overlay.lilium.solve import solve

    return solve(problem, tissue, settings)


def _posest(problem: OverlayProblem, tissue: TissueTable, settings: PosestSettings) -> OverlaySolution:
    return solve_posest(problem, tissue.mean_mm, settings)


METHODS: Final[Mapping[str, Method[Any]]] = {
    "posterior": Method(PosteriorSettings, _posterior),
    "lilium": Method(LiliumSettings, _lilium),
    "posest": Method(PosestSettings, _posest),
}


def solve_by(name: str, problem: OverlayProblem, tissue: TissueTable, settings: object | None) -> OverlaySolution:
    """Solve with the solver of a name and its settings (its defaults where they are None).

    Raises
    ------
    NasionError
        Unknown solver, another solver's settings, or what the solver refuses.

    """
    method = METHODS.get(name)
    if method is None:
        raise NasionError(f"there is no solver {name!r}; choose one of {', '.join(METHODS)}")
    own = method.settings() if settings is None else settings
    if not isinstance(own, method.settings):
        raise NasionError(f"{name} takes {method.settings.__name__}, not {type(own).__name__}; give these or none")
    return method.solve(problem, tissue, own)
