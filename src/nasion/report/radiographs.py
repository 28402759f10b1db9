"""What the report shows of a skull's radiographs: the films with their landmarks, and each candidate's parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from nasion.casework.films import SCHEME
from nasion.evidence.fusion import OVERLAY, parts_in_order
from nasion.report.pictures import encoded

if TYPE_CHECKING:
    from nasion.casework.records import Candidate, Case, Film

_SHOWN_PX: Final = 480
_MARK: Final = (255, 170, 40)

SCORE_WORDS: Final = (
    "A radiograph's score says how alike a trained network finds radiograph and photograph, as it learnt it from "
    "virtual people. It is no probability; it has not been tested on solved cases."
)


def part_words(name: str) -> str:
    """Return a part's name in words."""
    return "overlay" if name == OVERLAY else f"{name.removeprefix('xray_')} radiograph"


def rule_words(case: Case) -> str:
    """Return how the parts were put together, and how that did on people whom it had not met."""
    if case.fusion is None:
        return "There is one part; candidates are ranked by it."
    record = case.fusion.record
    told = (
        "Each part's score becomes the logarithm of a likelihood ratio and gets a weight, by a rule that was fitted to "
        f"{record.get('people', 'some')} virtual people; candidates are ranked by the sum. What a candidate lacks adds "
        "0."
    )
    recall = record.get("recall_of_strangers")
    if isinstance(recall, Mapping) and OVERLAY in recall and "fused" in recall:
        told += (
            f" Among these people the right one came first for {_share(recall, OVERLAY)} by the overlay alone (its "
            f"landmarks, no surface), for {_share(recall, 'radiographs')} by the radiographs, for "
            f"{_share(recall, 'fused')} by both (by rules fitted without them)."
        )
    return told


def _share(recall: Mapping[str, Any], name: str) -> str:
    return f"{100 * float(recall[name]['1']):.0f} %"


def parts_table(case: Case, most: int) -> dict[str, Any]:
    """Return column heads and one row a candidate, plain values; no rows where there are no radiographs."""
    compared = [own for own in case.candidates[:most] if own.comparison is not None]
    names = parts_in_order(list(compared[0].comparison.scores)) if compared and compared[0].comparison else []
    return {
        "heads": [part_words(name) for name in names],
        "fused": case.fusion is not None,
        "rows": [_row(candidate, names) for candidate in compared],
    }


def _row(candidate: Candidate, names: Sequence[str]) -> dict[str, Any]:
    own = candidate.comparison
    cells = []
    for name in names:
        score = None if own is None else own.scores.get(name)
        share = None if own is None else own.shares.get(name)
        digits = 2 if name == OVERLAY else 3
        cells.append(
            {
                "score": "–" if score is None else f"{score:.{digits}f}",
                "adds": "0" if share is None else f"{share:+.2f}",
                "photo": "" if own is None else own.photos.get(name, ""),
            }
        )
    fused = None if own is None else own.fused
    return {
        "rank": candidate.rank,
        "id": candidate.id,
        "cells": cells,
        "sum": "–" if fused is None else f"{fused:+.2f}",
    }


def film_picture(film: Film) -> bytes:
    """Return a radiograph with its landmarks as a JPEG."""
    import cv2

    from nasion.retrieval.describing import picture_and_points

    image, points, _ = picture_and_points(film.files.picture, SCHEME)
    scale = _SHOWN_PX / max(image.shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    shown = np.ascontiguousarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=way), np.uint8)
    for x, y in (points[np.isfinite(points).all(axis=1)] + 0.5) * scale - 0.5:
        cv2.circle(shown, (round(16 * x), round(16 * y)), 4 * 16, (20, 30, 40), 3, cv2.LINE_AA, 4)
        cv2.circle(shown, (round(16 * x), round(16 * y)), 4 * 16, _MARK, 1, cv2.LINE_AA, 4)
    return encoded(shown, "JPEG")
