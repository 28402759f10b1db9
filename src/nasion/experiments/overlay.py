"""The overlay experiment: every photograph against every skull (Lilium, sections III-A and III-B)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.experiments.contestants import GIVEN, Solve, contestant
from nasion.experiments.protocol import NOISE_STREAM, SCENARIOS, PersonTruth, PhotoTruth, noisy_photo, stream
from nasion.experiments.statistics import mean_interval95
from nasion.geometry.camera import Camera, back_projection_error_mm
from nasion.geometry.raster import silhouette_of
from nasion.overlay.problem import Photo

FloatArray = NDArray[np.float64]
FAILURE_BPE_MM: Final = 100.0
"""Back-projection error of an overlay without a camera: about the head's radius. Failures are never dropped."""


HOME_ADVANTAGE: Final = (
    "People made by `nasion population` draw their tissue from the very table that the solvers are given: figures on "
    "them flatter every solver that uses the table. Directions of the oracle are drawn once; the paper averages five."
)


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
    not_converged: int


def judge_photo(
    person: int, index: int, people: Sequence[PersonTruth], setup: Setup, solvers: Mapping[str, Sequence[Solve]]
) -> list[PhotoOutcome]:
    """Return the outcome of one photograph of ``people[person]`` against all skulls, a row a solver.

    ``solvers`` holds, for each solver's name, one function a skull.
    """
    truth = people[person].photos[index]
    photo = noisy_photo(truth, SCENARIOS[setup.scenario], stream(setup.seed, NOISE_STREAM, person, index))
    outcomes = []
    for name, of_skull in solvers.items():
        scores = np.full(len(people), -np.inf)
        cameras: list[Camera | None] = [None] * len(people)
        seconds, unsettled = 0.0, 0
        for k, solve in enumerate(of_skull):
            started = time.perf_counter()
            try:
                scores[k], cameras[k], settled = solve(photo)
                unsettled += not settled
            except NasionError:
                continue
            finally:
                seconds += time.perf_counter() - started
        outcomes.append(_outcome(people, person, truth, name, scores, cameras, seconds, unsettled))
    return outcomes


def _outcome(
    people: Sequence[PersonTruth],
    person: int,
    truth: PhotoTruth,
    solver: str,
    scores: FloatArray,
    cameras: Sequence[Camera | None],
    seconds: float,
    unsettled: int,
) -> PhotoOutcome:
    mask = truth.mask()
    own = cameras[person]
    # a failure of the true skull ranks behind every other, failed ones too
    rank = 1 + int((scores > scores[person]).sum()) if own is not None else len(people)
    outside = [
        camera is None or bool((silhouette_of(candidate.mesh, camera) & ~mask).any())
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
        bpe,
        seconds,
        sum(outside),
        outside[person],
        sum(camera is None for camera in cameras),
        unsettled,
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
    total = sum(len(person.photos) for person in people)
    report = progress or (lambda done, total: None)
    by_person: dict[int, list[PhotoOutcome]] = {}
    done = 0
    if executor is None:
        for k in range(len(people)):
            by_person[k] = judge_person(k, people, setup)
            done += len(people[k].photos)
            report(done, total)
    else:
        # one parcel a person: the skulls travel once with each
        futures = {executor.submit(judge_person, k, people, setup): k for k in range(len(people))}
        for future in as_completed(futures):
            by_person[futures[future]] = future.result()
            done += len(people[futures[future]].photos)
            report(done, total)
    return [row for k in range(len(people)) for row in by_person[k]]


def judge_person(person: int, people: Sequence[PersonTruth], setup: Setup) -> list[PhotoOutcome]:
    """Return the outcomes of all photographs of one person."""
    scenario = SCENARIOS[setup.scenario]
    solvers = {
        name: [contestant(name, k, p, scenario, setup.seed, setup.tissue) for k, p in enumerate(people)]
        for name in setup.solvers
    }
    photos = people[person].photos
    if photos:
        _warm_up(noisy_photo(photos[0], scenario, stream(setup.seed, NOISE_STREAM, person, 0)), solvers)
    return [row for i in range(len(photos)) for row in judge_photo(person, i, people, setup, solvers)]


def _warm_up(photo: Photo, solvers: Mapping[str, Sequence[Solve]]) -> None:
    """Compile and fill the caches before the clock runs."""
    for of_skull in solvers.values():
        for solve in of_skull:
            with suppress(NasionError):
                solve(photo)


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
                    "not_converged": sum(o.not_converged for o in chosen),
                    "n_overlays": overlays,
                }
            )
    return {
        "scenario": setup.scenario,
        "subjects": people,
        "seed": setup.seed,
        "tissue": setup.tissue.name,
        "chance_mean_rank": (people + 1) / 2,
        "home_advantage": HOME_ADVANTAGE,
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
        "Intervals: 95 %, bootstrap over people. A failed overlay ranks last, counts "
        f"{FAILURE_BPE_MM:.0f} mm and as outside the face.",
        "",
        "| solver | view | mean rank | BPE mm | s per overlay | skull outside the face: all / true pairs "
        "| failures / not converged | overlays |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in table["rows"]:
        rank, bpe = row["interval95"]["mean_rank"], row["interval95"]["bpe_mm"]
        lines.append(
            f"| {row['solver']} | {row['view']} | {row['mean_rank']:.3f} ({rank[0]:.3f} to {rank[1]:.3f}) "
            f"| {row['bpe_mm']:.3f} ({bpe[0]:.3f} to {bpe[1]:.3f}) | {row['seconds_per_overlay']:.4f} "
            f"| {row['outside_face_share']:.1%} / {row['outside_face_share_true_pairs']:.1%} "
            f"| {row['failures']} / {row['not_converged']} | {row['n_overlays']} |"
        )
    lines += ["", "What each solver was given:", ""]
    lines += [f"* `{name}`: {text}." for name, text in sorted({r["solver"]: r["given"] for r in table["rows"]}.items())]
    lines += ["", table["home_advantage"]]
    return "\n".join(lines) + "\n"
