"""Two stages: the partner-free embedding shortlists a gallery, the pair model orders the shortlist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from nasion.matching.tokens import Tokens
from nasion.retrieval import exact, faiss_search
from nasion.retrieval.describing import PairModel
from nasion.retrieval.gallery import GalleryFace
from nasion.retrieval.vectors import Float32

SHORTLIST: Final = 200
MOST_LISTED: Final = 10_000
"""Faces that a ranking lists; a larger gallery's others are counted only."""


class Shelf(Protocol):
    """Faces that can be searched: a gallery on disk, or a folder's pictures in memory."""

    def embedding_rows(self) -> Float32:
        """Return (n, d) embeddings."""

    def places(self, view: str | None = None) -> NDArray[np.int64]:
        """Return the rows of a view's faces, ascending."""

    def faces_at(self, places: Sequence[int]) -> list[GalleryFace]:
        """Return the faces of some rows."""

    def packed(self, faces: Sequence[GalleryFace]) -> list[Float32]:
        """Return the packed features of faces."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Faces in order, best first: those of the shortlist by score, then the others by similarity.

    Attributes
    ----------
    faces
        The first ``MOST_LISTED`` or all.
    similarity
        (k,) dot product of the embeddings.
    scores
        (k,) of the pair model; NaN beyond the shortlist.
    compared
        How many faces of the view the gallery holds.
    engine
        What searched it.

    """

    faces: tuple[GalleryFace, ...]
    similarity: Float32
    scores: NDArray[np.float64]
    compared: int
    engine: str

    @property
    def re_ranked(self) -> int:
        """How many faces the pair model scored."""
        return int(np.isfinite(self.scores).sum())


def rank_shelf(shelf: Shelf, view: str, probe: Tokens, model: PairModel, shortlist: int = SHORTLIST) -> Ranking:
    """Rank a view's faces for a probe.

    Parameters
    ----------
    shelf
        The faces.
    view
        Faces of other views are not compared.
    probe
        Its features.
    model
        The one that made the shelf's features.
    shortlist
        How many faces the pair model scores.

    Raises
    ------
    NasionError
        The gallery was changed while it was read, or is damaged.

    """
    places = shelf.places(view)
    large = len(places) >= faiss_search.WORTH_IT and faiss_search.available()
    engine = faiss_search if large else exact
    found = engine.search(model.embed(probe)[None], shelf.embedding_rows(), MOST_LISTED, places)
    rows, similarity = found.rows[0], found.products[0]
    faces = shelf.faces_at(rows.tolist())
    first = [model.unpack(vector) for vector in shelf.packed(faces[:shortlist])]
    scores = np.full(len(faces), np.nan)
    if first:
        scores[: len(first)] = model.score(probe, first)
    order = two_stage_order(similarity, scores)
    listed = tuple(faces[k] for k in order)
    return Ranking(listed, similarity[order], scores[order], len(places), "faiss" if large else "numpy")


def two_stage_order(similarity: NDArray[np.floating], scores: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the order of faces: those with a score by it, ties by similarity; then those without by similarity."""
    unscored = np.isnan(scores)
    return np.lexsort((-similarity, np.where(unscored, 0.0, -scores), unscored))


def two_stage_scores(
    similarity: NDArray[np.floating], scores: NDArray[np.floating], shortlist: int
) -> NDArray[np.float64]:
    """Return (q, n) values whose order is that of two stages with such a shortlist.

    Parameters
    ----------
    similarity, scores
        (q, n) of embeddings and of pairs; NaN where probe or face could not be used.
    shortlist
        Faces that are re-ranked. Which of equal similarities enter it is decided against the better pair score, so
        that a shortlist by constant similarities is no help.

    """
    similarity, scores = np.asarray(similarity, np.float64), np.asarray(scores, np.float64)
    usable = np.isfinite(similarity) & np.isfinite(scores)
    place = np.full(scores.shape, np.inf)
    for row in range(len(scores)):
        own = np.flatnonzero(usable[row])
        place[row, own[np.lexsort((scores[row, own], -similarity[row, own]))]] = np.arange(len(own))
    inside = place < shortlist
    span = np.nanmax(np.abs(np.where(usable, scores, np.nan)), initial=0.0) + 2
    # similarities lie within -1 and 1, so that all of them stay below the lowest score
    result: NDArray[np.float64] = np.where(usable, np.where(inside, scores, similarity - span), np.nan)
    return result
