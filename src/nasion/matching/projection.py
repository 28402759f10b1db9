"""A projection in which the two pictures of a person lie together and people lie apart, learnt from training people.

Ours. What is seen of a picture is one vector: the whole-picture descriptor and, in the order of the landmarks, every
patch. Each side's mean is taken off (that removes what all sketches, or all photographs, share), the rest is reduced by
principal components and whitened by the scatter between pictures of one person (linear discriminant analysis in the
common-subspace form for two modalities; Lin & Tang, ECCV 2006). Copies of a picture with displaced landmarks count as
pictures of the person: directions in which a small misalignment shows are made small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

_COMPONENTS: Final = 200
_SHRINKAGE: Final = 1.5
"""Times the mean variance that is added to the scatter within people, which few people tell badly."""
_WHOLE_WEIGHT: Final = 0.5
"""Of the whole-picture descriptor against all patches together."""


@dataclass(frozen=True, eq=False)
class Projection:
    """``x -> (x - mean) @ matrix`` of one side; numbers that are missing count as the mean.

    Attributes
    ----------
    mean
        (g,).
    matrix
        (g, w); columns beyond what the training people allow are zero.

    """

    mean: Float32
    matrix: Float32


def block_scales(patches: Float32, wholes: Float32) -> Float32:
    """Return (n d + g,) factors that give all patches together a spread of 1 and the whole picture half of that.

    Parameters
    ----------
    patches
        (..., n d) of training pictures, NaN where missing.
    wholes
        (..., g) of the same.

    """
    parts = []
    for values, weight in ((patches, 1.0), (wholes, _WHOLE_WEIGHT)):
        size = values.shape[-1]
        spread = float(np.nanstd(values)) * size**0.5
        parts.append(np.full(size, weight / max(spread, 1e-6), np.float32))
    return np.concatenate(parts)


def fit_projections(probes: Float32, faces: Float32, width: int, scales: Float32) -> tuple[Projection, Projection]:
    """Return the projections of probes and faces; their matrix is the same, their means differ.

    Parameters
    ----------
    probes, faces
        (people, copies, g): pictures of each training person, NaN where a number is missing.
    width
        w: numbers a picture.
    scales
        (g,) factors, see ``block_scales``.

    Raises
    ------
    NasionError
        Fewer than three people.

    """
    people, copies, size = probes.shape
    if people < 3:
        raise NasionError(f"{people} training people are too few for a projection; give at least 3")
    means = [_mean(side.reshape(-1, size)) for side in (probes, faces)]
    centred = np.nan_to_num(np.concatenate([probes - means[0], faces - means[1]], axis=1)) * scales
    basis = _principal(centred.reshape(-1, size), min(_COMPONENTS, 2 * people * copies - 2, size))
    reduced = centred @ basis
    middle = reduced.mean(axis=1, keepdims=True)
    within = np.einsum("pci,pcj->ij", reduced - middle, reduced - middle) / (people * reduced.shape[1])
    within += _SHRINKAGE * np.trace(within) / len(within) * np.eye(len(within))
    whitening = np.linalg.cholesky(np.linalg.inv(within))
    white = middle[:, 0] @ whitening
    # directions by the scatter between people, most telling first
    values, vectors = np.linalg.eigh(white.T @ white / people)
    order = np.argsort(values)[::-1][:width]
    matrix = np.zeros((size, width), np.float32)
    matrix[:, : len(order)] = scales[:, None] * (basis @ whitening @ vectors[:, order])
    return Projection(means[0], matrix), Projection(means[1], matrix)


def _mean(rows: Float32) -> Float32:
    """Return the mean of what is there, 0 where nothing ever is."""
    there = np.isfinite(rows)
    total = np.where(there, rows, 0).sum(axis=0, dtype=np.float64)
    mean: Float32 = (total / np.maximum(there.sum(axis=0), 1)).astype(np.float32)
    return mean


def _principal(rows: FloatArray, count: int) -> FloatArray:
    """Return (g, count) principal directions of centred rows, by the smaller of both Gram matrices."""
    if rows.shape[1] <= len(rows):
        vectors = np.linalg.eigh(rows.T @ rows)[1]
        return np.ascontiguousarray(vectors[:, ::-1][:, :count])
    values, vectors = np.linalg.eigh(rows @ rows.T)
    kept = vectors[:, ::-1][:, :count]
    spread = np.sqrt(np.maximum(values[::-1][:count], 1e-12 * max(float(values[-1]), 1e-30)))
    found: FloatArray = rows.T @ (kept / spread)
    return found
