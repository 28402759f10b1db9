"""The population on disk: written by several processes, the same bytes for the same seed, resumable."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import Executor, as_completed
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import SCHEMES
from nasion.errors import NasionError
from nasion.geometry.camera import Camera
from nasion.population.person import Person, PersonSettings, sample_person
from nasion.population.photograph import VIEWS, PhotographSettings, View, VirtualPhotograph, take_photograph
from nasion.population.template import Points, Template
from nasion.population.template_source import BUILTIN, load_template
from nasion.readers.files import claim_folder, write_bytes, write_json
from nasion.readers.meshes import write_mesh
from nasion.version import __version__

RECORD: Final = "population.json"
UNFINISHED: Final = ".unfinished"
PERSON_STREAM: Final = 1
PHOTOGRAPH_STREAM: Final = 2
_DIGITS: Final = 6
_FACIAL: Final = frozenset(SCHEMES["facial20"])
_Settings = TypeVar("_Settings")


@dataclass(frozen=True)
class PopulationSettings:
    """What a population folder holds.

    Attributes
    ----------
    subjects, frontal, lateral
        Number of people and of photographs of each.
    seed
        Of everything.
    template
        ``"builtin"`` or a template folder.
    photographs
        How photographs vary.

    """

    subjects: int = 17
    frontal: int = 30
    lateral: int = 30
    seed: int = 0
    template: str = BUILTIN
    photographs: PhotographSettings = field(default_factory=PhotographSettings)

    def record(self) -> dict[str, Any]:
        """Return the settings as ``population.json`` keeps them."""
        return {"nasion": __version__, "settings": asdict(self)}


def subject_name(index: int) -> str:
    """Return the folder name of a subject."""
    return f"subject_{index:03d}"


def person_of(template: Template, seed: int, index: int, settings: PersonSettings | None = None) -> Person:
    """Return subject ``index`` of the population with that seed."""
    own_seed = int(np.random.SeedSequence(seed, spawn_key=(PERSON_STREAM, index)).generate_state(1)[0])
    return sample_person(template, own_seed, settings, subject_name(index))


def photograph_rng(seed: int, index: int, view: View, number: int) -> np.random.Generator:
    """Return the random numbers of one photograph: the same whatever else is made, and by whom."""
    stream = np.random.SeedSequence(seed, spawn_key=(PHOTOGRAPH_STREAM, index, VIEWS.index(view), number))
    return np.random.default_rng(stream)


def generate_population(
    settings: PopulationSettings,
    out: Path,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a population folder; subjects that an earlier run with the same settings finished are kept.

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
        The folder holds something else, or the template cannot be used.

    """
    if min(settings.subjects, settings.frontal + settings.lateral) < 1 or min(settings.frontal, settings.lateral) < 0:
        raise NasionError("a population needs at least one subject and one photograph of each; raise the numbers")
    if settings.seed < 0:
        raise NasionError(f"seed {settings.seed} is negative; give 0 or more")
    _template(settings.template)
    claim_folder(out, RECORD, settings.record(), "population")
    write_subjects(write_subject, settings, settings.subjects, out, executor, progress)


def write_subjects(
    write: Callable[[_Settings, int, Path], None],
    settings: _Settings,
    subjects: int,
    out: Path,
    executor: Executor | None,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Call ``write(settings, number, out)`` for each subject whose folder does not stand there yet.

    ``write`` makes the folder ``subject_name(number)`` whole or not at all; for executor and progress see
    ``generate_population``.
    """
    report = progress or (lambda done, total: None)
    waiting = [k for k in range(subjects) if not (out / subject_name(k)).is_dir()]
    done = subjects - len(waiting)
    report(done, subjects)
    if executor is None:
        for k in waiting:
            write(settings, k, out)
            done += 1
            report(done, subjects)
        return
    for future in as_completed([executor.submit(write, settings, k, out) for k in waiting]):
        future.result()
        done += 1
        report(done, subjects)


@lru_cache(maxsize=1)
def _template(source: str) -> Template:
    return load_template(source)


def write_subject(settings: PopulationSettings, index: int, out: Path) -> None:
    """Write one subject's folder under a temporary name, then rename it."""
    person = person_of(_template(settings.template), settings.seed, index)
    folder = out / f"{UNFINISHED}_{person.name}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "photos").mkdir(parents=True)
    _write_person(person, folder)
    for view, count in zip(VIEWS, (settings.frontal, settings.lateral), strict=True):
        for number in range(count):
            rng = photograph_rng(settings.seed, index, view, number)
            photo = take_photograph(person, view, rng, settings.photographs)
            _write_photograph(photo, folder / "photos", f"{view}_{number:02d}")
    folder.replace(out / person.name)


def _points(points: Points) -> dict[str, list[float]]:
    return {name: [round(float(v), _DIGITS) for v in point] for name, point in points.items()}


def _write_person(person: Person, folder: Path) -> None:
    write_mesh(folder / "skull.ply", person.skull)
    write_mesh(folder / "face.ply", person.face)
    for name, scheme, landmarks, helpers in (
        ("cranial", "cranial20", person.cranial, person.cranial_helpers),
        ("facial", "facial20", person.facial, person.facial_helpers),
    ):
        content = {"scheme": scheme, "units": "mm", "landmarks": _points(landmarks), "helpers": _points(helpers)}
        write_json(folder / f"{name}.landmarks.json", content)
    tissue = {
        "build_factor": person.build_factor,
        "vectors_mm": _points(person.tissue),
        "sex": person.sex,
        "measures_mm": {key: round(float(value), 3) for key, value in person.measures_mm.items()},
    }
    write_json(folder / "tissue.json", tissue)


def _write_photograph(photo: VirtualPhotograph, folder: Path, name: str) -> None:
    camera, truth = photo.shot.camera, photo.landmarks
    size = list(camera.image_size_px)
    write_png(folder / f"{name}.png", photo.image)
    write_png(folder / f"{name}.mask.png", photo.face_mask.astype(np.uint8) * 255)
    seen = {n: p for n, p in truth.points_px.items() if n in truth.visible}
    helpers = {n: p for n, p in seen.items() if n not in _FACIAL}
    landmarks = {n: p for n, p in seen.items() if n in _FACIAL}
    write_json(
        folder / f"{name}.landmarks.json",
        {
            "scheme": "facial20",
            "units": "px",
            "image_size_px": size,
            "landmarks": _points(landmarks),
            "helpers": _points(helpers),
        },
    )
    shot = {"view": photo.shot.view, "pose_deg": list(photo.shot.pose_deg), "distance_mm": photo.shot.distance_mm}
    write_json(folder / f"{name}.camera.json", camera.to_dict() | shot)
    write_json(
        folder / f"{name}.truth.json",
        {"landmarks_px": _points(truth.points_px), "visible": sorted(truth.visible)},
    )
    contours = {key: np.round(curve, 2).tolist() for key, curve in photo.contours.items()}
    write_json(folder / f"{name}.contours.json", contours)


def write_png(path: Path, image: NDArray[np.uint8], compression: int = 3) -> None:
    """Write a (h, w, 3) RGB or (h, w) grey picture whole or not at all; ``compression`` from 0 to 9."""
    stored = image if image.ndim == 2 else image[..., ::-1]
    encoded, data = cv2.imencode(".png", np.ascontiguousarray(stored), [cv2.IMWRITE_PNG_COMPRESSION, compression])
    if not encoded:
        raise NasionError(f"{path}: the picture cannot be written")
    write_bytes(path, data.tobytes())


def read_camera(path: Path) -> Camera:
    """Return the camera of a ``NAME.camera.json``."""
    return Camera.from_dict(json.loads(path.read_text(encoding="utf-8")))
