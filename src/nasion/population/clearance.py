"""Signed distance of points from the skin: how far inside they lie.

The sign follows the angle-weighted pseudo-normal of the nearest triangle, edge or vertex (Baerentzen & Aanaes, "Signed
distance computation using the angle weighted pseudonormal", IEEE TVCG 11, 2005), so the skin may have an open rim (the
neck): points are judged by the surface nearest to them. What no one sees from outside (inner lips, nostrils, backs of
lids, eyeballs) is left out for this purpose and the holes are patched: bone behind the lips is inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix, lil_matrix, vstack
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from nasion.geometry.surface import FloatArray, IntArray, Mesh

_NEAREST_VERTICES: Final = 4
_LONGEST_HOLE_MM: Final = 250.0
_VIEW_PX: Final = 640
_LEAST_VIEWS: Final = 6
_RING_MM: Final = 3.5
_MARGIN_MM: Final = 4.0


@dataclass(frozen=True, eq=False)
class SkinTopology:
    """The triangles of a skin's outer surface with its holes closed.

    Attributes
    ----------
    faces
        (m, 3); indices beyond the mesh's vertices are those of the patches over holes.
    holes
        (m,) number of the hole that a triangle patches, -1 for skin.
    patches
        (p, n) sparse matrix that gives the patches' vertices from the mesh's.
    incident, starts
        (k,), (n + p + 1,): triangles at each vertex, and where each vertex's list begins.
    neighbours
        (m, 3) triangle across the edge that starts at each corner, -1 at a rim.

    """

    faces: IntArray
    holes: IntArray
    patches: csr_matrix
    incident: IntArray
    starts: IntArray
    neighbours: IntArray

    @classmethod
    def whole(cls, mesh: Mesh) -> SkinTopology:
        """Build from all of a mesh's triangles, holes left open."""
        return cls._patched(mesh, mesh.faces, [])

    @classmethod
    def outer(cls, mesh: Mesh) -> SkinTopology:
        """Build from a face mesh: the outer part of its skin, all holes but the neck's closed."""
        faces = outer_triangles(mesh)
        return cls._patched(mesh, faces, [loop for loop in rims(faces) if _length(mesh, loop) < _LONGEST_HOLE_MM])

    @classmethod
    def _patched(cls, mesh: Mesh, faces: IntArray, holes: list[IntArray]) -> SkinTopology:
        n = len(mesh.vertices)
        patched, blocks = [faces], []
        for hole in holes:
            triangles, weights = _patch(mesh, hole, n + sum(block.shape[0] for block in blocks))
            patched.append(triangles)
            blocks.append(weights)
        number = np.repeat(np.arange(-1, len(holes)), [len(triangles) for triangles in patched]).astype(np.int32)
        faces = np.concatenate(patched).astype(np.int32)
        patches = vstack(blocks, format="csr") if blocks else csr_matrix((0, n))
        corner = np.argsort(faces.ravel(), kind="stable")
        starts = np.searchsorted(faces.ravel()[corner], np.arange(n + patches.shape[0] + 1))
        return cls(
            faces, number, patches, (corner // 3).astype(np.int32), starts.astype(np.int32), _across_edges(faces)
        )


def _patch(mesh: Mesh, rim: IntArray, first: int) -> tuple[IntArray, csr_matrix]:
    """Return triangles over a hole and the weights of their new vertices, which are numbered from ``first``.

    Rings between rim and middle keep the triangles small: a search from the nearest vertices then finds them.
    """
    n = len(rim)
    radius = float(np.linalg.norm(mesh.vertices[rim] - mesh.vertices[rim].mean(axis=0), axis=1).max())
    rings = max(1, int(np.ceil(radius / _RING_MM)))
    numbers = np.concatenate([rim, first + np.arange((rings - 1) * n)]).reshape(rings, n)
    middle = first + (rings - 1) * n
    triangles = [np.stack([np.roll(numbers[-1], -1), numbers[-1], np.full(n, middle)], axis=1)]
    for outer, inner in zip(numbers[:-1], numbers[1:], strict=True):
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
    """Return the triangles of a head's skin that can be seen from outside, as one connected surface."""
    from nasion.geometry.camera import Camera, image_center_px, pose_rotation
    from nasion.geometry.raster import depth_of

    main = largest_part(mesh)
    skin = Mesh(mesh.vertices, main)
    middle = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    size = (_VIEW_PX, _VIEW_PX)
    radius = float(np.linalg.norm(mesh.vertices - middle, axis=1).max())
    distance = 12.0 * radius
    focal = 0.48 * _VIEW_PX * distance / radius
    a, b, c = (mesh.vertices[main[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    views = np.zeros(len(main), dtype=np.int64)
    for yaw in range(0, 360, 30):
        for pitch in (-60, -25, 0, 25):
            rotation = pose_rotation(yaw, -pitch, 0.0)
            camera = Camera(
                rotation, np.array([0.0, 0.0, distance]) - rotation @ middle, focal, image_center_px(size), size
            )
            triangles = np.unique(depth_of(skin, camera)[1])
            triangles = triangles[triangles >= 0]
            facing = ((camera.center_mm - a[triangles]) * normals[triangles]).sum(axis=1) > 0
            views[triangles[facing]] += 1
    # Through a slit such as the mouth's a few views reach far in.
    seen = views >= _LEAST_VIEWS
    neighbours = _across_edges(main)
    for _ in range(2):
        around = np.where(neighbours >= 0, seen[neighbours], False).sum(axis=1)
        seen |= around >= 2
    return _without_margins(mesh, largest_part(Mesh(mesh.vertices, main[seen])))


def _without_margins(mesh: Mesh, faces: IntArray) -> IntArray:
    """Return the triangles away from holes.

    The rim of a slit (closed lips) is folded, and a patch over it would be too; cut back, it is an oval.
    """
    holes = [loop for loop in rims(faces) if _length(mesh, loop) < _LONGEST_HOLE_MM]
    if not holes:
        return faces
    gap = cKDTree(mesh.vertices[np.concatenate(holes)]).query(mesh.vertices[faces].reshape(-1, 3))[0].reshape(-1, 3)
    return largest_part(Mesh(mesh.vertices, faces[(gap > _MARGIN_MM).all(axis=1)]))


def _length(mesh: Mesh, loop: NDArray[Any]) -> float:
    points = mesh.vertices[loop]
    return float(np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1).sum())


class Skin:
    """The skin of one person, ready to be asked how far inside points lie."""

    def __init__(self, topology: SkinTopology, vertices: FloatArray) -> None:
        self.topology = topology
        self.vertices: FloatArray = np.concatenate([vertices, topology.patches @ vertices])
        self._face_normals, self._vertex_normals = _pseudo_normals(self.vertices, topology)
        self._used = np.unique(topology.faces)
        self._tree = cKDTree(self.vertices[self._used])

    def nearest(self, points: FloatArray) -> Nearest:
        """Return the nearest skin point of each of (n, 3) points."""
        near = self._used[self._tree.query(points, k=_NEAREST_VERTICES)[1]].astype(np.int32)
        t = self.topology
        return Nearest(
            *_nearest(
                np.ascontiguousarray(points, dtype=np.float64),
                near,
                self.vertices,
                t.faces,
                t.incident,
                t.starts,
                t.neighbours,
                self._face_normals,
                self._vertex_normals,
            )
        )


@dataclass(frozen=True)
class Nearest:
    """Where (n,) points stand to the skin.

    Attributes
    ----------
    depth_mm
        (n,) distance, positive inside.
    triangle, weights
        (n,) nearest triangle and (n, 3) barycentric place on it.
    normal
        (n, 3) the skin's outward unit pseudo-normal there.

    """

    depth_mm: FloatArray
    triangle: IntArray
    weights: FloatArray
    normal: FloatArray


def _pseudo_normals(vertices: FloatArray, topology: SkinTopology) -> tuple[FloatArray, FloatArray]:
    """Return unit normals of triangles and angle-weighted normals of vertices.

    All triangles of a patch have its mean normal: lids and lips that meet would fold it.
    """
    faces, holes = topology.faces, topology.holes
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    patched = holes >= 0
    if patched.any():
        means = [np.bincount(holes[patched], normals[patched, axis]) for axis in range(3)]
        normals[patched] = np.stack(means, axis=1)[holes[patched]]
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    sums = np.zeros_like(vertices)
    for k in range(3):
        a = corners[:, (k + 1) % 3] - corners[:, k]
        b = corners[:, (k + 2) % 3] - corners[:, k]
        lengths = np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-12)
        angle = np.arccos(np.clip((a * b).sum(axis=1) / lengths, -1.0, 1.0))
        for axis in range(3):
            sums[:, axis] += np.bincount(faces[:, k], angle * normals[:, axis], minlength=len(vertices))
    return normals, sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


@njit(cache=True, nogil=True)
def _nearest(  # noqa: PLR0917
    points: Any,
    near: Any,
    vertices: Any,
    faces: Any,
    incident: Any,
    starts: Any,
    neighbours: Any,
    face_normals: Any,
    vertex_normals: Any,
) -> tuple[Any, Any, Any, Any]:
    n = len(points)
    depth = np.empty(n)
    triangle = np.empty(n, np.int32)
    weights = np.empty((n, 3))
    normal = np.empty((n, 3))
    for i in range(n):
        best = np.inf
        for candidate in range(near.shape[1]):
            vertex = near[i, candidate]
            for at in range(starts[vertex], starts[vertex + 1]):
                t = incident[at]
                a, b, c = vertices[faces[t, 0]], vertices[faces[t, 1]], vertices[faces[t, 2]]
                u, v, w = _closest_weights(points[i], a, b, c)
                square = 0.0
                for axis in range(3):
                    gap = points[i, axis] - (u * a[axis] + v * b[axis] + w * c[axis])
                    square += gap * gap
                if square < best:
                    best = square
                    triangle[i] = t
                    weights[i, 0], weights[i, 1], weights[i, 2] = u, v, w
        t = triangle[i]
        _normal_at(t, weights[i], faces, neighbours, face_normals, vertex_normals, normal[i])
        outward = 0.0
        for axis in range(3):
            foot = 0.0
            for corner in range(3):
                foot += weights[i, corner] * vertices[faces[t, corner], axis]
            outward += (points[i, axis] - foot) * normal[i, axis]
        depth[i] = np.sqrt(best) if outward <= 0.0 else -np.sqrt(best)
    return depth, triangle, weights, normal


@njit(cache=True, nogil=True)
def _normal_at(  # noqa: PLR0917
    t: int, weights: Any, faces: Any, neighbours: Any, face_normals: Any, vertex_normals: Any, out: Any
) -> None:
    """Write the pseudo-normal of the vertex, edge or triangle that a barycentric place lies on."""
    zeros = 0
    for corner in range(3):
        if weights[corner] <= 0.0:
            zeros += 1
    if zeros == 2:
        for corner in range(3):
            if weights[corner] > 0.0:
                out[:] = vertex_normals[faces[t, corner]]
        return
    out[:] = face_normals[t]
    if zeros == 1:
        for corner in range(3):
            if weights[(corner + 2) % 3] <= 0.0:
                across = neighbours[t, corner]
                if across >= 0:
                    out += face_normals[across]
    length = np.sqrt(out[0] ** 2 + out[1] ** 2 + out[2] ** 2)
    if length > 0.0:
        out /= length


@njit(cache=True, nogil=True)
def _dot(a: Any, b: Any) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def _closest_weights(p: Any, a: Any, b: Any, c: Any) -> tuple[float, float, float]:
    """Return the barycentric weights of a triangle's point nearest to p (Ericson, Real-Time Collision Detection, 5.1.5)."""
    ab, ac, ap = b - a, c - a, p - a
    d1, d2 = _dot(ab, ap), _dot(ac, ap)
    if d1 <= 0.0 and d2 <= 0.0:
        return 1.0, 0.0, 0.0
    bp = p - b
    d3, d4 = _dot(ab, bp), _dot(ac, bp)
    if d3 >= 0.0 and d4 <= d3:
        return 0.0, 1.0, 0.0
    vc = d1 * d4 - d3 * d2
    if vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0 and d1 > d3:
        v = d1 / (d1 - d3)
        return 1.0 - v, v, 0.0
    cp = p - c
    d5, d6 = _dot(ab, cp), _dot(ac, cp)
    if d6 >= 0.0 and d5 <= d6:
        return 0.0, 0.0, 1.0
    vb = d5 * d2 - d1 * d6
    if vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0 and d2 > d6:
        w = d2 / (d2 - d6)
        return 1.0 - w, 0.0, w
    va = d3 * d6 - d5 * d4
    if va <= 0.0 and d4 >= d3 and d5 >= d6 and (d4 - d3) + (d5 - d6) > 0.0:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        return 0.0, 1.0 - w, w
    total = va + vb + vc
    if total <= 0.0:
        # a triangle without area
        return 1.0, 0.0, 0.0
    return va / total, vb / total, vc / total
