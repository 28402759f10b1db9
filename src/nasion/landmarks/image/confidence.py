"""How sure a landmark in an image is: a standard deviation in pixels, a 90 % radius, or that it is missing.

Evidence is the heat map's peak and spread and how far the graph network moved the point; all lengths are in crop
pixels, so that they follow the face's size. See ``landmarks.calibration`` for how its meaning is learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nasion.geometry.surface import FloatArray
from nasion.landmarks.calibration import Meaning, learn
from nasion.landmarks.image.passes import Look

_COORDINATES: Final = 2
_LEAST_ERROR: Final = 0.1
_LEAST_SPREAD: Final = 1.0
_LEAST_MOVE: Final = 0.5
_LEAST_PEAK: Final = 0.02


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a look shows of each landmark, (..., l) arrays; lengths in crop pixels."""

    peak: FloatArray
    spread: FloatArray
    move: FloatArray

    def logarithms(self) -> FloatArray:
        """Return (..., l, 3) logarithms, cut where they would say nothing more."""
        floors = ((self.spread, _LEAST_SPREAD), (self.peak, _LEAST_PEAK), (self.move, _LEAST_MOVE))
        return np.stack([np.log(np.maximum(values, least)) for values, least in floors], axis=-1)

    @classmethod
    def of(cls, seen: Look) -> Evidence:
        """Return the evidence of a look."""
        move = np.linalg.norm(seen.points_px - seen.start_px, axis=-1) / seen.frame.scale
        return cls(seen.peak, seen.spread_px / seen.frame.scale, move)

    @classmethod
    def stacked(cls, parts: Sequence[Evidence]) -> Evidence:
        """Return (s, l) arrays of s images."""
        return cls(*(np.stack([getattr(part, name) for part in parts]) for name in ("peak", "spread", "move")))


@dataclass(frozen=True, eq=False)
class Calibration(Meaning):
    """What evidence means in crop pixels, learnt from held-out people."""

    def sigma_px(self, evidence: Evidence, scale: FloatArray | float) -> FloatArray:
        """Return (..., l) standard deviations of one coordinate, image pixels; an error's expected square is 2 sigma^2.

        ``scale`` is the frame's, image pixels to a crop pixel; of many images (s, 1).
        """
        sigma: FloatArray = self.sigma(evidence.logarithms()) * scale
        return sigma

    def radius_px(self, evidence: Evidence, scale: FloatArray | float) -> FloatArray:
        """Return (..., l) radii that hold 90 % of the errors, image pixels."""
        radius: FloatArray = self.radius_factors * self.sigma_px(evidence, scale)
        return radius

    def missing(self, names: Sequence[str], evidence: Evidence) -> dict[str, str]:
        """Return the landmarks that one image's evidence does not show, with the reason."""
        return self.unseen(names, evidence.peak, "in this image")


def calibrate(evidence: Evidence, errors: FloatArray, people: Sequence[str]) -> Calibration:
    """Learn what evidence means.

    Parameters
    ----------
    evidence
        (s, l) arrays of held-out images.
    errors
        (s, l) distances from the truth, crop pixels; NaN where the point is not marked.
    people
        (s,) whose image it is.

    Raises
    ------
    NasionError
        Fewer than five people, or a landmark that none of them has.

    """
    meaning = learn(evidence.logarithms(), evidence.peak, errors, people, _COORDINATES, _LEAST_ERROR)
    return Calibration(**vars(meaning))
