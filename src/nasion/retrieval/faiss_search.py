"""The same exact search by FAISS, for galleries of a million pictures and more; there is no index to keep."""

from __future__ import annotations

import importlib.util
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.retrieval.exact import Nearest
from nasion.retrieval.vectors import Float32

WORTH_IT: Final = 1_000_000
"""Pictures from which FAISS is used where it is installed."""
_CHUNK_ROWS: Final = 65536


def available() -> bool:
    """Tell whether FAISS is installed (``nasion[search]``)."""
    return importlib.util.find_spec("faiss") is not None


def search(probes: Float32, rows: Float32, count: int, places: NDArray[np.int64] | None = None) -> Nearest:
    """Return what ``exact.search`` returns; which of several equal products are kept may differ."""
    import faiss

    given = np.ascontiguousarray(probes, np.float32)
    chosen = np.arange(len(rows)) if places is None else places
    found, products = np.zeros((len(given), 0), np.int64), np.zeros((len(given), 0), np.float32)
    for start in range(0, len(chosen), _CHUNK_ROWS):
        part = chosen[start : start + _CHUNK_ROWS]
        whole = part[-1] - part[0] + 1 == len(part)
        own = rows[part[0] : part[-1] + 1] if whole else rows[part]
        near, at = faiss.knn(given, own, min(count, len(part)), metric=faiss.METRIC_INNER_PRODUCT)
        found, products = np.hstack([found, part[at]]), np.hstack([products, near])
        order = np.lexsort((found, -products))[:, :count]
        found, products = np.take_along_axis(found, order, axis=1), np.take_along_axis(products, order, axis=1)
    return Nearest(found, products)
