"""The pairs of points that the parallelism term measures between two curves, kept for drawing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nasion.geometry.camera import Camera
from nasion.overlay.lilium.curves import Region, directed, evenly_spaced, exact_parallelism, skull_curve, stretch_of
from nasion.overlay.lilium.parallelism import normal_at_end, trimmed
from nasion.overlay.lilium.settings import LiliumSettings

from .style import FloatArray


@dataclass(frozen=True, eq=False)
class PairedCurves:
    """Two curves of one photograph, trimmed and paired.

    Attributes
    ----------
    skull, face
        (n, 2), (m, 2) px before trimming, a point each pixel.
    skull_kept, face_kept
        First and last point that trimming leaves.
    pairs
        (k, 2) indices of a skull and a face point; each skull point's pair first, then those of left-over face points.
    distances_px
        (k,) of the pairs.
    spread_px, convergence_px, crossing
        The three parts of P_par, as the solver judges them.

    """

    skull: FloatArray
    face: FloatArray
    skull_kept: tuple[int, int]
    face_kept: tuple[int, int]
    pairs: NDArray[np.int64]
    distances_px: FloatArray
    spread_px: float
    convergence_px: float
    crossing: float

    @property
    def skull_pairs(self) -> int:
        """How many of the pairs are skull points' own."""
        return self.skull_kept[1] - self.skull_kept[0] + 1


def paired_curves(skull: FloatArray, face: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """Return (k, 2) index pairs and (k,) distances: each skull point to the nearest face point, then the rest.

    Parameters
    ----------
    skull, face
        (n, 2), (m, 2) px, trimmed.

    """
    distance, nearest = cKDTree(face).query(skull)
    left_over = np.setdiff1d(np.arange(len(face)), nearest)
    back_distance, back = cKDTree(skull).query(face[left_over])
    own = np.column_stack([np.arange(len(skull)), nearest])
    rest = np.column_stack([back, left_over])
    return np.concatenate([own, rest]).astype(np.int64), np.concatenate([distance, back_distance])


def pairs_of(region: Region, camera: Camera, contour: FloatArray, settings: LiliumSettings) -> PairedCurves:
    """Return the paired curves of a solution, checked against the solver's own judgement.

    Raises
    ------
    RuntimeError
        The curves share no part, or the pairs found here do not give the solver's spread.

    """
    found, judged = skull_curve(region, camera), exact_parallelism(region, camera, contour, settings)
    if found is None or judged is None:
        raise RuntimeError("the curves share no part; there is nothing to draw")
    skull, face = evenly_spaced(found, 1.0), evenly_spaced(directed(contour, stretch_of(region, camera)), 1.0)
    s0, s1 = trimmed(skull, len(skull), face, len(face), 1.0)
    f0, f1 = trimmed(face, len(face), skull, len(skull), 1.0)
    pairs, distances = paired_curves(skull[s0 : s1 + 1], face[f0 : f1 + 1])
    if not math.isclose(float(distances.std()), judged[0], rel_tol=1e-6, abs_tol=1e-9):
        raise RuntimeError(f"the pairs' spread {distances.std()} is not the solver's {judged[0]}")
    return PairedCurves(skull, face, (s0, s1), (f0, f1), pairs + np.array([s0, f0]), distances, *judged)


def end_normals(curve: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    """Return (end point, unit normal) at both ends of a whole curve, as trimming takes them."""
    ends = []
    for at_first in (True, False):
        normal = np.array(normal_at_end(curve, 0, len(curve) - 1, at_first))
        ends.append((curve[0 if at_first else -1], normal / np.linalg.norm(normal)))
    return ends
