"""How sure a landmark is: a standard deviation in millimetres, a 90 % radius, or that it is missing.

A heat map tells by its peak, its spread and its misfit. Held-out people, with errors known, tell what these mean: the
logarithm of the standard deviation is linear in the logarithms of the three, with an offset a landmark (maximum
likelihood of isotropic Gaussian errors, which is convex); radii are split-conformal over the same people, each judged
by a fit without them (Vovk, "Cross-conformal predictors", 2015); peaks of landmarks that are absent set the least peak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray

COVERAGE: Final = 0.9
_FOLDS: Final = 5
_LEAST_PEOPLE: Final = 5
_OWN_RADIUS_FROM: Final = 60
"""Errors from which a landmark has a radius factor of its own; below, that of all landmarks together."""
_RIDGE: Final = 1.0
"""Pull of the slopes and of each landmark's offset towards 0, in units of one error."""
_LEAST_ERROR_MM: Final = 0.02
_LEAST_PEAK: Final = 0.02
_LEAST_MISFIT: Final = 0.005


@dataclass(frozen=True, eq=False)
class Evidence:
    """What heat maps show of each landmark, (..., l) arrays: ``RefinedLandmarks`` with the spread in millimetres."""

    peak: FloatArray
    spread_mm: FloatArray
    misfit: FloatArray

    def logarithms(self) -> FloatArray:
        """Return (..., l, 3) logarithms, cut where they would say nothing more."""
        floors = ((self.spread_mm, _LEAST_ERROR_MM), (self.peak, _LEAST_PEAK), (self.misfit, _LEAST_MISFIT))
        return np.stack([np.log(np.maximum(values, least)) for values, least in floors], axis=-1)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What evidence means, learnt from held-out people.

    Attributes
    ----------
    offsets
        (l,) logarithm of the standard deviation, mm, where the centred logarithms of the evidence are 0.
    centre, slopes
        (3,) of the logarithms of spread, peak and misfit.
    radius_factors
        (l,) 90 % radius in standard deviations.
    least_peak
        (l,) peak below which a landmark is missing.
    present_lost, absent_invented
        Shares of the held-out people's landmarks on the wrong side of ``least_peak``; None where there were none.

    """

    offsets: FloatArray
    centre: FloatArray
    slopes: FloatArray
    radius_factors: FloatArray
    least_peak: FloatArray
    present_lost: float
    absent_invented: float | None

    def sigma_mm(self, evidence: Evidence) -> FloatArray:
        """Return (..., l) standard deviations of one coordinate; an error's expected square is 3 sigma^2."""
        sigma: FloatArray = np.exp(self.offsets + (evidence.logarithms() - self.centre) @ self.slopes)
        return sigma

    def radius_mm(self, evidence: Evidence) -> FloatArray:
        """Return (..., l) radii that hold 90 % of the errors."""
        return self.radius_factors * self.sigma_mm(evidence)

    def missing(self, names: Sequence[str], evidence: Evidence) -> dict[str, str]:
        """Return the landmarks that one surface's evidence does not show, with the reason."""
        return {
            name: f"not seen on this surface: the heat map's peak is {peak:.2f}, at least {least:.2f} is needed"
            for name, peak, least in zip(names, evidence.peak, self.least_peak, strict=True)
            if not peak >= least
        }

    def to_plain(self) -> dict[str, Any]:
        """Return plain values for a card."""
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> Calibration:
        """Return the calibration that a card holds."""
        plain: dict[str, Any] = {n: np.array(v) if isinstance(v, list) else v for n, v in values.items()}
        return cls(**plain)


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
    names = sorted(set(people))
    if len(names) < _LEAST_PEOPLE:
        raise NasionError(f"calibration needs at least {_LEAST_PEOPLE} held-out people, {len(names)} were given")
    present: NDArray[np.bool_] = np.isfinite(errors_mm)
    if not present.any(axis=0).all():
        place = int(present.any(axis=0).argmin())
        raise NasionError(f"no held-out person has landmark number {place + 1}; give more people or leave it out")
    least, lost, invented = _least_peak(evidence.peak, present)
    present &= evidence.peak >= least
    logs = evidence.logarithms()
    centre: FloatArray = logs[present].mean(axis=0)
    offsets, slopes = _fit(logs - centre, errors_mm, present)
    fold = np.array([names.index(person) % _FOLDS for person in people])
    scores = np.full(errors_mm.shape, np.nan)
    for number in range(_FOLDS):
        own = fold == number
        fold_offsets, fold_slopes = _fit((logs - centre)[~own], errors_mm[~own], present[~own])
        scores[own] = errors_mm[own] / np.exp(fold_offsets + (logs[own] - centre) @ fold_slopes)
    every = _conformal(scores[present])
    factors = np.array(
        [
            _conformal(own) if len(own := s[k]) >= _OWN_RADIUS_FROM else every
            for s, k in zip(scores.T, present.T, strict=True)
        ]
    )
    return Calibration(offsets, centre, slopes, factors, least, lost, invented)


def _fit(logs: FloatArray, errors_mm: FloatArray, present: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return each landmark's offset (l,) and the slopes (3,)."""
    count = present.shape[1]
    design = logs[present]
    landmark = np.nonzero(present)[1]
    squared = np.maximum(errors_mm[present], _LEAST_ERROR_MM) ** 2

    def loss(values: FloatArray) -> tuple[float, FloatArray]:
        common, own, slopes = values[0], values[1 : 1 + count], values[1 + count :]
        eta = common + own[landmark] + design @ slopes
        ratio = squared * np.exp(-2 * eta)
        pull = own @ own + slopes @ slopes
        push = 3.0 - ratio
        gradient = np.concatenate([[push.sum()], np.bincount(landmark, push, count), push @ design])
        gradient[1:] += _RIDGE * values[1:]
        return float((3 * eta + ratio / 2).sum() + _RIDGE * pull / 2), gradient

    start = np.zeros(1 + count + design.shape[1])
    start[0] = np.log(squared.mean() / 3) / 2
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000, "ftol": 1e-12, "gtol": 1e-8}).x
    return best[0] + best[1 : 1 + count], best[1 + count :]


def _conformal(scores: FloatArray) -> float:
    """Return the score that holds ``COVERAGE`` of new ones; the largest where there are too few."""
    rank = int(np.ceil((len(scores) + 1) * COVERAGE))
    return float(np.sort(scores)[min(rank, len(scores)) - 1])


def _least_peak(peak: FloatArray, present: NDArray[np.bool_]) -> tuple[FloatArray, float, float | None]:
    """Return the least peaks (l,) and the shares of present ones lost and absent ones invented.

    Peaks are compared with the median of their landmark, so that all landmarks share one threshold: the middle of the
    range that errs least on both sides; without absent ones, half of the weakest present ones' peak.
    """
    typical = np.array([np.median(column[seen]) for column, seen in zip(peak.T, present.T, strict=True)])
    typical = np.maximum(typical, _LEAST_PEAK)
    relative = peak / typical
    seen, unseen = np.sort(relative[present]), np.sort(relative[~present])
    if len(unseen) == 0:
        threshold = max(float(np.quantile(seen, 0.005)), 0.0) / 2
        return threshold * typical, float(np.mean(seen < threshold)), None
    edges = np.unique(np.concatenate([[0.0], seen, unseen]))
    tries = (edges[1:] + edges[:-1]) / 2
    lost = np.searchsorted(seen, tries) / len(seen)
    invented = 1 - np.searchsorted(unseen, tries) / len(unseen)
    wrong = lost + invented
    best = tries[wrong <= wrong.min() + 1e-12]
    place = int(np.argmin(abs(tries - (best.min() + best.max()) / 2)))
    place = place if wrong[place] <= wrong.min() + 1e-12 else int(np.argmin(wrong))
    return tries[place] * typical, float(lost[place]), float(invented[place])
