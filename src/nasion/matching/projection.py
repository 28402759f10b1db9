"""A projection in which the two pictures of a person lie together and people lie apart, learnt from training people.

Ours. What is seen of a picture is one vector: in the order of the landmarks, where each lies in the aligned frame and
what its patch shows, and the whole-picture descriptor. The mean of each side and view is taken off (that removes what
all sketches, or all photographs, share), the rest is reduced by
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
Ints = NDArray[np.intp]

_COMPONENTS: Final = 200
_MOST_ROWS: Final = 6000
"""Pictures that are looked at: of many people fewer copies each."""
_SHRINKAGE: Final = 1.5
"""Times the mean variance that is added to the scatter within people, which few people tell badly."""
_WHOLE_WEIGHT: Final = 0.5
"""Of the whole-picture descriptor against all patches together."""


@dataclass(frozen=True, eq=False)
class Projection:
    """``x -> (x - means[view]) @ matrix`` of one side; numbers that are missing count as the mean.

    Attributes
    ----------
    means
        (views, g).
    matrix
        (g, w); columns beyond what the training people allow are zero.

    """

    means: Float32
    matrix: Float32


def block_scales(nodes: Float32, wholes: Float32, places_weight: float) -> Float32:
    """Return (n (2 + d) + g,) factors that give patches, places and whole pictures their say.

    Parameters
    ----------
    nodes
        (..., n, 2 + d) of training pictures: places and patches, NaN where missing.
    wholes
        (..., g) of the same.
    places_weight
        Of where the landmarks lie against all patches together.

    """
    count, width = nodes.shape[-2:]
    places, patches = nodes[..., :2], nodes[..., 2:]
    a_place = places_weight / _spread(places, 2 * count)
    a_patch = 1.0 / _spread(patches, (width - 2) * count)
    own = np.concatenate([np.full(2, a_place), np.full(width - 2, a_patch)])
    size = wholes.shape[-1]
    return np.concatenate([np.tile(own, count), np.full(size, _WHOLE_WEIGHT / _spread(wholes, size))]).astype(
        np.float32
    )


def _spread(values: Float32, size: int) -> float:
    """Return the typical distance from their mean of vectors of ``size`` such numbers, which end ``values``; not 0."""
    rows = values.reshape(-1, size)
    return max(float(np.sqrt(np.nanmean((rows - _mean(rows)) ** 2) * size)), 1e-6)


def fit_projections(
    sides: tuple[Float32, Float32], views: tuple[Ints, Ints], width: int, scales: Float32
) -> tuple[Projection, Projection]:
    """Return the projections of probes and faces; their matrix is the same, their means differ.

    Parameters
    ----------
    sides
        (people, copies, g) of probes and of faces: pictures of each training person, NaN where a number is missing.
    views
        (people, copies) of the same, from 0.
    width
        w: numbers a picture.
    scales
        (g,) factors, see ``block_scales``.

    Raises
    ------
    NasionError
        Fewer than three people.

    """
    people, copies, size = sides[0].shape
    if people < 3:
        raise NasionError(f"{people} training people are too few for a projection; give at least 3")
    count = 1 + max(int(own.max()) for own in views)
    used = max(1, min(copies, _MOST_ROWS // (2 * people)))
    sides = sides[0][:, :used], sides[1][:, :used]
    views = views[0][:, :used], views[1][:, :used]
    means = [np.stack([_mean(own[view == k]) for k in range(count)]) for own, view in zip(sides, views, strict=True)]
    parts = [own - mean[view] for own, mean, view in zip(sides, means, views, strict=True)]
    centred = np.nan_to_num(np.concatenate(parts, axis=1)).astype(np.float64) * scales
    basis = _principal(centred.reshape(-1, size), min(_COMPONENTS, 2 * people * used - 2, size))
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
    from scipy.linalg import eigh

    few = len(rows) < rows.shape[1]
    gram = rows @ rows.T if few else rows.T @ rows
    values, vectors = eigh(gram, subset_by_index=(len(gram) - count, len(gram) - 1))
    if not few:
        return np.ascontiguousarray(vectors[:, ::-1])
    spread = np.sqrt(np.maximum(values, 1e-12 * max(float(values[-1]), 1e-30)))
    found: FloatArray = (rows.T @ (vectors / spread))[:, ::-1]
    return found
