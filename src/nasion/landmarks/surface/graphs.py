"""The two graphs of a cloud: fine, nearest neighbours; coarse, the training prototype snapped to the cloud.

Burger et al., section 4.1. Both are plain arrays of fixed meaning, inputs of the network and of its ONNX file alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray


@dataclass(frozen=True, eq=False)
class SurfaceGraph:
    """What the network takes.

    Attributes
    ----------
    features
        (n, 6) float32: position and normal, standard frame.
    neighbours
        (n, k) int64: the fine graph, each point's nearest points, itself first.
    coarse
        (n,) float32: 1 at the points of the coarse graph, which are all joined to one another, else 0.

    """

    features: NDArray[np.float32]
    neighbours: NDArray[np.int64]
    coarse: NDArray[np.float32]


def surface_graph(points: ArrayLike, normals: ArrayLike, prototype: FloatArray, neighbours: int) -> SurfaceGraph:
    """Return the graphs of a cloud.

    Parameters
    ----------
    points, normals
        (n, 3) standard frame.
    prototype
        (l, 3) mean landmarks of the training people, see ``mean_landmarks``.
    neighbours
        k, the point itself among them.

    Raises
    ------
    NasionError
        Fewer points than neighbours, or values that are not finite.

    """
    position = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    features = np.hstack([position, np.asarray(normals, dtype=np.float64).reshape(-1, 3)]).astype(np.float32)
    if len(position) < neighbours:
        raise NasionError(f"the cloud has {len(position)} points, but {neighbours} neighbours each are needed")
    if not np.isfinite(features).all():
        raise NasionError("a point or normal of the cloud is not finite; repair the mesh")
    tree = cKDTree(position)
    nearest = tree.query(position, k=neighbours)[1].reshape(len(position), neighbours).astype(np.int64)
    coarse = np.zeros(len(position), dtype=np.float32)
    coarse[tree.query(prototype)[1]] = 1.0
    return SurfaceGraph(features, nearest, coarse)


def mean_landmarks(landmarks: Iterable[FloatArray]) -> FloatArray:
    """Return the prototype (l, 3): the mean of each landmark over training samples that have it (Eq. 4).

    Parameters
    ----------
    landmarks
        (l, 3) arrays of the standard frame, NaN where absent; of training people only.

    Raises
    ------
    NasionError
        No samples, or a landmark that none of them has.

    """
    every = list(landmarks)
    if not every:
        raise NasionError("there are no training samples; check the folder of people")
    stack = np.stack(every)
    present: NDArray[np.bool_] = np.isfinite(stack.sum(axis=2))
    counts = present.sum(axis=0)
    if counts.min() == 0:
        place = int(counts.argmin())
        raise NasionError(f"no training sample has landmark number {place + 1}; leave it out of the scheme")
    mean: FloatArray = np.where(present[..., None], stack, 0.0).sum(axis=0) / counts[:, None]
    return mean
