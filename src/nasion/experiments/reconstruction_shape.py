"""Shape-true faces of virtual skulls against photographs: by facial landmarks, as a photograph has no third dimension.

What is compared is not what was rendered, but what it was rendered from: where the face's landmarks may lie in space,
against where they are in the photograph, camera and pose unknown. Skulls and photographs carry an observer's errors.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from nasion.errors import NasionError
from nasion.experiments.reconstruction_retrieval import FloatArray
from nasion.geometry.camera import Camera
from nasion.matching.datasets import FRONTAL
from nasion.matching.samples import MatchPair
from nasion.population.folder import person_of, subject_name
from nasion.population.person import Person
from nasion.population.pictures.folder import RECORD, TRUTH
from nasion.population.template import Template
from nasion.population.template_source import BUILTIN, load_template
from nasion.readers.files import read_bytes, read_text, sha256, write_bytes
from nasion.readers.landmarks import read_landmarks
from nasion.reconstruction.shape.landmark_spread import LandmarkSpread
from nasion.reconstruction.shape.photograph_score import NOISE_MM, SeenFace, score_photographs
from nasion.reconstruction.shape.registration import BareSkull
from nasion.reconstruction.shape.sampler import anybody, face_sampler
from nasion.reconstruction.shape.settings import ShapeSettings

SHAPE: Final = "shape"
MEASURE: Final = "landmarks of the shape-true face against the photograph's"
_SAME_PX: Final = 0.1
_SKULL_STREAM: Final = 7
_PHOTOGRAPH_STREAM: Final = 8
_FRONTAL_STREAM: Final = 7
_LATERAL_STREAM: Final = 8
"""An observer errs anew on each view's photograph."""


@dataclass(frozen=True)
class ShapeScorer:
    """Scores the skulls of a folder of 'nasion population --matching' against its photographs.

    Attributes
    ----------
    data
        The folder; its people are made again from its seed.
    kept
        Folder for finished rows.
    seed
        Of the observer's errors and of the draws.

    """

    data: Path
    kept: Path
    seed: int = 0
    name: str = SHAPE
    measure: str = MEASURE

    def __post_init__(self) -> None:
        path = self.data / RECORD
        if not path.is_file():
            raise NasionError(f"{path}: is not there; shape needs a folder that 'nasion population --matching' wrote")

    def scores(self, pairs: Sequence[MatchPair], told: Callable[[int, int], None]) -> FloatArray:
        """Return (n, n): the skull of pair i against the photograph of pair k.

        Raises
        ------
        NasionError
            The folder is no population's, or its people cannot be made again.

        """
        photographs = [self._photograph(pair) for pair in pairs]
        gallery = self._gallery(pairs)
        rows = []
        for number, pair in enumerate(pairs, start=1):
            path = self.kept / pair.face.view / gallery / f"{pair.face.person}.npy"
            if not path.is_file():
                stream = io.BytesIO()
                np.save(stream, self._row(pair, photographs))
                write_bytes(path, stream.getvalue())
            rows.append(np.load(io.BytesIO(read_bytes(path)), allow_pickle=False))
            told(number, len(pairs))
        return np.array(rows)

    def _gallery(self, pairs: Sequence[MatchPair]) -> str:
        """Return what rows follow from, as a folder's name: settings, seed, and the photographs' landmarks."""
        files = [sha256(pair.face.landmarks) for pair in pairs if pair.face.landmarks is not None]
        return hashlib.sha256(json.dumps([self._settings, self.seed, files]).encode()).hexdigest()[:16]

    def _row(self, pair: MatchPair, photographs: Sequence[SeenFace]) -> FloatArray:
        own = _index(pair)
        if own not in self._spreads:
            self._spreads[own] = self._spread(pair)
        spread = self._spreads[own]
        if spread is None:
            return np.full(len(photographs), np.nan)
        return score_photographs(spread, self._anybody, photographs)

    def _spread(self, pair: MatchPair) -> LandmarkSpread | None:
        """Return where the face's landmarks may lie, by the skull as an observer would mark it; None: it cannot."""
        person = self._person(pair)
        rng = np.random.default_rng([self.seed, _SKULL_STREAM, _index(pair)])
        sd = ShapeSettings().placement_sd_mm
        placed, helpers = (
            {name: point + sd * rng.standard_normal(3) for name, point in points.items()}
            for points in (person.cranial, person.cranial_helpers)
        )
        try:
            sampler = face_sampler(self._face_model, BareSkull(person.skull, placed, helpers), seed=self.seed)
        except NasionError:
            return None
        return sampler.landmark_spread()

    def _photograph(self, pair: MatchPair) -> SeenFace:
        """Return a photograph's landmarks as an observer would place them."""
        if pair.face.landmarks is None:
            raise NasionError(f"{pair.face.path}: has no landmarks beside it; make the population again")
        found = read_landmarks(pair.face.landmarks, "facial", 2)
        camera = self._camera(pair)
        px_per_mm = camera.focal_px / float(np.linalg.norm(camera.translation_mm))
        own = _FRONTAL_STREAM if pair.face.view == FRONTAL else _LATERAL_STREAM
        rng = np.random.default_rng([self.seed, _PHOTOGRAPH_STREAM, _index(pair), own])
        points = {
            name: np.asarray(point) + NOISE_MM * px_per_mm * rng.standard_normal(2)
            for name, point in {**found.landmarks, **found.helpers}.items()
        }
        return SeenFace(points, camera.image_size_px)

    def _person(self, pair: MatchPair) -> Person:
        """Return the person, made again; NasionError where it is not the one of the photograph."""
        person = person_of(self._template, self._settings["seed"], _index(pair))
        truth = self._truth(pair)["landmarks_px"]
        shown = self._camera(pair).project(np.array([person.facial[name] for name in truth if name in person.facial]))
        kept = np.array([truth[name] for name in truth if name in person.facial])
        if len(kept) == 0 or np.abs(shown - kept).max() > _SAME_PX:
            raise NasionError(
                f"{self.data}: {pair.face.person} cannot be made again by this version; make the population anew"
            )
        return person

    def _camera(self, pair: MatchPair) -> Camera:
        return Camera.from_dict(self._truth(pair)["camera"])

    def _truth(self, pair: MatchPair) -> dict[str, Any]:
        every: dict[str, Any] = json.loads(read_text(pair.face.path.parent / TRUTH))
        own: dict[str, Any] = every[pair.face.path.stem]
        return own

    @cached_property
    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = json.loads(read_text(self.data / RECORD))["settings"]
        return settings

    @cached_property
    def _template(self) -> Template:
        return load_template(self._settings["template"])

    @cached_property
    def _face_model(self) -> Template:
        """What faces are made from: always the built-in template, whatever the people were made from."""
        return load_template(BUILTIN)

    @cached_property
    def _spreads(self) -> dict[int, LandmarkSpread | None]:
        """By person; all views share it."""
        return {}

    @cached_property
    def _anybody(self) -> LandmarkSpread:
        return anybody(self._face_model)


def _index(pair: MatchPair) -> int:
    """Return which of the population's people a pair shows."""
    digits = pair.face.person.rpartition("_")[2]
    if not digits.isdigit() or subject_name(int(digits)) != pair.face.person:
        raise NasionError(f"{pair.face.path}: {pair.face.person!r} is no name of a virtual person; keep their names")
    return int(digits)
