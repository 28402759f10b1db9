"""Which people of a run's sets are learnt from, held out and tested on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.landmarks.image.published.folder import read_published
from nasion.landmarks.image.published.tables import TRAINING, PublishedSet
from nasion.landmarks.image.samples import ImageSample
from nasion.landmarks.image.schemes import ImageScheme
from nasion.landmarks.image.training_plan import TrainingPlan

LEAST_HELD_OUT: Final = 5
"""Calibration needs so many people."""
_TEST_SHARE: Final = 0.1
_LEARNABLE: Final = (TRAINING, "")


@dataclass(frozen=True, eq=False)
class Split:
    """The samples of a run's sets by use; people are named with their set.

    Attributes
    ----------
    training, held_out
        Of other people each.
    tests
        By the set's own name of the part, and the set's name where several sets have such a part.
    words, terms
        The data, and what the terms of that which is learnt from allow, in words.

    """

    training: tuple[ImageSample, ...]
    held_out: tuple[ImageSample, ...]
    tests: dict[str, tuple[ImageSample, ...]]
    words: str
    terms: str


@dataclass(frozen=True, eq=False)
class _Test:
    part: str
    of: str
    samples: tuple[ImageSample, ...]


def split_of(plan: TrainingPlan) -> Split:
    """Read a plan's sets and split them by person.

    A set's own training part is learnt from, less the held-out people; every other part is a test, less the people
    who are in a training part too. A set without parts is split into all three by person. All parts of a set that is
    only to be tested on are tests, and nobody whom they show is learnt from.

    Raises
    ------
    NasionError
        A set cannot be read, or has too few people.

    """
    sets = _read([*plan.data, *plan.tests], plan.points)
    sets, only_tests = sets[: len(plan.data)], sets[len(plan.data) :]
    rng = np.random.default_rng(plan.seed)
    barred = {sample.person for made in only_tests for sample in made.samples}
    learnable = [[own for own in made.samples if own.part in _LEARNABLE and own.person not in barred] for made in sets]
    tests, dropped = _own_parts(sets, {own.person for group in learnable for own in group})
    bare = [k for k, made in enumerate(sets) if all(own.part in _LEARNABLE for own in made.samples)]
    drawn: set[str] = set()
    for people in sorted({sets[k].people for k in bare}):
        same = [k for k in bare if sets[k].people == people]
        drawn |= _drawn((own for k in same for own in learnable[k]), _TEST_SHARE, rng)
    for k in bare:
        tests.append(_Test("test", sets[k].name, tuple(own for own in learnable[k] if own.person in drawn)))
    learnable = [[own for own in group if own.person not in drawn] for group in learnable]
    held = _drawn((own for group in learnable for own in group), plan.learning.held_out, rng)
    training = [[own for own in group if own.person not in held] for group in learnable]
    held_out = tuple(own for group in learnable for own in group if own.person in held)
    tests += [_Test(part, made.name, samples) for made in only_tests for part, samples in _parts_of(made)]
    return Split(
        tuple(own for group in training for own in group),
        held_out,
        _named(tests),
        _words(sets, [len(group) for group in training], len(held_out), dropped, only_tests),
        sets[0].terms if len(sets) == 1 else "; ".join(f"{made.name}: {made.terms}" for made in sets),
    )


def _read(folders: Sequence[str], scheme: ImageScheme) -> list[PublishedSet]:
    """Return sets whose people's names say whose they are; two folders' own people are never the same."""
    result: list[PublishedSet] = []
    taken: set[str] = set()
    for folder in folders:
        made = read_published(Path(folder), scheme)
        people = made.people
        if not people:
            people = _free(made.name, taken)
            taken.add(people)
        samples = tuple(replace(own, person=f"{people}/{own.person}") for own in made.samples)
        result.append(replace(made, samples=samples, people=people))
    return result


def _free(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


def _own_parts(sets: Sequence[PublishedSet], known: set[str]) -> tuple[list[_Test], int]:
    """Return the parts that the sets mean to be tested on, without known people, and how many images those have."""
    tests, dropped = [], 0
    for made in sets:
        for part in sorted({own.part for own in made.samples} - set(_LEARNABLE)):
            own = [sample for sample in made.samples if sample.part == part]
            tests.append(_Test(part, made.name, tuple(sample for sample in own if sample.person not in known)))
            dropped += len(own) - len(tests[-1].samples)
    return tests, dropped


def _parts_of(made: PublishedSet) -> list[tuple[str, tuple[ImageSample, ...]]]:
    """Return all parts of a set by its own names; a set without parts is one of its own name."""
    names = {"": made.name, TRAINING: made.training_name}
    parts = sorted({own.part for own in made.samples})
    return [(names.get(part, part), tuple(own for own in made.samples if own.part == part)) for part in parts]


def _named(tests: Sequence[_Test]) -> dict[str, tuple[ImageSample, ...]]:
    """Return the tests that have images by part, with the set's name where a part's name is not enough."""
    tests = [test for test in tests if test.samples]
    parts = Counter(test.part for test in tests)
    result: dict[str, tuple[ImageSample, ...]] = {}
    for test in tests:
        name = test.part if parts[test.part] == 1 else f"{test.part} of {test.of}"
        result[_free(name, set(result))] = test.samples
    return result


def _words(
    sets: Sequence[PublishedSet], counts: Sequence[int], held_out: int, dropped: int, only_tests: Sequence[PublishedSet]
) -> str:
    learnt = ", ".join(f"{count} images of {made.name}" for count, made in zip(counts, sets, strict=True))
    words = f"{learnt}; {held_out} of other people held out"
    if dropped:
        words += f"; {dropped} test images left out, as their people are in the training part"
    if only_tests:
        words += "; tested on, never learnt from: " + ", ".join(f"{made.name} ({made.terms})" for made in only_tests)
    return words


def _drawn(samples: Iterable[ImageSample], share: float, rng: np.random.Generator) -> set[str]:
    """Return people who have about a share of the images; at least so many as calibration needs."""
    people = sorted({sample.person for sample in samples})
    count = max(LEAST_HELD_OUT, round(share * len(people)))
    if len(people) < 2 * count:
        raise NasionError(
            f"images of {len(people)} people are too few to learn from; give at least {4 * LEAST_HELD_OUT}"
        )
    return set(rng.permutation(people)[:count].tolist())
