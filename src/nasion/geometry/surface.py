"""The triangle mesh that all packages exchange."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh.

    Attributes
    ----------
    vertices
        (n, 3) float64, millimetres, head axes: +X subject's left, +Y up, +Z front.
    faces
        (m, 3) int32 vertex indices, counter-clockwise seen from outside.

    """

    vertices: FloatArray
    faces: IntArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", np.ascontiguousarray(self.vertices, dtype=np.float64).reshape(-1, 3))
        object.__setattr__(self, "faces", np.ascontiguousarray(self.faces, dtype=np.int32).reshape(-1, 3))

    def moved(self, vertices: FloatArray) -> Mesh:
        """Return the same triangles over other vertices, (n, 3) mm."""
        return Mesh(vertices, self.faces)

    def transformed(self, rotation: FloatArray, translation_mm: FloatArray) -> Mesh:
        """Return the mesh under ``x -> rotation @ x + translation_mm``."""
        return self.moved(self.vertices @ np.asarray(rotation).T + translation_mm)

    def vertex_normals(self) -> FloatArray:
        """Return (n, 3) area-weighted unit normals; zero where a vertex has no triangle."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        face_normals = np.cross(b - a, c - a)
        normals = np.zeros_like(self.vertices)
        for k in range(3):
            for axis in range(3):
                normals[:, axis] += np.bincount(
                    self.faces[:, k], weights=face_normals[:, axis], minlength=len(self.vertices)
                )
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        unit: FloatArray = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
        return unit
