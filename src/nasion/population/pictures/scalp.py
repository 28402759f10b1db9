"""A template's skin without the hair that is painted on it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, diags
from scipy.spatial import cKDTree

from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.template import Template

_DARKER: Final = 0.86
"""Skin above the brows that is darker than this share of the forehead's brightness counts as hair."""
_BROWS_MM: Final = 9.0
"""Brows end at most so far above glabella,"""
_EYES_MM: Final = 54.0
"""and lie, as the eyes do, at least so far in front of the ear openings."""
_SPREAD_STEPS: Final = 6


def bald_albedo(template: Template) -> FloatArray:
    """Return (n, 3) sRGB colours of the face with painted hair replaced by the forehead's skin.

    Hair is what is much darker than the forehead above the brows or behind the eyes. Brows stay.
    """
    v, albedo = template.face.vertices, template.face_albedo
    glabella, metopion = template.facial["glabella"], template.facial["metopion"]
    forehead_place = (glabella + 2 * metopion) / 3
    near = np.asarray(cKDTree(v).query(forehead_place, k=40)[1])
    forehead = np.median(albedo[near], axis=0)
    behind_eyes = v[:, 2] < template.cranial_helpers["porion_left"][2] + _EYES_MM
    scalp = (v[:, 1] > glabella[1] + _BROWS_MM) | behind_eyes
    dark = scalp & (albedo.mean(axis=1) < _DARKER * forehead.mean())
    share = np.where(scalp, _spread(template.face, dark), 0.0)
    bald: FloatArray = albedo + share[:, None] * (forehead - albedo)
    return bald


def _spread(face: Mesh, dark: NDArray[np.bool_]) -> FloatArray:
    """Return 1 on marked vertices, falling softly to 0 over the next few."""
    f, n = face.faces, len(face.vertices)
    shape = (n, n)
    links = coo_matrix((np.ones(3 * len(f)), (f.T.ravel(), np.roll(f, -1, axis=1).T.ravel())), shape=shape).tocsr()
    mean = diags(1.0 / np.maximum(np.asarray(links.sum(axis=1)).ravel(), 1.0)) @ links
    share = dark.astype(np.float64)
    for _ in range(_SPREAD_STEPS):
        share = np.maximum(dark, np.asarray(mean @ share))
    return np.clip(2.0 * share, 0.0, 1.0)
