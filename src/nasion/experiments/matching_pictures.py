"""The matching experiment in pictures: CMC curve, contact sheet, embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from nasion.experiments.matching_scores import FloatArray, ViewScores
from nasion.experiments.matching_tables import figures_of, together
from nasion.retrieval.cmc_chart import cmc_png
from nasion.retrieval.contact_sheet import SheetRow, Tile, contact_sheet_png
from nasion.retrieval.embedding_chart import EmbeddedPairs

_BEST: Final = 10
_DRAWN: Final = 5
_WORST: Final = 3


def cmc_of(views: Sequence[ViewScores], left_out: Sequence[str], title: str) -> bytes:
    """Return the CMC curves of the pair model and of the embedding alone as a PNG."""
    whole = together(views)
    curves = [("every pair scored", figures_of(whole, whole.scores, left_out))]
    if whole.similarity is not None:
        curves.append(("embedding alone", figures_of(whole, whole.similarity, left_out)))
    if len(views) > 1:
        curves += [(f"{view.view} alone", figures_of(view, view.scores, left_out)) for view in views]
    return cmc_png([(name, figures) for name, figures in curves if figures is not None], title)


def sheet_of(views: Sequence[ViewScores], left_out: Sequence[str], title: str, seed: int) -> bytes:
    """Return a contact sheet: random probes of the first view, and those whose right face ranks worst.

    Each with its ten best faces, the right one framed; a right face beyond the tenth place stands apart with its rank.
    """
    view = views[0]
    ranks = [_rank(view.scores, row) for row in range(len(view.pairs))]
    known = [row for row, person in enumerate(view.people) if person not in set(left_out)]
    drawn = np.random.default_rng(seed).permutation(known)[:_DRAWN].tolist()
    worst = sorted((row for row in known if row not in drawn), key=lambda row: -ranks[row])[:_WORST]
    rows = [_sheet_row(view, row, ranks[row]) for row in [*sorted(drawn), *worst]]
    note = (
        f"The first {len(drawn)} probes were drawn at random, the last {len(worst)} have the worst ranks of all "
        f"{len(known)}. The right face is framed; beyond the tenth place it stands apart with its rank."
    )
    return contact_sheet_png(rows, f"{title}: {view.view} probes and the ten best of {len(view.pairs)} faces", note)


def _rank(scores: FloatArray, row: int) -> int:
    """Return the worst place that the right face may have."""
    own, right = scores[row], scores[row, row]
    if np.isnan(right):
        return len(own)
    return 1 + int((np.delete(own, row) >= right).sum())


def _sheet_row(view: ViewScores, row: int, rank: int) -> SheetRow:
    pair, scores = view.pairs[row], view.scores[row]
    probe = Tile(pair.probe.path, (pair.probe.modality, pair.probe.person))
    # the right face behind its equals, as its rank counts them
    order = np.lexsort((np.arange(len(scores)) == row, -scores))
    order = order[np.isfinite(scores[order])][:_BEST]
    tiles = [_tile(view, int(k), place, row, scores) for place, k in enumerate(order, start=1)]
    if row not in order:
        tiles.append(_tile(view, row, rank, row, scores, apart=True))
    return SheetRow(probe, tuple(tiles))


def _tile(view: ViewScores, k: int, place: int, row: int, scores: FloatArray, *, apart: bool = False) -> Tile:
    face = view.pairs[k].face
    told = f"score {scores[k]:.3f}" if np.isfinite(scores[k]) else "could not be used"
    return Tile(face.path, (f"{place}  {face.person}", told), right=k == row, apart=apart)


def embedded(title: str, probes: FloatArray, faces: FloatArray) -> EmbeddedPairs:
    """Return the pairs of which both pictures could be used."""
    usable = np.isfinite(probes).all(axis=1) & np.isfinite(faces).all(axis=1)
    return EmbeddedPairs(title, probes[usable], faces[usable])
