"""The experiment's people with their truth: from a population folder, or made in memory without rendering.

A ``People`` is a recipe: it is small, travels to every process and is carried out there, once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np

from nasion.anatomy.landmarks import PAIRS, SCHEMES
from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.experiments.protocol import PersonTruth, PhotoTruth
from nasion.geometry.camera import Camera
from nasion.geometry.raster import depth_of
from nasion.geometry.surface import FloatArray
from nasion.overlay.problem import SkullLandmarks
from nasion.population.configuration import ShapeSettings
from nasion.population.folder import person_of, photograph_rng, read_camera
from nasion.population.person import Person, PersonSettings
from nasion.population.photograph import VIEWS, View, face_contours, landmark_truth, sample_shot
from nasion.population.template_source import load_template
from nasion.population.tissue_sampling import TissueDraw
from nasion.readers.landmarks import read_landmarks
from nasion.readers.meshes import read_mesh

FACIAL: Final = SCHEMES["facial20"]

SHIFT_SD: Final = 1.0
SHIFTED_BUILDS: Final = (0.6, 2.5)
"""Tissue that is wrong on purpose: every mean vector off by one SD, and builds from thin to heavy, evenly."""


class People(Protocol):
    """Who takes part; hashable, and equal where it stands for the same people."""

    @property
    def subjects(self) -> int:
        """Number of people."""

    @property
    def views(self) -> tuple[View, ...]:
        """Of each person's photographs, in their order; the same for all people."""

    def heads(self) -> Sequence[PersonTruth]:
        """Return all people."""

    def photos(self, person: int) -> Sequence[PhotoTruth]:
        """Return one person's photographs."""


@dataclass(frozen=True)
class MadePeople:
    """The people that ``population.folder`` writes for a seed: cameras and masks, but no pictures.

    Attributes
    ----------
    subjects, frontal, lateral
        Number of people and of photographs of each.
    seed
        Of everything.
    template
        ``"builtin"`` or a template folder.
    tissue
        Table file that tissue is drawn from; the built-in one where None.
    shifted_tissue
        Draw tissue that is wrong on purpose: means off by ``SHIFT_SD``, builds within ``SHIFTED_BUILDS``.
    variety
        Of the skulls; see ``ShapeSettings``.

    """

    subjects: int
    frontal: int
    lateral: int
    seed: int = 0
    template: str = "builtin"
    tissue: Path | None = None
    shifted_tissue: bool = False
    variety: float = 1.0

    @property
    def views(self) -> tuple[View, ...]:
        """Frontal ones first."""
        return _views(self.frontal, self.lateral)

    def heads(self) -> Sequence[PersonTruth]:
        """Return all people."""
        return _heads(self)

    def photos(self, person: int) -> Sequence[PhotoTruth]:
        """Return one person's photographs."""
        numbers = [*range(self.frontal), *range(self.lateral)]
        return [
            _taken(_made(self)[person], view, number, photograph_rng(self.seed, person, view, number))
            for view, number in zip(self.views, numbers, strict=True)
        ]


@dataclass(frozen=True)
class PopulationFolder:
    """The first people and photographs of a folder that ``nasion population`` wrote."""

    folder: Path
    subjects: int
    frontal: int
    lateral: int

    def __post_init__(self) -> None:
        found = _subject_folders(self.folder)
        if len(found) < self.subjects:
            raise NasionError(
                f"{self.folder} holds {len(found)} subjects, {self.subjects} are asked for; lower --subjects"
            )
        for path in found[: self.subjects]:
            for name in self._names():
                if not (path / "photos" / f"{name}.camera.json").is_file():
                    raise NasionError(f"{path} has no photograph {name}; lower --frontal and --lateral")

    @property
    def views(self) -> tuple[View, ...]:
        """Frontal ones first."""
        return _views(self.frontal, self.lateral)

    def heads(self) -> Sequence[PersonTruth]:
        """Return all people."""
        return _read_heads(self)

    def photos(self, person: int) -> Sequence[PhotoTruth]:
        """Return one person's photographs."""
        folder, head = _subject_folders(self.folder)[person], self.heads()[person]
        names = self._names()
        return [_read_photo(folder, view, n, head.facial_mm) for view, n in zip(self.views, names, strict=True)]

    def _names(self) -> list[str]:
        numbers = [*range(self.frontal), *range(self.lateral)]
        return [f"{view}_{number:02d}" for view, number in zip(self.views, numbers, strict=True)]


def _views(frontal: int, lateral: int) -> tuple[View, ...]:
    return (*repeat(VIEWS[0], frontal), *repeat(VIEWS[1], lateral))


@lru_cache(maxsize=1)
def _made(people: MadePeople) -> tuple[Person, ...]:
    table = TissueTable.load(people.tissue)
    draw = TissueDraw(table)
    if people.shifted_tissue:
        draw = replace(draw, mean_shift_sd=SHIFT_SD, mean_shift_seed=people.seed, build_range=SHIFTED_BUILDS)
    settings = PersonSettings(ShapeSettings(variety=people.variety), draw)
    template = load_template(people.template)
    return tuple(person_of(template, people.seed, index, settings) for index in range(people.subjects))


@lru_cache(maxsize=1)
def _heads(people: MadePeople) -> tuple[PersonTruth, ...]:
    return tuple(
        PersonTruth(
            person.name,
            SkullLandmarks(person.cranial, helpers_mm=person.cranial_helpers),
            person.skull,
            np.array([person.facial[name] for name in FACIAL]),
        )
        for person in _made(people)
    )


def _taken(person: Person, view: View, number: int, rng: np.random.Generator) -> PhotoTruth:
    shot = sample_shot(person, view, rng)
    camera = shot.camera
    depth, _ = depth_of(person.face, camera)
    truth = landmark_truth(person, camera, depth)
    return PhotoTruth(
        f"{person.name}/{view}_{number:02d}",
        view,
        camera,
        np.array([truth.points_px[name] for name in FACIAL]),
        np.array([name in truth.visible for name in FACIAL]),
        np.packbits(np.isfinite(depth), axis=1),
        _scale(camera, np.array([person.facial[name] for name in FACIAL])),
        face_contours(person, shot),
    )


def _subject_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("subject_*") if path.is_dir())


@lru_cache(maxsize=1)
def _read_heads(people: PopulationFolder) -> tuple[PersonTruth, ...]:
    return tuple(_read_head(path) for path in _subject_folders(people.folder)[: people.subjects])


def _read_head(folder: Path) -> PersonTruth:
    cranial = read_landmarks(folder / "cranial.landmarks.json", "cranial", 3)
    facial = read_landmarks(folder / "facial.landmarks.json", "facial", 3)
    missing = [pair.facial for pair in PAIRS if pair.facial not in facial.landmarks]
    if missing:
        raise NasionError(f"{folder}: facial landmark {missing[0]} is missing; the experiment needs all twenty")
    skull = SkullLandmarks(cranial.landmarks, helpers_mm=cranial.helpers)
    points = np.array([facial.landmarks[name] for name in FACIAL])
    return PersonTruth(folder.name, skull, read_mesh(folder / "skull.ply").mesh, points)


def _scale(camera: Camera, facial_mm: FloatArray) -> float:
    return camera.focal_px / float(camera.to_camera(facial_mm)[:, 2].mean())


def _read_photo(folder: Path, view: View, name: str, facial_mm: FloatArray) -> PhotoTruth:
    stem = folder / "photos" / name
    camera = read_camera(stem.with_name(f"{name}.camera.json"))
    truth = json.loads(stem.with_name(f"{name}.truth.json").read_text(encoding="utf-8"))
    contours = json.loads(stem.with_name(f"{name}.contours.json").read_text(encoding="utf-8"))
    mask = cv2.imread(str(stem.with_name(f"{name}.mask.png")), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise NasionError(f"{stem}.mask.png cannot be read; make the population again")
    return PhotoTruth(
        f"{folder.name}/{name}",
        view,
        camera,
        np.array([truth["landmarks_px"][n] for n in FACIAL]),
        np.array([n in truth["visible"] for n in FACIAL]),
        np.packbits(np.asarray(mask) > 127, axis=1),
        _scale(camera, facial_mm),
        {key: np.array(curve).reshape(-1, 2) for key, curve in contours.items()},
    )
