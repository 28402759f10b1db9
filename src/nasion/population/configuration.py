"""Sampling where a person's cranial points lie: sampled measures on top of a smooth random shape.

Displacements of the points are a Gaussian field, the sum of affine growth, smooth symmetric shape residuals and a small
asymmetry. A draw of the field is corrected so that its measures equal sampled ones: conditioning by kriging the
residual (Matheron's rule), repeated because a distance is not linear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.craniometry import SEXES, Sex, measure_points, published_craniometry
from nasion.population.template import Points, Template, frankfurt_motion

_MIRROR: Final = np.diag([-1.0, 1.0, 1.0])
_CORRECTIONS: Final = 6


@dataclass(frozen=True)
class ShapeSettings:
    """How much skulls vary beyond their measures; SDs of a point's displacement per axis.

    Attributes
    ----------
    growth_sd
        Relative size along each axis, and shear in the mid-sagittal plane.
    residual_sd_mm, residual_length_mm
        Smooth symmetric shape and its correlation length.
    detail_sd_mm, detail_length_mm
        The same on a finer scale.
    asymmetry_sd_mm, asymmetry_length_mm
        What differs between the sides.
    variety
        All of this, and the measures' own differences, are multiplied by it; 0 makes everybody's skull the template's.

    """

    growth_sd: float = 0.035
    residual_sd_mm: float = 1.8
    residual_length_mm: float = 35.0
    detail_sd_mm: float = 0.6
    detail_length_mm: float = 18.0
    asymmetry_sd_mm: float = 0.6
    asymmetry_length_mm: float = 35.0
    variety: float = 1.0


@dataclass(frozen=True)
class Configuration:
    """The cranial points of one person.

    Attributes
    ----------
    sex
        Whose means were used.
    points_mm
        (n, 3) in the person's own Frankfurt frame, in the order of the sampler's ``names``.
    measures_mm
        Sampled measures by key, on the template's scale: the template is taken as the middle of both sexes' means.

    """

    sex: Sex
    points_mm: FloatArray
    measures_mm: Mapping[str, float]


class ConfigurationSampler:
    """Draws configurations of one template.

    Attributes
    ----------
    names
        Of the points: cranial landmarks, cranial helpers and vault points.
    points_mm
        (n, 3) of the template.

    """

    def __init__(self, template: Template, settings: ShapeSettings | None = None) -> None:
        points = {**template.cranial, **template.cranial_helpers}
        self._frame_names = tuple(points)
        points |= {name: point for name, point in vault_points(template.skull, points).items() if name not in points}
        self.names: tuple[str, ...] = tuple(points)
        self.points_mm: FloatArray = np.array([points[name] for name in self.names], dtype=np.float64)
        self._craniometry = published_craniometry().available(self.names)
        self._template_measures = measure_points(self._craniometry.measures, self.names, self.points_mm)[0]
        shape = settings or ShapeSettings()
        self._variety = shape.variety
        self._covariance = shape.variety**2 * field_covariance(self.points_mm, shape)
        jitter = 1e-8 * np.eye(len(self._covariance))
        self._factor = np.linalg.cholesky(self._covariance + jitter)

    def sample(self, rng: np.random.Generator) -> Configuration:
        """Return a new configuration."""
        sex = SEXES[int(rng.integers(len(SEXES)))]
        differences = self._variety * (self._craniometry.sample_ratios(sex, rng) - 1.0)
        wanted = self._template_measures * (1.0 + differences)
        shift = (self._factor @ rng.standard_normal(len(self._factor))).reshape(-1, 3)
        points = self._with_measures(self.points_mm + shift, wanted)
        placed = dict(zip(self.names, points, strict=True))
        rotation, translation = frankfurt_motion({name: placed[name] for name in self._frame_names})
        measures = {m.key: float(v) for m, v in zip(self._craniometry.measures, wanted, strict=True)}
        return Configuration(sex, points @ rotation.T + translation, measures)

    def _with_measures(self, points: FloatArray, wanted: FloatArray) -> FloatArray:
        """Return the points moved by the most probable displacement that gives them the wanted measures."""
        for _ in range(_CORRECTIONS):
            values, jacobian = measure_points(self._craniometry.measures, self.names, points)
            gain = self._covariance @ jacobian.T
            step = gain @ np.linalg.solve(jacobian @ gain + 1e-9 * np.eye(len(wanted)), wanted - values)
            points = points + step.reshape(-1, 3)
        return points


def vault_points(skull: Mesh, points: Points) -> dict[str, FloatArray]:
    """Return opisthocranion, vertex and both eurya, found on a skull in the head frame.

    Opisthocranion is farthest from glabella near the midline; vertex the highest point near the midline; eurion the
    most lateral point of the vault behind the forehead and above the ear.
    """
    v = skull.vertices
    glabella = np.asarray(points["glabella"])
    above_ear = v[:, 1] > 0.3 * glabella[1] + 5.0
    midline = (np.abs(v[:, 0] - glabella[0]) < 12.0) & above_ear
    vault = above_ear & (v[:, 2] < 0.25 * glabella[2])
    found = {
        "opisthocranion": _extreme(v, midline & (v[:, 2] < 0), np.linalg.norm(v - glabella, axis=1)),
        "vertex": _extreme(v, midline, v[:, 1]),
        "eurion_left": _extreme(v, vault, v[:, 0]),
        "eurion_right": _extreme(v, vault, -v[:, 0]),
    }
    return {name: point for name, point in found.items() if point is not None}


def _extreme(vertices: FloatArray, among: FloatArray, value: FloatArray) -> FloatArray | None:
    indices = np.flatnonzero(among)
    return None if len(indices) == 0 else vertices[indices[np.argmax(value[indices])]].copy()


def field_covariance(points_mm: FloatArray, settings: ShapeSettings) -> FloatArray:
    """Return the (3 n, 3 n) covariance of the points' displacements."""
    s = settings
    n = len(points_mm)
    modes = np.zeros((5, n, 3))
    for axis in range(3):
        modes[axis, :, axis] = points_mm[:, axis]
    modes[3, :, 1] = points_mm[:, 2]
    modes[4, :, 2] = points_mm[:, 1]
    flat = s.growth_sd * modes.reshape(5, -1)
    total: FloatArray = flat.T @ flat
    for sd, length in ((s.residual_sd_mm, s.residual_length_mm), (s.detail_sd_mm, s.detail_length_mm)):
        total = total + sd**2 * _mirrored_kernel(points_mm, length, symmetric=True)
    return total + s.asymmetry_sd_mm**2 * _mirrored_kernel(points_mm, s.asymmetry_length_mm, symmetric=False)


def _mirrored_kernel(points: FloatArray, length: float, *, symmetric: bool) -> FloatArray:
    """Return the covariance of a field of unit SD that equals (or opposes) its mirror image.

    With a free field g, ``(g(p) ± M g(M p)) / sqrt(2)`` has covariance ``k(p, q) I ± k(p, M q) M``.
    """
    sign = 1.0 if symmetric else -1.0
    direct = np.kron(_bell(points, points, length), np.eye(3))
    across = np.kron(_bell(points, points @ _MIRROR, length), _MIRROR)
    kernel: FloatArray = direct + sign * across
    return kernel


def _bell(a: FloatArray, b: FloatArray, length: float) -> FloatArray:
    square = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    bell: FloatArray = np.exp(-0.5 * square / length**2)
    return bell
