"""What a matcher is trained from: which set, which people on which side, how it learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from nasion.errors import NasionError
from nasion.matching.datasets import read_cuhk, read_population
from nasion.matching.s2f import read_s2f
from nasion.matching.samples import MatchPair
from nasion.matching.settings import DEFAULT_PRESET, MatchSettings, match_settings
from nasion.version import __version__

TRAINING: Final = "train"
LEAST_PEOPLE: Final = 8
DATASETS: Final[dict[str, Callable[[Path], list[MatchPair]]]] = {
    "cuhk": read_cuhk,
    "population": read_population,
    "s2f": read_s2f,
}
"""Readers by name."""
SCHEME_OF: Final = {"cuhk": "ibug68", "population": "pairs20", "s2f": "cranio31"}
"""Whose points each set's graphs are built on."""


_PLACES_WEIGHT: Final = {"population": 4.0}
"""``NetworkSettings.places_weight`` of sets whose probes are skulls."""


@dataclass(frozen=True)
class TrainingPlan:
    """A training run; the same plan gives the same split.

    Attributes
    ----------
    dataset
        One of ``DATASETS``.
    data
        Its folder.
    preset, ablation
        See ``settings``.
    hide_hair
        Learn the inner face alone.
    minutes
        Of learning; None: the preset's epochs.
    seed
        Of split and learning.

    """

    dataset: str
    data: str
    preset: str = DEFAULT_PRESET
    ablation: str | None = None
    hide_hair: bool = False
    minutes: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        dataset_settings(self.dataset, self.settings)
        if self.minutes is not None and not 0 < self.minutes < np.inf:
            raise NasionError(f"{self.minutes} minutes cannot be kept to; give a number above 0")

    @property
    def settings(self) -> MatchSettings:
        """All settings of the run."""
        return dataset_settings(
            self.dataset, match_settings(self.preset, self.ablation), hide_hair=self.hide_hair, seed=self.seed
        )

    def pairs(self) -> list[MatchPair]:
        """Return the set's pairs; a set that cannot be read raises NasionError."""
        return DATASETS[self.dataset](Path(self.data))

    def record(self) -> dict[str, Any]:
        """Return the plan as a run's folder keeps it."""
        return {"nasion": __version__, "plan": asdict(self), "settings": asdict(self.settings)}


def dataset_settings(dataset: str, base: MatchSettings, *, hide_hair: bool = False, seed: int = 0) -> MatchSettings:
    """Return settings for a set: its points, hair hidden or not, and the seed; an unknown set raises NasionError."""
    if dataset not in DATASETS:
        raise NasionError(f"there is no dataset {dataset!r}; use one of {', '.join(DATASETS)}")
    if dataset == "s2f" and base.pictures.frame == "aligned":
        raise NasionError("the points of s2f have no published places to align to; give --preset offline or paper")
    pictures = replace(base.pictures, scheme=SCHEME_OF[dataset], inner=hide_hair and base.pictures.frame == "aligned")
    network = replace(base.network, places_weight=_PLACES_WEIGHT.get(dataset, base.network.places_weight))
    return replace(
        base, pictures=pictures, network=network, learning=replace(base.learning, hide_hair=hide_hair, seed=seed)
    )


@dataclass(frozen=True, eq=False)
class Split:
    """Pairs by use, of different people each; ``tests`` by the set's own name of the part."""

    training: tuple[MatchPair, ...]
    held_out: tuple[MatchPair, ...]
    tests: dict[str, tuple[MatchPair, ...]]


def split_pairs(pairs: Sequence[MatchPair], held_out: float, seed: int) -> Split:
    """Return the official training part, less held-out people, and every other part, less people of training.

    Raises
    ------
    NasionError
        There are too few people to learn from.

    """
    learnable = [pair for pair in pairs if pair.split in (TRAINING, "")]
    people = sorted({pair.face.person for pair in learnable})
    if len(people) < LEAST_PEOPLE:
        raise NasionError(f"pairs of {len(people)} people are too few to learn from; give at least {LEAST_PEOPLE}")
    count = min(max(2, round(held_out * len(people))), len(people) // 2)
    held = set(np.random.default_rng([seed, 1]).permutation(people)[:count].tolist())
    tests: dict[str, tuple[MatchPair, ...]] = {}
    for part in sorted({pair.split for pair in pairs} - {TRAINING, ""}):
        own = tuple(pair for pair in pairs if pair.split == part and pair.face.person not in people)
        if own:
            tests[part] = own
    return Split(
        tuple(pair for pair in learnable if pair.face.person not in held),
        tuple(pair for pair in learnable if pair.face.person in held),
        tests,
    )


def folds_by_person(people: Sequence[str], folds: int, seed: int) -> dict[str, int]:
    """Return the fold of each person, of about equal sizes; fewer than two folds or people raise NasionError."""
    names = sorted(set(people))
    if not 2 <= folds <= len(names):
        raise NasionError(f"{len(names)} people cannot be split into {folds} folds; give 2 to {len(names)}")
    drawn = np.random.default_rng([seed, 2]).permutation(names)
    return {str(name): k % folds for k, name in enumerate(drawn)}
