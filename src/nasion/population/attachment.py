"""Named points that ride on a face's triangles, whatever becomes of its vertices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nasion.geometry.distance import closest_points
from nasion.geometry.surface import FloatArray, IntArray, Mesh
from nasion.population.clearance import barycentric_weights
from nasion.population.template import Points


@dataclass(frozen=True, eq=False)
class Attachment:
    """Where named points sit on a mesh.

    Attributes
    ----------
    names
        Of the points.
    corners
        (n, 3) vertices of the triangle of each.
    weights
        (n, 3) their shares; each row's sum is 1.

    """

    names: tuple[str, ...]
    corners: IntArray
    weights: FloatArray

    @classmethod
    def of(cls, face: Mesh, points: Points, names: Sequence[str]) -> Attachment:
        """Attach the named points to the triangles nearest to them."""
        foot, _, triangle = closest_points(face, np.array([points[name] for name in names]).reshape(-1, 3))
        corners = face.faces[triangle]
        weights = barycentric_weights(foot, face.vertices[corners])
        return cls(tuple(names), corners, weights / weights.sum(axis=1, keepdims=True))

    def points(self, values: FloatArray) -> FloatArray:
        """Return (n, d) values at the points from (v, d) values at a face's vertices, e.g. their places."""
        placed: FloatArray = np.einsum("nk,nkd->nd", self.weights, values[self.corners])
        return placed
