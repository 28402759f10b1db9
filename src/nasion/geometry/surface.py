"""The triangle mesh that all packages exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
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
        normals = np.zeros_like(self.vertices)
        _add_face_normals(self.vertices, self.faces, normals)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        unit: FloatArray = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
        return unit


@njit(cache=True, nogil=True)
def _add_face_normals(vertices: Any, faces: Any, normals: Any) -> None:
    """Add each triangle's normal, as long as twice its area, to its corners."""
    for f in range(len(faces)):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = (vertices[j, 0] - vertices[i, 0], vertices[j, 1] - vertices[i, 1], vertices[j, 2] - vertices[i, 2])
        bx, by, bz = (vertices[k, 0] - vertices[i, 0], vertices[k, 1] - vertices[i, 1], vertices[k, 2] - vertices[i, 2])
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for c in (i, j, k):
            normals[c, 0] += nx
            normals[c, 1] += ny
            normals[c, 2] += nz
