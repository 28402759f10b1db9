"""FID: the Frechet distance of two Gaussians with the means and covariances of two sets of features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def frechet_distance(generated: NDArray[np.floating], real: NDArray[np.floating]) -> float:
    """Return |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Heusel et al., NeurIPS 2017, Eq. 6).

    With C = A^T A, A the centred features over sqrt(n - 1) or its triangular factor, the trace of the root is the sum
    of the singular values of A1 A2^T: exact also where the covariances are singular, without a large matrix's root.

    Parameters
    ----------
    generated, real
        (n, d) and (m, d) features of one extractor, at least two rows each. With no more rows than d the covariances
        are singular and the figure says little; see ``too_few``.

    """
    x, y = np.asarray(generated, np.float64), np.asarray(real, np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError("two sets of features of one width are needed, with at least two rows each")
    one, other = _factor(x), _factor(y)
    root = np.linalg.svd(one @ other.T, compute_uv=False).sum()
    apart = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    return float(apart + np.square(one).sum() + np.square(other).sum() - 2 * root)


def _factor(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return A of C = A^T A, with no more rows than columns."""
    centred = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    return centred if len(centred) <= centred.shape[1] else np.asarray(np.linalg.qr(centred, mode="r"), np.float64)


def too_few(pictures: int, width: int) -> bool:
    """Return whether a covariance of ``width`` features from so many pictures is singular."""
    return pictures <= width
