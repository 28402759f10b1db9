"""Similarity transforms between corresponding points, and generalised Procrustes analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray

_MAX_ROUNDS: Final = 100
_RELATIVE_TOLERANCE: Final = 1e-12


@dataclass(frozen=True)
class Similarity:
    """``x -> scale * rotation @ x + translation``; the rotation is proper (no reflection)."""

    scale: float
    rotation: FloatArray
    translation: FloatArray

    def apply(self, points: ArrayLike) -> FloatArray:
        """Return (n, 3) transformed points."""
        moved: FloatArray = self.scale * np.asarray(points, dtype=np.float64) @ self.rotation.T + self.translation
        return moved

    def inverse(self) -> Similarity:
        """Return the transform that undoes this one."""
        back = self.rotation.T
        return Similarity(1.0 / self.scale, back, -(back @ self.translation) / self.scale)


def fit_similarity(
    source: ArrayLike, target: ArrayLike, weights: ArrayLike | None = None, *, scale: bool = True
) -> Similarity:
    """Return the least-squares similarity from source to target (Umeyama, IEEE PAMI 13 (1991), eqs. 40-43).

    Parameters
    ----------
    source, target
        (n, 3) corresponding points.
    weights
        (n,) weights of the squared distances; equal by default.
    scale
        False keeps the size (scale 1).

    Raises
    ------
    NasionError
        With fewer than three points, points that are not finite, or points on one line.

    """
    a, b = _configuration(source), _configuration(target)
    if a.shape != b.shape:
        raise NasionError(f"cannot align {len(a)} points with {len(b)}: give the same landmarks on both sides")
    w = np.ones(len(a)) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != (len(a),) or not np.all(np.isfinite(w)) or (w < 0).any() or np.count_nonzero(w) < 3:
        raise NasionError("weights must be finite, not negative, one a point, and at least three above zero")
    w = w / w.sum()
    mean_a, mean_b = w @ a, w @ b
    centred_a, centred_b = a - mean_a, b - mean_b
    _refuse_line(centred_a * np.sqrt(w)[:, None])
    _refuse_line(centred_b * np.sqrt(w)[:, None])
    u, singular, vt = np.linalg.svd(centred_b.T @ (w[:, None] * centred_a))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ (sign[:, None] * vt)
    factor = float(singular @ sign / (w @ (centred_a**2).sum(1))) if scale else 1.0
    return Similarity(factor, rotation, mean_b - factor * rotation @ mean_a)


def generalized_procrustes(configurations: ArrayLike, *, scale: bool = True) -> tuple[FloatArray, FloatArray]:
    """Return configurations brought into one frame, and their mean (Gower, Psychometrika 40 (1975)).

    Each configuration is centred, given the same centroid size (unless ``scale`` is False) and turned onto the mean
    until the mean stands still. The result is in the input's units: the common centroid size is the input's mean one.
    The frame is that of the first configuration.

    Parameters
    ----------
    configurations
        (k, n, 3).
    scale
        False keeps each configuration's size.

    Returns
    -------
    (k, n, 3) aligned configurations and (n, 3) mean.

    """
    shapes = np.asarray(configurations, dtype=np.float64)
    if shapes.ndim != 3 or len(shapes) == 0:
        raise NasionError(f"configurations have shape {shapes.shape}; give (number, points, 3)")
    for shape in shapes:
        _configuration(shape)
    aligned = shapes - shapes.mean(axis=1, keepdims=True)
    for shape in aligned:
        _refuse_line(shape)
    if scale:
        sizes = np.linalg.norm(aligned, axis=(1, 2))
        aligned *= (sizes.mean() / sizes)[:, None, None]
    mean = aligned[0]
    for _ in range(_MAX_ROUNDS):
        aligned = np.stack([fit_similarity(shape, mean, scale=False).apply(shape) for shape in aligned])
        previous, mean = mean, aligned.mean(axis=0)
        if np.linalg.norm(mean - previous) <= _RELATIVE_TOLERANCE * np.linalg.norm(mean):
            break
    home = fit_similarity(mean, shapes[0] - shapes[0].mean(axis=0), scale=False)
    return home.apply(aligned), home.apply(mean)


def _configuration(points: ArrayLike) -> FloatArray:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 3:
        raise NasionError(f"points have shape {array.shape}; give (n, 3)")
    if len(array) < 3:
        raise NasionError(f"an alignment needs at least 3 points, got {len(array)}")
    if not np.all(np.isfinite(array)):
        raise NasionError("a point is not finite; leave absent landmarks out")
    return array


def _refuse_line(centred: FloatArray) -> None:
    spread = np.linalg.svd(centred, compute_uv=False)
    if spread[1] <= 1e-9 * spread[0] or spread[0] == 0.0:
        raise NasionError("the points lie on one line or in one place: no rotation can be found; add a landmark")
