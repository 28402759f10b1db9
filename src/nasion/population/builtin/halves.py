"""The left half of a surface: taken from a volume, thinned out, refined in places, mirrored into the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray, IntArray, Mesh
from nasion.population.builtin.sdf import Volume

STEP_MM: Final = 0.005
"""Vertices are whole multiples of this, so that a stored template is exactly the built one."""


def half_surface(volume: Volume) -> Mesh:
    """Return the zero level of a half volume, open in the mid-sagittal plane, where x is exactly 0."""
    from skimage.measure import marching_cubes

    vertices, faces, _, _ = marching_cubes(volume.values, 0.0, spacing=(volume.step_mm,) * 3)  # type: ignore[no-untyped-call]
    return _largest_part(Mesh(vertices.astype(np.float64) + volume.low_mm, faces))


def _largest_part(mesh: Mesh) -> Mesh:
    """Drop bubbles that the sculpting left inside."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = mesh.faces[:, [0, 1]].ravel(), mesh.faces[:, [1, 2]].ravel()
    n = len(mesh.vertices)
    _, label = connected_components(coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n)), directed=False)
    kept = label == np.argmax(np.bincount(label))
    number = np.cumsum(kept) - 1
    return Mesh(mesh.vertices[kept], number[mesh.faces[kept[mesh.faces[:, 0]]]])


def thinned(half: Mesh, triangles: int) -> Mesh:
    """Return the half with about ``triangles`` triangles; the open edge stays in the plane x = 0."""
    from nasion.geometry.decimation import decimate

    reduced = decimate(half, triangles)
    vertices = reduced.vertices.copy()
    vertices[_open_edge(reduced), 0] = 0.0
    return reduced.moved(vertices)


def _edges(faces: IntArray) -> tuple[IntArray, IntArray, NDArray[np.int64]]:
    """Return the unique edges, each triangle side's edge number, (m, 3), and how many triangles share each edge."""
    sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, number, count = np.unique(sides, axis=0, return_inverse=True, return_counts=True)
    return unique, number.reshape(-1, 3).astype(np.int32), count.astype(np.int64)


def _open_edge(mesh: Mesh) -> IntArray:
    unique, _, count = _edges(mesh.faces)
    found: IntArray = np.unique(unique[count == 1])
    return found


def refined(half: Mesh, volume: Volume, target_edge_mm: Callable[[FloatArray], FloatArray], passes: int = 4) -> Mesh:
    """Return the half with every edge split that is longer than wished at its middle, without cracks.

    Parameters
    ----------
    half
        The surface.
    volume
        Its signed distance: new vertices are moved onto the zero level.
    target_edge_mm
        Longest edge wished at (n, 3) places.
    passes
        How often an edge may be halved.

    """
    for _ in range(passes):
        v, f = half.vertices, half.faces
        edges, number, _count = _edges(f)
        middle = (v[edges[:, 0]] + v[edges[:, 1]]) / 2
        split = np.linalg.norm(v[edges[:, 0]] - v[edges[:, 1]], axis=1) > target_edge_mm(middle)
        if not split.any():
            break
        new = np.full(len(edges), -1, dtype=np.int32)
        new[split] = len(v) + np.arange(split.sum(), dtype=np.int32)
        half = Mesh(np.concatenate([v, _onto(volume, middle[split])]), _split_faces(f, new[number]))
    return half


def _split_faces(f: IntArray, m: IntArray) -> IntArray:
    """Return triangles after edges were halved; ``m`` holds the new vertex of each side or -1, (n, 3)."""
    count = (m >= 0).sum(axis=1)
    # turn each triangle so that its first split side comes first, and of two the unsplit one last
    first = np.where(count == 2, (np.argmin(m >= 0, axis=1) + 1) % 3, np.argmax(m >= 0, axis=1))
    turn = (first[:, None] + np.arange(3)) % 3
    f, m = np.take_along_axis(f, turn, 1), np.take_along_axis(m, turn, 1)
    a, b, c = f.T
    ab, bc, ca = m.T
    pieces = [f[count == 0]]
    for wanted, triangles in (
        (1, ((a, ab, c), (ab, b, c))),
        (2, ((ab, b, bc), (a, ab, bc), (a, bc, c))),
        (3, ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))),
    ):
        pieces += [np.stack(t, axis=1)[count == wanted] for t in triangles]
    return np.concatenate(pieces).astype(np.int32)


def _onto(volume: Volume, points: FloatArray) -> FloatArray:
    """Move points near the surface onto it along the gradient; those in the plane x = 0 stay in it."""
    h = volume.step_mm / 2
    midline = points[:, 0] == 0
    for _ in range(2):
        steps = h * np.eye(3)
        gradient = np.stack([volume.sample(points + e) - volume.sample(points - e) for e in steps], axis=1) / (2 * h)
        gradient[midline, 0] = 0
        size = np.maximum((gradient**2).sum(axis=1), 0.25)
        points = points - np.clip(volume.sample(points) / size, -0.3, 0.3)[:, None] * gradient
    return points


def rounded(half: Mesh) -> Mesh:
    """Return the half with its vertices at whole multiples of ``STEP_MM``."""
    return half.moved(np.round(half.vertices / STEP_MM) * STEP_MM)


def mirrored(half: Mesh) -> Mesh:
    """Return the whole: the half, then its mirror image; vertices in the plane x = 0 are shared."""
    v, n = half.vertices, len(half.vertices)
    off = v[:, 0] != 0
    partner = np.arange(n)
    partner[off] = n + np.arange(off.sum())
    return Mesh(np.concatenate([v, v[off] * [-1, 1, 1]]), np.concatenate([half.faces, partner[half.faces][:, ::-1]]))


def mirrored_rows(half: Mesh, rows: FloatArray) -> FloatArray:
    """Return one row a vertex of the whole from one row a vertex of the half."""
    return np.concatenate([rows, rows[half.vertices[:, 0] != 0]])
