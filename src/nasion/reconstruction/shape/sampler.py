"""Faces that one skull may have had: mean, spread and samples.

A draw is: cranial landmarks where they may lie, tissue vectors and a build factor from the table, facial landmarks off
the bone, modes of the face model given the landmarks. No draw's skin cuts the skull: it is pushed out where it would
(``population.containment``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.spatial import cKDTree

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.bone_guard import BoneGuard
from nasion.population.containment import Container
from nasion.population.skin_shell import SkinShell
from nasion.population.template import Template
from nasion.reconstruction.shape.face_model import FaceOnSkull, Pull
from nasion.reconstruction.shape.registration import BareSkull, place_skull
from nasion.reconstruction.shape.settings import ShapeSettings

_PART_OF_SKULL_MM = 15.0
"""Surface farther than this from the fitted template's skull is a spine, a table or a tube."""
_ATTEMPTS = 8
_NOT_CONTAINED = "no skin can be laid round this skull; check its landmarks, their units and their frame"


@dataclass(frozen=True, eq=False)
class DrawnFace:
    """One face in the frame in which the skull was given.

    Attributes
    ----------
    mesh
        Over the template's triangles, mm.
    landmarks_mm
        Facial landmarks and helpers by name, (3,).
    build
        The build factor of its tissue; of the mean face, the mean one.

    """

    mesh: Mesh
    landmarks_mm: dict[str, FloatArray]
    build: float


@dataclass(frozen=True, eq=False)
class LandmarkSpread:
    """Where facial landmarks may lie, in the head frame: names, mean (n, 3), covariance (3 n, 3 n)."""

    names: tuple[str, ...]
    mean_mm: FloatArray
    covariance_mm2: FloatArray


class FaceSampler:
    """Draws faces for one skull.

    Parameters
    ----------
    template
        Skull and face model, canonicalised.
    skull
        What is known.
    settings
        Assumptions.
    seed
        Of all draws; the same seed gives the same faces.

    Raises
    ------
    NasionError
        The skull has too few landmarks for a head frame.

    """

    def __init__(
        self, template: Template, skull: BareSkull, settings: ShapeSettings | None = None, seed: int = 0
    ) -> None:
        self.template = template
        self.settings = settings or ShapeSettings()
        self.seed = seed
        self.placed = place_skull(template, skull, self.settings.placement_sd_mm)
        self._face = FaceOnSkull(template, self.placed.warp, self.placed.template_skull, self.settings.unexplained_mm)
        self._guard = BoneGuard(self.placed.template_skull)
        self._tissue = self.settings.tissue_draw
        near = cKDTree(self.placed.template_skull.vertices).query(
            self.placed.mesh.vertices, distance_upper_bound=_PART_OF_SKULL_MM
        )[0]
        self._part = np.isfinite(near)

    @property
    def left_out_share(self) -> float:
        """Share of the surface's vertices that are no part of a skull and were left out."""
        return float(1 - self._part.mean())

    def _landmarks(self, rng: np.random.Generator) -> tuple[float, FloatArray]:
        """Return a draw of build factor and (20, 3) facial landmarks."""
        build, vectors = self._tissue.sample(rng)
        factor = self.placed.factor
        cranial = self.placed.cranial_mm + (factor @ rng.standard_normal(factor.shape[1])).reshape(-1, 3)
        return build, self._guard.lifted(cranial + vectors)

    @cached_property
    def _draws(self) -> tuple[FloatArray, FloatArray]:
        """Builds and flat pulls of many draws."""
        rng = np.random.default_rng([self.seed, 0])
        builds, pulls = [], []
        for _ in range(self.settings.draws):
            build, wanted = self._landmarks(rng)
            builds.append(build)
            pulls.append(self._face.pull(wanted, build, rng).flat)
        return np.array(builds), np.array(pulls)

    @cached_property
    def _basis(self) -> FloatArray:
        """(n, 3, r): its product with itself over the last axis is the vertices' covariance."""
        pulls = self._draws[1]
        offsets = (pulls - pulls.mean(axis=0)) / np.sqrt(max(len(pulls) - 1, 1))
        _, values, vectors = np.linalg.svd(offsets, full_matrices=False)
        kept = values > 1e-6 * max(values[0], 1e-12)
        return self._face.basis((values[kept, None] * vectors[kept]).T)

    @cached_property
    def _container(self) -> Container:
        bone = Mesh(self.placed.mesh.vertices[self._part], np.empty((0, 3), dtype=np.int32))
        return Container(self.template.face.moved(self._mean_pulled), bone, _shell(self.template))

    @cached_property
    def _mean_pulled(self) -> FloatArray:
        return self._face.pulled(self._pull_of(self._draws[1].mean(axis=0)))

    def _pull_of(self, flat: FloatArray) -> Pull:
        modes = self.template.identity_modes
        k = 0 if modes is None else len(modes)
        return Pull(flat[:k], flat[k:].reshape(-1, 3))

    def _contained(self, vertices: FloatArray) -> FloatArray | None:
        guards = self._face.attached.points(vertices)
        return self._container.contained(vertices, self.placed.mesh.vertices[self._part], guards)

    def _drawn(self, vertices: FloatArray, build: float) -> DrawnFace:
        given = self.placed.to_given(vertices)
        points = self._face.attached.points(given)
        return DrawnFace(
            self.template.face.moved(given), dict(zip(self._face.attached.names, points, strict=True)), build
        )

    def mean(self) -> DrawnFace:
        """Return the mean face."""
        vertices = self._contained(self._mean_pulled)
        if vertices is None:
            raise NasionError(_NOT_CONTAINED)
        return self._drawn(vertices, float(self._draws[0].mean()))

    def sample(self, number: int) -> DrawnFace:
        """Return face ``number`` (from 0); the same number, seed and skull give the same face."""
        for attempt in range(_ATTEMPTS):
            rng = np.random.default_rng([self.seed, 1, number, attempt])
            build, wanted = self._landmarks(rng)
            vertices = self._contained(self._face.pulled(self._face.pull(wanted, build, rng)))
            if vertices is not None:
                return self._drawn(vertices, build)
        raise NasionError(_NOT_CONTAINED)

    def covariance_mm2(self) -> FloatArray:
        """Return (n, 3, 3) covariance of each vertex' place, in the frame in which the skull was given."""
        turned = np.einsum("ba,nbr->nar", self.placed.rotation, self._basis)
        covariance: FloatArray = np.einsum("nar,nbr->nab", turned, turned)
        return covariance

    def landmark_spread(self) -> LandmarkSpread:
        """Return where the facial landmarks and helpers may lie."""
        attached = self._face.attached
        n, r = len(self.template.face.vertices), self._basis.shape[2]
        basis = attached.points(self._basis.reshape(n, 3 * r)).reshape(-1, r)
        return LandmarkSpread(attached.names, attached.points(self._mean_pulled), basis @ basis.T)


@lru_cache(maxsize=4)
def _shell(template: Template) -> SkinShell:
    return SkinShell.outer(template.face)
