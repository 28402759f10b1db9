"""The folder for matching: X-rays, portraits and sketches of many people, landmarks, a table of pairs; resumable."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import SCHEMES
from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.population.folder import UNFINISHED, person_of, subject_name, write_png, write_subjects
from nasion.population.person import Person
from nasion.population.photograph import VIEWS, LandmarkTruth, View
from nasion.population.pictures.anatomy import Anatomy
from nasion.population.pictures.portrait import PortraitSettings, Sitters
from nasion.population.pictures.scalp import bald_albedo
from nasion.population.pictures.sketch import draw_sketch
from nasion.population.pictures.xray import XraySettings, take_xray
from nasion.population.template import Template
from nasion.population.template_source import BUILTIN, load_template
from nasion.readers.files import claim_folder, read_text, write_text
from nasion.readers.landmarks import LandmarkFile, write_landmarks
from nasion.version import __version__

Kind = Literal["photo", "photo_hair", "xray", "xray_bone", "sketch"]
KINDS: Final[tuple[Kind, ...]] = ("photo", "photo_hair", "xray", "xray_bone", "sketch")
RECORD: Final = "matching.json"
PAIRS: Final = "pairs.csv"
TRUTH: Final = "truth.json"
PICTURE_STREAM: Final = 6
"""1 is people, 2 photographs (``population.folder``), 3 to 5 the experiments'."""
LARGEST_PX: Final = 4096
SMALLEST_PX: Final = 32


@dataclass(frozen=True)
class MatchingSettings:
    """What a folder for matching holds.

    Attributes
    ----------
    subjects
        Number of people.
    test
        How many of them, the last ones, are for testing; 0 leaves the split open.
    seed
        Of everything; the people are those of ``population.folder`` with the same seed and template.
    template
        ``"builtin"`` or a template folder.
    portraits, xrays
        How the pictures vary.

    """

    subjects: int = 100
    test: int = 0
    seed: int = 0
    template: str = BUILTIN
    portraits: PortraitSettings = field(default_factory=PortraitSettings)
    xrays: XraySettings = field(default_factory=XraySettings)

    def record(self) -> dict[str, Any]:
        """Return the settings as ``matching.json`` keeps them."""
        return {"nasion": __version__, "settings": asdict(self)}

    def checked(self) -> MatchingSettings:
        """Return the settings themselves after a check; NasionError says what cannot be."""
        if self.subjects < 1:
            raise NasionError("a folder for matching needs at least one subject; raise the number")
        if not 0 <= self.test < max(self.subjects, 1):
            raise NasionError(f"{self.test} of {self.subjects} people cannot be for testing; leave some for training")
        if self.seed < 0:
            raise NasionError(f"seed {self.seed} is negative; give 0 or more")
        for size in (self.portraits.size_px, self.xrays.size_px):
            if not SMALLEST_PX <= size <= LARGEST_PX:
                raise NasionError(f"pictures of {size} pixels cannot be made; give {SMALLEST_PX} to {LARGEST_PX}")
        return self

    def split(self, index: int) -> str:
        """Return ``"train"`` or ``"test"`` of a subject, empty where the split is open."""
        if self.test == 0:
            return ""
        return "test" if index >= self.subjects - self.test else "train"


@dataclass(frozen=True, eq=False)
class MatchingPicture:
    """One picture as the folder keeps it.

    Attributes
    ----------
    image
        (h, w) or (h, w, 3) RGB uint8.
    landmarks
        What a case would have: cranial ones in X-rays, the visible facial ones in portraits and sketches.
    truth
        Camera, all image points, and all that was drawn for this picture alone (``nuisance``).

    """

    image: NDArray[np.uint8]
    landmarks: LandmarkFile
    truth: Mapping[str, Any]


class Studio:
    """Makes all pictures of one template's people; what they share is computed once."""

    def __init__(self, template: Template) -> None:
        self._anatomy = Anatomy.of(template)
        self._albedo = bald_albedo(template)
        self._sitters = Sitters(template.face.vertices, self._albedo)

    def pictures(
        self, person: Person, index: int, view: View, settings: MatchingSettings
    ) -> dict[Kind, MatchingPicture]:
        """Return a person's pictures of one view by kind; each has random numbers of its own."""
        rng = {kind: picture_rng(settings.seed, index, view, kind) for kind in KINDS}
        made: dict[Kind, MatchingPicture] = {}
        size = settings.portraits.size_px
        photo_kinds: tuple[Kind, Kind] = ("photo", "photo_hair")
        for kind in photo_kinds:
            portrait = self._sitters.portrait(
                person, view, rng[kind], settings.portraits, with_hair=kind == "photo_hair"
            )
            truth = _truth(portrait.shot.camera.to_dict(), portrait.landmarks.points_px, portrait.nuisance())
            made[kind] = MatchingPicture(portrait.image, _facial(portrait.landmarks, size), truth)
        films = take_xray(person, self._anatomy, view, rng["xray"], rng["xray_bone"], settings.xrays)
        film_kinds: tuple[Kind, Kind] = ("xray", "xray_bone")
        for kind, film in zip(film_kinds, films, strict=True):
            truth = _truth(film.shot.camera.to_dict(), film.landmarks_px, film.nuisance())
            made[kind] = MatchingPicture(film.image, _cranial(film.landmarks_px, settings.xrays.size_px), truth)
        sketch = draw_sketch(person, view, self._albedo, rng["sketch"], settings.portraits)
        truth = _truth(sketch.shot.camera.to_dict(), sketch.landmarks.points_px, sketch.nuisance())
        made["sketch"] = MatchingPicture(sketch.image, _facial(sketch.landmarks, size), truth)
        return made


def picture_rng(seed: int, index: int, view: View, kind: Kind) -> np.random.Generator:
    """Return the random numbers of one picture: they are shared with no other, whatever else is made, and by whom."""
    key = (PICTURE_STREAM, index, VIEWS.index(view), KINDS.index(kind))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def generate_matching(
    settings: MatchingSettings,
    out: Path,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a folder for matching; subjects that an earlier run with the same settings finished are kept.

    ``pairs.csv`` is written last: where it stands, the folder is whole.

    Parameters
    ----------
    settings
        What to make.
    out
        The folder; new, empty, or of an earlier run with the same settings.
    executor
        Any ``concurrent.futures`` executor; None works in this process.
    progress
        Called with (subjects done, all).

    Raises
    ------
    NasionError
        The settings or the template cannot be used, or the folder holds something else.

    """
    settings.checked()
    _template(settings.template)
    claim_folder(out, RECORD, settings.record(), "folder for matching")
    write_subjects(write_pictures, settings, settings.subjects, out, executor, progress)
    write_text(out / PAIRS, pairs_table(settings))


def pairs_table(settings: MatchingSettings) -> str:
    """Return ``pairs.csv``: one row a person and view, paths relative to the folder."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["split", "subject", "view", *KINDS])
    for k in range(settings.subjects):
        for view in VIEWS:
            paths = [f"{subject_name(k)}/{view}_{kind}.png" for kind in KINDS]
            writer.writerow([settings.split(k), subject_name(k), view, *paths])
    return text.getvalue()


@lru_cache(maxsize=1)
def _template(source: str) -> Template:
    return load_template(source)


@lru_cache(maxsize=1)
def _studio(source: str) -> Studio:
    return Studio(_template(source))


def write_pictures(settings: MatchingSettings, index: int, out: Path) -> None:
    """Write one subject's folder under a temporary name, then rename it."""
    person = person_of(_template(settings.template), settings.seed, index)
    folder = out / f"{UNFINISHED}_{person.name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    truth: dict[str, Any] = {}
    for view in VIEWS:
        for kind, picture in _studio(settings.template).pictures(person, index, view, settings).items():
            name = f"{view}_{kind}"
            write_png(folder / f"{name}.png", picture.image, compression=1)
            write_landmarks(folder / f"{name}.landmarks.json", picture.landmarks)
            truth[name] = picture.truth
    write_text(folder / TRUTH, json.dumps(truth, default=_plain) + "\n")
    folder.replace(out / person.name)


def person_in(folder: Path, name: str) -> Person:
    """Return a person of a folder for matching with skull and face, made anew from the folder's record.

    Raises
    ------
    NasionError
        The folder's record is missing or damaged, or there is no such person.

    """
    try:
        settings = json.loads(read_text(folder / RECORD))["settings"]
        seed, subjects, template = int(settings["seed"]), int(settings["subjects"]), str(settings["template"])
    except (KeyError, TypeError, ValueError):
        raise NasionError(f"{folder / RECORD}: is damaged; make the people again with 'nasion population'") from None
    number = name.removeprefix("subject_")
    if not number.isdecimal() or int(number) >= subjects:
        raise NasionError(f"{folder}: holds no person {name}; it has {subjects}")
    return person_of(_template(template), seed, int(number))


def _truth(camera: Mapping[str, Any], points: Mapping[str, FloatArray], nuisance: Mapping[str, Any]) -> dict[str, Any]:
    return {"camera": camera, "landmarks_px": _rounded(points), "nuisance": nuisance}


def _plain(value: Any) -> Any:
    return value.tolist()


def _rounded(points: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    return {name: np.round(point, 3) for name, point in points.items()}


def _facial(truth: LandmarkTruth, size_px: int) -> LandmarkFile:
    seen = {name: point for name, point in truth.points_px.items() if name in truth.visible}
    return _landmark_file("facial20", seen, size_px)


def _cranial(points: Mapping[str, FloatArray], size_px: int) -> LandmarkFile:
    inside = {name: p for name, p in points.items() if (p > -0.5).all() and (p < size_px - 0.5).all()}
    return _landmark_file("cranial20", inside, size_px)


def _landmark_file(scheme: str, points: Mapping[str, FloatArray], size_px: int) -> LandmarkFile:
    main = set(SCHEMES[scheme])
    points = _rounded(points)
    return LandmarkFile(
        scheme=scheme,
        units="px",
        landmarks={name: point for name, point in points.items() if name in main},
        helpers={name: point for name, point in points.items() if name not in main},
        image_size_px=(size_px, size_px),
    )
