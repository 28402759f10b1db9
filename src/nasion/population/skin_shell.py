"""The outer surface of a head's skin: what is seen from outside, with its holes patched.

Inner lips, nostrils, backs of lids and eyeballs are left out and the holes are closed, so that bone behind the lips
counts as inside. The neck stays open.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix, lil_matrix, vstack
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.raster import depth_of
from nasion.geometry.surface import IntArray, Mesh
from nasion.geometry.visibility import visible_in_depth

_LONGEST_HOLE_MM: Final = 250.0
_VIEW_PX: Final = 640
_LEAST_VIEWS: Final = 6
_SEEN_MM: Final = 1.0
_RING_MM: Final = 3.5
_MARGIN_MM: Final = 4.0


@dataclass(frozen=True, eq=False)
class SkinShell:
    """The triangles of a skin's outer surface with its holes closed.

    Attributes
    ----------
    faces
        (m, 3); indices beyond the mesh's vertices are those of the patches over holes.
    holes
        (m,) number of the hole that a triangle patches, -1 for skin.
    patches
        (p, n) sparse matrix that gives the patches' vertices from the mesh's.
    neighbours
        (m, 3) triangle across the edge that starts at each corner, -1 at a rim.

    """

    faces: IntArray
    holes: IntArray
    patches: csr_matrix
    neighbours: IntArray

    @classmethod
    def outer(cls, mesh: Mesh) -> SkinShell:
        """Build from a face mesh: the outer part of its skin, all holes but the neck's closed."""
        faces = outer_triangles(mesh)
        return cls._patched(mesh, faces, [loop for loop in rims(faces) if _length(mesh, loop) < _LONGEST_HOLE_MM])

    @classmethod
    def _patched(cls, mesh: Mesh, faces: IntArray, holes: list[IntArray]) -> SkinShell:
        n = len(mesh.vertices)
        patched: list[IntArray] = [faces]
        blocks: list[csr_matrix] = []
        for hole in holes:
            triangles, weights = _patch(mesh, hole, n + sum(block.shape[0] for block in blocks))
            patched.append(triangles)
            blocks.append(weights)
        number = np.repeat(np.arange(-1, len(holes)), [len(triangles) for triangles in patched]).astype(np.int32)
        faces = np.concatenate(patched).astype(np.int32)
        patches = vstack(blocks, format="csr") if blocks else csr_matrix((0, n))
        return cls(faces, number, patches, _across_edges(faces))


def _patch(mesh: Mesh, rim: IntArray, first: int) -> tuple[IntArray, csr_matrix]:
    """Return triangles over a hole and the weights of their new vertices, which are numbered from ``first``.

    Rings between rim and middle keep the triangles small.
    """
    n = len(rim)
    radius = float(np.linalg.norm(mesh.vertices[rim] - mesh.vertices[rim].mean(axis=0), axis=1).max())
    rings = max(1, int(np.ceil(radius / _RING_MM)))
    numbers = np.concatenate([rim, first + np.arange((rings - 1) * n)]).reshape(rings, n)
    middle = first + (rings - 1) * n
    triangles = [np.stack([np.roll(numbers[-1], -1), numbers[-1], np.full(n, middle)], axis=1)]
    for outer, inner in pairwise(numbers):
        after = np.roll(outer, -1)
        triangles += [np.stack([after, outer, inner], axis=1), np.stack([after, inner, np.roll(inner, -1)], axis=1)]
    weights = lil_matrix((middle + 1 - first, len(mesh.vertices)))
    for ring in range(1, rings):
        rows = (ring - 1) * n + np.arange(n)
        weights[np.repeat(rows, n), np.tile(rim, n)] = ring / rings / n
        weights[rows, rim] = 1.0 - ring / rings + ring / rings / n
    weights[middle - first, rim] = 1.0 / n
    return np.concatenate(triangles).astype(np.int32), csr_matrix(weights)


def largest_part(mesh: Mesh) -> IntArray:
    """Return the triangles of the mesh's part with the most triangles."""
    f = mesh.faces
    n = len(mesh.vertices)
    links = coo_matrix((np.ones(2 * len(f)), (f[:, [0, 1]].T.ravel(), f[:, [1, 2]].T.ravel())), shape=(n, n))
    labels = connected_components(links, directed=False)[1][f[:, 0]]
    largest: IntArray = f[labels == np.bincount(labels).argmax()]
    return largest


def _edges(faces: IntArray) -> IntArray:
    """Return (3 m, 2) directed edges; edge ``3 t + c`` starts at corner c of triangle t."""
    return np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)


def _across_edges(faces: IntArray) -> IntArray:
    edges = _edges(faces).astype(np.int64)
    size = int(faces.max()) + 1
    own = edges[:, 0] * size + edges[:, 1]
    opposite = edges[:, 1] * size + edges[:, 0]
    order = np.argsort(own, kind="stable")
    place = np.minimum(np.searchsorted(own[order], opposite), len(own) - 1)
    found = own[order][place] == opposite
    return np.where(found, order[place] // 3, -1).reshape(-1, 3).astype(np.int32)


def rims(faces: IntArray) -> list[IntArray]:
    """Return the vertex loops along which the surface is open, in the direction of its edges."""
    edges = _edges(faces)
    following: dict[int, list[int]] = {}
    for a, b in edges[_across_edges(faces).ravel() < 0].tolist():
        following.setdefault(a, []).append(b)
    loops = []
    while following:
        path = [next(iter(following))]
        while path[-1] in following:
            targets = following[path[-1]]
            vertex = targets.pop()
            if not targets:
                del following[path[-1]]
            if vertex in path:
                # Where two rims touch in a vertex, the one that has just closed is cut off.
                start = path.index(vertex)
                if len(path) - start > 2:
                    loops.append(np.array(path[start:], dtype=np.int32))
                del path[start + 1 :]
            else:
                path.append(vertex)
    return loops


def outer_triangles(mesh: Mesh) -> IntArray:
    """Return the triangles of a head's skin that can be seen from outside, as one connected surface.

    A skin without holes but the neck's is returned whole.
    """
    main = largest_part(mesh)
    if not any(_length(mesh, loop) < _LONGEST_HOLE_MM for loop in rims(main)):
        return main
    # Through a slit such as the mouth's a few views reach far in.
    seen = _views_of(Mesh(mesh.vertices, main)) >= _LEAST_VIEWS
    neighbours = _across_edges(main)
    for _ in range(2):
        around = np.where(neighbours >= 0, seen[neighbours], False).sum(axis=1)
        seen |= around >= 2
    return _without_margins(mesh, largest_part(Mesh(mesh.vertices, main[seen])))


def _views_of(skin: Mesh) -> NDArray[np.int64]:
    """Return from how many directions, above the horizon and below, each triangle's middle is seen, (m,)."""
    corners = skin.vertices[skin.faces]
    middles = corners.mean(axis=1)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    center = (skin.vertices.min(axis=0) + skin.vertices.max(axis=0)) / 2
    radius = float(np.linalg.norm(skin.vertices - center, axis=1).max())
    distance = 12.0 * radius
    size = (_VIEW_PX, _VIEW_PX)
    views = np.zeros(len(skin.faces), dtype=np.int64)
    for yaw in range(0, 360, 30):
        for pitch in (-25, 0, 25, 60):
            rotation = pose_rotation(yaw, pitch, 0.0)
            offset = np.array([0.0, 0.0, distance]) - rotation @ center
            camera = Camera(rotation, offset, 0.48 * _VIEW_PX * distance / radius, image_center_px(size), size)
            facing = ((camera.center_mm - middles) * normals).sum(axis=1) > 0
            views += facing & visible_in_depth(middles, depth_of(skin, camera)[0], camera, _SEEN_MM)
    return views


def _without_margins(mesh: Mesh, faces: IntArray) -> IntArray:
    """Return the triangles away from holes.

    The rim of a slit (closed lips) is folded, and a patch over it would be too; cut back, it is an oval.
    """
    holes = [loop for loop in rims(faces) if _length(mesh, loop) < _LONGEST_HOLE_MM]
    if not holes:
        return faces
    points = mesh.vertices[faces].reshape(-1, 3)
    gap = np.asarray(cKDTree(mesh.vertices[np.concatenate(holes)]).query(points)[0]).reshape(-1, 3)
    return largest_part(Mesh(mesh.vertices, faces[(gap > _MARGIN_MM).all(axis=1)]))


def _length(mesh: Mesh, loop: NDArray[Any]) -> float:
    points = mesh.vertices[loop]
    return float(np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1).sum())
