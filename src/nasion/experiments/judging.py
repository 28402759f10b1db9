"""Making and judging the overlays of a parcel."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.experiments.contestants import CONTESTANTS, Answer, Entrant, Solve
from nasion.experiments.people import People
from nasion.experiments.plan import Parcel, Setup, Trial, trials
from nasion.experiments.protocol import (
    NOISE_STREAM,
    PersonTruth,
    PhotoTruth,
    noisy_photo,
    stream,
    true_camera_prior,
)
from nasion.geometry.camera import Camera, back_projection_error_mm
from nasion.geometry.raster import silhouette_of
from nasion.overlay.problem import Photo

FAILURE_BPE_MM: Final = 100.0
"""Back-projection error of an overlay without a camera: about the head's radius. Failures are never dropped."""


@dataclass(frozen=True)
class PhotoOutcome:
    """One photograph against skulls, by one solver in one run.

    Attributes
    ----------
    person, photo, view, solver, run
        Which.
    rank
        Of the true skull, for the photographs that were solved together; None where only the true skull was tried.
    bpe_mm
        Of the true skull's overlay.
    overlays, seconds
        Skulls that were tried, and the solver's wall time for all of them, shared among photographs solved together.
    outside, outside_own
        Overlays with any pixel of the skull outside the face; whether the true skull's is one.
    outside_share, outside_share_own
        Sum over the overlays, and the true skull's: pixels outside the face over the skull's pixels.
    failures, not_converged
        Overlays without a camera, and those that did not settle.

    """

    person: str
    photo: str
    view: str
    solver: str
    run: int
    rank: int | None
    bpe_mm: float
    overlays: int
    seconds: float
    outside: int
    outside_own: bool
    outside_share: float
    outside_share_own: float
    failures: int
    not_converged: int


@dataclass(frozen=True)
class Part:
    """What a parcel gave, and the most memory that its process has held."""

    outcomes: tuple[PhotoOutcome, ...]
    peak_memory_mib: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"peak_memory_mib": self.peak_memory_mib, "outcomes": [asdict(outcome) for outcome in self.outcomes]}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Part:
        """Return what ``to_dict`` gave."""
        return cls(tuple(PhotoOutcome(**row) for row in content["outcomes"]), content["peak_memory_mib"])


def judge_parcel(parcel: Parcel, people: People, setup: Setup) -> Part:
    """Return the outcomes of a parcel's trials."""
    heads, photos = people.heads(), people.photos(parcel.person)
    contestant = CONTESTANTS[parcel.solver]

    @cache
    def solver_of(index: int) -> Solve:
        return contestant.prepare(Entrant(heads[index], index, parcel.run, setup.seed, setup.noise, setup.tissue))

    outcomes: list[PhotoOutcome] = []
    for trial in trials(setup, people.subjects, people.views, parcel):
        truths = [photos[i] for i in trial.photos]
        seen = [_seen(i, photos[i], heads[parcel.person], parcel, setup) for i in trial.photos]
        if not outcomes:
            _warm_up(seen, solver_of, parcel.person)
        outcomes += _judged(parcel, trial, heads, truths, seen, solver_of)
    return Part(tuple(outcomes), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _seen(index: int, truth: PhotoTruth, person: PersonTruth, parcel: Parcel, setup: Setup) -> Photo:
    rng = stream(setup.seed, NOISE_STREAM, parcel.run, parcel.person, index)
    photo = noisy_photo(truth, setup.noise, rng)
    return CONTESTANTS[parcel.solver].sees(photo, true_camera_prior(truth.camera, person))


def _warm_up(photos: Sequence[Photo], solver_of: Callable[[int], Solve], person: int) -> None:
    """Load compiled code before the clock runs."""
    with suppress(NasionError):
        solver_of(person)(photos)


def _judged(
    parcel: Parcel,
    trial: Trial,
    heads: Sequence[PersonTruth],
    truths: Sequence[PhotoTruth],
    photos: Sequence[Photo],
    solver_of: Callable[[int], Solve],
) -> list[PhotoOutcome]:
    tried = range(len(heads)) if trial.all_skulls else [parcel.person]
    answers: dict[int, Answer | None] = {}
    seconds = 0.0
    for k in tried:
        answers[k], took = _timed(solver_of, k, photos)
        seconds += took
    rank = _rank(answers, parcel.person) if trial.all_skulls else None
    outcomes = []
    for i, truth in enumerate(truths):
        cameras = {k: None if answer is None else answer.cameras[i] for k, answer in answers.items()}
        outcomes.append(_outcome(parcel, heads, truth, answers, cameras, rank, seconds / len(photos)))
    return outcomes


def _timed(solver_of: Callable[[int], Solve], skull: int, photos: Sequence[Photo]) -> tuple[Answer | None, float]:
    """Return an answer, None for a failure, and the seconds it took; the skull's preparation is not counted."""
    started = time.perf_counter()
    try:
        solve = solver_of(skull)
        started = time.perf_counter()
        answer = solve(photos)
    except NasionError:
        return None, time.perf_counter() - started
    return answer, time.perf_counter() - started


def _rank(answers: dict[int, Answer | None], person: int) -> int:
    """Return the true skull's rank; it stands behind equals, and behind all where it failed."""
    own = answers[person]
    if own is None:
        return len(answers)
    return sum(other is not None and other.score >= own.score for other in answers.values())


def _outcome(
    parcel: Parcel,
    heads: Sequence[PersonTruth],
    truth: PhotoTruth,
    answers: dict[int, Answer | None],
    cameras: dict[int, Camera | None],
    rank: int | None,
    seconds: float,
) -> PhotoOutcome:
    mask = truth.mask()
    outside = {k: 1.0 if camera is None else _share_outside(heads[k], camera, mask) for k, camera in cameras.items()}
    own = cameras[parcel.person]
    bpe = FAILURE_BPE_MM
    if own is not None:
        bpe = back_projection_error_mm(own, heads[parcel.person].facial_mm, truth.points_px)
    return PhotoOutcome(
        person=heads[parcel.person].name,
        photo=truth.name,
        view=truth.view,
        solver=parcel.solver,
        run=parcel.run,
        rank=rank,
        bpe_mm=bpe,
        overlays=len(answers),
        seconds=seconds,
        outside=sum(share > 0 for share in outside.values()),
        outside_own=outside[parcel.person] > 0,
        outside_share=sum(outside.values()),
        outside_share_own=outside[parcel.person],
        failures=sum(answer is None for answer in answers.values()),
        not_converged=sum(answer is not None and not answer.converged for answer in answers.values()),
    )


def _share_outside(head: PersonTruth, camera: Camera, mask: NDArray[np.bool_]) -> float:
    skull = silhouette_of(head.mesh, camera)
    # a skull that misses the picture lies outside the face as a whole
    return float((skull & ~mask).sum() / skull.sum()) if skull.any() else 1.0
