"""Where facial landmarks of a skull's face may lie: affine in the build factor, which their covariance follows too."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nasion.geometry.surface import FloatArray
from nasion.population.configuration import ShapeSettings, field_covariance


@dataclass(frozen=True, eq=False)
class LandmarkSpread:
    """Facial landmarks and helpers in the head frame: ``fixed + b * by_build``, ``b`` the build factor.

    Attributes
    ----------
    names
        Of the n points.
    fixed_mm, by_build_mm
        (n, 3) each.
    covariance_mm2
        (3 n, 3 n) at build 1; it grows with the square of the build.
    fixed_covariance_mm2
        (3 n, 3 n) of what does not depend on the build.
    build, build_log_sd
        Median build factor and SD of its logarithm.

    """

    names: tuple[str, ...]
    fixed_mm: FloatArray
    by_build_mm: FloatArray
    covariance_mm2: FloatArray
    fixed_covariance_mm2: FloatArray
    build: float
    build_log_sd: float

    @classmethod
    def of_draws(
        cls, names: tuple[str, ...], points_mm: FloatArray, builds: FloatArray, build_log_sd: float
    ) -> LandmarkSpread:
        """Fit the spread to (d, n, 3) draws of the points with their (d,) builds."""
        flat = points_mm.reshape(len(points_mm), -1)
        if build_log_sd > 0:
            design = np.stack([np.ones(len(builds)), builds], axis=1)
            fixed, by_build = np.linalg.lstsq(design, flat, rcond=None)[0]
        else:
            fixed, by_build = flat.mean(axis=0), np.zeros(flat.shape[1])
        rest = (flat - fixed - builds[:, None] * by_build) / builds[:, None]
        size = flat.shape[1]
        return cls(
            names,
            fixed.reshape(-1, 3),
            by_build.reshape(-1, 3),
            rest.T @ rest / len(rest),
            np.zeros((size, size)),
            float(np.median(builds)),
            build_log_sd,
        )

    def of_anybody(self) -> LandmarkSpread:
        """Return the spread with the population's spread of skulls added to the tissue's: of a face nobody knows."""
        between = field_covariance(self.fixed_mm + self.build * self.by_build_mm, ShapeSettings())
        return replace(self, fixed_covariance_mm2=self.fixed_covariance_mm2 + between)

    def mean_mm(self, build: float) -> FloatArray:
        """Return (n, 3) expected points at a build factor."""
        mean: FloatArray = self.fixed_mm + build * self.by_build_mm
        return mean
