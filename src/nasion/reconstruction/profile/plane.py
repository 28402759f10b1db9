"""Similarity transforms between points of the plane, by complex numbers; never a reflection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray

_MAX_ROUNDS: Final = 100
_RELATIVE_TOLERANCE: Final = 1e-12

Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class PlaneSimilarity:
    """``z -> factor * z + shift`` of points taken as complex numbers x + iy."""

    factor: complex
    shift: complex

    @classmethod
    def between(cls, source: FloatArray, target: FloatArray) -> PlaneSimilarity:
        """Return the least-squares similarity of (n, 2) points to others.

        Raises
        ------
        NasionError
            There are fewer than two places.

        """
        a, b = _complex(source), _complex(target)
        centred_a, centred_b = a - a.mean(), b - b.mean()
        size = float((abs(centred_a) ** 2).sum())
        if len(a) < 2 or size == 0.0:
            raise NasionError("an alignment needs landmarks in at least two places; check them")
        factor = complex(np.vdot(centred_a, centred_b) / size)
        return cls(factor, complex(b.mean() - factor * a.mean()))

    @property
    def scale(self) -> float:
        """How much larger images are."""
        return abs(self.factor)

    def apply(self, points: FloatArray) -> FloatArray:
        """Return (n, 2) transformed points."""
        return _real(self.factor * _complex(points) + self.shift)

    def back(self, points: FloatArray) -> FloatArray:
        """Return the (n, 2) points whose images are given."""
        return _real((_complex(points) - self.shift) / self.factor)

    def covariance_back(self, covariance: FloatArray) -> FloatArray:
        """Return the (n, 2, 2) covariances of points whose images have the given ones."""
        inverse = 1 / self.factor
        turn = np.array([[inverse.real, -inverse.imag], [inverse.imag, inverse.real]])
        moved: FloatArray = turn @ covariance @ turn.T
        return moved


def mean_shape(configurations: Sequence[FloatArray]) -> FloatArray:
    """Return the (n, 2) mean of configurations of (n, 2) points, brought into one frame and to their mean size.

    Generalised Procrustes analysis (Gower, Psychometrika 40 (1975)); the frame is the first configuration's direction,
    with the origin at the mean's centre.
    """
    shapes = np.array([_complex(points) for points in configurations])
    shapes -= shapes.mean(axis=1, keepdims=True)
    sizes = np.linalg.norm(shapes, axis=1)
    if (sizes == 0).any():
        raise NasionError("an alignment needs landmarks in at least two places; check them")
    shapes = shapes / sizes[:, None]
    mean = shapes[0]
    for _ in range(_MAX_ROUNDS):
        turns = shapes.conj() @ mean
        previous, mean = mean, (shapes * (turns / abs(turns))[:, None]).mean(axis=0)
        mean = mean / np.linalg.norm(mean)
        if np.linalg.norm(mean - previous) <= _RELATIVE_TOLERANCE:
            break
    turn = complex(np.vdot(mean, shapes[0]))
    return _real(mean * (turn / abs(turn)) * sizes.mean())


def _complex(points: FloatArray) -> Complex:
    array = np.asarray(points, dtype=np.float64)
    return np.asarray(array[..., 0] + 1j * array[..., 1], dtype=np.complex128)


def _real(points: Complex) -> FloatArray:
    return np.stack([points.real, points.imag], axis=-1)
