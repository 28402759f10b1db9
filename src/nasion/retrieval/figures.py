"""The figures of a retrieval experiment: Recall@K, mAP@K, MRR and the CMC curve, with chance levels and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasion.retrieval.intervals import mean_intervals95
from nasion.retrieval.metrics import RankOutcome, chance_outcome, outcomes

DEPTHS: Final = (1, 5, 10, 20)
"""K of Recall@K and mAP@K, as in Cranio-ID's tables."""


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures of a set of probes against one gallery, as fractions.

    Attributes
    ----------
    queries, gallery
        How many probes and faces.
    recall, mean_average_precision
        By K.
    mrr
        Mean reciprocal rank.
    cmc, chance_cmc
        (gallery,) Recall@1, 2, ... and what a random order gives.
    chance
        The same figures for a random order of the gallery, exact: ``recall`` and ``map`` by K, ``mrr``.
    interval95
        95 % bootstrap intervals over people, in the same shape.
    cmc_interval95
        (gallery, 2).

    """

    queries: int
    gallery: int
    recall: dict[int, float]
    mean_average_precision: dict[int, float]
    mrr: float
    cmc: NDArray[np.float64]
    chance_cmc: NDArray[np.float64]
    chance: dict[str, Any]
    interval95: dict[str, Any]
    cmc_interval95: NDArray[np.float64]

    def plain(self) -> dict[str, Any]:
        """Return the figures as they stand in ``table.json``."""
        return {
            "n_queries": self.queries,
            "n_gallery": self.gallery,
            "recall": {str(k): value for k, value in self.recall.items()},
            "map": {str(k): value for k, value in self.mean_average_precision.items()},
            "mrr": self.mrr,
            "chance": self.chance,
            "interval95": self.interval95,
        }


def retrieval_figures(
    scores: NDArray[Any], relevant: NDArray[np.bool_], people: ArrayLike, depths: Sequence[int] = DEPTHS, seed: int = 0
) -> Figures:
    """Return the figures of (q, n) scores.

    Parameters
    ----------
    scores
        Every probe against every face; NaN where probe or face could not be used (see ``metrics.rank_outcome``).
    relevant
        (q, n) which faces are right; at least one for each probe.
    people
        (q,) who is on each probe; intervals are over people.
    depths
        K.
    seed
        Of the bootstrap.

    """
    n = scores.shape[1]
    own = outcomes(scores, relevant)
    by_count = {count: chance_outcome(n, count) for count in {outcome.relevant for outcome in own}}
    chance = [by_count[outcome.relevant] for outcome in own]
    table, chance_table = _values(own, depths), _values(chance, depths)
    intervals = mean_intervals95(np.hstack([table, np.array([o.hit for o in own])]), people, seed)
    means = _named(table.mean(axis=0).tolist(), depths)
    return Figures(
        queries=len(own),
        gallery=n,
        recall=dict(zip(depths, means["recall"].values(), strict=True)),
        mean_average_precision=dict(zip(depths, means["map"].values(), strict=True)),
        mrr=means["mrr"],
        cmc=np.mean([outcome.hit for outcome in own], axis=0),
        chance_cmc=np.mean([outcome.hit for outcome in chance], axis=0),
        chance=_named(chance_table.mean(axis=0).tolist(), depths),
        interval95=_named(intervals[: table.shape[1]].tolist(), depths),
        cmc_interval95=intervals[table.shape[1] :],
    )


def _values(own: Sequence[RankOutcome], depths: Sequence[int]) -> NDArray[np.float64]:
    """Return (q, 2 len(depths) + 1): recall and average precision by K, reciprocal rank."""
    return np.array(
        [[*(o.recall(k) for k in depths), *(o.average_precision(k) for k in depths), o.reciprocal_rank] for o in own]
    )


def _named(row: Sequence[Any], depths: Sequence[int]) -> dict[str, Any]:
    names = [str(k) for k in depths]
    middle = len(names)
    return {
        "recall": dict(zip(names, row[:middle], strict=True)),
        "map": dict(zip(names, row[middle : 2 * middle], strict=True)),
        "mrr": row[-1],
    }
