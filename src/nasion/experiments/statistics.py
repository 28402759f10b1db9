"""Means with intervals that respect that photographs of one person are no independent sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasion.retrieval.intervals import mean_intervals95


def mean_interval95(values: ArrayLike, people: ArrayLike, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of a mean; people are drawn, not their photographs.

    Parameters
    ----------
    values
        (n,) figures.
    people
        (n,) whose figure each is.
    seed
        Of the draws.

    """
    low, high = mean_intervals95(np.asarray(values, dtype=np.float64)[:, None], people, seed)[0]
    return float(low), float(high)


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon's signed-rank test of paired figures.

    Attributes
    ----------
    median_difference
        Of first minus second.
    p_photographs
        Two-sided, every photograph a pair, as published; photographs of one person are alike, so that it is too small.
    p_people
        Two-sided, the means of each person a pair.
    pairs, people
        How many.

    """

    median_difference: float
    p_photographs: float
    p_people: float
    pairs: int
    people: int


def signed_rank(first: ArrayLike, second: ArrayLike, people: ArrayLike) -> SignedRank:
    """Return Wilcoxon's signed-rank test of (n,) paired figures of the (n,) people named; equal pairs drop out."""
    difference = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    _, index = np.unique(np.asarray(people), return_inverse=True)
    means = np.bincount(index, weights=difference) / np.bincount(index)
    return SignedRank(float(np.median(difference)), _p(difference), _p(means), len(difference), len(means))


def _p(difference: NDArray[np.float64]) -> float:
    from scipy.stats import wilcoxon

    return float(wilcoxon(difference).pvalue) if np.any(difference != 0) else 1.0
