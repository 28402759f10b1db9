"""The tooth rows of the built-in skull."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nasion.geometry.surface import FloatArray
from nasion.population.builtin.sdf import Volume, ellipsoid, smooth_path, tube

ARCH_MM: Final = (
    (0.0, 94.5), (6.0, 93.5), (12.0, 90.5), (18.0, 84.5), (22.5, 77.5), (25.5, 70.0), (27.7, 62.0), (29.2, 54.0),
    (30.0, 46.0),
)  # fmt: skip
"""The outer edge of the upper tooth row, (x, z) from the midline back."""


@dataclass(frozen=True)
class ToothRow:
    """The left half of a tooth row, from the central incisor to the second molar; lengths in mm.

    Attributes
    ----------
    edge_y_mm, tip_y_mm
        Heights of the alveolar edge and of the central incisor's tip.
    root_mm
        How far the roots swell the bone from the edge.
    inset_mm, breadth
        The row's outer edge is the upper arch moved back by ``inset_mm`` and ``breadth`` times as wide.
    widths_mm, depths_mm, tips_mm
        Of each crown: along the row, across it, and its tip's height over ``tip_y_mm``.

    """

    edge_y_mm: float
    tip_y_mm: float
    root_mm: float
    inset_mm: float
    breadth: float
    widths_mm: tuple[float, ...]
    depths_mm: tuple[float, ...]
    tips_mm: tuple[float, ...]

    def edge(self) -> FloatArray:
        """Return (n, 5): the outer edge every 0.25 mm: x, z, unit tangent's x and z, length from the midline."""
        arch = np.array(ARCH_MM) * [self.breadth, 1] - [0, self.inset_mm]
        path = smooth_path(np.concatenate([arch[1:2] * [-1, 1], arch]), 20)[20:]
        length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
        s = np.arange(0, length[-1], 0.25)
        at = np.stack([np.interp(s, length, path[:, k]) for k in range(2)], axis=1)
        tangent = np.gradient(at, axis=0)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        return np.concatenate([at, tangent, s[:, None]], axis=1)


# widths and depths of the crowns are rounded textbook means of permanent teeth
UPPER: Final = ToothRow(
    edge_y_mm=-41.5,
    tip_y_mm=-51.5,
    root_mm=9.0,
    inset_mm=0.0,
    breadth=1.0,
    widths_mm=(8.6, 6.6, 7.7, 7.0, 6.8, 10.2, 9.6),
    depths_mm=(6.5, 6.0, 8.0, 9.0, 9.2, 11.0, 11.0),
    tips_mm=(0.0, 0.7, -0.3, 1.0, 1.3, 1.5, 1.7),
)
LOWER: Final = ToothRow(
    edge_y_mm=-60.5,
    tip_y_mm=-51.0,
    root_mm=8.0,
    inset_mm=3.0,
    breadth=0.95,
    widths_mm=(5.4, 6.0, 6.9, 7.0, 7.2, 11.0, 10.4),
    depths_mm=(5.8, 6.0, 7.5, 7.8, 8.2, 10.4, 10.0),
    tips_mm=(0.6, 0.6, 0.6, 0.9, 1.2, 1.4, 1.6),
)


def add_teeth(volume: Volume, row: ToothRow) -> None:
    """Add crowns side by side along the row, each with the swelling of its root in the bone."""
    edge = row.edge()
    start = 0.0
    rootward = np.sign(row.edge_y_mm - row.tip_y_mm)
    for number, (width, depth, tip) in enumerate(zip(row.widths_mm, row.depths_mm, row.tips_mm, strict=True)):
        x, z, tx, tz, _ = edge[np.searchsorted(edge[:, 4], start + width / 2)]
        start += width
        inward = np.array([tz, -tx])
        cx, cz = np.array([x, z]) + inward * depth / 2
        neck, low = row.edge_y_mm + rootward * 1.5, row.tip_y_mm + tip
        axes = [[tx, 0, tz], [0, 1, 0], [-tz, 0, tx]]
        radii = (width / 2 - 0.05, abs(neck - low) / 2, depth / 2)
        volume.add(ellipsoid((cx, (neck + low) / 2, cz), radii, axes, power=3.2), 0.35)
        canine = number == 2
        root = row.edge_y_mm + rootward * row.root_mm * (1.35 if canine else 1.0)
        bx, bz = np.array([x, z]) + inward * 2.6
        volume.add(tube([(bx, row.edge_y_mm, bz, min(width, 7) * 0.34), (bx, root, bz - 1.6, 1.2)], steps=1), 3.5)
