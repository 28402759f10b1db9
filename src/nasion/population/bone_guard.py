"""Facial landmarks keep off the bone."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from nasion.geometry.surface import FloatArray, Mesh

LEAST_TISSUE_MM: Final = 2.0
"""A facial landmark lies at least this far from the bone: more than the clearance, so that the repair spares it."""


class BoneGuard:
    """Moves points away from a skull that is nearer than ``LEAST_TISSUE_MM`` or covers them."""

    def __init__(self, skull: Mesh) -> None:
        self._vertices = skull.vertices
        self._normals = skull.vertex_normals()
        self._tree = cKDTree(skull.vertices)

    def lifted(self, points: FloatArray) -> FloatArray:
        """Return (n, 3) points of which none is too near the bone."""
        nearest = np.asarray(self._tree.query(points)[1])
        outward = self._normals[nearest]
        height = ((points - self._vertices[nearest]) * outward).sum(axis=1)
        lifted: FloatArray = points + np.maximum(LEAST_TISSUE_MM - height, 0.0)[:, None] * outward
        return lifted
