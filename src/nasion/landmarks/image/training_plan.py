"""What a training run is made from: which set, which people on which side, how it learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from nasion.errors import NasionError
from nasion.landmarks.image.published.csv_sets import TRAINING
from nasion.landmarks.image.published.folder import read_published
from nasion.landmarks.image.samples import ImageSample
from nasion.landmarks.image.schemes import ImageScheme, image_scheme
from nasion.landmarks.image.settings import (
    Connectivity,
    ImageNetSettings,
    TrainSettings,
    learning_preset,
    network_preset,
)
from nasion.version import __version__

LEAST_HELD_OUT: Final = 5
"""Calibration needs so many people."""
_UNLIMITED: Final = 100_000
_TEST_SHARE: Final = 0.1


@dataclass(frozen=True)
class TrainingPlan:
    """A training run; the same plan gives the same split.

    Attributes
    ----------
    scheme
        A key of ``schemes.SCHEMES``.
    data
        Folder of a published set, or of own images with landmark files.
    preset
        One of ``settings.PRESETS``.
    connectivity
        None: the preset's. ``"task"`` and ``"none"`` are the paper's ablations.
    frozen
        Folder of a finished run of the same scheme whose heat map network stays as it is; None: all learns.
    epochs
        None: the preset's, or as many as the minutes allow.
    minutes
        Of learning; None: no limit.
    seed
        Of split and learning.

    """

    scheme: str
    data: str
    preset: str = "small"
    connectivity: Connectivity | None = None
    frozen: str | None = None
    epochs: int | None = None
    minutes: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        image_scheme(self.scheme)
        network_preset(self.preset, self.points.subject)
        if self.minutes is not None and not 0 < self.minutes < np.inf:
            raise NasionError(f"{self.minutes} minutes cannot be kept to; give a number above 0")

    @property
    def points(self) -> ImageScheme:
        """What is looked for."""
        return image_scheme(self.scheme)

    @property
    def network(self) -> ImageNetSettings:
        """The network's settings."""
        base = network_preset(self.preset, self.points.subject)
        return base if self.connectivity is None else replace(base, connectivity=self.connectivity)

    @property
    def learning(self) -> TrainSettings:
        """How it learns."""
        base = replace(learning_preset(self.preset, self.points.subject), seed=self.seed)
        if self.epochs is not None:
            return replace(base, epochs=self.epochs)
        return base if self.minutes is None else replace(base, epochs=_UNLIMITED, patience=_UNLIMITED)

    def record(self) -> dict[str, Any]:
        """Return the plan as a run's folder keeps it."""
        return {
            "nasion": __version__,
            "plan": asdict(self),
            "network": asdict(self.network),
            "learning": asdict(self.learning),
        }


@dataclass(frozen=True, eq=False)
class Split:
    """A set's samples by use.

    Attributes
    ----------
    training, held_out
        Of other people each.
    tests
        By the set's own name of the part.
    words, terms
        The training data, and what its terms allow, in words.

    """

    training: tuple[ImageSample, ...]
    held_out: tuple[ImageSample, ...]
    tests: dict[str, tuple[ImageSample, ...]]
    words: str
    terms: str


def split_of(plan: TrainingPlan) -> Split:
    """Read a plan's set and split it by person.

    The set's own training part is learnt from, less the held-out people; every other part is a test, less the people
    who are in the training part too. A set without parts is split into all three by person.

    Raises
    ------
    NasionError
        The set cannot be read, or has too few people.

    """
    made = read_published(Path(plan.data), plan.points)
    rng = np.random.default_rng(plan.seed)
    learnable = [sample for sample in made.samples if sample.part in (TRAINING, "")]
    tests: dict[str, tuple[ImageSample, ...]] = {}
    known = {sample.person for sample in learnable}
    dropped = 0
    for part in sorted({sample.part for sample in made.samples} - {TRAINING, ""}):
        own = [sample for sample in made.samples if sample.part == part]
        tests[part] = tuple(sample for sample in own if sample.person not in known)
        dropped += len(own) - len(tests[part])
    if not tests:
        people = _drawn(learnable, _TEST_SHARE, rng)
        tests["test"] = tuple(sample for sample in learnable if sample.person in people)
        learnable = [sample for sample in learnable if sample.person not in people]
    held = _drawn(learnable, plan.learning.held_out, rng)
    training = tuple(sample for sample in learnable if sample.person not in held)
    held_out = tuple(sample for sample in learnable if sample.person in held)
    words = f"{len(training)} images of {made.name}; {len(held_out)} of other people held out"
    if dropped:
        words += f"; {dropped} test images left out, as their people are in the training part"
    return Split(training, held_out, tests, words, made.terms)


def _drawn(samples: Sequence[ImageSample], share: float, rng: np.random.Generator) -> set[str]:
    """Return people who have about a share of the images; at least so many as calibration needs."""
    people = sorted({sample.person for sample in samples})
    count = max(LEAST_HELD_OUT, round(share * len(people)))
    if len(people) < 2 * count:
        raise NasionError(
            f"images of {len(people)} people are too few to learn from; give at least {4 * LEAST_HELD_OUT}"
        )
    return set(rng.permutation(people)[:count].tolist())
