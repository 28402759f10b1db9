"""What a training run is made from: whose heads, which people on which side, how their scans vary, how it learns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from nasion.errors import NasionError
from nasion.landmarks.surface.heads import (
    NAMES,
    FaceModelHeads,
    HeadSource,
    PopulationHeads,
    face_model,
    kind_of,
    mean_heads,
)
from nasion.landmarks.surface.orientation_template import OrientationTemplate
from nasion.landmarks.surface.people import SampleSettings, split_people
from nasion.landmarks.surface.scans import CLEAN, RAW, ScanSettings
from nasion.landmarks.surface.settings import PRESETS, LocalSettings, SurfaceNetSettings, TrainSettings
from nasion.population.template import Template
from nasion.population.template_source import BUILTIN, load_template
from nasion.version import __version__

SCANS: Final = {"training": 3, "held_out": 3, "clean": 1, "raw": 1}
"""Parts of the samples and scans of each of their people. Clean and raw scans are of the test people."""
LEAST_PEOPLE: Final = 12
_HELD_OUT: Final = 0.12
_TEST: Final = 0.12
_LEAST_HELD_OUT: Final = 5
"""Calibration needs so many people."""

_LEARNING: Final[dict[str, TrainSettings]] = {
    "paper": TrainSettings(),
    "small": TrainSettings(epochs=60, learning_rate=3e-3, final_learning_rate=3e-5, patience=20),
}


_LOCAL: Final = LocalSettings()
_FACES_PLACE_SD_MM: Final = 0.5
"""Many facial landmarks lie where the skin shows nothing: only the others tell them."""


@dataclass(frozen=True)
class TrainingPlan:
    """A training run; the same plan gives the same samples.

    Attributes
    ----------
    scheme
        A key of ``heads.NAMES``.
    templates
        ``"builtin"`` or template folders, whose people are scanned.
    face_model
        Folder of the face model, whose people are scanned too (faces only).
    preset
        A key of ``settings.PRESETS``.
    people
        Of each source: about three quarters to learn from, the others half held out, half for the test.
    epochs
        None: the preset's.
    minutes
        For samples and learning together; None: no limit.
    seed
        Of people, scans, split and learning.

    """

    scheme: str
    templates: tuple[str, ...] = (BUILTIN,)
    face_model: str | None = None
    preset: str = "small"
    people: int = 300
    epochs: int | None = None
    minutes: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        kind_of(self.scheme)
        if self.preset not in PRESETS:
            raise NasionError(f"unknown preset {self.preset!r}; use one of {', '.join(PRESETS)}")
        if self.people < LEAST_PEOPLE:
            raise NasionError(f"{self.people} people are too few; give at least {LEAST_PEOPLE}")
        if self.minutes is not None and not 0 < self.minutes < np.inf:
            raise NasionError(f"{self.minutes} minutes cannot be kept to; give a number above 0")
        if not self.templates or len(set(self.templates)) < len(self.templates):
            raise NasionError("templates must be at least one and no two the same")
        if self.scheme == "ibug68" and self.face_model is None:
            raise NasionError("ibug68 is learnt from the face model; give its folder (--face-model)")

    @property
    def names(self) -> tuple[str, ...]:
        """The landmarks."""
        return NAMES[self.scheme]

    @property
    def network(self) -> SurfaceNetSettings:
        """The network's settings."""
        return PRESETS[self.preset]

    @property
    def learning(self) -> TrainSettings:
        """How it learns."""
        given: dict[str, Any] = {"seed": self.seed}
        if self.epochs is not None:
            given["epochs"] = self.epochs
        return TrainSettings(**{**vars(_LEARNING[self.preset]), **given})

    @property
    def local(self) -> LocalSettings:
        """The local stage's settings."""
        place_sd_mm = _LOCAL.place_sd_mm if kind_of(self.scheme) == "cranial" else _FACES_PLACE_SD_MM
        return replace(_LOCAL, seed=self.seed, place_sd_mm=place_sd_mm)

    def record(self) -> dict[str, Any]:
        """Return the plan as a run's folder keeps it."""
        return {
            "nasion": __version__,
            "plan": asdict(self),
            "scans": SCANS,
            "network": asdict(self.network),
            "learning": asdict(self.learning),
            "local": asdict(self.local),
        }

    def people_of(self, part: str) -> list[int]:
        """Return the numbers of the people of a part of ``SCANS``: the same of each source."""
        held = max(_HELD_OUT, _LEAST_HELD_OUT / self.people)
        training, held_out, test = split_people(self.people, (1 - held - _TEST, held, _TEST), self.seed)
        chosen = {"training": training, "held_out": held_out}.get(part, test)
        return [int(number) for number in chosen]

    def scan_settings(self, part: str) -> SampleSettings:
        """Return how the scans of a part vary."""
        scan = {"clean": CLEAN, "raw": RAW}.get(part, ScanSettings())
        return SampleSettings(points=self.network.points, scan=scan)

    def in_words(self) -> str:
        """Return the training data in words, for the card."""
        sources = [f"people of the template {Path(source).name}" for source in self.templates]
        if self.face_model is not None:
            sources.append("faces of ICT-FaceKit with expressions")
        count = len(self.people_of("training"))
        return f"{count} of each: {'; '.join(sources)}; {SCANS['training']} simulated scans of each person"


def heads_of(plan: TrainingPlan) -> list[HeadSource]:
    """Return whose heads are scanned.

    Raises
    ------
    NasionError
        A template or the face model cannot be read, or serves another kind.

    """
    templates = [load_template(source) for source in plan.templates]
    heads: list[HeadSource] = []
    if plan.scheme != "ibug68":
        heads += [PopulationHeads(template, plan.scheme, plan.seed) for template in templates]
    if plan.face_model is not None:
        folder = Path(plan.face_model)
        heads.append(FaceModelHeads(folder, templates[0], plan.scheme, plan.seed))
        if plan.scheme == "ibug68":
            heads += _with_ibug68(templates, folder, plan.seed)
    return heads


def orientation_of(plan: TrainingPlan) -> OrientationTemplate:
    """Return what scans are oriented by: the mean heads of other people, so that no test person is among them."""
    return mean_heads([load_template(source) for source in plan.templates], plan.scheme, plan.seed + 1)


def _with_ibug68(templates: list[Template], folder: Path, seed: int) -> list[HeadSource]:
    """Return the people of those templates whose face is the face model's."""
    model, _ = face_model(folder)
    same = [template for template in templates if np.array_equal(template.face.faces, model.faces)]
    return [PopulationHeads(template, "ibug68", seed, model.ibug68) for template in same]
