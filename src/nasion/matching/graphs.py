"""Landmark graphs: Algorithm 1 of Cranio-ID (Eqs. 1 to 4) and the adjacency that its networks take (Eq. 5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.matching.frames import FloatArray, Pixels

Float32 = NDArray[np.float32]


def cut_patch(image: Pixels, point_px: FloatArray, patch_px: int) -> Pixels:
    """Return I[y - P : y + P, x - P : x + P] (Eq. 1): 2P x 2P x 3, black beyond the picture."""
    x, y = (int(value) for value in np.round(point_px))
    height, width = image.shape[:2]
    patch = np.zeros((2 * patch_px, 2 * patch_px, 3), np.uint8)
    left, top, right, bottom = x - patch_px, y - patch_px, x + patch_px, y + patch_px
    own = image[max(0, top) : max(0, min(height, bottom)), max(0, left) : max(0, min(width, right))]
    if own.size:
        row, column = max(0, -top), max(0, -left)
        patch[row : row + own.shape[0], column : column + own.shape[1]] = own
    return patch


def neighbours(points: FloatArray, count: int) -> NDArray[np.intp]:
    """Return (n, k) places of the k nearest other points of each (Eqs. 3 and 4); k is at most n - 1."""
    from scipy.spatial import cKDTree

    if not np.isfinite(points).all():
        raise NasionError("a landmark's coordinate is not finite; leave the landmark out")
    k = min(count, len(points) - 1)
    if k < 1:
        return np.zeros((len(points), 0), np.intp)
    found = np.asarray(cKDTree(points).query(points, k + 1)[1], np.intp).reshape(len(points), k + 1)
    # of points in one place the tree may name a twin first: each leaves out itself, wherever it stands
    own = np.arange(len(points))[:, None]
    hit = found == own
    hit[~hit.any(axis=1), -1] = True
    nearest: NDArray[np.intp] = found[~hit].reshape(len(points), k)
    return nearest


def adjacency(points: FloatArray, there: NDArray[np.bool_], count: int) -> Float32:
    """Return (n, n): D^(-1/2) (A + I) D^(-1/2) of the k-NN graph (Kipf & Welling, ICLR 2017), edges taken both ways.

    Parameters
    ----------
    points
        (n, 2); rows that are not ``there`` are not looked at.
    there
        (n,); a missing landmark has no edges.
    count
        k of Eq. 4.

    """
    rows = np.flatnonzero(there)
    joined = np.eye(len(points))
    near = neighbours(points[rows], count)
    for row, others in zip(rows, near, strict=True):
        joined[row, rows[others]] = 1.0
        joined[rows[others], row] = 1.0
    degree = joined.sum(axis=1)
    scaled: Float32 = (joined / np.sqrt(degree[:, None] * degree[None])).astype(np.float32)
    return scaled
