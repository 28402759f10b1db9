"""The overlay experiment: every photograph against every skull (Lilium, sections III-A and III-B)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.experiments.protocol import SCENARIOS, PersonTruth, PhotoTruth, Scenario, noisy_photo, oracle_vectors
from nasion.experiments.statistics import mean_interval95
from nasion.geometry.camera import Camera, back_projection_error_mm
from nasion.geometry.raster import silhouette_of
from nasion.overlay.posest import solve as solve_posest
from nasion.overlay.posterior import PosteriorSolver, generic_head
from nasion.overlay.problem import OverlayProblem, Photo

FloatArray = NDArray[np.float64]
Solve = Callable[[Photo], tuple[float, Camera]]

FAILURE_BPE_MM: Final = 100.0
"""Back-projection error of an overlay without a camera: about the head's radius. Failures are never dropped."""

GIVEN: Final = {
    "posest": "mean depths along the TRUE tissue directions of each skull's person (an oracle that casework lacks)",
    "posterior": "the tissue table only: no true direction, depth or build; no camera knowledge",
}


@dataclass(frozen=True, eq=False)
class Setup:
    """What the experiment is run with.

    Attributes
    ----------
    scenario
        "A", "B" or "C".
    solvers
        Names of ``GIVEN``.
    seed
        Of landmark noise and direction errors.
    tissue
        The table that all solvers are given.

    """

    scenario: str
    solvers: tuple[str, ...]
    seed: int
    tissue: TissueTable

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise NasionError(f"there is no scenario {self.scenario!r}; choose one of {', '.join(SCENARIOS)}")
        for name in self.solvers:
            if name not in GIVEN:
                raise NasionError(f"there is no solver {name!r} in this experiment; choose of {', '.join(GIVEN)}")


@dataclass(frozen=True)
class PhotoOutcome:
    """One photograph against all skulls, by one solver."""

    person: str
    view: str
    solver: str
    rank: float
    bpe_mm: float
    seconds: float
    outside: int
    outside_own: bool
    failures: int


def judge_photo(person: int, index: int, people: Sequence[PersonTruth], setup: Setup) -> list[PhotoOutcome]:
    """Return the outcome of one photograph of ``people[person]`` against all skulls, a row a solver."""
    scenario = SCENARIOS[setup.scenario]
    truth = people[person].photos[index]
    photo = noisy_photo(truth, scenario, np.random.default_rng([setup.seed, person, index]))
    width, height = truth.camera.image_size_px
    mask = np.unpackbits(truth.face_mask, axis=1, count=width)[:height].astype(bool)
    outcomes = []
    for solver in setup.solvers:
        scores = np.full(len(people), -np.inf)
        cameras: list[Camera | None] = [None] * len(people)
        seconds = 0.0
        for k, candidate in enumerate(people):
            solve = _solver(solver, k, candidate, scenario, setup)
            started = time.perf_counter()
            try:
                scores[k], cameras[k] = solve(photo)
            except NasionError:
                continue
            finally:
                seconds += time.perf_counter() - started
        outcomes.append(_outcome(people, person, truth, solver, scores, cameras, seconds, mask))
    return outcomes


def _solver(name: str, index: int, candidate: PersonTruth, scenario: Scenario, setup: Setup) -> Solve:
    if name == "posterior":

        def posterior(photo: Photo) -> tuple[float, Camera]:
            solution = PosteriorSolver(candidate.skull, setup.tissue).solve([photo])
            return solution.score, solution.photos[0].camera

        return posterior
    # one draw of direction errors a skull, the same for all photographs, as in the paper
    vectors = oracle_vectors(candidate, setup.tissue, scenario, np.random.default_rng([setup.seed, 7919, index]))

    def posest(photo: Photo) -> tuple[float, Camera]:
        solution = solve_posest(OverlayProblem(candidate.skull, [photo]), vectors)
        return solution.score, solution.photos[0].camera

    return posest


def _outcome(
    people: Sequence[PersonTruth],
    person: int,
    truth: PhotoTruth,
    solver: str,
    scores: FloatArray,
    cameras: Sequence[Camera | None],
    seconds: float,
    mask: NDArray[np.bool_],
) -> PhotoOutcome:
    own = cameras[person]
    # a failure of the true skull ranks behind every other, failed ones too
    rank = 1 + int((scores > scores[person]).sum()) if own is not None else len(people)
    outside = [
        camera is not None and bool((silhouette_of(candidate.mesh, camera) & ~mask).any())
        for candidate, camera in zip(people, cameras, strict=True)
    ]
    bpe = FAILURE_BPE_MM
    if own is not None:
        bpe = back_projection_error_mm(own, people[person].facial_mm, truth.points_px)
    return PhotoOutcome(
        people[person].name,
        truth.view,
        solver,
        rank,
        min(bpe, FAILURE_BPE_MM),
        seconds,
        sum(outside),
        outside[person],
        sum(camera is None for camera in cameras),
    )


def run(
    people: Sequence[PersonTruth],
    setup: Setup,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[PhotoOutcome]:
    """Return the outcomes of all photographs against all skulls, in the order of people and photographs.

    Parameters
    ----------
    people
        With their photographs.
    setup
        Scenario and solvers.
    executor
        Any ``concurrent.futures`` executor; None works in this process.
    progress
        Called with (photographs done, all).

    """
    tasks = [(k, i) for k, person in enumerate(people) for i in range(len(person.photos))]
    report = progress or (lambda done, total: None)
    outcomes: dict[tuple[int, int], list[PhotoOutcome]] = {}
    if executor is None:
        _warm_up(setup)
        for task in tasks:
            outcomes[task] = judge_photo(*task, people, setup)
            report(len(outcomes), len(tasks))
    else:
        # one parcel a person: the skulls travel once with each
        futures = {executor.submit(_judge_person, k, people, setup): k for k in range(len(people))}
        for future in as_completed(futures):
            outcomes.update(future.result())
            report(len(outcomes), len(tasks))
    return [row for task in tasks for row in outcomes[task]]


@cache
def _warm_up(setup: Setup) -> None:
    """Compile before the clock runs."""
    photo = Photo("warm-up", {n: p[:2] * [1.0, -1.0] + 300.0 for n, p in _generic_face().items()}, (600, 600))
    skull = generic_head(1.0)
    PosteriorSolver(skull, setup.tissue).solve([photo])
    solve_posest(OverlayProblem(skull, [photo]), setup.tissue.mean_mm)


def _generic_face() -> dict[str, FloatArray]:
    points = generic_head(1.0).landmarks_mm
    return {pair.facial: np.asarray(points[pair.cranial]) for pair in PAIRS}


def _judge_person(
    person: int, people: Sequence[PersonTruth], setup: Setup
) -> dict[tuple[int, int], list[PhotoOutcome]]:
    _warm_up(setup)
    return {(person, i): judge_photo(person, i, people, setup) for i in range(len(people[person].photos))}


def summarise(outcomes: Sequence[PhotoOutcome], people: int, setup: Setup) -> dict[str, Any]:
    """Return the experiment's table: mean rank and BPE with intervals, a row a solver and view."""
    rows = []
    for solver in setup.solvers:
        for view in ("frontal", "lateral"):
            chosen = [o for o in outcomes if o.solver == solver and o.view == view]
            if not chosen:
                continue
            who = [o.person for o in chosen]
            ranks, errors = [o.rank for o in chosen], [o.bpe_mm for o in chosen]
            overlays = len(chosen) * people
            rows.append(
                {
                    "solver": solver,
                    "view": view,
                    "given": GIVEN[solver],
                    "mean_rank": float(np.mean(ranks)),
                    "bpe_mm": float(np.mean(errors)),
                    "interval95": {
                        "mean_rank": list(mean_interval95(ranks, who)),
                        "bpe_mm": list(mean_interval95(errors, who)),
                    },
                    "median_bpe_mm": float(np.median(errors)),
                    "seconds_per_overlay": sum(o.seconds for o in chosen) / overlays,
                    "outside_face_share": sum(o.outside for o in chosen) / overlays,
                    "outside_face_share_true_pairs": float(np.mean([o.outside_own for o in chosen])),
                    "failures": sum(o.failures for o in chosen),
                    "n_overlays": overlays,
                }
            )
    return {
        "scenario": setup.scenario,
        "subjects": people,
        "seed": setup.seed,
        "tissue": setup.tissue.name,
        "chance_mean_rank": (people + 1) / 2,
        "rows": rows,
    }


def table_markdown(table: dict[str, Any]) -> str:
    """Return the table as Markdown, with what each solver was given."""
    scenario = SCENARIOS[table["scenario"]]
    lines = [
        f"# Overlay experiment, scenario {table['scenario']}",
        "",
        f"{table['subjects']} people, every photograph against every skull. Landmark noise: uniform, up to "
        f"{scenario.landmark_noise_face_height:.0%} of the face height. Tissue directions of the oracle turned by up "
        f"to {scenario.direction_error_deg:.0f} degrees. Mean rank by chance: {table['chance_mean_rank']:.1f}. "
        "Intervals: 95 %, bootstrap over people. A failed overlay ranks last and counts "
        f"{FAILURE_BPE_MM:.0f} mm.",
        "",
        "| solver | view | mean rank | BPE mm | s per overlay | skull outside the face: all / true pairs "
        "| failures | overlays |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in table["rows"]:
        rank, bpe = row["interval95"]["mean_rank"], row["interval95"]["bpe_mm"]
        lines.append(
            f"| {row['solver']} | {row['view']} | {row['mean_rank']:.3f} ({rank[0]:.3f} to {rank[1]:.3f}) "
            f"| {row['bpe_mm']:.3f} ({bpe[0]:.3f} to {bpe[1]:.3f}) | {row['seconds_per_overlay']:.4f} "
            f"| {row['outside_face_share']:.1%} / {row['outside_face_share_true_pairs']:.1%} "
            f"| {row['failures']} | {row['n_overlays']} |"
        )
    lines += ["", "What each solver was given:", ""]
    lines += [f"* `{name}`: {text}." for name, text in sorted({r["solver"]: r["given"] for r in table["rows"]}.items())]
    return "\n".join(lines) + "\n"
