"""Triangles wound counter-clockwise seen from outside, on meshes whose winding is mixed or inverted."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray, Mesh

_FLAT: Final = 1e-4
"""Volume over area^1.5 (a sphere has 0.09) below which a piece has no inside."""
_HULLS: Final = 64
"""How many of the largest pieces are asked whether they hold another."""


def oriented_outward(mesh: Mesh) -> Mesh:
    """Return the mesh with its triangles wound alike across shared edges and outward.

    Each connected piece is made consistent first, then turned so that the volume between it and its own centroid is
    positive: a closed piece gets normals that point out, an open one (a face scan) normals that point away from its
    hollow side. A piece that is consistent, encloses a negative volume and lies inside the box of a larger one is a
    cavity of it (the inside of the braincase) and stays. Flat pieces, which have no inside, stay too. Edges of
    more than two triangles join nothing; equal vertices must have been merged.
    """
    if len(mesh.faces) == 0:
        return mesh
    flip, piece, mixed = _flooded(mesh.faces, *_faces_at_vertices(mesh.faces, len(mesh.vertices)))
    faces = np.where(flip[:, None], mesh.faces[:, ::-1], mesh.faces) if flip.any() else mesh.faces
    volume, low, high, area = _piece_measures(mesh.vertices, faces, piece, int(piece.max()) + 1)
    inward = volume < -_FLAT * area**1.5
    large = np.argsort(-area, kind="stable")[:_HULLS]
    for k in np.flatnonzero(inward & ~mixed):
        around = (area[large] > area[k]) & (low[large] < low[k]).all(axis=1) & (high[large] > high[k]).all(axis=1)
        inward[k] = not around.any()
    turn = inward[piece]
    if not (turn.any() or flip.any()):
        return mesh
    return Mesh(mesh.vertices, np.where(turn[:, None], faces[:, ::-1], faces))


def _piece_measures(
    vertices: FloatArray, faces: NDArray[np.int32], piece: NDArray[np.int64], count: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return by piece: signed volume about its centroid, the low and the high corner of its box, area."""
    volume, area = np.zeros(count), np.zeros(count)
    low, high, centroid = np.full((count, 3), np.inf), np.full((count, 3), -np.inf), np.zeros((count, 3))
    _measure(vertices, faces, piece, volume, area, low, high, centroid)
    return volume, low, high, area


@njit(cache=True, nogil=True)
def _faces_at_vertices(faces: Any, count: int) -> Any:
    """Return the triangles at each vertex: those of vertex v are ``around[start[v]:start[v + 1]]``."""
    start = np.zeros(count + 1, dtype=np.int64)
    for f in range(len(faces)):
        for k in range(3):
            start[faces[f, k] + 1] += 1
    for v in range(count):
        start[v + 1] += start[v]
    place = start[:-1].copy()
    around = np.empty(3 * len(faces), dtype=np.int32)
    for f in range(len(faces)):
        for k in range(3):
            v = faces[f, k]
            around[place[v]] = f
            place[v] += 1
    return start, around


@njit(cache=True, nogil=True)
def _flooded(faces: Any, start: Any, around: Any) -> Any:
    """Return by triangle whether it must be reversed to agree with its piece's first, and the piece's number.

    The third array tells by piece whether any was reversed. A piece that could be wound either way keeps the sense of
    the majority of its triangles.
    """
    m = len(faces)
    flip = np.zeros(m, dtype=np.bool_)
    piece = np.full(m, -1, dtype=np.int64)
    mixed = np.zeros(m, dtype=np.bool_)
    queue = np.empty(m, dtype=np.int32)
    count = 0
    for seed in range(m):
        if piece[seed] >= 0:
            continue
        head, tail, reversed_ones = 0, 1, 0
        queue[0] = seed
        piece[seed] = count
        while head < tail:
            f = queue[head]
            head += 1
            for k in range(3):
                a, b = faces[f, k], faces[f, (k + 1) % 3]
                other, uses, same = -1, 0, False
                for j in range(start[a], start[a + 1]):
                    g = around[j]
                    if g == f:
                        continue
                    for i in range(3):
                        if faces[g, i] == a and faces[g, (i + 1) % 3] == b:
                            other, uses, same = g, uses + 1, True
                        elif faces[g, i] == b and faces[g, (i + 1) % 3] == a:
                            other, uses, same = g, uses + 1, False
                if uses != 1 or piece[other] >= 0:
                    continue
                piece[other] = count
                flip[other] = flip[f] != same
                reversed_ones += flip[other]
                queue[tail] = other
                tail += 1
        mixed[count] = reversed_ones > 0
        if 2 * reversed_ones > tail:
            for i in range(tail):
                flip[queue[i]] = not flip[queue[i]]
        count += 1
    return flip, piece, mixed[:count]


@njit(cache=True, nogil=True)
def _measure(vertices: Any, faces: Any, piece: Any, volume: Any, area: Any, low: Any, high: Any, centroid: Any) -> None:
    for turn in range(2):
        for f in range(len(faces)):
            p = piece[f]
            a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
            ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
            vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
            nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
            if turn == 0:
                size = 0.5 * np.sqrt(nx * nx + ny * ny + nz * nz)
                area[p] += size
                for i in range(3):
                    centroid[p, i] += size * (a[i] + b[i] + c[i]) / 3.0
                    low[p, i] = min(low[p, i], a[i], b[i], c[i])
                    high[p, i] = max(high[p, i], a[i], b[i], c[i])
            else:
                x, y, z = a[0] - centroid[p, 0], a[1] - centroid[p, 1], a[2] - centroid[p, 2]
                volume[p] += (x * nx + y * ny + z * nz) / 6.0
        if turn == 0:
            for p in range(len(area)):
                if area[p] > 0.0:
                    for i in range(3):
                        centroid[p, i] /= area[p]
