"""What a training run is made from: which sets, which network, how it learns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from nasion.errors import NasionError
from nasion.landmarks.image.schemes import ImageScheme, image_scheme
from nasion.landmarks.image.settings import (
    Connectivity,
    ImageNetSettings,
    TrainSettings,
    learning_preset,
    network_preset,
)
from nasion.version import __version__

_UNLIMITED: Final = 100_000


@dataclass(frozen=True)
class TrainingPlan:
    """A training run; the same plan gives the same split.

    Attributes
    ----------
    scheme
        A key of ``schemes.SCHEMES``.
    data
        Folders of published sets, or of own images with landmark files.
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
    tests
        Folders of sets only to be tested on; nobody shown in them is learnt from.

    """

    scheme: str
    data: tuple[str, ...]
    preset: str = "small"
    connectivity: Connectivity | None = None
    frozen: str | None = None
    epochs: int | None = None
    minutes: float | None = None
    seed: int = 0
    tests: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        image_scheme(self.scheme)
        network_preset(self.preset, self.points.subject)
        if not self.data:
            raise NasionError("there is nothing to learn from; give a folder of images with landmarks")
        folders = [*self.data, *self.tests]
        twice = [folder for folder in folders if folders.count(folder) > 1]
        if twice:
            raise NasionError(f"{twice[0]}: is given twice; give each folder once, to learn from or to test on")
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
        """Return the plan as a run's folder keeps it.

        One set without test sets is written as it was when there could be no more, so that such runs still go on.
        """
        plan = asdict(self)
        if len(self.data) == 1:
            plan["data"] = self.data[0]
        if not self.tests:
            del plan["tests"]
        return {
            "nasion": __version__,
            "plan": plan,
            "network": asdict(self.network),
            "learning": asdict(self.learning),
        }
