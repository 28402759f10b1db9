"""Entropic optimal transport (Eqs. 15 to 19 of Cranio-ID) for many pairs at once, at run time.

Sinkhorn's iterations on potentials f, g (log domain) and on their exponentials u = exp(f / epsilon), v are the same
numbers as long as exp(-C / epsilon) can be written: costs are 0 to 2 and ``epsilon`` is at least 0.005, so that the
smallest is exp(-400). The exponentials need two exponentials a cost instead of 160. Training runs the log domain itself
(``model.sinkhorn``); a test holds both against POT.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def transport_similarity(
    cost: NDArray[np.float32],
    probe_there: NDArray[np.bool_],
    face_there: NDArray[np.bool_],
    epsilon: float,
    rounds: int,
) -> FloatArray:
    """Return (b,) S_OT = -<T*, C> (Eq. 19), marginals uniform over the landmarks that are there.

    Parameters
    ----------
    cost
        (b, n, m) float32, 1 - cosine (Eq. 15), 0 to 2.
    probe_there, face_there
        (b, n) and (b, m).
    epsilon, rounds
        Of the entropy (Eq. 16), and how often rows and columns are matched.

    """
    result = np.empty(len(cost))
    _similarities(
        np.ascontiguousarray(cost, np.float32),
        np.ascontiguousarray(probe_there),
        np.ascontiguousarray(face_there),
        epsilon,
        rounds,
        result,
    )
    return result


@njit(cache=True, nogil=True)
def _similarities(
    cost: NDArray[np.float32],
    probe_there: NDArray[np.bool_],
    face_there: NDArray[np.bool_],
    epsilon: float,
    rounds: int,
    result: FloatArray,
) -> None:
    count, n, m = cost.shape
    kernel = np.empty((n, m))
    u, v = np.empty(n), np.empty(m)
    for pair in range(count):
        rows, columns = 0, 0
        for i in range(n):
            rows += probe_there[pair, i]
        for j in range(m):
            columns += face_there[pair, j]
            v[j] = 1.0 if face_there[pair, j] else 0.0
        for i in range(n):
            for j in range(m):
                kernel[i, j] = np.exp(-np.float64(cost[pair, i, j]) / epsilon)
        for _ in range(rounds):
            for i in range(n):
                total = 0.0
                for j in range(m):
                    total += kernel[i, j] * v[j]
                u[i] = 1.0 / (rows * total) if probe_there[pair, i] else 0.0
            for j in range(m):
                v[j] = 0.0
            for i in range(n):
                for j in range(m):
                    v[j] += kernel[i, j] * u[i]
            for j in range(m):
                v[j] = 1.0 / (columns * v[j]) if face_there[pair, j] else 0.0
        moved = 0.0
        for i in range(n):
            for j in range(m):
                moved += u[i] * kernel[i, j] * v[j] * cost[pair, i, j]
        result[pair] = -moved
