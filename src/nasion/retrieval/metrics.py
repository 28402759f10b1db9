"""Rank metrics of one probe: Recall@K (the CMC curve), average precision, reciprocal rank, with ties and failures.

Equal scores have no order. Every figure is its expectation over all orders of the tied faces (McSherry & Najork,
"Computing information retrieval performance measures efficiently in the presence of tied scores", ECIR 2008), so ties
neither help nor harm, and a scorer that gives every face the same score is exactly at chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RankOutcome:
    """What a probe's ranking of ``n`` faces, ``relevant`` of them right ones, is worth.

    Attributes
    ----------
    relevant
        Number of right faces.
    hit
        (n,) chance that at least one right face is among the first 1, 2, ... n.
    precision_gain
        (n,) expected precision at each place times the chance that a right face stands there.

    """

    relevant: int
    hit: FloatArray
    precision_gain: FloatArray

    def recall(self, k: int) -> float:
        """Return Recall@K: 1 where at least one right face is among the first K. Its mean over probes is CMC(K)."""
        return float(self.hit[min(k, len(self.hit)) - 1])

    def average_precision(self, k: int) -> float:
        """Return AP@K: precision at the places of right faces among the first K, summed, over min(K, right faces).

        With one right face it is 1 / rank, and 0 beyond K; so its mean never exceeds Recall@K.
        """
        return float(self.precision_gain[:k].sum()) / min(k, self.relevant)

    @property
    def reciprocal_rank(self) -> float:
        """1 / rank of the first right face; its mean over probes is the MRR."""
        first = np.diff(self.hit, prepend=0.0)
        return float((first / np.arange(1, len(first) + 1)).sum())


def rank_outcome(scores: ArrayLike, relevant: ArrayLike) -> RankOutcome:
    """Rank one probe's faces.

    Parameters
    ----------
    scores
        (n,) higher is better. NaN is a failure: such faces stand behind all others, and the right ones among them
        behind the wrong ones. A probe that could not be used has NaN everywhere, so that its right face is last.
    relevant
        (n,) which faces are right; at least one.

    Raises
    ------
    ValueError
        No face is right, or the shapes differ.

    """
    given, right = np.asarray(scores, dtype=np.float64), np.asarray(relevant, dtype=bool)
    if given.ndim != 1 or given.shape != right.shape or not right.any():
        raise ValueError("scores and relevant must be of one length, and one face must be right")
    failed = np.isnan(given)
    group_of = np.where(failed, 1 + right, 0)
    key = np.where(failed, 0.0, -given)
    order = np.lexsort((key, group_of))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(key[order]) != 0) | (np.diff(group_of[order]) != 0)
    return _expected(right[order], np.flatnonzero(new))


def _expected(right: NDArray[np.bool_], starts: NDArray[np.intp]) -> RankOutcome:
    """Return the expectations for faces in order of rank; tied faces begin at each of ``starts``."""
    n = len(right)
    size = np.diff(starts, append=n)
    own = np.add.reduceat(right.astype(np.int64), starts)
    group = np.repeat(np.arange(len(starts)), size)
    place = np.arange(n) - starts[group]
    before = (np.cumsum(own) - own)[group]
    others = np.maximum(size - 1, 1)[group]
    expected_before = before + place * np.maximum(own - 1, 0)[group] / others
    gain = (own / size)[group] * (1 + expected_before) / np.arange(1, n + 1)
    first = int(np.flatnonzero(own)[0])
    left = np.arange(size[first])
    missed = np.cumprod(np.maximum(size[first] - own[first] - left, 0) / (size[first] - left))
    hit = np.zeros(n)
    hit[starts[first] : starts[first] + size[first]] = 1 - missed
    hit[starts[first] + size[first] :] = 1.0
    return RankOutcome(int(own.sum()), hit, gain)


def chance_outcome(gallery: int, relevant: int = 1) -> RankOutcome:
    """Return what a random order of ``gallery`` faces is worth, exactly; ``relevant`` of them are right.

    With one right face Recall@K is K / n, AP@K is H(K) / n and the reciprocal rank H(n) / n, H the harmonic numbers.
    """
    if not 1 <= relevant <= gallery:
        raise ValueError("the number of right faces must be from 1 to the size of the gallery")
    return rank_outcome(np.zeros(gallery), np.arange(gallery) < relevant)


def outcomes(scores: NDArray[Any], relevant: NDArray[np.bool_]) -> list[RankOutcome]:
    """Return the outcome of each row of (q, n) scores."""
    return [rank_outcome(row, right) for row, right in zip(scores, relevant, strict=True)]
