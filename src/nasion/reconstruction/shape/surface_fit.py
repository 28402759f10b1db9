"""The template's skull drawn onto a skull's surface between the landmarks."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.distance import closest_points
from nasion.geometry.rbf import RbfWarp
from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.clearance import Skin
from nasion.population.skin_shell import SkinShell
from nasion.population.template import Template

_POINTS: Final = 150
_UNDER_SKIN_MM: Final = 14.0
_OUTWARD: Final = 0.6
"""Cosine between bone's and skin's normals above which bone faces the skin."""
_FARTHEST_MM: Final = 8.0
"""Surface farther from the landmarks' warp than this is a gap, a defect or no bone."""
_SAME_SIDE: Final = 0.5
_FROM_LANDMARKS_MM: Final = 2.0
_SMOOTHING_MM: Final = 2.0
_ROUNDS: Final = 3


@lru_cache(maxsize=4)
def outer_shell(template: Template) -> SkinShell:
    """Return the outer skin of a template's face; it is found once."""
    return SkinShell.outer(template.face)


def fitted_to_surface(template: Template, warp: RbfWarp, surface: Mesh) -> RbfWarp:
    """Return a warp that also brings bone under thin skin onto a skull's surface.

    Parameters
    ----------
    template
        Whose skull is bent.
    warp
        By the landmarks, in whose frame ``surface`` stands.
    surface
        The skull as it was given. Where it is more than 8 mm away, or faces another way, the landmarks alone decide.

    """
    points = template.skull.vertices[_superficial(template)]
    far = np.linalg.norm(points[:, None] - warp.centers[None], axis=2).min(axis=1) > _FROM_LANDMARKS_MM
    rows, points = _superficial(template)[far], points[far]
    held, normals = warp(warp.centers), _triangle_normals(surface)
    for _ in range(_ROUNDS):
        skull = warp.mesh(template.skull)
        place, outward = skull.vertices[rows], skull.vertex_normals()[rows]
        foot, distance, triangle = closest_points(surface, place)
        near = (distance < _FARTHEST_MM) & ((normals[triangle] * outward).sum(axis=1) > _SAME_SIDE)
        height = ((foot - place) * outward).sum(axis=1, keepdims=True)
        source = np.concatenate([warp.centers[: len(held)], points[near]])
        target = np.concatenate([held, (place + height * outward)[near]])
        warp = RbfWarp.fit(source, target, smoothing_mm=_SMOOTHING_MM)
    return warp


@lru_cache(maxsize=4)
def _superficial(template: Template) -> NDArray[np.intp]:
    """Return vertices of the template's skull close under the skin, spread evenly (each farthest from those before)."""
    skin = Skin(outer_shell(template), template.face.vertices).nearest(template.skull.vertices)
    faces_skin = (template.skull.vertex_normals() * skin.normal).sum(axis=1) > _OUTWARD
    among = np.flatnonzero((skin.depth_mm < _UNDER_SKIN_MM) & faces_skin)
    places = template.skull.vertices[among]
    chosen = [int(np.argmax(places[:, 2]))]
    gap = np.linalg.norm(places - places[chosen[0]], axis=1)
    while len(chosen) < min(_POINTS, len(among)):
        chosen.append(int(np.argmax(gap)))
        gap = np.minimum(gap, np.linalg.norm(places - places[chosen[-1]], axis=1))
    return among[chosen]


def _triangle_normals(mesh: Mesh) -> FloatArray:
    corners = mesh.vertices[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    unit: FloatArray = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return unit
