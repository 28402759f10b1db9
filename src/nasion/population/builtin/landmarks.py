"""Where the built-in template's landmarks are: anchors that the surfaces are drawn through, then rules on the surface.

An anchor is a place of the left side or the midline, mm. Facial anchors lie at the cranial ones plus about the mean
tissue vector (``anatomy/data/tissue.json``). Extremal landmarks follow their definition on the finished mesh.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from nasion.anatomy.landmarks import side
from nasion.geometry.surface import FloatArray, Mesh

Anchors = Mapping[str, tuple[float, float, float]]

CRANIUM: Final[Anchors] = {
    "nasion": (0, 27.5, 89.8),
    "glabella": (0, 40, 94.3),
    "metopion": (0, 72, 87.5),
    "bregma": (0, 117, 18),
    "subspinale": (0, -31, 91.5),
    "prosthion": (0, -42, 93.7),
    "ectoconchion_left": (48.4, 15, 70.2),
    "dacryon_left": (11.5, 23, 80),
    "zygion_left": (65.3, 0, 33),
    "frontotemporale_left": (48.5, 43, 70.8),
    "alare_left": (12, -14.5, 81.2),
    "porion_left": (59.5, 0, 0),
    "orbitale_left": (32, 0, 77.8),
    "rhinion": (0, 8.4, 95.3),
}
MANDIBLE: Final[Anchors] = {
    "pogonion": (0, -82, 90),
    "gnathion": (0, -89.5, 87),
    "gonion_left": (48.5, -67, 17),
    "infradentale": (0, -60.5, 90.5),
    "mental_foramen_left": (25, -74, 71.5),
}
FACE: Final[Anchors] = {
    "nasion": (0, 27.7, 96.3),
    "glabella": (0, 41.2, 99),
    "metopion": (0, 73.6, 91.6),
    "bregma": (0, 121, 18.5),
    "subnasale": (0, -27.2, 108.6),
    "labiale_superius": (0, -43.6, 108.2),
    "pogonion": (0, -81, 101),
    "gnathion": (0, -95, 91.5),
    "exocanthion_left": (46.3, 16.9, 77.6),
    "endocanthion_left": (16.4, 15, 82.5),
    "zygion_left": (73.7, 0, 33),
    "frontotemporale_left": (52, 43.5, 73.4),
    "alare_left": (18.6, -16.5, 96.4),
    "gonion_left": (61.5, -68, 16),
    "tragion_left": (76.3, 2.5, 4),
    "orbitale_left": (32, 0, 86),
    "cheilion_left": (25.6, -49.3, 95),
    "pronasale": (0, -12.5, 120),
}
PINNED_WIDTH_MM: Final = 8.0
UNPINNED: Final = (
    "mental_foramen_left",
    "tragion_left",
    "cheilion_left",
    "alare_left",
    "dacryon_left",
    "exocanthion_left",
    "endocanthion_left",
    "porion_left",
    "rhinion",
)
"""Anchors at an edge or a hole, where a bump would do harm: the landmark is the nearest point of the surface."""

_EXTREMES: Final[
    Mapping[str, tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]]
] = {
    "cranial glabella": ((0, 0, 1), (0, 34, 80), (0, 46, 110)),
    "cranial subspinale": ((0, 0, -1), (0, -36, 88), (0, -27.5, 110)),
    "cranial pogonion": ((0, 0, 1), (0, -88, 70), (0, -75, 110)),
    "cranial zygion_left": ((1, 0, 0), (55, -9, 20), (80, 9, 48)),
    "facial glabella": ((0, 0, 1), (0, 38, 80), (0, 46, 120)),
    "facial pogonion": ((0, 0, 1), (0, -90, 80), (0, -75, 120)),
    "facial pronasale": ((0, 0, 1), (0, -20, 100), (0, -5, 130)),
}
"""Landmarks that are the farthest point in a direction inside a box: direction, low and high corner."""


def pins(anchors: Anchors) -> FloatArray:
    """Return the (n, 3) places that the surface is bent through."""
    return np.array([point for name, point in anchors.items() if name not in UNPINNED], dtype=np.float64)


def placed(half: Mesh, anchors: Anchors, kind: str) -> dict[str, FloatArray]:
    """Return the landmarks of both sides, name to (3,) mm, on the surface of a left half.

    Parameters
    ----------
    half
        The left half, x >= 0, open in the plane x = 0.
    anchors
        Names (left and midline) and places.
    kind
        ``"cranial"`` or ``"facial"``: whose rules for extremal points hold.

    """
    found: dict[str, FloatArray] = {}
    for name, anchor in anchors.items():
        rule = _EXTREMES.get(f"{kind} {name}")
        if name == "porion_left":
            point = _outermost(half, anchor)
        else:
            point = _nearest(half, anchor) if rule is None else _extreme(half, *rule)
        found[name] = point
        if side(name) == "left":
            found[name.replace("_left", "_right")] = point * [-1, 1, 1]
    return found


def _extreme(half: Mesh, direction: ArrayLike, low: ArrayLike, high: ArrayLike) -> FloatArray:
    v = half.vertices
    candidates = v[((v >= np.asarray(low)) & (v <= np.asarray(high))).all(axis=1)]
    extreme: FloatArray = candidates[np.argmax(candidates @ np.asarray(direction, dtype=np.float64))]
    return extreme


def _outermost(half: Mesh, anchor: tuple[float, float, float]) -> FloatArray:
    """Return the surface's most lateral point straight beside the anchor: the porion defines the origin's height."""
    corners = half.vertices[half.faces] - [0.0, anchor[1], anchor[2]]
    a, b, c = corners[:, 0, 1:], corners[:, 1, 1:], corners[:, 2, 1:]
    twice = np.stack([p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0] for p, q in ((b, c), (c, a), (a, b))], axis=1)
    area = twice.sum(axis=1)
    hit = (np.abs(area) > 1e-9) & ((twice * np.sign(area)[:, None] >= 0).all(axis=1))
    x = (twice[hit] / area[hit, None] * corners[hit, :, 0]).sum(axis=1)
    return np.array([x.max(), anchor[1], anchor[2]], dtype=np.float64)


def _nearest(half: Mesh, anchor: tuple[float, float, float]) -> FloatArray:
    """Return the point of the surface nearest to the anchor; for a midline anchor, of the midline profile."""
    from trimesh.triangles import closest_point

    if anchor[0] == 0:
        return _nearest_on_profile(half, np.asarray(anchor, dtype=np.float64))
    corners = half.vertices[half.faces]
    near = corners[np.linalg.norm(corners.mean(axis=1) - anchor, axis=1) < 12]
    points = closest_point(near, np.tile(anchor, (len(near), 1)))  # type: ignore[no-untyped-call]
    best: FloatArray = points[np.argmin(np.linalg.norm(points - anchor, axis=1))]
    return best


def _nearest_on_profile(half: Mesh, anchor: FloatArray) -> FloatArray:
    in_plane = half.vertices[half.faces][..., 0] == 0
    faces, in_plane = half.faces[in_plane.sum(axis=1) == 2], in_plane[in_plane.sum(axis=1) == 2]
    ends = half.vertices[faces[in_plane].reshape(-1, 2)]
    a, along = ends[:, 0], ends[:, 1] - ends[:, 0]
    t = np.clip(((anchor - a) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12), 0, 1)
    points = a + t[:, None] * along
    best: FloatArray = points[np.argmin(np.linalg.norm(points - anchor, axis=1))]
    return best
