"""From heat maps to points on the original mesh: the second stage (Burger et al., section 4.2, Eqs. 6-8).

Repairs and additions: the 1/i of Eq. 6 is left out (the softmax sums to 1 already); each landmark's candidates come
from its own ball B_m. ``"triangle"`` goes on from the best start to the best point of the surface itself, triangles
included, by Gauss-Newton steps laid back onto the mesh; there the height of the Gaussian is free, since a network that
is not sure gives low peaks, and a Gaussian of height 1 is then put beside them, not on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.surface.settings import SurfaceNetSettings
from nasion.landmarks.surface.surface_fit import best_vertex, bounding_spheres, fit_on_surface, nearby_triangles

_TAIL: Final = 4.0
"""Sigmas beyond which a Gaussian counts as nothing (3e-4)."""
_MARGIN: Final = 2.0
"""Sigmas round the highest points within which ``"triangle"`` searches."""
_STARTS: Final = 3
_ONE_PEAK: Final = 6.0
"""Sigmas from the highest point beyond which another warm point belongs to another peak."""


@dataclass(frozen=True, eq=False)
class RefinedLandmarks:
    """Where the heat maps point to, and how clearly.

    Attributes
    ----------
    points
        (l, 3) in the frame of cloud and mesh.
    peak
        (l,) highest heat.
    spread
        (l,) root mean square distance from ``points`` of all points with at least half of the peak's heat.
    misfit
        (l,) root mean square difference between the highest points' heat and the fitted Gaussian.

    """

    points: FloatArray
    peak: FloatArray
    spread: FloatArray
    misfit: FloatArray


def refine(
    points: FloatArray, heat: NDArray[np.floating], mesh: Mesh, settings: SurfaceNetSettings
) -> RefinedLandmarks:
    """Return the landmarks that heat maps show.

    Parameters
    ----------
    points
        (n, 3) cloud.
    heat
        (n, l) heat maps on it.
    mesh
        The original surface, in the cloud's frame; not read with ``refinement="mean"``.
    settings
        Of the second stage.

    Raises
    ------
    NasionError
        Fewer points than ``top_points``, heat that is not finite, or a mesh without vertices or triangles.

    """
    warmth = np.asarray(heat, dtype=np.float64)
    _check(points, warmth, mesh, settings)
    count = warmth.shape[1]
    found, misfit, spread = np.empty((count, 3)), np.empty(count), np.empty(count)
    spheres = bounding_spheres(mesh.vertices, mesh.faces) if settings.refinement == "triangle" else np.empty((0, 4))
    search = _Search(mesh.vertices, mesh.faces, spheres, settings)
    for k in range(count):
        top = highest_points(warmth[:, k], settings.top_points)
        at, values = np.ascontiguousarray(points[top]), warmth[top, k]
        found[k], misfit[k] = search.position(at, values)
        spread[k] = _spread(points, warmth[:, k], found[k])
    return RefinedLandmarks(found, warmth.max(axis=0), spread, misfit)


def highest_points(heat: FloatArray, count: int) -> NDArray[np.intp]:
    """Return the numbers of the ``count`` points with the most heat (n,), the highest first."""
    top = np.argpartition(-heat, count - 1)[:count]
    return top[np.argsort(-heat[top], kind="stable")]


def weighted_mean(at: FloatArray, values: FloatArray) -> FloatArray:
    """Return the mean (3,) of points (t, 3), weighted by the softmax of their heat (t,); Eq. 6 without its 1/i."""
    weights = np.exp(values - values.max())
    mean: FloatArray = weights @ at / weights.sum()
    return mean


@dataclass(frozen=True, eq=False)
class _Search:
    vertices: FloatArray
    faces: NDArray[np.int32]
    spheres: FloatArray
    settings: SurfaceNetSettings

    def position(self, at: FloatArray, values: FloatArray) -> tuple[FloatArray, float]:
        """Return the landmark (3,) and the misfit, from the highest points, the highest first."""
        sigma = self.settings.heat_sigma
        mean = weighted_mean(at, values)
        if self.settings.refinement == "mean":
            return mean, _misfit(mean, at, values, sigma)
        if self.settings.refinement == "vertex":
            chosen = self.vertices[best_vertex(self.vertices, mean, self._reach(mean, at), at, values, sigma)]
            return chosen, _misfit(chosen, at, values, sigma)
        own = np.linalg.norm(at - at[0], axis=1) <= max(_ONE_PEAK * sigma, np.linalg.norm(at[1] - at[0]) * 2)
        at, values = at[own], np.maximum(values[own], 0.0)
        mean = weighted_mean(at, values)
        reach = float(np.linalg.norm(at - mean, axis=1).max()) + _MARGIN * sigma
        triangles = nearby_triangles(self.spheres, mean, reach)
        starts = np.concatenate([mean[None], at[:_STARTS]])
        corners = self.vertices[self.faces[triangles]]
        best, cost = fit_on_surface(corners, self.spheres[triangles], starts, at, values, sigma)
        return best, float(np.sqrt(cost / len(at)))

    def _reach(self, mean: FloatArray, at: FloatArray) -> float:
        """Radius of B_m (Eq. 7), cut where no Gaussian could touch the highest points any more."""
        radius = float(np.linalg.norm(at - mean, axis=1).max())
        return min(self.settings.ball_factor * radius, radius + _TAIL * self.settings.heat_sigma)


def _spread(points: FloatArray, heat: FloatArray, center: FloatArray) -> float:
    warm = heat >= heat.max() / 2 if heat.max() > 0 else np.ones(len(heat), dtype=bool)
    return float(np.sqrt(((points[warm] - center) ** 2).sum(axis=1).mean()))


def _misfit(center: FloatArray, at: FloatArray, values: FloatArray, sigma: float) -> float:
    model = np.exp(-((at - center) ** 2).sum(axis=1) / (2 * sigma**2))
    return float(np.sqrt(np.mean((values - model) ** 2)))


def _check(points: FloatArray, heat: FloatArray, mesh: Mesh, settings: SurfaceNetSettings) -> None:
    if len(points) < settings.top_points:
        raise NasionError(f"the cloud has {len(points)} points; at least {settings.top_points} are needed")
    if heat.ndim != 2 or len(heat) != len(points):
        raise NasionError(f"heat maps of shape {heat.shape} do not belong to a cloud of {len(points)} points")
    if not np.isfinite(heat).all():
        raise NasionError("a heat map holds values that are no numbers; the network or its input is damaged")
    if settings.refinement != "mean" and (len(mesh.vertices) == 0 or len(mesh.faces) == 0):
        raise NasionError("the mesh has no triangles; check the file")
