"""Smooth warp of space that carries landmarks onto landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray, Mesh


@dataclass(frozen=True)
class RbfWarp:
    """The three-dimensional thin-plate spline: an affine map plus ``sum_i w_i * |x - c_i|``.

    ``|r|`` is the biharmonic kernel of three dimensions, so among all maps through the landmarks this one bends least
    (Bookstein, IEEE PAMI 11 (1989); Wahba, "Spline Models for Observational Data", 1990). Affine maps come out exactly.

    Attributes
    ----------
    centers
        (n, 3) source landmarks, mm.
    weights
        (n, 3) kernel weights.
    linear
        (3, 3) linear part of the affine map.
    offset
        (3,) its translation.

    """

    centers: FloatArray
    weights: FloatArray
    linear: FloatArray
    offset: FloatArray

    @classmethod
    def fit(cls, source: ArrayLike, target: ArrayLike, smoothing_mm: float = 0.0) -> RbfWarp:
        """Return the warp from (n, 3) source to (n, 3) target landmarks.

        Parameters
        ----------
        source, target
            Corresponding points, mm; at least four that do not lie in one plane, none twice.
        smoothing_mm
            0 passes exactly through the landmarks; greater values trade exactness for less bending.

        Raises
        ------
        NasionError
            Where the points do not determine the warp.

        """
        a, b = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
        _check(a, b, smoothing_mm)
        center = a.mean(axis=0)
        size = float(np.linalg.norm(a - center, axis=1).max())
        x = (a - center) / size
        n = len(x)
        system = np.zeros((n + 4, n + 4))
        # Minus |r| is conditionally positive definite, so that smoothing adds to the diagonal.
        system[:n, :n] = -np.linalg.norm(x[:, None] - x[None], axis=2) + smoothing_mm / size * np.eye(n)
        system[:n, n] = system[n, :n] = 1.0
        system[:n, n + 1 :] = x
        system[n + 1 :, :n] = x.T
        # Solving for the displacement keeps the identity exact.
        solution = np.asarray(np.linalg.solve(system, np.vstack([b - a, np.zeros((4, 3))])), dtype=np.float64)
        linear = solution[n + 1 :].T / size
        return cls(a, -solution[:n] / size, np.eye(3) + linear, solution[n] - linear @ center)

    def __call__(self, points: ArrayLike) -> FloatArray:
        """Return (m, 3) warped points."""
        x = np.ascontiguousarray(points, dtype=np.float64).reshape(-1, 3)
        warped = x @ self.linear.T + self.offset
        _add_kernel(x, self.centers, np.ascontiguousarray(self.weights), warped)
        return warped

    def mesh(self, mesh: Mesh) -> Mesh:
        """Return the mesh with warped vertices."""
        return mesh.moved(self(mesh.vertices))


def _check(source: FloatArray, target: FloatArray, smoothing_mm: float) -> None:
    if source.ndim != 2 or source.shape[1:] != (3,) or source.shape != target.shape:
        raise NasionError(f"a warp needs two (n, 3) sets of the same landmarks, got {source.shape} and {target.shape}")
    if not (np.all(np.isfinite(source)) and np.all(np.isfinite(target))):
        raise NasionError("a landmark of the warp is not finite; leave absent landmarks out")
    if smoothing_mm < 0:
        raise NasionError(f"smoothing_mm is {smoothing_mm}; it must not be negative")
    spread = np.linalg.svd(source - source.mean(axis=0), compute_uv=False) if len(source) >= 4 else np.zeros(3)
    if spread[2] <= 1e-9 * spread[0] or spread[0] == 0.0:
        raise NasionError("a warp needs at least four landmarks that do not lie in one plane; add landmarks")
    if smoothing_mm == 0 and len(np.unique(source, axis=0)) < len(source):
        raise NasionError("two landmarks of the warp lie in the same place; leave one of them out")


@njit(cache=True, nogil=True, fastmath=True)
def _add_kernel(points: Any, centers: Any, weights: Any, warped: Any) -> None:
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        u, v, w = 0.0, 0.0, 0.0
        for c in range(len(centers)):
            dx, dy, dz = x - centers[c, 0], y - centers[c, 1], z - centers[c, 2]
            r = np.sqrt(dx * dx + dy * dy + dz * dz)
            u += r * weights[c, 0]
            v += r * weights[c, 1]
            w += r * weights[c, 2]
        warped[i, 0] += u
        warped[i, 1] += v
        warped[i, 2] += w
