"""The reconstruction experiment in pictures: source, generated faces and truth side by side; CMC curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from nasion.experiments.reconstruction_people import Judged
from nasion.experiments.reconstruction_retrieval import Ranked
from nasion.reconstruction.scores.likeness import Pixels, similarity
from nasion.retrieval.cmc_chart import cmc_png
from nasion.retrieval.contact_sheet import SheetRow, Tile, contact_sheet_png

_DRAWN: Final = 6


def cmc_of(found: Mapping[str, Mapping[str, Ranked]], descriptor: str, title: str) -> bytes:
    """Return the CMC curves of all probes by one descriptor as a PNG."""
    return cmc_png([(name, own.figures) for name, own in found[descriptor].items()], f"{title}, by {descriptor}")


def sheet_of(judged: Judged, floor: str, title: str, seed: int) -> bytes:
    """Return people drawn at random as a PNG: source, what each generator made of it, the truth, the mean face.

    Parameters
    ----------
    judged
        With every face there.
    floor
        Which of the makers is the mean face.
    title
        Above it.
    seed
        Of the draw.

    """
    chosen = sorted(np.random.default_rng(seed).permutation(len(judged.pairs))[:_DRAWN].tolist())
    rows = [row for number in chosen if (row := _row(judged, number, floor)) is not None]
    note = (
        f"{len(rows)} people drawn at random; nobody of them was met in learning. Generated: the mean of the samples. "
        "The truth is framed. A generated face is one of many that the source allows, and no photograph."
    )
    return contact_sheet_png(rows, title, note)


def _row(judged: Judged, number: int, floor: str) -> SheetRow | None:
    pair, whole = judged.small[number], judged.whole[number]
    if pair is None or whole is None:
        return None
    tiles = [
        _tile(name, face.best, pair.target)
        for name, own in judged.faces.items()
        if name != floor and (face := own[number]) is not None
    ]
    tiles.append(Tile(whole.target, ("truth", pair.person), right=True, apart=True))
    mean = judged.faces[floor][number]
    if mean is not None:
        tiles.append(_tile(floor, mean.best, pair.target))
    return SheetRow(Tile(whole.source, ("source", pair.person)), tuple(tiles))


def _tile(name: str, face: Pixels, truth: Pixels) -> Tile:
    return Tile(face, (name, f"SSIM {similarity(face, truth):.3f}"))
