"""Scores and ranks of probes against a gallery, with failures counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.matching.card import Retrieval
from nasion.matching.predict import Matcher
from nasion.matching.prepared import PreparedPair
from nasion.matching.tokens import Tokens

RANKS: Final = (1, 5, 10, 20)
FloatArray = NDArray[np.float64]


def gallery_scores(
    matcher: Matcher, pairs: Sequence[PreparedPair | None], probes: Sequence[int] | None = None
) -> FloatArray:
    """Return (p, f) scores of probes against the faces of all pairs, each pair of pictures by itself.

    Parameters
    ----------
    matcher
        The model.
    pairs
        The gallery's; None where a picture could not be used.
    probes
        Rows of ``pairs`` whose probes are scored; None for all.

    Returns
    -------
    scores
        NaN where one of the two could not be used, or they show different views.

    """
    faces = _tokens(matcher, pairs, "face")
    own = _tokens(matcher, pairs, "probe", probes)
    scores = np.full((len(own), len(pairs)), np.nan)
    views = [None if pair is None else pair.view for pair in pairs]
    rows_of = range(len(pairs)) if probes is None else probes
    for view in sorted({view for view in views if view is not None}):
        columns = [k for k, name in enumerate(views) if name == view]
        rows = [k for k, row in enumerate(rows_of) if views[row] == view]
        if rows:
            block = matcher.score_matrix([own[k] for k in rows], [faces[k] for k in columns])  # type: ignore[misc]
            scores[np.ix_(rows, columns)] = block
    return scores


def _tokens(
    matcher: Matcher, pairs: Sequence[PreparedPair | None], side: str, rows: Sequence[int] | None = None
) -> list[Tokens | None]:
    chosen = list(range(len(pairs)) if rows is None else rows)
    made: list[Tokens | None] = []
    for row in chosen:
        pair = pairs[row]
        graphs = None if pair is None else (pair.face if side == "face" else pair.probe)
        made.append(None if graphs is None else matcher.encode([graphs.plain], side)[0])
    return made


def own_ranks(scores: FloatArray, own: Sequence[int]) -> FloatArray:
    """Return the rank of each probe's own face, 1 for the best: the middle of equal scores; infinite where unscored.

    Parameters
    ----------
    scores
        (p, f); NaN where a pair was not scored.
    own
        Column of each probe's own face.

    """
    ranks = np.full(len(scores), np.inf)
    for row, column in enumerate(own):
        value = scores[row, column]
        if np.isfinite(value):
            # equal scores must not count as found: a model that gives one score to all ranks in the middle
            ranks[row] = 1 + (scores[row] > value).sum() + ((scores[row] == value).sum() - 1) / 2
    return ranks


def retrieval(scores: FloatArray, own: Sequence[int]) -> Retrieval:
    """Return how often own faces come first; every probe counts, those that could not be scored as not found."""
    ranks = own_ranks(scores, own)
    compared = np.isfinite(scores).sum(axis=1)
    size = int(np.median(compared[compared > 0])) if (compared > 0).any() else scores.shape[1]
    return Retrieval(
        n_queries=len(scores),
        n_gallery=size,
        failures=int(np.isinf(ranks).sum()),
        recall={str(k): float((ranks <= k).mean()) for k in RANKS},
        chance={str(k): min(1.0, k / size) for k in RANKS},
    )
