"""Bootstrap intervals of means that respect that pictures of one person are no independent sample."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS: Final = 2000


def mean_intervals95(values: ArrayLike, people: ArrayLike, seed: int = 0) -> NDArray[np.float64]:
    """Return the (k, 2) 95 % percentile bootstrap intervals of k means; people are drawn, not their pictures.

    All k means come from the same draws. Where every person's value is the same the interval has no width, which does
    not mean that nothing is uncertain.

    Parameters
    ----------
    values
        (n, k) figures.
    people
        (n,) whose figure each is.
    seed
        Of the draws.

    """
    values = np.asarray(values, dtype=np.float64)
    _, index = np.unique(np.asarray(people), return_inverse=True)
    counts = np.bincount(index)
    totals = np.zeros((len(counts), values.shape[1]))
    np.add.at(totals, index, values)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(totals), (DRAWS, len(totals)))
    weight = np.zeros((DRAWS, len(totals)))
    np.add.at(weight, (np.arange(DRAWS)[:, None], drawn), 1.0)
    means = (weight @ totals) / (weight @ counts)[:, None]
    intervals: NDArray[np.float64] = np.percentile(means, [2.5, 97.5], axis=0).T
    return intervals
