"""How far inside its skin a point lies.

The sign follows the angle-weighted pseudo-normal of the nearest triangle, edge or vertex (Baerentzen & Aanaes, "Signed
distance computation using the angle weighted pseudonormal", IEEE TVCG 11, 2005), so the skin may have an open rim (the
neck): points are judged by the surface nearest to them. ``geometry.distance`` does the same for any mesh; here patches
over holes have a normal of their own, since lids and lips that meet would fold them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nasion.geometry.distance import closest_points
from nasion.geometry.surface import FloatArray, IntArray, Mesh
from nasion.population.skin_shell import SkinShell

_ON_EDGE: Final = 1e-6


@dataclass(frozen=True)
class Nearest:
    """Where (n,) points stand to the skin.

    Attributes
    ----------
    depth_mm
        (n,) distance, positive inside.
    foot
        (n, 3) nearest skin point.
    normal
        (n, 3) the skin's outward unit pseudo-normal there.

    """

    depth_mm: FloatArray
    foot: FloatArray
    normal: FloatArray


class Skin:
    """The outer skin of one person, ready to be asked how far inside points lie.

    Parameters
    ----------
    shell
        Of the template.
    vertices
        (n, 3) of the person's face mesh.

    """

    def __init__(self, shell: SkinShell, vertices: FloatArray) -> None:
        self._shell = shell
        self._mesh = Mesh(np.concatenate([vertices, shell.patches @ vertices]), shell.faces)
        self._face_normals, self._vertex_normals = _pseudo_normals(self._mesh.vertices, shell)

    def nearest(self, points: FloatArray) -> Nearest:
        """Return the nearest skin point of each of (n, 3) points."""
        foot, distance, triangle = closest_points(self._mesh, points)
        weights = barycentric_weights(foot, self._mesh.vertices[self._shell.faces[triangle]])
        normal = self._normals_at(triangle, weights)
        outside = _dots(points - foot, normal) > 0
        return Nearest(np.where(outside, -distance, distance), foot, normal)

    def _normals_at(self, triangle: IntArray, weights: FloatArray) -> FloatArray:
        normals = self._face_normals[triangle].copy()
        away = weights <= _ON_EDGE
        for corner in range(3):
            # Edge ``corner`` runs from this corner to the next: the third corner has no weight on it.
            rows = np.flatnonzero(away[:, (corner + 2) % 3])
            across = self._shell.neighbours[triangle[rows], corner]
            normals[rows[across >= 0]] += self._face_normals[across[across >= 0]]
        rows = np.flatnonzero(away.sum(axis=1) == 2)
        normals[rows] = self._vertex_normals[self._shell.faces[triangle[rows], weights[rows].argmax(axis=1)]]
        unit: FloatArray = normals / np.maximum(_lengths(normals)[:, None], 1e-12)
        return unit


def barycentric_weights(points: FloatArray, corners: FloatArray) -> FloatArray:
    """Return (n, 3) weights of points in the planes of (n, 3, 3) triangles (Ericson, Real-Time Collision Detection)."""
    a, b, p = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], points - corners[:, 0]
    aa, ab, bb, pa, pb = _dots(a, a), _dots(a, b), _dots(b, b), _dots(p, a), _dots(p, b)
    area = np.maximum(aa * bb - ab * ab, 1e-24)
    v, w = (bb * pa - ab * pb) / area, (aa * pb - ab * pa) / area
    weights: FloatArray = np.clip(np.stack([1.0 - v - w, v, w], axis=1), 0.0, 1.0)
    return weights


def _pseudo_normals(vertices: FloatArray, shell: SkinShell) -> tuple[FloatArray, FloatArray]:
    """Return unit normals of triangles and angle-weighted normals of vertices.

    All triangles of a patch have its mean normal: lids and lips that meet would fold it.
    """
    faces, holes = shell.faces, shell.holes
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    patched = holes >= 0
    if patched.any():
        means = [np.bincount(holes[patched], normals[patched, axis]) for axis in range(3)]
        normals[patched] = np.stack(means, axis=1)[holes[patched]]
    normals /= np.maximum(_lengths(normals)[:, None], 1e-12)
    sums = np.zeros_like(vertices)
    for k in range(3):
        a = corners[:, (k + 1) % 3] - corners[:, k]
        b = corners[:, (k + 2) % 3] - corners[:, k]
        lengths = np.maximum(_lengths(a) * _lengths(b), 1e-12)
        angle = np.arccos(np.clip(_dots(a, b) / lengths, -1.0, 1.0))
        for axis in range(3):
            sums[:, axis] += np.bincount(faces[:, k], angle * normals[:, axis], minlength=len(vertices))
    vertex_normals: FloatArray = sums / np.maximum(_lengths(sums)[:, None], 1e-12)
    return normals, vertex_normals


def _dots(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the rows' inner products; einsum is several times faster than a sum over so short an axis."""
    dots: FloatArray = np.einsum("nd,nd->n", a, b)
    return dots


def _lengths(a: FloatArray) -> FloatArray:
    return np.sqrt(_dots(a, a))
