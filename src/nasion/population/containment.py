"""The repair that keeps a skull inside its skin: thin tissue would push bone through."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix, diags
from scipy.spatial import cKDTree

from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.clearance import Skin
from nasion.population.skin_shell import SkinShell

LEAST_CLEARANCE_MM: Final = 1.0

_SPARE_MM: Final = 0.6
_REACH_MM: Final = 9.0
_LANDMARK_GUARD_MM: Final = 7.0
_CELL_MM: Final = 3.0
_GUARDED_ROUNDS: Final = 3
_ROUNDS: Final = 14
_NEAR_MM: Final = 9.0
_SUPERFICIAL_MM: Final = 22.0


class Container:
    """Pushes a face outwards until it holds a skull.

    Parameters
    ----------
    face
        The template's face; people share its triangles.
    skull
        The template's skull, or one person's whose face this is.
    shell
        Outer skin of the template, where it is at hand; found on ``face`` where it is None.

    """

    def __init__(self, face: Mesh, skull: Mesh, shell: SkinShell | None = None) -> None:
        self.shell = shell or SkinShell.outer(face)
        self._smoother = _smoother(face)
        depth = Skin(self.shell, face.vertices).nearest(skull.vertices).depth_mm
        # A bone point far below the skin of the template stays below it in every person.
        self._outer = np.flatnonzero(depth < _SUPERFICIAL_MM)

    def clearance_mm(self, face: FloatArray, skull: FloatArray) -> FloatArray:
        """Return each skull vertex's depth under the skin, (n,) mm; vertices deep inside may be left at infinity."""
        depth = np.full(len(skull), np.inf)
        depth[self._outer] = Skin(self.shell, face).nearest(skull[self._outer]).depth_mm
        return depth

    def contained(self, face: FloatArray, skull: FloatArray, landmarks: FloatArray) -> FloatArray | None:
        """Return (n, 3) face vertices under which every skull vertex lies by ``LEAST_CLEARANCE_MM``.

        None where no push achieves it. Places near ``landmarks`` (k, 3) are pushed only where nothing else helps.
        """
        bone = skull[self._outer]
        guard = np.asarray(cKDTree(landmarks).query(face)[0])
        free = 1.0 - np.exp(-0.5 * (guard / _LANDMARK_GUARD_MM) ** 2)
        for attempt in range(_ROUNDS):
            near = Skin(self.shell, face).nearest(bone)
            if near.depth_mm.min() >= LEAST_CLEARANCE_MM:
                return face
            lack, foot, normal = _lack(near.depth_mm), near.foot, near.normal
            wanting = lack > 0
            push = self._push(face, foot[wanting], lack[wanting], normal[wanting])
            face = face + (push * free[:, None] if attempt < _GUARDED_ROUNDS else push)
            bone = bone[near.depth_mm < _NEAR_MM]
        return None

    def _push(self, face: FloatArray, feet: FloatArray, lack: FloatArray, normal: FloatArray) -> FloatArray:
        """Return a smooth (n, 3) displacement that answers the lacks at their feet."""
        kept = _strongest_per_cell(feet, lack)
        push = np.zeros_like(face)
        _spread(face, feet[kept], lack[kept], normal[kept], _REACH_MM, push)
        for _ in range(2):
            push = self._smoother @ push
        return push


def _lack(depth: FloatArray) -> FloatArray:
    return np.where(depth < LEAST_CLEARANCE_MM + 0.5 * _SPARE_MM, LEAST_CLEARANCE_MM + _SPARE_MM - depth, 0.0)


def _strongest_per_cell(feet: FloatArray, lack: FloatArray) -> NDArray[np.intp]:
    """Return the indices of the greatest lack in each cell of a grid."""
    order = np.argsort(-lack, kind="stable")
    cells = np.floor(feet[order] / _CELL_MM).astype(np.int64)
    first = np.unique(cells, axis=0, return_index=True)[1]
    return order[np.sort(first)]


def _smoother(mesh: Mesh) -> csr_matrix:
    """Return the matrix that mixes each vertex's value half and half with its neighbours' mean."""
    f, n = mesh.faces, len(mesh.vertices)
    rows = np.concatenate([f[:, 0], f[:, 1], f[:, 2], f[:, 1], f[:, 2], f[:, 0]])
    columns = np.concatenate([f[:, 1], f[:, 2], f[:, 0], f[:, 0], f[:, 1], f[:, 2]])
    adjacency = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(n, n)).tocsr()
    adjacency.data[:] = 1.0
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    half = diags(np.divide(0.5, degree, out=np.zeros(n), where=degree > 0))
    own = diags(np.where(degree > 0, 0.5, 1.0))
    return csr_matrix(half @ adjacency + own)


@njit(cache=True, nogil=True)
def _spread(vertices: Any, feet: Any, lack: Any, normal: Any, reach: float, push: Any) -> None:
    """Give each vertex the strongest lack within reach, faded with distance, along the mean of their normals."""
    limit = 9.0 * reach * reach
    for i in range(len(vertices)):
        strongest = 0.0
        x, y, z = 0.0, 0.0, 0.0
        for k in range(len(feet)):
            dx = vertices[i, 0] - feet[k, 0]
            dy = vertices[i, 1] - feet[k, 1]
            dz = vertices[i, 2] - feet[k, 2]
            square = dx * dx + dy * dy + dz * dz
            if square > limit:
                continue
            force = lack[k] * np.exp(-0.5 * square / (reach * reach))
            strongest = max(strongest, force)
            x += force * normal[k, 0]
            y += force * normal[k, 1]
            z += force * normal[k, 2]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0.0:
            push[i, 0] = strongest * x / length
            push[i, 1] = strongest * y / length
            push[i, 2] = strongest * z / length
