"""KID: the squared maximum mean discrepancy of two sets of features, unbiased, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

HALVES: Final = 1000
LEAST: Final = 4


@dataclass(frozen=True)
class KernelDistance:
    """A KID.

    Attributes
    ----------
    value
        Unbiased: its mean is 0 for two sets of one distribution, so it may be below 0.
    interval95
        From random halves of the people.
    pictures
        In each set.

    """

    value: float
    interval95: tuple[float, float]
    pictures: int


def cubic_kernel(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return (n, m) of (n, d) and (m, d) features: (x . y / d + 1) cubed (Binkowski et al., ICLR 2018, section 4)."""
    kernel: FloatArray = (one @ other.T / one.shape[1] + 1.0) ** 3
    return kernel


def kernel_distance(
    generated: NDArray[np.floating], real: NDArray[np.floating], folds: Sequence[int] | None = None, seed: int = 0
) -> KernelDistance:
    """Return the KID of pairs: row k of both sets shows the same person.

    The unbiased estimate for pairs (Gretton et al., JMLR 2012, Eq. 4): the mean over i unlike j of
    k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i). A person's own pair is left out: generated faces depend on
    their persons, and counting k(x_i, y_i) as if the sets were independent would reward likeness to the own truth.

    Of a cross-validation only pairs of people of one fold count: what a model made is never compared with faces that
    this model has learnt from, so that remembered faces do not pass for new ones.

    The interval holds the middle 95 % of the estimate over random halves of the people (both pictures of a person come
    along). A half drawn without replacement spreads about the whole as the whole does about the truth (delete-half
    jackknife; Efron & Tibshirani 1993, section 11.7).

    Parameters
    ----------
    generated, real
        (n, d) features of one extractor; at least four people.
    folds
        (n,) in which fold each person was tested; None: all in one.
    seed
        Of the halves.

    Raises
    ------
    ValueError
        The shapes differ, or there are too few rows, or no two of one fold.

    """
    x, y = np.asarray(generated, np.float64), np.asarray(real, np.float64)
    if x.ndim != 2 or x.shape != y.shape or len(x) < LEAST:
        raise ValueError(f"generated and real features must be of one shape, with at least {LEAST} rows")
    cross = cubic_kernel(x, y)
    n, half = len(x), len(x) // 2
    fold = np.zeros(n) if folds is None else np.asarray(folds)
    counted = ((fold[:, None] == fold) & ~np.eye(n, dtype=bool)).astype(np.float64)
    if not counted.any():
        raise ValueError("no two people were tested in one fold")
    terms = counted * (cubic_kernel(x, x) + cubic_kernel(y, y) - cross - cross.T)
    rng = np.random.default_rng(seed)
    chosen = np.zeros((HALVES, n))
    chosen[np.arange(HALVES)[:, None], rng.permuted(np.tile(np.arange(n), (HALVES, 1)), axis=1)[:, :half]] = 1.0
    pairs = ((chosen @ counted) * chosen).sum(axis=1)
    estimates = (((chosen @ terms) * chosen).sum(axis=1) / np.maximum(pairs, 1))[pairs > 0]
    low, high = np.percentile(estimates, [2.5, 97.5])
    return KernelDistance(float(terms.sum() / counted.sum()), (float(low), float(high)), n)
