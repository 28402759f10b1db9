"""What a skull's outer surface does not show: the room of the brain, air sinuses, spongy bone.

Templates are solids from the outside in. Each skull is hollowed once: in the braincase beyond a vault's thickness there
is brain, in the midface beyond a thin wall there are air cells, in jaws and arches spongy bone. A skull that comes with
its inner surfaces (from CT) is thin already and little is taken out of it. The surfaces then move with the people's
skulls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from nasion.geometry.surface import FloatArray, Mesh
from nasion.geometry.voxels import DepthGrid
from nasion.population.template import Template

Filling = Literal["brain", "air_cells", "spongiosa"]

VAULT_MM: Final = 6.0
"""Thickness of a vault: adults' means lie between 5 and 8 mm, less at the temples."""
WALL_MM: Final = 2.2
CRANIAL_BASE_MM: Final = 1.6
"""Half the thickness of the bone between brain and midface."""

_STEP_MM: Final = 1.5
_TRIANGLES: Final = {"brain": 8_000, "air_cells": 5_000, "spongiosa": 6_000}
_SMOOTH_STEPS: Final = 1.0
_NEIGHBOURS: Final = 24


@dataclass(frozen=True, eq=False)
class Bound:
    """A surface that moves with a skull: each vertex as the mean of the skull's vertices next to it."""

    mesh: Mesh
    weights: csr_matrix
    skull_vertices: FloatArray

    @classmethod
    def to(cls, skull: Mesh, mesh: Mesh) -> Bound:
        """Bind a surface to a template's skull, both in the template's place."""
        gap, index = cKDTree(skull.vertices).query(mesh.vertices, k=_NEIGHBOURS)
        gap, index = np.asarray(gap), np.asarray(index)
        weight = np.exp(-0.5 * (gap / gap.mean(axis=1, keepdims=True)) ** 2)
        weight /= weight.sum(axis=1, keepdims=True)
        rows = np.repeat(np.arange(len(mesh.vertices)), _NEIGHBOURS)
        shape = (len(mesh.vertices), len(skull.vertices))
        return cls(mesh, csr_matrix((weight.ravel(), (rows, index.ravel())), shape=shape), skull.vertices)

    def on(self, skull: Mesh) -> Mesh:
        """Return the surface in a person's skull."""
        moved: FloatArray = self.weights @ (skull.vertices - self.skull_vertices)
        return self.mesh.moved(self.mesh.vertices + moved)


def hollows(template: Template) -> dict[Filling, Mesh]:
    """Return the surfaces round what fills a template's skull; a filling that it has no room for is left out."""
    from scipy.ndimage import gaussian_filter

    grid = DepthGrid.of(template.skull, _STEP_MM)
    depth = grid.depth_mm
    brain_side = _above_cranial_base(template, grid.points())
    above_palate = grid.points()[..., 1] - (template.cranial["subspinale"][1] + 2.0)
    behind_ear = template.cranial_helpers["porion_left"][2] - grid.points()[..., 2] - 4.0
    air_side = np.minimum(above_palate, np.minimum(-brain_side - CRANIAL_BASE_MM, -behind_ear))
    fields = {
        "brain": np.minimum(depth - VAULT_MM, brain_side - CRANIAL_BASE_MM),
        "air_cells": np.minimum(depth - WALL_MM, air_side),
        "spongiosa": np.minimum(depth - WALL_MM, np.minimum(-air_side, -brain_side - CRANIAL_BASE_MM)),
    }
    found: dict[Filling, Mesh] = {}
    for name in _TRIANGLES:
        field = gaussian_filter(fields[name].astype(np.float32), _SMOOTH_STEPS)
        mesh = grid.solid(field, _TRIANGLES[name])
        if mesh is not None:
            found[name] = mesh  # type: ignore[index]
    return found


def _above_cranial_base(template: Template, points: FloatArray) -> NDArray[np.float64]:
    """Return how far points lie on the brain's side of the cranial base, mm.

    In the mid-sagittal plane the base runs from above nasion to the sella (above and in front of porion), then down to
    the front rim of the foramen magnum. Over the orbits it bulges up; the temporal lobes lie lower and further forward,
    beside the sella; the petrous bones stay solid. Sizes are ours, after an atlas' figures.
    """
    nasion = template.cranial["nasion"]
    porion = (template.cranial_helpers["porion_left"] + template.cranial_helpers["porion_right"]) / 2
    front = np.array([nasion[2], nasion[1] + 4.0])
    sella = porion[[2, 1]] + [22.0, 20.0]
    basion = porion[[2, 1]] + [0.0, -16.0]
    lateral = np.abs(points[..., 0] - porion[0])
    orbital_roof = 9.0 * np.exp(-(((lateral - 28.0) / 14.0) ** 2))
    base = np.maximum(_left_of(front, sella, points) - orbital_roof, _left_of(sella, basion, points))
    temporal_lobe = _in_ellipsoid(points, porion, lateral, (36.0, 12.0, 24.0), (19.0, 20.0, 28.0))
    petrous = _in_ellipsoid(points, porion, lateral, (32.0, 3.0, -4.0), (19.0, 9.0, 9.0))
    above: NDArray[np.float64] = np.minimum(np.maximum(base, temporal_lobe), -petrous)
    return above


def _in_ellipsoid(
    points: FloatArray,
    porion: FloatArray,
    lateral: FloatArray,
    middle: tuple[float, float, float],
    radii: tuple[float, float, float],
) -> NDArray[np.float64]:
    """Return about how deep points lie in an ellipsoid on either side, mm; its place is given from between the ears."""
    offsets = (lateral - middle[0], points[..., 1] - porion[1] - middle[1], points[..., 2] - porion[2] - middle[2])
    level = np.sqrt(sum(((offset / radius) ** 2 for offset, radius in zip(offsets, radii, strict=True)), np.zeros(1)))
    depth: NDArray[np.float64] = (1.0 - level) * min(radii)
    return depth


def _left_of(start: FloatArray, end: FloatArray, points: FloatArray) -> NDArray[np.float64]:
    """Return distances from a line in (z, y), above 0 on its right when walking back: above it, or behind it."""
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([along[1], -along[0]])
    distance: NDArray[np.float64] = (points[..., 2] - start[0]) * across[0] + (points[..., 1] - start[1]) * across[1]
    return distance
