"""Signed distance functions on a grid: primitives, smooth operators and a volume to sculpt in.

Distances are in millimetres, negative inside. Coordinates come as three arrays that broadcast to the grid, so a term of
one axis costs one row only. The smooth minimum is the quadratic polynomial of I. Quilez, "Smooth minimum" (2013).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasion.geometry.surface import FloatArray

Values = NDArray[np.float32]
Distance = Callable[[Values, Values, Values], Values]

MARGIN_MM: Final = 16.0
"""How far beyond its box a shape is evaluated at least."""
FAR_MM: Final = 60.0
"""The value of an empty volume."""


@dataclass(frozen=True)
class Shape:
    """A solid: its signed distance and the box outside of which it is positive.

    Attributes
    ----------
    distance
        ``f(x, y, z)`` in mm of broadcastable coordinates.
    low, high
        (3,) corners of a box in mm that holds the solid.

    """

    distance: Distance
    low: FloatArray
    high: FloatArray


def _shape(distance: Distance, low: ArrayLike, high: ArrayLike) -> Shape:
    return Shape(distance, np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64))


def smooth_min(a: Values, b: Values, blend_mm: float) -> Values:
    """Return the smooth minimum of two distances: equal to the minimum where they differ by ``blend_mm`` or more."""
    if blend_mm <= 0:
        return np.minimum(a, b)
    h = np.maximum(blend_mm - np.abs(a - b), 0) / blend_mm
    blended: Values = np.minimum(a, b) - h * h * (blend_mm / 4)
    return blended


def smooth_max(a: Values, b: Values, blend_mm: float) -> Values:
    """Return the smooth maximum of two distances (intersection)."""
    return -smooth_min(-a, -b, blend_mm)


def ellipsoid(center: ArrayLike, radii: ArrayLike, axes: ArrayLike | None = None, *, power: float = 2.0) -> Shape:
    """Return a (super-)ellipsoid; near its surface the value is a distance to first order.

    Parameters
    ----------
    center, radii
        (3,) mm.
    axes
        (3, 3) unit rows: the ellipsoid's own axes; the head's axes by default.
    power
        2 is an ellipsoid, more is boxier.

    """
    c, r = np.asarray(center, dtype=np.float32), np.asarray(radii, dtype=np.float32)
    own = None if axes is None else np.asarray(axes, dtype=np.float32)

    def distance(x: Values, y: Values, z: Values) -> Values:
        d: list[Values] = [x - c[0], y - c[1], z - c[2]]
        if own is not None:
            d = [row[0] * d[0] + row[1] * d[1] + row[2] * d[2] for row in own]
        u = [np.abs(d[k] / r[k]) for k in range(3)]
        level = sum(v**power for v in u)
        slope = np.sqrt(sum((v ** (power - 1) / r[k]) ** 2 for k, v in enumerate(u)))
        k0 = np.maximum(level, 1e-9) ** (1 / power)
        gradient = np.maximum(slope * k0 ** (1 - power), 1e-6)
        value: Values = (k0 - 1) / gradient
        return value

    reach = r if own is None else np.sqrt(((own * r[:, None]) ** 2).sum(axis=0)) * 3 ** (0.5 - 1 / max(power, 2.0))
    return _shape(distance, c - reach, c + reach)


def smooth_path(points: ArrayLike, steps: int = 4) -> FloatArray:
    """Return a Catmull-Rom curve through (n, k) points, ``steps`` samples a span."""
    p = np.asarray(points, dtype=np.float64)
    q = np.concatenate([[2 * p[0] - p[1]], p, [2 * p[-1] - p[-2]]])
    t = (np.arange(steps) / steps)[:, None]
    spans = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(q[:-3], q[1:-2], q[2:-1], q[3:], strict=True)
    ]
    return np.concatenate([*spans, p[-1:]])


def smooth_loop(points: ArrayLike, steps: int = 4) -> FloatArray:
    """Return a closed Catmull-Rom curve through (n, k) points; the first point is not repeated."""
    p = np.asarray(points, dtype=np.float64)
    return smooth_path(np.concatenate([p[-1:], p, p[:2]]), steps)[steps : -steps - 1]


def tube(points: ArrayLike, *, scale: Sequence[float] = (1.0, 1.0, 1.0), steps: int = 10) -> Shape:
    """Return a tube of varying radius along a smooth path.

    Parameters
    ----------
    points
        (n, 4) rows of x, y, z, radius in mm.
    scale
        The cross-section's stretch along each head axis: (1, 2, 1) makes a tube twice as tall as wide.
    steps
        Samples a span of the path; 1 keeps straight pieces.

    """
    path = smooth_path(points, steps).astype(np.float32)
    s = np.asarray(scale, dtype=np.float32)
    at, radius = path[:, :3] / s, path[:, 3]
    smallest = float(s.min())

    def distance(x: Values, y: Values, z: Values) -> Values:
        u, v, w = x / s[0], y / s[1], z / s[2]
        best: Values | None = None
        for a, b, ra, rb in zip(at[:-1], at[1:], radius[:-1], radius[1:], strict=True):
            e = b - a
            dx, dy, dz = u - a[0], v - a[1], w - a[2]
            t = np.clip((dx * e[0] + dy * e[1] + dz * e[2]) / max(float(e @ e), 1e-9), 0, 1)
            d = np.sqrt((dx - t * e[0]) ** 2 + (dy - t * e[1]) ** 2 + (dz - t * e[2]) ** 2) - (ra + t * (rb - ra))
            best = d if best is None else np.minimum(best, d)
        if best is None:
            raise ValueError("a tube needs two points")
        scaled: Values = best * smallest
        return scaled

    reach = radius[:, None] * s
    return _shape(distance, (path[:, :3] - reach).min(axis=0), (path[:, :3] + reach).max(axis=0))


def polygon_distance(u: Values, v: Values, corners: FloatArray) -> Values:
    """Return the exact signed distance in the plane to a closed polygon of (n, 2) corners."""
    shape = np.broadcast_shapes(u.shape, v.shape)
    nearest = np.full(shape, np.inf, dtype=np.float32)
    inside = np.zeros(shape, dtype=bool)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        eu, ev = float(b[0] - a[0]), float(b[1] - a[1])
        du, dv = u - np.float32(a[0]), v - np.float32(a[1])
        t = np.clip((du * eu + dv * ev) / max(eu * eu + ev * ev, 1e-9), 0, 1)
        nearest = np.minimum(nearest, (du - t * eu) ** 2 + (dv - t * ev) ** 2)
        if ev != 0:
            crosses = (dv >= 0) != (v - np.float32(b[1]) >= 0)
            inside ^= crosses & (du < dv * (eu / ev))
    signed: Values = np.where(inside, -1, 1).astype(np.float32) * np.sqrt(nearest)
    return signed


def plate(outline_yz: ArrayLike, plane: Sequence[float], half_thickness_mm: float, *, round_mm: float = 2.0) -> Shape:
    """Return a rounded plate: a smooth outline in (y, z) with a middle surface ``x = p0 + p1 y + p2 z``.

    Parameters
    ----------
    outline_yz
        (n, 2) corners of the closed outline, mm; a Catmull-Rom curve is drawn through them.
    plane
        (p0, p1, p2) of the middle surface.
    half_thickness_mm, round_mm
        Half the thickness and the radius of its edges.

    """
    corners = smooth_loop(outline_yz, 3)
    p0, p1, p2 = (np.float32(c) for c in plane)

    def distance(x: Values, y: Values, z: Values) -> Values:
        flat = polygon_distance(y, z, corners) + np.float32(round_mm)
        across = np.abs(x - (p0 + p1 * y + p2 * z)) - np.float32(half_thickness_mm - round_mm)
        outside = np.sqrt(np.maximum(flat, 0) ** 2 + np.maximum(across, 0) ** 2)
        value: Values = outside + np.minimum(np.maximum(flat, across), 0) - np.float32(round_mm)
        return value

    (y0, z0), (y1, z1) = corners.min(axis=0), corners.max(axis=0)
    xs = [float(p0 + p1 * y + p2 * z) for y in (y0, y1) for z in (z0, z1)]
    return _shape(distance, (min(xs) - half_thickness_mm, y0, z0), (max(xs) + half_thickness_mm, y1, z1))


def prism(outline_xy: ArrayLike, z_mm: tuple[float, float], *, round_mm: float = 0.5) -> Shape:
    """Return a smooth outline in (x, y), (n, 2) mm, extruded between two depths, with rounded edges."""
    corners = smooth_loop(outline_xy, 4)
    middle, half = np.float32((z_mm[0] + z_mm[1]) / 2), np.float32((z_mm[1] - z_mm[0]) / 2 - round_mm)

    def distance(x: Values, y: Values, z: Values) -> Values:
        flat = polygon_distance(x, y, corners) + np.float32(round_mm)
        across = np.abs(z - middle) - half
        outside = np.sqrt(np.maximum(flat, 0) ** 2 + np.maximum(across, 0) ** 2)
        value: Values = outside + np.minimum(np.maximum(flat, across), 0) - np.float32(round_mm)
        return value

    return _shape(distance, (*corners.min(axis=0), z_mm[0]), (*corners.max(axis=0), z_mm[1]))


class Volume:
    """A grid of signed distances over half a head (x >= 0) that shapes are added to and cut from.

    Parameters
    ----------
    low_mm, high_mm
        (3,) corners; ``low_mm[0]`` is 0, the mid-sagittal plane.
    step_mm
        Grid step.

    """

    def __init__(self, low_mm: ArrayLike, high_mm: ArrayLike, step_mm: float) -> None:
        low, high = np.asarray(low_mm, dtype=np.float64), np.asarray(high_mm, dtype=np.float64)
        counts = np.ceil((high - low) / step_mm).astype(int) + 1
        self.step_mm = step_mm
        self.low_mm = low
        self.axes = tuple((low[k] + step_mm * np.arange(counts[k])).astype(np.float32) for k in range(3))
        self.values: Values = np.full(counts, FAR_MM, dtype=np.float32)

    def _window(self, shape: Shape, margin_mm: float) -> tuple[tuple[slice, ...], tuple[Values, ...]]:
        cut = tuple(
            slice(int(np.searchsorted(a, shape.low[k] - margin_mm)), int(np.searchsorted(a, shape.high[k] + margin_mm)))
            for k, a in enumerate(self.axes)
        )
        x, y, z = (a[c] for a, c in zip(self.axes, cut, strict=True))
        return cut, (x[:, None, None], y[None, :, None], z[None, None, :])

    def add(self, shape: Shape, blend_mm: float = 0.0) -> None:
        """Unite with a shape, smoothly over ``blend_mm``."""
        cut, at = self._window(shape, 1.5 * blend_mm + MARGIN_MM)
        self.values[cut] = smooth_min(self.values[cut], shape.distance(*at), blend_mm)

    def cut(self, shape: Shape, blend_mm: float = 0.0) -> None:
        """Take a shape away, smoothly over ``blend_mm``."""
        cut, at = self._window(shape, 1.5 * blend_mm + MARGIN_MM)
        self.values[cut] = smooth_max(self.values[cut], -shape.distance(*at), blend_mm)

    def soften(self, sigma_steps: float = 0.6) -> None:
        """Round off what is finer than the grid, as a mirror image beyond x = 0 would have it."""
        from scipy.ndimage import gaussian_filter

        self.values = gaussian_filter(self.values, sigma_steps, mode=("mirror", "nearest", "nearest"))

    def pin(self, points_mm: ArrayLike, width_mm: float) -> None:
        """Move the surface through (n, 3) points by Gaussian bumps of ``width_mm``; points are near the surface."""
        points = np.asarray(points_mm, dtype=np.float64)
        both = np.concatenate([points, points * [-1, 1, 1]])
        apart = ((points[:, None] - both[None]) ** 2).sum(axis=-1)
        bumps = np.exp(-apart / (2 * width_mm**2))
        weights = np.linalg.solve(bumps[:, : len(points)] + bumps[:, len(points) :], self.sample(points))
        for weight, point in zip(np.tile(weights, 2), both, strict=True):
            cut, at = self._window(Shape(ellipsoid(point, [1] * 3).distance, point, point), 4 * width_mm)
            squares = [((a - c) / width_mm) ** 2 for a, c in zip(at, point.astype(np.float32), strict=True)]
            bump = np.exp(-squares[0] / 2) * np.exp(-squares[1] / 2) * np.exp(-squares[2] / 2)
            self.values[cut] -= np.float32(weight) * bump

    def sample(self, points_mm: ArrayLike) -> FloatArray:
        """Return (n,) trilinear values at (n, 3) points of either side."""
        from scipy.ndimage import map_coordinates

        p = np.asarray(points_mm, dtype=np.float64).reshape(-1, 3) * 1.0
        p[:, 0] = np.abs(p[:, 0])
        sampled: FloatArray = map_coordinates(
            self.values, ((p - self.low_mm) / self.step_mm).T, order=1, mode="nearest"
        )
        return sampled.astype(np.float64)
