"""What a network's evidence means in lengths, learnt from held-out people whose errors are known.

The logarithm of the standard deviation is linear in the evidence, with an offset a landmark (maximum likelihood of
isotropic Gaussian errors, which is convex); radii are split-conformal over the same people, each judged by a fit
without them (Vovk, "Cross-conformal predictors", 2015); peaks of landmarks that are absent set the least peak.
Surfaces (three coordinates) and images (two) share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

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
_LEAST_PEAK: Final = 0.02


@dataclass(frozen=True, eq=False)
class Meaning:
    """What evidence means.

    Attributes
    ----------
    offsets
        (l,) logarithm of the standard deviation where the centred evidence is 0.
    centre, slopes
        (k,) of the evidence.
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

    def sigma(self, logs: FloatArray) -> FloatArray:
        """Return (..., l) standard deviations of one coordinate from (..., l, k) evidence."""
        sigma: FloatArray = np.exp(self.offsets + (logs - self.centre) @ self.slopes)
        return sigma

    def unseen(self, names: Sequence[str], peak: FloatArray, place: str) -> dict[str, str]:
        """Return the landmarks whose peak (l,) is too low, with the reason; ``place`` is e.g. "on this surface"."""
        return {
            name: f"not seen {place}: the heat map's peak is {own:.2f}, at least {least:.2f} is needed"
            for name, own, least in zip(names, peak, self.least_peak, strict=True)
            if not own >= least
        }

    def to_plain(self) -> dict[str, Any]:
        """Return plain values for a card."""
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> Self:
        """Return what a card holds."""
        plain: dict[str, Any] = {n: np.array(v) if isinstance(v, list) else v for n, v in values.items()}
        return cls(**plain)


def learn(
    logs: FloatArray, peak: FloatArray, errors: FloatArray, people: Sequence[str], dimensions: int, least_error: float
) -> Meaning:
    """Learn what evidence means.

    Parameters
    ----------
    logs
        (s, l, k) evidence of held-out samples, as logarithms.
    peak
        (s, l) height of the heat maps.
    errors
        (s, l) distances from the truth, NaN where the landmark is absent.
    people
        (s,) whose sample it is.
    dimensions
        Coordinates of a point: an error's expected square is ``dimensions`` sigma squared.
    least_error
        Errors below count as this.

    Raises
    ------
    NasionError
        Fewer than five people, or a landmark that none of them has.

    """
    names = sorted(set(people))
    if len(names) < _LEAST_PEOPLE:
        raise NasionError(f"calibration needs at least {_LEAST_PEOPLE} held-out people, {len(names)} were given")
    present: NDArray[np.bool_] = np.isfinite(errors)
    if not present.any(axis=0).all():
        place = int(present.any(axis=0).argmin())
        raise NasionError(f"no held-out person has landmark number {place + 1}; give more people or leave it out")
    least, lost, invented = _least_peak(peak, present)
    present &= peak >= least
    centre: FloatArray = logs[present].mean(axis=0)
    squared = np.maximum(errors, least_error) ** 2
    offsets, slopes = _fit(logs - centre, squared, present, dimensions)
    fold = np.array([names.index(person) % _FOLDS for person in people])
    scores = np.full(errors.shape, np.nan)
    for number in range(_FOLDS):
        own = fold == number
        fold_offsets, fold_slopes = _fit((logs - centre)[~own], squared[~own], present[~own], dimensions)
        scores[own] = errors[own] / np.exp(fold_offsets + (logs[own] - centre) @ fold_slopes)
    every = _conformal(scores[present])
    factors = np.array(
        [
            _conformal(own) if len(own := s[k]) >= _OWN_RADIUS_FROM else every
            for s, k in zip(scores.T, present.T, strict=True)
        ]
    )
    return Meaning(offsets, centre, slopes, factors, least, lost, invented)


def _fit(
    logs: FloatArray, squared_errors: FloatArray, present: NDArray[np.bool_], dimensions: int
) -> tuple[FloatArray, FloatArray]:
    """Return each landmark's offset (l,) and the slopes (k,)."""
    count = present.shape[1]
    design = logs[present]
    landmark = np.nonzero(present)[1]
    squared = squared_errors[present]

    def loss(values: FloatArray) -> tuple[float, FloatArray]:
        common, own, slopes = values[0], values[1 : 1 + count], values[1 + count :]
        eta = common + own[landmark] + design @ slopes
        ratio = squared * np.exp(-2 * eta)
        pull = own @ own + slopes @ slopes
        push = dimensions - ratio
        gradient = np.concatenate([[push.sum()], np.bincount(landmark, push, count), push @ design])
        gradient[1:] += _RIDGE * values[1:]
        return float((dimensions * eta + ratio / 2).sum() + _RIDGE * pull / 2), gradient

    start = np.zeros(1 + count + design.shape[1])
    start[0] = np.log(squared.mean() / dimensions) / 2
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
