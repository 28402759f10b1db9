"""How far a reconstruction lies from the true skin, and whether its spread holds the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.distance import closest_points
from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.template import Template
from nasion.reconstruction.shape.surface_fit import outer_shell

CENTRAL_90: Final = 1.6449
"""SDs on either side of the mean that hold 90 % of a normal distribution."""
_BEFORE_EARS_MM: Final = 25.0
_BELOW_CHIN_MM: Final = 8.0
_ABOVE_METOPION_MM: Final = 8.0


def face_region(template: Template) -> NDArray[np.bool_]:
    """Return (n,) which vertices are the face's outer skin: before the ears, from below the chin to the hairline."""
    v, points = template.face.vertices, template.facial
    low, high = points["gnathion"][1] - _BELOW_CHIN_MM, points["metopion"][1] + _ABOVE_METOPION_MM
    shell = outer_shell(template)
    outer = np.zeros(len(v), dtype=np.bool_)
    outer[shell.faces[shell.holes < 0]] = True
    region: NDArray[np.bool_] = outer & (v[:, 2] > _BEFORE_EARS_MM) & (v[:, 1] > low) & (v[:, 1] < high)
    return region


def surface_distance_mm(face: Mesh, true_points: FloatArray) -> float:
    """Return the mean distance of (n, 3) points of the true skin to a face."""
    return float(closest_points(face, true_points)[1].mean())


def landmark_distance_mm(found: Mapping[str, FloatArray], true: Mapping[str, FloatArray]) -> float:
    """Return the mean distance of landmarks that both have."""
    names = [name for name in true if name in found]
    return float(np.mean([np.linalg.norm(found[name] - true[name]) for name in names]))


def vertex_coverage(
    mean: Mesh, covariance_mm2: FloatArray, region: NDArray[np.bool_], true_vertices: FloatArray
) -> float:
    """Return the share of a region's vertices that lie within their central 90 % interval across the skin.

    For people of the face model's own template, whose vertices ``true_vertices`` (n, 3) are the same places of a face.
    """
    normals = mean.vertex_normals()[region]
    spread = np.sqrt(np.einsum("na,nab,nb->n", normals, covariance_mm2[region], normals, optimize=True))
    across = np.abs(((true_vertices - mean.vertices)[region] * normals).sum(axis=1))
    return float((across <= CENTRAL_90 * spread).mean())


def skin_coverage(
    mean: Mesh, covariance_mm2: FloatArray, region: NDArray[np.bool_], truth: Mesh, farthest_mm: float = np.inf
) -> float:
    """Return the share of a region in which the true skin lies within the central 90 % interval across the skin.

    The nearest skin counts, which is never farther than the skin straight across: a little too favourable.

    Parameters
    ----------
    mean, covariance_mm2
        Mean face and (n, 3, 3) covariance of its vertices.
    region
        (n,) which vertices count.
    truth
        The true skin in the same frame.
    farthest_mm
        Vertices farther from the truth are left out: a scan that was cut has no skin there.

    """
    normals = mean.vertex_normals()[region]
    spread = np.sqrt(np.einsum("na,nab,nb->n", normals, covariance_mm2[region], normals))
    foot, distance, _ = closest_points(truth, mean.vertices[region])
    across = np.abs(((foot - mean.vertices[region]) * normals).sum(axis=1))
    counted = distance < farthest_mm
    return float((across <= CENTRAL_90 * spread)[counted].mean())


def landmark_coverage(names: tuple[str, ...], draws_mm: FloatArray, true: Mapping[str, FloatArray]) -> float:
    """Return the share of the true landmarks' coordinates within the central 90 % intervals of (d, n, 3) draws."""
    rows = [k for k, name in enumerate(names) if name in true]
    points = np.array([true[names[k]] for k in rows])
    mean, spread = draws_mm[:, rows].mean(axis=0), draws_mm[:, rows].std(axis=0, ddof=1)
    return float((np.abs(points - mean) <= CENTRAL_90 * spread).mean())
