"""Ranks from scores."""

from __future__ import annotations

import math
from collections.abc import Sequence


def competition_ranks(scores: Sequence[float | None]) -> list[int]:
    """Return the rank of each score, 1 for the highest: "standard competition ranking" (1, 2, 2, 4).

    A rank is one more than the number of strictly better entries, so equal scores share the better rank and every
    candidate that could not be scored (None) shares the place after the last scored one. Nothing is dropped.

    Parameters
    ----------
    scores
        Higher is better; None or NaN is a failure.

    """
    valid = sorted((s for s in scores if s is not None and not math.isnan(s)), reverse=True)
    first_place: dict[float | None, int] = {}
    for place, score in enumerate(valid, start=1):
        first_place.setdefault(score, place)
    return [first_place.get(score, len(valid) + 1) for score in scores]
