"""Faces that one skull may have had: mean, spread and samples.

A draw is: cranial landmarks where they may lie, tissue vectors and a build factor from the table, facial landmarks off
the bone, modes of the face model given the landmarks. No face's skin cuts the skull: it is pushed out where it would
(``population.containment``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.bone_guard import BoneGuard
from nasion.population.containment import Container
from nasion.population.template import Template
from nasion.reconstruction.shape.face_model import FaceOnSkull
from nasion.reconstruction.shape.landmark_spread import LandmarkSpread
from nasion.reconstruction.shape.registration import BareSkull, PlacedSkull, place_skull
from nasion.reconstruction.shape.settings import ShapeSettings
from nasion.reconstruction.shape.surface_fit import outer_shell

_PART_OF_SKULL_MM: Final = 15.0
"""Surface farther than this from the fitted template's skull is a spine, a table or a tube."""
_ATTEMPTS: Final = 8
_NOT_CONTAINED: Final = "no skin can be laid round this skull; check its landmarks, their units and their frame"


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
class SkullFit:
    """A skull with the template on it: what all draws share.

    Attributes
    ----------
    template
        Skull and face model, canonicalised.
    placed
        The skull in the head frame.
    face
        The template's face on it.
    guard
        Keeps landmarks off the bone.
    part
        (v,) which vertices of the given surface are part of a skull.

    """

    template: Template
    placed: PlacedSkull
    face: FaceOnSkull
    guard: BoneGuard
    part: NDArray[np.bool_]

    @classmethod
    def of(cls, template: Template, skull: BareSkull, settings: ShapeSettings) -> SkullFit:
        """Lay the template on a skull; too few landmarks raise NasionError."""
        placed = place_skull(template, skull, settings.placement_sd_mm)
        bone = placed.template_skull
        gap = cKDTree(bone.vertices).query(placed.mesh.vertices, distance_upper_bound=_PART_OF_SKULL_MM)[0]
        face = FaceOnSkull(template, placed.warp, bone, settings.unexplained_mm)
        return cls(template, placed, face, BoneGuard(bone), np.isfinite(gap))

    @property
    def left_out_share(self) -> float:
        """Share of the surface's vertices that are no part of a skull and were left out."""
        return float(1 - self.part.mean())

    @property
    def bone_mm(self) -> FloatArray:
        """(b, 3) the skull's own vertices in the head frame."""
        vertices: FloatArray = self.placed.mesh.vertices[self.part]
        return vertices

    @cached_property
    def container(self) -> Container:
        """Pushes faces off this skull."""
        bone = Mesh(self.bone_mm, np.empty((0, 3), dtype=np.int32))
        return Container(self.face.mesh, bone, outer_shell(self.template))

    def contained(self, vertices: FloatArray) -> FloatArray | None:
        """Return (n, 3) vertices of a face that holds the skull; None where no push achieves it."""
        return self.container.contained(vertices, self.bone_mm, self.face.attached.points(vertices))


class FaceSampler:
    """Draws faces for one skull.

    Parameters
    ----------
    fit
        The skull with the template on it.
    settings
        Assumptions.
    seed
        Of all draws; the same seed gives the same faces.

    """

    def __init__(self, fit: SkullFit, settings: ShapeSettings | None = None, seed: int = 0) -> None:
        self.fit = fit
        self.settings = settings or ShapeSettings()
        self.seed = seed
        self._tissue = self.settings.tissue_draw

    def at_build(self, build: float) -> FaceSampler:
        """Return a sampler for the same skull and a known build factor."""
        return FaceSampler(self.fit, replace(self.settings, build=build), self.seed)

    def _landmarks(self, rng: np.random.Generator) -> tuple[float, FloatArray]:
        """Return a draw of build factor and (20, 3) facial landmarks."""
        build, vectors = self._tissue.sample(rng)
        placed = self.fit.placed
        moved = (placed.factor @ rng.standard_normal(placed.factor.shape[1])).reshape(-1, 3)
        return build, self.fit.guard.lifted(placed.cranial_mm + moved + vectors)

    @cached_property
    def _draws(self) -> tuple[FloatArray, FloatArray]:
        """Builds and flat pulls of many draws."""
        rng = np.random.default_rng([self.seed, 0])
        builds, pulls = [], []
        for _ in range(self.settings.draws):
            build, wanted = self._landmarks(rng)
            builds.append(build)
            pulls.append(self.fit.face.pull(wanted, build, rng).flat)
        return np.array(builds), np.array(pulls)

    def _drawn(self, vertices: FloatArray, build: float) -> DrawnFace:
        given = self.fit.placed.to_given(vertices)
        attached = self.fit.face.attached
        points = dict(zip(attached.names, attached.points(given), strict=True))
        return DrawnFace(self.fit.template.face.moved(given), points, build)

    def mean(self) -> DrawnFace:
        """Return the mean face."""
        builds, pulls = self._draws
        vertices = self.fit.contained(self.fit.face.pulled(self.fit.face.unflattened(pulls.mean(axis=0))))
        if vertices is None:
            raise NasionError(_NOT_CONTAINED)
        return self._drawn(vertices, float(builds.mean()))

    def sample(self, number: int) -> DrawnFace:
        """Return face ``number`` (from 0); the same number, seed and skull give the same face."""
        for attempt in range(_ATTEMPTS):
            rng = np.random.default_rng([self.seed, 1, number, attempt])
            build, wanted = self._landmarks(rng)
            vertices = self.fit.contained(self.fit.face.pulled(self.fit.face.pull(wanted, build, rng)))
            if vertices is not None:
                return self._drawn(vertices, build)
        raise NasionError(_NOT_CONTAINED)

    def covariance_mm2(self) -> FloatArray:
        """Return (n, 3, 3) covariance of each vertex' place, in the frame in which the skull was given.

        Of the faces before they are pushed off the bone, which makes thin faces a little more alike.
        """
        pulls = self._draws[1]
        offsets = (pulls - pulls.mean(axis=0)) / np.sqrt(max(len(pulls) - 1, 1))
        _, values, vectors = np.linalg.svd(offsets, full_matrices=False)
        kept = values > 1e-6 * max(float(values[0]), 1e-12)
        basis = self.fit.face.basis((values[kept, None] * vectors[kept]).T)
        turned = np.einsum("ba,nbr->nar", self.fit.placed.rotation, basis)
        covariance: FloatArray = turned @ turned.transpose(0, 2, 1)
        return covariance

    def landmark_draws(self) -> tuple[tuple[str, ...], FloatArray]:
        """Return names and (d, n, 3) draws of facial landmarks and helpers, in the frame of the skull as given."""
        points = self.fit.face.attached_points(self._draws[1])
        return self.fit.face.attached.names, self.fit.placed.to_given(points)

    def landmark_spread(self) -> LandmarkSpread:
        """Return where the facial landmarks and helpers may lie, in the head frame."""
        builds, pulls = self._draws
        points = self.fit.face.attached_points(pulls)
        log_sd = 0.0 if self.settings.build is not None else self.settings.tissue.build_factor_log_sd
        return LandmarkSpread.of_draws(self.fit.face.attached.names, points, builds, log_sd)


def face_sampler(
    template: Template, skull: BareSkull, settings: ShapeSettings | None = None, seed: int = 0
) -> FaceSampler:
    """Return the sampler of one skull.

    Parameters
    ----------
    template
        Skull and face model, canonicalised.
    skull
        What is known of it.
    settings, seed
        As ``FaceSampler`` takes them.

    Raises
    ------
    NasionError
        The skull has too few landmarks for a face or for a head frame.

    """
    chosen = settings or ShapeSettings()
    return FaceSampler(SkullFit.of(template, skull, chosen), chosen, seed)


def anybody(template: Template, settings: ShapeSettings | None = None) -> LandmarkSpread:
    """Return where the facial landmarks of a face may lie whose skull nobody knows, in the head frame."""
    exact = replace(settings or ShapeSettings(), placement_sd_mm=0.0)
    skull = BareSkull(template.skull, template.cranial, template.cranial_helpers)
    return face_sampler(template, skull, exact).landmark_spread().of_anybody()
