"""The experiment's people with their truth: from a population folder, or made in memory without rendering."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from nasion.anatomy.landmarks import PAIRS, SCHEMES
from nasion.errors import NasionError
from nasion.experiments.protocol import PersonTruth, PhotoTruth
from nasion.geometry.camera import Camera
from nasion.geometry.raster import depth_of
from nasion.geometry.surface import FloatArray
from nasion.overlay.problem import SkullLandmarks
from nasion.population.folder import person_of, photograph_rng, read_camera
from nasion.population.person import Person, PersonSettings
from nasion.population.photograph import VIEWS, View, face_contours, landmark_truth, sample_shot
from nasion.population.template import Template
from nasion.readers.landmarks import read_landmarks
from nasion.readers.meshes import read_mesh

FACIAL = SCHEMES["facial20"]


def make_people(
    template: Template,
    subjects: int,
    frontal: int,
    lateral: int,
    seed: int,
    settings: PersonSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[PersonTruth]:
    """Return the people that ``population.folder`` writes for this seed: cameras and masks, but no pictures."""
    people = []
    for index in range(subjects):
        person = person_of(template, seed, index, settings)
        photos = [
            _taken(person, view, number, photograph_rng(seed, index, view, number))
            for view, count in zip(VIEWS, (frontal, lateral), strict=True)
            for number in range(count)
        ]
        skull = SkullLandmarks(person.cranial, helpers_mm=person.cranial_helpers)
        facial = np.array([person.facial[name] for name in FACIAL])
        people.append(PersonTruth(person.name, skull, person.skull, facial, photos))
        if progress is not None:
            progress(index + 1, subjects)
    return people


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


def read_people(folder: Path, subjects: int, frontal: int, lateral: int) -> list[PersonTruth]:
    """Return the first people and photographs of a population folder.

    Raises
    ------
    NasionError
        The folder is no population, or holds fewer people or photographs than asked for.

    """
    found = sorted(path for path in folder.glob("subject_*") if path.is_dir())
    if len(found) < subjects:
        raise NasionError(f"{folder} holds {len(found)} subjects, {subjects} are asked for; lower --subjects")
    return [_read_person(path, frontal, lateral) for path in found[:subjects]]


def _read_person(folder: Path, frontal: int, lateral: int) -> PersonTruth:
    cranial = read_landmarks(folder / "cranial.landmarks.json", "cranial", 3)
    facial = read_landmarks(folder / "facial.landmarks.json", "facial", 3)
    missing = [pair.facial for pair in PAIRS if pair.facial not in facial.landmarks]
    if missing:
        raise NasionError(f"{folder}: facial landmark {missing[0]} is missing; the experiment needs all twenty")
    points = np.array([facial.landmarks[name] for name in FACIAL])
    photos = []
    for view, count in zip(VIEWS, (frontal, lateral), strict=True):
        for number in range(count):
            name = f"{view}_{number:02d}"
            if not (folder / "photos" / f"{name}.camera.json").is_file():
                raise NasionError(f"{folder} has no photograph {name}; lower --frontal and --lateral")
            photos.append(_read_photo(folder, view, name, points))
    skull = SkullLandmarks(cranial.landmarks, helpers_mm=cranial.helpers)
    return PersonTruth(folder.name, skull, read_mesh(folder / "skull.ply").mesh, points, photos)


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
