"""The matching experiment's figures: by view, by person, of the embedding alone, and what a shortlist loses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.experiments.markdown import grid, percent
from nasion.experiments.matching_scores import FloatArray, ViewScores
from nasion.retrieval.figures import DEPTHS, Figures, retrieval_figures
from nasion.retrieval.two_stage import two_stage_scores

TOGETHER: Final = "views together"
SHORTLISTS: Final = (10, 20, 50, 100, 200)


def together(views: Sequence[ViewScores]) -> ViewScores:
    """Return people against people: the mean score of the views in which both could be used.

    Only people who have all views take part, so that nobody is easier to tell for having more pictures; a single view
    is returned as it is.
    """
    if len(views) == 1:
        return views[0]
    people = [person for person in views[0].people if all(person in set(view.people) for view in views[1:])]
    rows = [[view.people.index(person) for person in people] for view in views]
    pairs = tuple(views[0].pairs[row] for row in rows[0])
    scores = [view.scores[np.ix_(own, own)] for view, own in zip(views, rows, strict=True)]
    similarity = None
    if all(view.similarity is not None for view in views):
        parts = [
            view.similarity[np.ix_(own, own)]
            for view, own in zip(views, rows, strict=True)
            if view.similarity is not None
        ]
        similarity = _mean(parts)
    return ViewScores(TOGETHER, pairs, _mean(scores), similarity)


def _mean(parts: Sequence[FloatArray]) -> FloatArray:
    """Return the mean of the numbers that are there; NaN where none is."""
    stack = np.array(parts)
    there = np.isfinite(stack)
    total, count = np.where(there, stack, 0).sum(axis=0), there.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def figures_of(
    view: ViewScores, values: NDArray[np.floating], left_out: Collection[str] = (), seed: int = 0
) -> Figures | None:
    """Return the figures of (n, n) values of a view's pairs; probes of people in ``left_out`` do not count.

    None where nobody is left. The gallery is whole in any case.
    """
    chosen = np.array([person not in left_out for person in view.people])
    if not chosen.any():
        return None
    people = np.array(view.people)[chosen]
    return retrieval_figures(np.asarray(values)[chosen], np.eye(len(chosen), dtype=bool)[chosen], people, seed=seed)


def shortlist_rows(view: ViewScores, whole: Figures, left_out: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return what two stages give with shortlists shorter than the gallery, and what they lose against every pair."""
    rows: list[dict[str, Any]] = []
    if view.similarity is None:
        return rows
    for length in SHORTLISTS:
        if length >= len(view.pairs):
            continue
        figures = figures_of(view, two_stage_scores(view.similarity, view.scores, length), left_out)
        embedding = figures_of(view, view.similarity, left_out)
        if figures is None or embedding is None:
            continue
        rows.append(
            {
                "shortlist": length,
                "right_face_in_it": float(embedding.cmc[length - 1]),
                "recall": {str(k): figures.recall[k] for k in DEPTHS},
                "lost": {str(k): whole.recall[k] - figures.recall[k] for k in DEPTHS},
            }
        )
    return rows


def summarise(views: Sequence[ViewScores], seen: Collection[str]) -> dict[str, Any]:
    """Return the figures as plain values.

    The top level holds the headline (``Figures.plain``): all views of a person together. Probes of people whom the
    model has learnt from are left out of it; ``including_seen`` has them. Where the model has learnt from everybody the
    headline is theirs, and ``warning`` says so.
    """
    whole = together(views)
    everybody = figures_of(whole, whole.scores)
    headline = figures_of(whole, whole.scores, seen)
    if everybody is None:
        raise ValueError("no pairs")
    own_seen = sorted(set(seen) & set(whole.people))
    table: dict[str, Any] = {"view": whole.view, **(headline or everybody).plain(), "seen_people": len(own_seen)}
    left_out: Collection[str] = own_seen
    if own_seen and headline is None:
        left_out = ()
        table["warning"] = (
            "The model has learnt from all of these people: the figures say how well it remembers them, not how well "
            "it finds strangers."
        )
    elif own_seen:
        table["warning"] = (
            f"The model has learnt from {len(own_seen)} of these people; their probes are left out of the headline, "
            "including_seen has them."
        )
        table["including_seen"] = everybody.plain()
    table["cmc"] = (headline or everybody).cmc.tolist()
    rows = [(view.view, view.scores, view) for view in views] if len(views) > 1 else []
    table["views"] = {name: _plain(figures_of(view, values, left_out)) for name, values, view in rows}
    if whole.similarity is not None:
        table["embedding_alone"] = _plain(figures_of(whole, whole.similarity, left_out))
        table["shortlists"] = shortlist_rows(whole, headline or everybody, left_out)
    return table


def _plain(figures: Figures | None) -> dict[str, Any] | None:
    return None if figures is None else figures.plain()


def matching_table_markdown(table: dict[str, Any]) -> str:
    """Return the table (``matching.run_matching_experiment``) as Markdown."""
    depths = [str(k) for k in DEPTHS]
    head = ["", *(f"R@{k}" for k in depths), *(f"mAP@{k}" for k in depths), "MRR", "probes / faces"]
    rows = [("every pair scored", table), ("chance", {**table["chance"], "of": table})]
    named = {"with people learnt from": "including_seen", "embedding alone": "embedding_alone"}
    rows += [(name, table[key]) for name, key in named.items() if table.get(key)]
    rows += [(f"{view} alone", figures) for view, figures in table["views"].items() if figures]
    blocks = [f"# Matching, {table['dataset']}", table["protocol"]]
    if "warning" in table:
        blocks.append(f"**{table['warning']}**")
    blocks.append(grid(head, [_row(name, figures, depths) for name, figures in rows]))
    if table.get("shortlists"):
        blocks += [
            "Two stages: the embedding shortlists, the pair model orders the shortlist.",
            _shortlists(table, depths),
        ]
    failed = table["failures"]
    blocks.append(
        f"Pictures that could not be used: {failed['probes']} probes, {failed['faces']} faces; they count as ranked "
        "last. Intervals: 95 %, bootstrap over people."
    )
    return "\n\n".join(blocks) + "\n"


def _row(name: str, figures: dict[str, Any], depths: Sequence[str]) -> list[str]:
    intervals = figures.get("interval95")
    cells = [
        percent(figures[kind][k], None if intervals is None else intervals[kind][k])
        for kind in ("recall", "map")
        for k in depths
    ]
    size = figures.get("of", figures)
    return [name, *cells, f"{figures['mrr']:.3f}", f"{size['n_queries']} / {size['n_gallery']}"]


def _shortlists(table: dict[str, Any], depths: Sequence[str]) -> str:
    head = ["shortlist", "right face in it", *(f"R@{k}" for k in depths), *(f"lost at {k}" for k in depths)]
    rows = [
        [
            str(row["shortlist"]),
            percent(row["right_face_in_it"]),
            *(percent(row["recall"][k]) for k in depths),
            *(percent(row["lost"][k]) for k in depths),
        ]
        for row in table["shortlists"]
    ]
    return grid(head, rows)
