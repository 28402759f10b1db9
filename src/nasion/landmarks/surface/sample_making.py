"""Makes a training run's samples: by several processes, each once, going on where an earlier run stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.landmarks.surface.card import ORIENTATION_FILE
from nasion.landmarks.surface.cloud import Sample
from nasion.landmarks.surface.heads import HeadSource
from nasion.landmarks.surface.orientation_template import OrientationTemplate
from nasion.landmarks.surface.patches import landmark_patches
from nasion.landmarks.surface.people import PeopleSamples
from nasion.landmarks.surface.stored_samples import REFUSED, is_made, sample_path, write_sample
from nasion.landmarks.surface.training_plan import SCANS, TrainingPlan, heads_of, orientation_of
from nasion.readers.files import write_bytes, write_json

Progress = Callable[[int, int], None]
_PARTS: Final = tuple(SCANS)
_RECORD: Final = "made.json"


def make_samples(
    plan: TrainingPlan,
    folder: Path,
    executor: Executor | None,
    progress: Progress,
    parts: tuple[str, ...] = _PARTS,
) -> float:
    """Make what is not there yet of a plan's orientation template and samples.

    Parameters
    ----------
    plan
        What to make.
    folder
        Of this plan: gets ``orientation.npz`` and a sub-folder for each part.
    executor
        Any ``concurrent.futures`` executor; None works in this process.
    progress
        Called with (samples done, all).
    parts
        Which of ``SCANS``.

    Returns
    -------
    The seconds that it took, those of earlier runs included.

    Raises
    ------
    NasionError
        A source cannot be used, or the folder cannot be written.

    """
    begun, record = time.perf_counter(), folder / _RECORD
    before = float(json.loads(record.read_text(encoding="utf-8"))["seconds"]) if record.exists() else 0.0
    heads = len(_heads(plan))
    if not (folder / ORIENTATION_FILE).exists():
        orientation_of(plan).write(folder / ORIENTATION_FILE)
    try:
        _make(plan, heads, folder, executor, progress, parts)
    finally:
        seconds = before + time.perf_counter() - begun
        write_json(record, {"seconds": seconds})
    return seconds


def check_sources(plan: TrainingPlan) -> None:
    """Raise NasionError where a template or the face model cannot be used."""
    _heads(plan)


def _make(
    plan: TrainingPlan,
    heads: int,
    folder: Path,
    executor: Executor | None,
    progress: Progress,
    parts: tuple[str, ...],
) -> None:
    tasks = [(part, numbers) for part in parts for numbers in _tasks(plan, heads, part)]
    total = sum(len(numbers) for _, numbers in tasks)
    open_tasks = [(part, left) for part, numbers in tasks if (left := _left(folder / part, numbers))]
    done = total - sum(len(numbers) for _, numbers in open_tasks)
    progress(done, total)
    make = partial(make_some, plan, folder)
    if executor is None:
        for part, numbers in open_tasks:
            done += make(part, numbers)
            progress(done, total)
        return
    waiting: set[Future[int]] = {executor.submit(make, part, numbers) for part, numbers in open_tasks}
    while waiting:
        finished, waiting = wait(waiting, return_when="FIRST_COMPLETED")
        done += sum(future.result() for future in finished)
        progress(done, total)


def _tasks(plan: TrainingPlan, sources: int, part: str) -> list[list[int]]:
    """Return numbers of samples, one list for each person of each source: a person is made once for all."""
    heads = len(plan.people_of(part)) * sources
    return [[scan * heads + head for scan in range(SCANS[part])] for head in range(heads)]


def _left(folder: Path, numbers: list[int]) -> list[int]:
    return [number for number in numbers if not is_made(folder, number)]


@lru_cache(maxsize=1)
def _heads(plan: TrainingPlan) -> list[HeadSource]:
    return heads_of(plan)


@lru_cache(maxsize=len(_PARTS))
def _samples(plan: TrainingPlan, folder: Path, part: str) -> PeopleSamples:
    return PeopleSamples(
        _heads(plan),
        plan.people_of(part),
        plan.scheme,
        plan.scan_settings(part),
        plan.seed,
        epoch=_PARTS.index(part),
        repetitions=SCANS[part],
        orientation=None if part == "training" else OrientationTemplate.read(folder / ORIENTATION_FILE),
    )


def make_some(plan: TrainingPlan, folder: Path, part: str, numbers: list[int]) -> int:
    """Make samples of one person; return how many were asked for.

    Samples to learn from keep pieces of their mesh, the others all of it.
    """
    samples = _samples(plan, folder, part)
    for number in numbers:
        path = sample_path(folder / part, number)
        try:
            sample = samples[number]
        except NasionError:
            write_bytes(path.with_suffix(REFUSED), b"")
            continue
        write_sample(path, sample if part != "training" else _for_learning(sample, number))
    return len(numbers)


def _for_learning(sample: Sample, number: int) -> Sample:
    return replace(sample, mesh=None, patches=landmark_patches(sample, np.random.default_rng(number)))
