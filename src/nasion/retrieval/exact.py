"""Exact search: the rows of an array with the largest dot products, whatever the array's size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.retrieval.vectors import Float32

CHUNK_ROWS: Final = 16384
"""Rows that are compared at a time: 16 MB of an array of 256 columns, and 6.5 MB of products for 100 probes."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """What a search found, best first; equal products by ascending row.

    Attributes
    ----------
    rows
        (q, k) rows of the array.
    products
        (q, k) float32 dot products.

    """

    rows: NDArray[np.int64]
    products: Float32


def search(probes: Float32, rows: Float32, count: int, places: NDArray[np.int64] | None = None) -> Nearest:
    """Return each probe's ``count`` nearest rows (fewer where there are fewer).

    The array is read once, in chunks, whatever the number of probes.

    Parameters
    ----------
    probes
        (q, d).
    rows
        (n, d), e.g. a memory map.
    count
        k.
    places
        (m,) ascending: the rows that count; None for all.

    """
    alive = None
    if places is not None:
        alive = np.zeros(len(rows), dtype=bool)
        alive[places] = True
    best = [(np.zeros(0, np.int64), np.zeros(0, np.float32)) for _ in probes]
    worst = np.full(len(probes), -np.inf, np.float32)
    for start in range(0, len(rows), CHUNK_ROWS):
        part = rows[start : start + CHUNK_ROWS]
        products = probes @ part.T
        # "not below" keeps what ties with the worst of the best; NaN, of rows without meaning, never passes
        passing = products >= worst[:, None]
        if alive is not None:
            passing &= alive[start : start + CHUNK_ROWS]
        for probe in np.flatnonzero(passing.any(axis=1)):
            new = np.flatnonzero(passing[probe])
            best[probe] = _merged(best[probe], new + start, products[probe, new], count)
            if len(best[probe][0]) == count:
                worst[probe] = best[probe][1][-1]
    return Nearest(np.array([own for own, _ in best]), np.array([own for _, own in best]))


def _merged(
    kept: tuple[NDArray[np.int64], Float32], rows: NDArray[np.int64], products: Float32, count: int
) -> tuple[NDArray[np.int64], Float32]:
    if len(rows) > count:
        # all that reach the count-th largest product, ties included: the order below decides among them
        enough = products >= np.partition(products, len(products) - count)[len(products) - count]
        rows, products = rows[enough], products[enough]
    rows, products = np.concatenate([kept[0], rows]), np.concatenate([kept[1], products])
    order = np.lexsort((rows, -products))[:count]
    return rows[order], products[order]
