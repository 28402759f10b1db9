"""Heads with known landmarks that networks learn from: the population's people, and samples of a face model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import CRANIAL_HELPERS, FACIAL_HELPERS, SCHEMES
from nasion.errors import NasionError
from nasion.geometry.procrustes import fit_similarity
from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.surface.orientation_template import OrientationTemplate
from nasion.landmarks.surface.scans import Kind
from nasion.population.folder import person_of
from nasion.population.template import Template

IBUG68: Final = tuple(f"ibug{k:02d}" for k in range(68))
"""The 68 points of the iBUG order, counted from 0; left and right are the subject's."""

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "cranial20": (*SCHEMES["cranial20"], *CRANIAL_HELPERS),
    "facial20": (*SCHEMES["facial20"], *FACIAL_HELPERS),
    "ibug68": IBUG68,
}
"""Landmarks of a network by scheme, in its order: the twenty with their helpers, or the 68."""

_MODEL: Final = "face_models/ict_facekit_head.npz"
_MODEL_POINTS: Final = "face_models/ict_facial_landmarks.json"
_MEAN_OF: Final = 48
_HEAVIEST: Final = 6
_KEPT_HEADS: Final = 64
"""Heads that a source keeps: drawing a person takes longer than scanning it."""


def kind_of(scheme: str) -> Kind:
    """Return whether a scheme's landmarks lie on skulls or on faces; an unknown scheme raises NasionError."""
    if scheme not in NAMES:
        raise NasionError(f"unknown landmark scheme {scheme!r}; use one of {', '.join(NAMES)}")
    return "cranial" if scheme == "cranial20" else "facial"


@dataclass(frozen=True, eq=False)
class Head:
    """A clean surface with its landmarks, in its Frankfurt frame (mm, origin between the porions).

    Attributes
    ----------
    mesh
        Skull or face.
    points
        Landmarks by name; absent ones are left out.
    person
        Unique name of whose head it is.

    """

    mesh: Mesh
    points: Mapping[str, FloatArray]
    person: str


class HeadSource(Protocol):
    """Heads by number: the same number and seed give the same head."""

    def head(self, index: int, rng: np.random.Generator) -> Head:
        """Return a head of person ``index``; ``rng`` decides what varies within a person (expression)."""


class PopulationHeads:
    """Skulls or faces of the people of a template."""

    def __init__(self, template: Template, scheme: str, seed: int, ibug68: NDArray[np.integer] | None = None) -> None:
        """Take people of a template.

        Parameters
        ----------
        template
            Canonicalised.
        scheme
            A key of ``NAMES``.
        seed
            Of the population: people with the same seed and number are the same.
        ibug68
            (68,) vertices of the template's face, needed for ``ibug68``.

        Raises
        ------
        NasionError
            The scheme is unknown or the template has no such landmarks.

        """
        self.kind = kind_of(scheme)
        if scheme == "ibug68" and ibug68 is None:
            raise NasionError(
                f"template {template.name} has no ibug68 points (its face is not that of a model with 68 vertices "
                "named); take the face model's samples or people of its template"
            )
        self._template, self._seed, self._scheme, self._ibug68 = template, seed, scheme, ibug68
        self._kept: dict[int, Head] = {}

    def head(self, index: int, rng: np.random.Generator) -> Head:
        """Return the head of person ``index``; nothing varies within a person."""
        if index not in self._kept:
            while len(self._kept) >= _KEPT_HEADS:
                self._kept.pop(next(iter(self._kept)))
            self._kept[index] = self._made(index)
        return self._kept[index]

    def _made(self, index: int) -> Head:
        person = person_of(self._template, self._seed, index)
        if self.kind == "cranial":
            mesh, points = person.skull, {**person.cranial, **person.cranial_helpers}
        else:
            mesh, points = person.face, {**person.facial, **person.facial_helpers}
        if self._scheme == "ibug68" and self._ibug68 is not None:
            points |= dict(zip(IBUG68, mesh.vertices[self._ibug68], strict=True))
        return Head(mesh, points, f"{self._template.name}_{self._seed}_{index}")


class FaceModelHeads:
    """Faces of the ICT-FaceKit model with expressions; the model's file is not part of the package."""

    def __init__(self, folder: Path, template: Template, scheme: str, seed: int, neutral: float = 0.3) -> None:
        """Take faces of the model.

        Parameters
        ----------
        folder
            Holds ``face_models``.
        template
            A canonicalised template in whose frame each person is laid, by the facial landmarks.
        scheme
            ``"facial20"`` or ``"ibug68"``.
        seed
            Of the people.
        neutral
            Share of samples without an expression.

        Raises
        ------
        NasionError
            A file is missing, or the scheme is not a face's.

        """
        if kind_of(scheme) != "facial":
            raise NasionError(
                f"scheme {scheme!r} is a skull's, but the face model has no skull; use facial20 or ibug68"
            )
        model, self._vertex = face_model(folder)
        goals = {**template.facial, **template.facial_helpers}
        self._names = [name for name in self._vertex if name in goals]
        self._goals = np.array([goals[name] for name in self._names])
        self._model, self._seed, self._neutral, self._scheme = model, seed, neutral, scheme

    def head(self, index: int, rng: np.random.Generator) -> Head:
        """Return person ``index`` with an expression of a few modes."""
        own = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(index,)))
        identity = np.clip(own.standard_normal(len(self._model.identity)), -2.5, 2.5).astype(np.float32)
        vertices = self._model.mean + np.tensordot(identity, self._model.identity, 1)
        # The model knows no Frankfurt plane: each neutral face finds the template's origin and axes in itself by a
        # similarity, and keeps its own size.
        neutral = vertices[[self._vertex[name] for name in self._names]]
        fit = fit_similarity(neutral, self._goals)
        if rng.random() >= self._neutral:
            active = rng.choice(len(self._model.expression), size=rng.integers(1, 7), replace=False)
            strength = rng.uniform(0.2, 1.0, len(active)).astype(np.float32)
            vertices = vertices + np.tensordot(strength, self._model.expression[active], 1)
        mesh = Mesh(fit.apply(vertices) / fit.scale, self._model.faces)
        points = {name: mesh.vertices[vertex] for name, vertex in self._vertex.items()}
        if self._scheme == "ibug68":
            points |= dict(zip(IBUG68, mesh.vertices[self._model.ibug68], strict=True))
        return Head(mesh, points, f"face-model_{self._seed}_{index}")


@dataclass(frozen=True, eq=False)
class FaceModel:
    """ICT-FaceKit's light head: mean (n, 3), modes (k, n, 3) of identity and expression, 68 landmark vertices.

    ``part`` says of each triangle what it belongs to: 0 the face, 1 its surroundings, 2 head, neck and shoulders, 3 and
    4 the eyeballs, left first. ``expressions`` names the modes of expression.
    """

    mean: NDArray[np.float32]
    faces: NDArray[np.int32]
    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    ibug68: NDArray[np.int32]
    part: NDArray[np.uint8]
    expressions: tuple[str, ...]


def face_model(folder: Path) -> tuple[FaceModel, dict[str, int]]:
    """Return the model and the vertices of the twenty landmarks and the helpers, from a folder of development data.

    Raises
    ------
    NasionError
        A file is missing.

    """
    for name in (_MODEL, _MODEL_POINTS):
        if not (folder / name).is_file():
            raise NasionError(f"{folder / name}: no such file; give the folder of development data")
    with np.load(folder / _MODEL, allow_pickle=False) as stored:
        model = FaceModel(
            stored["mean"],
            stored["faces"],
            stored["identity_modes"].astype(np.float32),
            stored["expression_modes"].astype(np.float32),
            stored["landmarks68"],
            stored["face_part"],
            tuple(stored["expression_names"].tolist()),
        )
    table = json.loads((folder / _MODEL_POINTS).read_text(encoding="utf-8"))
    return model, cast("dict[str, int]", table["vertex"])


def mean_heads(templates: list[Template], scheme: str, seed: int) -> OrientationTemplate:
    """Return the orientation template of each template's mean head; of faces, its mean heavy head as well.

    The faces of very heavy people resemble a mean head in so many ways that they could not be oriented by it.
    """
    kind = kind_of(scheme)
    means = []
    for template in templates:
        people = [person_of(template, seed, index) for index in range(_MEAN_OF)]
        meshes = [person.skull if kind == "cranial" else person.face for person in people]
        groups = [np.arange(len(people))]
        if kind == "facial":
            groups.append(np.argsort([person.build_factor for person in people])[-_HEAVIEST:])
        means += [meshes[0].moved(np.mean([meshes[k].vertices for k in group], axis=0)) for group in groups]
    what: Literal["skull", "face"] = "skull" if kind == "cranial" else "face"
    return OrientationTemplate.of(what, means)
