"""Means with intervals that respect that photographs of one person are no independent sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

DRAWS = 2000


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
    values, people = np.asarray(values, dtype=np.float64), np.asarray(people)
    _, index = np.unique(people, return_inverse=True)
    totals = np.bincount(index, weights=values)
    counts = np.bincount(index)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(totals), (DRAWS, len(totals)))
    means = totals[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
