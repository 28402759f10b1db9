"""The colour of the built-in head's skin, lips, brows, eyes and close-cropped hair, by place."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.builtin.face import EYE_MM, EYEBALL_RADIUS_MM, FISSURE_XY, MOUTH
from nasion.population.builtin.sdf import polygon_distance, smooth_loop, smooth_path

SKIN: Final = (0.80, 0.62, 0.53)
FLUSH: Final = (0.79, 0.52, 0.45)
LIPS: Final = (0.69, 0.42, 0.39)
HAIR: Final = (0.27, 0.21, 0.17)
SCLERA: Final = (0.90, 0.87, 0.84)
IRIS: Final = (0.33, 0.27, 0.19)
DARK: Final = (0.07, 0.05, 0.05)

LIPS_XY: Final = (
    (0, -42.6), (4.6, -41.3), (12, -43.4), (19, -46.4), (25.4, -49.2), (19, -53.8), (11, -57.2), (0, -58.4),
    (-11, -57.2), (-19, -53.8), (-25.4, -49.2), (-19, -46.4), (-12, -43.4), (-4.6, -41.3),
)  # fmt: skip
BROW_XYR: Final = ((10.5, 36.8, 2.3), (18, 38.6, 2.9), (28, 40.2, 2.6), (38, 39.8, 1.9), (47, 35.6, 0.8))
HAIR_ZY: Final = (
    (74, 93), (64, 84), (52, 74), (50, 58), (36, 46), (28, 34), (16, 28), (13, 12), (8, 2), (2, 6), (0, 34), (-14, 42),
    (-32, 34), (-34, 10), (-24, -18), (-30, -40), (-62, -60), (-110, -64), (-120, 60), (-60, 150), (60, 150), (90, 110),
)  # fmt: skip
"""The hair's outline seen from the side, (z, y)."""


def albedo(half: Mesh) -> FloatArray:
    """Return (n, 3) sRGB colours, 0 to 1, of the vertices of the head's left half."""
    v = half.vertices
    x, y, z = (c.astype(np.float32) for c in v.T)
    color = np.tile(np.array(SKIN), (len(v), 1))
    for place, radius, strength in (((42, -12, 82), 17, 0.55), ((0, -13, 119), 11, 0.5), ((80, 4, -12), 22, 0.5)):
        warm = np.exp(-((v - place) ** 2).sum(axis=1) / (2 * radius**2))
        _paint(color, FLUSH, strength * warm)
    hair = _soft(polygon_distance(z, y, smooth_loop(HAIR_ZY, 4)), 4.0) * (
        1 - _soft(74.5 - x, 1.0) * (np.abs(z + 12) < 22)
    )
    _paint(color, HAIR, 0.80 * hair)
    brow = smooth_path(BROW_XYR, 8)
    gap = np.min(np.hypot(x[:, None] - brow[:, 0], y[:, None] - brow[:, 1]) - brow[:, 2], axis=1)
    _paint(color, HAIR, 0.85 * _soft(gap, 1.0) * (z > 50))
    _paint(color, LIPS, 0.85 * _soft(polygon_distance(x, y, smooth_loop(LIPS_XY, 4)), 0.9) * (z > 80))
    line = smooth_path([(x, y) for x, y, _ in MOUTH], 6)
    to_line = np.min(np.hypot(x[:, None] - line[:, 0], y[:, None] - line[:, 1]), axis=1)
    _paint(color, DARK, 0.35 * _soft(to_line - 0.3, 1.0) * (z > 85))
    nostril = np.sqrt((((v - (7.0, -21, 105.5)) / (3.3, 5.5, 5.2)) ** 2).sum(axis=1))
    _paint(color, DARK, 0.8 * _soft(nostril - 1.12, 0.1) * (y > -24.5))
    _paint_eye(color, v)
    clipped: FloatArray = np.clip(color, 0, 1)
    return clipped


def _soft(distance: ArrayLike, width: float) -> FloatArray:
    """Return 1 inside, 0 outside, with a smooth edge ``width`` wide."""
    t = np.clip(0.5 - np.asarray(distance, dtype=np.float64) / width, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float64)


def _paint(color: FloatArray, paint: tuple[float, float, float], amount: FloatArray) -> None:
    color += amount[:, None] * (np.array(paint) - color)


def _paint_eye(color: FloatArray, v: FloatArray) -> None:
    offset = v - EYE_MM
    from_middle = np.linalg.norm(offset, axis=1)
    x, y = (c.astype(np.float32) for c in v[:, :2].T)
    opening = polygon_distance(x, y, smooth_loop(FISSURE_XY, 4))
    deep = (from_middle < EYEBALL_RADIUS_MM + 0.7) | (v[:, 2] < _lid_z(v) - 1.6)
    visible = (opening < 0.2) & deep & (v[:, 2] > 70)
    _paint(color, SCLERA, visible.astype(float))
    ring = np.hypot(offset[:, 0] - 0.4, offset[:, 1])
    _paint(color, IRIS, visible * _soft(ring - 5.7, 0.7))
    _paint(color, DARK, visible * (0.45 * np.exp(-(((ring - 5.5) / 0.5) ** 2)) + _soft(ring - 2.1, 0.5)))
    lash = np.abs(opening) < 0.9
    _paint(color, DARK, 0.45 * lash * (offset[:, 1] > 0) * (v[:, 2] > 70) * ~visible)


def _lid_z(v: FloatArray) -> FloatArray:
    """Return the depth of the lids' outer face over (x, y)."""
    u = np.clip(1 - ((v[:, 0] - EYE_MM[0]) / 17.6) ** 2 - ((v[:, 1] - EYE_MM[1]) / 14.2) ** 2, 0, 1)
    return np.asarray(EYE_MM[2] + 13.8 * np.sqrt(u), dtype=np.float64)


def fine_edge_mm(points: FloatArray) -> FloatArray:
    """Return the longest edge, (n,) mm, that the colours need at (n, 3) places: short at eyes, lips and brows."""
    x, y = (c.astype(np.float32) for c in points[:, :2].T)
    edge = np.full(len(points), 8.0)
    front = points[:, 2] > 55
    brow = smooth_path(BROW_XYR, 8)
    gap = np.min(np.hypot(x[:, None] - brow[:, 0], y[:, None] - brow[:, 1]) - brow[:, 2], axis=1)
    edge[front & (gap < 2)] = 1.5
    edge[front & (np.linalg.norm((points - (7.0, -21, 105.5)) / (5.5, 7, 7), axis=1) < 1)] = 1.0
    edge[front & (polygon_distance(x, y, smooth_loop(LIPS_XY, 4)) < 2)] = 1.5
    eye = polygon_distance(x, y, smooth_loop(FISSURE_XY, 4))
    edge[front & (eye < 2)] = 1.1
    edge[front & (np.hypot(x - EYE_MM[0], y - EYE_MM[1]) < 7) & (eye < 0.5)] = 0.7
    return edge
