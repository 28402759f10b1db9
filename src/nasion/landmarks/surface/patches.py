"""Pieces of a surface round given points: random points on its triangles, evenly by area, with normals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.surface.cloud import Sample
from nasion.landmarks.surface.surface_fit import bounding_spheres, lay_on, nearby_triangles

STORED_RADIUS_MM: Final = 26.0
STORED_POINTS: Final = 512
_LEAST_AREA: Final = 1e-9
_DRAWN: Final = 2
"""Points drawn for each one asked for, as triangles reach beyond the ball."""


@dataclass(frozen=True, eq=False)
class PatchSource:
    """A surface made ready for taking pieces of it.

    Attributes
    ----------
    mesh
        Its triangles wound outward.
    spheres
        (m, 4), see ``surface_fit.bounding_spheres``.

    """

    mesh: Mesh
    spheres: FloatArray

    @classmethod
    def of(cls, mesh: Mesh) -> PatchSource:
        """Return the source of a mesh."""
        return cls(mesh, bounding_spheres(mesh.vertices, mesh.faces))

    def near(self, center: FloatArray, radius: float) -> PatchSource:
        """Return the source of the triangles that meet a ball: pieces within it are the same, and faster to take."""
        found = nearby_triangles(self.spheres, np.ascontiguousarray(center, dtype=np.float64), radius)
        return PatchSource(Mesh(self.mesh.vertices, self.mesh.faces[found]), self.spheres[found])

    def closest(self, point: FloatArray) -> FloatArray:
        """Return the closest point (3,) of the surface."""
        found = np.empty(3)
        lay_on(self.mesh.vertices[self.mesh.faces], self.spheres, np.asarray(point, dtype=np.float64), found)
        return found

    def around(self, center: FloatArray, radius: float, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return (count, 6) points of the surface within a ball, relative to its centre, and unit normals.

        Rows that are NaN stand for points that the ball does not hold; they come last.
        """
        found = np.full((count, 6), np.nan, dtype=np.float32)
        near = nearby_triangles(self.spheres, np.ascontiguousarray(center, dtype=np.float64), radius)
        corners = self.mesh.vertices[self.mesh.faces[near]] - center
        edges = corners[:, 1:] - corners[:, :1]
        normals = np.cross(edges[:, 0], edges[:, 1])
        double_area = np.linalg.norm(normals, axis=1)
        if not (double_area > _LEAST_AREA).any():
            return found
        chosen = rng.choice(len(near), _DRAWN * count, p=double_area / double_area.sum())
        # Osada et al., "Shape distributions" (2002), eq. 1: even over a triangle
        first, second = np.sqrt(rng.random(_DRAWN * count)), rng.random(_DRAWN * count)
        points = corners[chosen, 0] + first[:, None] * (
            (1 - second)[:, None] * edges[chosen, 0] + second[:, None] * edges[chosen, 1]
        )
        inside = np.flatnonzero((points**2).sum(axis=1) <= radius**2)[:count]
        found[: len(inside), :3] = points[inside]
        found[: len(inside), 3:] = normals[chosen[inside]] / double_area[chosen[inside], None]
        return found


def landmark_patches(sample: Sample, rng: np.random.Generator) -> NDArray[np.float16]:
    """Return (l, 512, 6) pieces of a sample's mesh round its landmarks, to learn from.

    Points within 26 mm, relative to the landmark, mm, and normals, both along the axes of the standard frame; NaN round
    absent landmarks and in rows that the ball does not fill. A sample without mesh raises ValueError.
    """
    if sample.mesh is None:
        raise ValueError("the sample has no mesh")
    cloud = sample.cloud
    source = PatchSource.of(sample.mesh.moved(cloud.to_standard(sample.mesh.vertices) * cloud.scale_mm))
    pieces = np.full((len(sample.landmarks), STORED_POINTS, 6), np.nan, dtype=np.float16)
    for k, landmark in enumerate(sample.landmarks * cloud.scale_mm):
        if np.isfinite(landmark).all():
            pieces[k] = source.around(landmark, STORED_RADIUS_MM, STORED_POINTS, rng)
    return pieces
