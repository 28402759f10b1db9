"""How sure a landmark is: a standard deviation in millimetres, a 90 % radius, or that it is missing.

A heat map tells by its peak, its spread and its misfit. Held-out people, with errors known, tell what these mean; see
``landmarks.calibration``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nasion.geometry.surface import FloatArray
from nasion.landmarks.calibration import Meaning, learn

_COORDINATES: Final = 3
_LEAST_ERROR_MM: Final = 0.02
_LEAST_PEAK: Final = 0.02
_LEAST_MISFIT: Final = 0.005


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of each landmark, (..., l) arrays.

    Attributes
    ----------
    peak, misfit
        Of the heat map, as in ``RefinedLandmarks``.
    spread_mm
        The error that the local stage expects; without that stage the spread of the heat map.

    """

    peak: FloatArray
    spread_mm: FloatArray
    misfit: FloatArray

    def logarithms(self) -> FloatArray:
        """Return (..., l, 3) logarithms, cut where they would say nothing more."""
        floors = ((self.spread_mm, _LEAST_ERROR_MM), (self.peak, _LEAST_PEAK), (self.misfit, _LEAST_MISFIT))
        return np.stack([np.log(np.maximum(values, least)) for values, least in floors], axis=-1)


@dataclass(frozen=True, eq=False)
class Calibration(Meaning):
    """What evidence means in millimetres, learnt from held-out people."""

    def sigma_mm(self, evidence: Evidence) -> FloatArray:
        """Return (..., l) standard deviations of one coordinate; an error's expected square is 3 sigma^2."""
        return self.sigma(evidence.logarithms())

    def radius_mm(self, evidence: Evidence) -> FloatArray:
        """Return (..., l) radii that hold 90 % of the errors."""
        return self.radius_factors * self.sigma_mm(evidence)

    def missing(self, names: Sequence[str], evidence: Evidence) -> dict[str, str]:
        """Return the landmarks that one surface's evidence does not show, with the reason."""
        return self.unseen(names, evidence.peak, "on this surface")


def calibrate(evidence: Evidence, errors_mm: FloatArray, people: Sequence[str]) -> Calibration:
    """Learn what evidence means.

    Parameters
    ----------
    evidence
        (s, l) arrays of held-out samples.
    errors_mm
        (s, l) distances from the truth, NaN where the landmark is absent.
    people
        (s,) whose sample it is.

    Raises
    ------
    NasionError
        Fewer than five people, or a landmark that none of them has.

    """
    return Calibration(
        **vars(learn(evidence.logarithms(), evidence.peak, errors_mm, people, _COORDINATES, _LEAST_ERROR_MM))
    )
