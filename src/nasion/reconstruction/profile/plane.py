"""Similarity transforms between points of the plane, by those of space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nasion.geometry.procrustes import Similarity, fit_similarity, generalized_procrustes
from nasion.geometry.surface import FloatArray


@dataclass(frozen=True, eq=False)
class PlaneSimilarity:
    """``x -> scale * rotation @ x + translation`` in the plane."""

    lifted: Similarity

    @classmethod
    def between(cls, source: FloatArray, target: FloatArray) -> PlaneSimilarity:
        """Return the least-squares similarity of (n, 2) points to others; NasionError where they lie on one line."""
        return cls(fit_similarity(_lifted(source), _lifted(target)))

    def apply(self, points: FloatArray) -> FloatArray:
        """Return (n, 2) transformed points."""
        return self.lifted.apply(_lifted(points))[:, :2]

    def back(self, points: FloatArray) -> FloatArray:
        """Return the (n, 2) points whose images are given."""
        return self.lifted.inverse().apply(_lifted(points))[:, :2]

    def covariance_back(self, covariance: FloatArray) -> FloatArray:
        """Return the (n, 2, 2) covariances of points whose images have the given ones."""
        inverse = self.lifted.inverse()
        turn = inverse.scale * inverse.rotation[:2, :2]
        moved: FloatArray = turn @ covariance @ turn.T
        return moved


def mean_shape(configurations: Sequence[FloatArray]) -> FloatArray:
    """Return the (n, 2) mean of configurations of (n, 2) points, brought into one frame and to their mean size."""
    return generalized_procrustes([_lifted(points) for points in configurations])[1][:, :2]


def _lifted(points: FloatArray) -> FloatArray:
    return np.pad(np.asarray(points, dtype=np.float64), ((0, 0), (0, 1)))
