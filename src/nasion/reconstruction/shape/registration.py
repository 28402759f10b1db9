"""A bare skull in the template's terms: its head frame, all of the template's cranial points, the template's skull.

The points' prior is the Gaussian field of ``population.configuration`` round the template, with a free place and a
small free turn; conditioned on the landmarks given, it also says where absent ones may lie and how surely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import head_frame
from nasion.errors import NasionError
from nasion.geometry.rbf import RbfWarp
from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.configuration import ConfigurationSampler, ShapeSettings, field_covariance, vault_points
from nasion.population.template import Template
from nasion.reconstruction.shape.surface_fit import fitted_to_surface

_PLACE_SD_MM: Final = 15.0
_TURN_SD: Final = 0.06
_VAULT_SD_MM: Final = 3.0
"""Of the vault's points, which have no sharp feature."""
_STRANGE: Final = 16.3
"""Chi-square of three degrees of freedom that one point in a thousand exceeds."""
LEAST_LANDMARKS: Final = 10
"""Of the twenty; fewer leave most of the face to the average."""


@dataclass(frozen=True, eq=False)
class BareSkull:
    """A skull as it was given, in its own frame, mm.

    Attributes
    ----------
    mesh
        Its surface.
    landmarks_mm
        Cranial landmarks of the twenty pairs by name, (3,); absent ones are left out.
    helpers_mm
        Porion, orbitale and other helpers.
    sigma_mm
        SD of single landmarks, each axis.

    """

    mesh: Mesh
    landmarks_mm: Mapping[str, FloatArray]
    helpers_mm: Mapping[str, FloatArray] = field(default_factory=dict)
    sigma_mm: Mapping[str, float] = field(default_factory=dict)

    def points(self) -> dict[str, FloatArray]:
        """Return landmarks and helpers together."""
        return {**self.landmarks_mm, **self.helpers_mm}

    def absent(self) -> list[str]:
        """Return the names of the cranial landmarks that are not given."""
        return [pair.cranial for pair in PAIRS if pair.cranial not in self.landmarks_mm]

    def moved(self, rotation: FloatArray, translation_mm: FloatArray) -> BareSkull:
        """Return the skull under ``x -> rotation @ x + translation_mm``."""

        def turned(points: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
            return {
                name: rotation @ np.asarray(point, dtype=np.float64) + translation_mm for name, point in points.items()
            }

        mesh = self.mesh.transformed(rotation, translation_mm)
        return BareSkull(mesh, turned(self.landmarks_mm), turned(self.helpers_mm), self.sigma_mm)


@dataclass(frozen=True, eq=False)
class PlacedSkull:
    """A skull in the template's head frame.

    Attributes
    ----------
    rotation, translation_mm
        Given frame to head frame: ``h = rotation @ g + translation_mm``.
    mesh
        The given surface in the head frame.
    warp
        From the template's space to this skull's.
    template_skull
        The template's skull, bent onto this one.
    cranial_mm
        (20, 3) cranial landmarks in the order of ``PAIRS``: given ones as the field smooths them, absent ones as
        expected.
    factor
        (60, r) factor of their covariance: ``factor @ factor.T``.
    frame_source
        ``"frankfurt"`` or ``"reference"``, see ``anatomy.planes.HeadFrame``.

    """

    rotation: FloatArray
    translation_mm: FloatArray
    mesh: Mesh
    warp: RbfWarp
    template_skull: Mesh
    cranial_mm: FloatArray
    factor: FloatArray
    frame_source: str

    def to_given(self, points: FloatArray) -> FloatArray:
        """Return (n, 3) points of the head frame in the frame in which the skull was given."""
        back: FloatArray = (points - self.translation_mm) @ self.rotation
        return back


def place_skull(template: Template, skull: BareSkull, placement_sd_mm: float) -> PlacedSkull:
    """Return a skull in the template's head frame.

    Parameters
    ----------
    template
        Canonicalised.
    skull
        With at least ``LEAST_LANDMARKS`` of the twenty cranial landmarks.
    placement_sd_mm
        Of landmarks that tell no SD of their own.

    Raises
    ------
    NasionError
        Too few landmarks, or points that span no head frame.

    """
    if len(skull.landmarks_mm) < LEAST_LANDMARKS:
        raise NasionError(
            f"{len(skull.landmarks_mm)} of the {len(PAIRS)} cranial landmarks are too few for a face; "
            f"place at least {LEAST_LANDMARKS}"
        )
    field_ = _Field.of(template)
    frame = head_frame(skull.landmarks_mm, skull.helpers_mm)
    given = {name: point for name, point in skull.points().items() if name in field_.names}
    rows = field_.rows(given)
    turned = np.array(list(given.values())) @ frame.rotation.T
    translation = (field_.points_mm[rows] - turned).mean(axis=0)
    turned = turned + translation
    variance = np.array([skull.sigma_mm.get(name, placement_sd_mm) ** 2 for name in given])
    mesh = skull.mesh.transformed(frame.rotation, translation)
    seen = dict(zip(given, turned, strict=True))
    points, covariance = field_.conditioned(rows, turned, variance)
    vault = _credible_vault(field_, mesh, seen, points, covariance)
    if vault:
        rows = np.concatenate([rows, field_.rows(vault)])
        turned = np.concatenate([turned, list(vault.values())])
        variance = np.concatenate([variance, np.full(len(vault), _VAULT_SD_MM**2)])
        points, covariance = field_.conditioned(rows, turned, variance)
    warp = fitted_to_surface(template, RbfWarp.fit(field_.points_mm, points), mesh)
    own = field_.rows([pair.cranial for pair in PAIRS])
    return PlacedSkull(
        frame.rotation,
        translation,
        mesh,
        warp,
        warp.mesh(template.skull),
        points[own],
        _factor(covariance[np.ix_(_axes(own), _axes(own))]),
        frame.source,
    )


@dataclass(frozen=True, eq=False)
class _Field:
    """The cranial points of a template and the covariance of their displacements between people."""

    names: tuple[str, ...]
    points_mm: FloatArray
    covariance: FloatArray

    @classmethod
    def of(cls, template: Template) -> _Field:
        sampler = ConfigurationSampler(template)
        points = sampler.points_mm
        free = np.zeros((6, len(points), 3))
        for axis in range(3):
            free[axis, :, axis] = _PLACE_SD_MM
            free[3 + axis] = _TURN_SD * np.cross(np.eye(3)[axis], points)
        flat = free.reshape(6, -1)
        return cls(sampler.names, points, field_covariance(points, ShapeSettings()) + flat.T @ flat)

    def rows(self, names: Mapping[str, FloatArray] | list[str]) -> NDArray[np.intp]:
        """Return the rows of named points."""
        return np.array([self.names.index(name) for name in names], dtype=np.intp)

    def conditioned(
        self, rows: NDArray[np.intp], places: FloatArray, variance_mm2: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return expected (p, 3) points and their (3 p, 3 p) covariance where some were seen at ``places``."""
        seen = _axes(rows)
        noise = np.diag(np.repeat(np.maximum(variance_mm2, 1e-8), 3))
        across = self.covariance[:, seen]
        gain = np.linalg.solve(self.covariance[np.ix_(seen, seen)] + noise, across.T).T
        shift = gain @ (places - self.points_mm[rows]).ravel()
        covariance: FloatArray = self.covariance - gain @ across.T
        return self.points_mm + shift.reshape(-1, 3), (covariance + covariance.T) / 2


def _credible_vault(
    field_: _Field, mesh: Mesh, seen: Mapping[str, FloatArray], expected: FloatArray, covariance: FloatArray
) -> dict[str, FloatArray]:
    """Return the vault's points that the surface shows where they can be: a cut vault has its extremes elsewhere."""
    if "glabella" not in seen:
        return {}
    found = {}
    for name, point in vault_points(mesh, seen).items():
        if name in seen or name not in field_.names:
            continue
        row = field_.names.index(name)
        spread = covariance[3 * row : 3 * row + 3, 3 * row : 3 * row + 3] + _VAULT_SD_MM**2 * np.eye(3)
        away = point - expected[row]
        if away @ np.linalg.solve(spread, away) < _STRANGE:
            found[name] = point
    return found


def _axes(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the rows of the points' coordinates."""
    axes: NDArray[np.intp] = (3 * rows[:, None] + np.arange(3)).ravel()
    return axes


def _factor(covariance: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-9 * max(values[-1], 1e-12)
    factor: FloatArray = vectors[:, kept] * np.sqrt(values[kept])
    return factor
