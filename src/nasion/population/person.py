"""A virtual person: a template bent so that its facial landmarks are skull plus tissue and its skull is in its skin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.geometry.rbf import RbfWarp
from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.attachment import Attachment
from nasion.population.bone_guard import BoneGuard
from nasion.population.configuration import ConfigurationSampler, ShapeSettings
from nasion.population.containment import Container
from nasion.population.craniometry import Sex
from nasion.population.face_fit import FaceFitter
from nasion.population.template import Points, Template
from nasion.population.tissue_sampling import TissueDraw

_ATTEMPTS: Final = 8


@dataclass(frozen=True, eq=False)
class PersonSettings:
    """How people vary.

    Attributes
    ----------
    shape
        Of skulls, beyond the published measures.
    tissue
        Tissue vectors; the built-in table by default.
    identity_sd
        SD of the template's identity modes, 1 as its model says; 0 leaves them out.

    """

    shape: ShapeSettings = field(default_factory=ShapeSettings)
    tissue: TissueDraw = field(default_factory=lambda: TissueDraw(TissueTable.load()))
    identity_sd: float = 1.0


@dataclass(frozen=True, eq=False)
class Person:
    """A virtual person with exact truth, in the person's own Frankfurt frame (mm).

    Attributes
    ----------
    name
        E.g. ``"subject_000"``.
    skull, face
        Meshes over the template's triangles.
    face_albedo
        (n, 3) sRGB, 0 to 1.
    cranial, cranial_helpers, facial, facial_helpers
        Landmarks by name, (3,).
    tissue
        Facial landmark name to (3,) vector: exactly facial minus cranial.
    build_factor
        Drawn for the tissue.
    sex
        Whose cranial measures were used.
    measures_mm
        Sampled cranial measures by key.
    seed
        What ``sample_person`` was given.

    """

    name: str
    skull: Mesh
    face: Mesh
    face_albedo: FloatArray
    cranial: Points
    cranial_helpers: Points
    facial: Points
    facial_helpers: Points
    tissue: Points
    build_factor: float
    sex: Sex
    measures_mm: Mapping[str, float]
    seed: int


class PersonSampler:
    """Draws people from one template; what they share is computed once."""

    def __init__(self, template: Template, settings: PersonSettings | None = None) -> None:
        self.template = template
        self.settings = settings or PersonSettings()
        self._configurations = ConfigurationSampler(template, self.settings.shape)
        self._container = Container(template.face, template.skull)
        self._fitter = FaceFitter(template)
        self._attached = Attachment.of(template.face, template.facial, tuple(pair.facial for pair in PAIRS))
        self._attached_helpers = Attachment.of(template.face, template.facial_helpers, tuple(template.facial_helpers))

    def sample(self, seed: int, name: str = "person") -> Person:
        """Return the person of a seed; the same seed gives the same person."""
        for attempt in range(_ATTEMPTS):
            person = self._drawn(np.random.default_rng([seed, attempt]), seed, name)
            if person is not None:
                return person
        raise NasionError(
            f"template {self.template.name}: seed {seed} gives no face that holds its skull; use another seed"
        )

    def _drawn(self, rng: np.random.Generator, seed: int, name: str) -> Person | None:
        """Return a person, or None where no skin could be laid round the skull."""
        configuration = self._configurations.sample(rng)
        warp = RbfWarp.fit(self._configurations.points_mm, configuration.points_mm)
        skull = warp.mesh(self.template.skull)
        points = dict(zip(self._configurations.names, configuration.points_mm, strict=True))
        cranial = {pair.cranial: points[pair.cranial] for pair in PAIRS}
        bones = np.array([cranial[pair.cranial] for pair in PAIRS])
        build, vectors = self.settings.tissue.sample(rng)
        wanted = BoneGuard(skull).lifted(bones + vectors)
        plain = warp(self._with_identity(rng))
        fitted = self._fitter.fitted(plain, self._attached.points(plain), wanted, skull, build)
        vertices = self._container.contained(fitted, skull.vertices, wanted)
        if vertices is None:
            return None
        face = self.template.face.moved(vertices)
        landmarks = self._attached.points(face.vertices)
        facial = {pair.facial: point for pair, point in zip(PAIRS, landmarks, strict=True)}
        helpers = self._attached_helpers.points(face.vertices)
        return Person(
            name=name,
            skull=skull,
            face=face,
            face_albedo=_toned(self.template.face_albedo, rng),
            cranial=cranial,
            cranial_helpers={name: points[name] for name in self.template.cranial_helpers},
            facial=facial,
            facial_helpers=dict(zip(self._attached_helpers.names, helpers, strict=True)),
            tissue={pair.facial: facial[pair.facial] - cranial[pair.cranial] for pair in PAIRS},
            build_factor=build,
            sex=configuration.sex,
            measures_mm=configuration.measures_mm,
            seed=seed,
        )

    def _with_identity(self, rng: np.random.Generator) -> FloatArray:
        modes, vertices = self.template.identity_modes, self.template.face.vertices
        if modes is None or self.settings.identity_sd == 0:
            return vertices
        weights = np.clip(rng.standard_normal(len(modes)), -2.0, 2.0).astype(np.float32)
        shift: FloatArray = self.settings.identity_sd * np.tensordot(weights, modes, 1).astype(np.float64)
        return vertices + shift


def _toned(albedo: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the colours of another complexion, from light to dark."""
    depth = rng.beta(1.0, 1.8)
    tone = np.array([1.12, 1.17, 1.19]) * (1 - depth) + np.array([0.55, 0.45, 0.40]) * depth
    return np.clip(albedo * tone, 0.0, 1.0)


@lru_cache(maxsize=4)
def _sampler(template: Template, settings: PersonSettings | None) -> PersonSampler:
    return PersonSampler(template, settings)


def sample_person(
    template: Template, seed: int, settings: PersonSettings | None = None, name: str = "person"
) -> Person:
    """Return the virtual person of a seed.

    Parameters
    ----------
    template
        In the head frame (``Template.canonicalised``).
    seed
        The same seed, template and settings give the same person.
    settings
        How people vary.
    name
        Of the person.

    """
    return _sampler(template, settings).sample(seed, name)
