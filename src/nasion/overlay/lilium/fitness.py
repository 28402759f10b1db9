"""Fitness of a candidate: MSE + P_cam + P_skof + P_par (Lilium, sections II-C to II-F).

The compiled ``evaluate`` judges by the outline's edges; ``exact_terms`` counts pixels of full-resolution masks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nasion.geometry.camera import Camera
from nasion.geometry.raster import silhouette_of
from nasion.geometry.surface import FloatArray, IntArray, Mesh
from nasion.overlay.face_region import FaceRegion
from nasion.overlay.lilium.cones import decode
from nasion.overlay.lilium.outline import OutlineEdges, outside_pixels, project_outline
from nasion.overlay.lilium.parallelism import front_of, parallelism, resample
from nasion.overlay.pnpf import levenberg_marquardt

BINS = 80
"""Points of the skull's curve during the search."""


@dataclass(frozen=True)
class FitnessParts:
    """The terms of a fitness; one that takes no part is 0."""

    mse_px2: float
    camera: float
    outside: float
    parallelism: float

    @property
    def total(self) -> float:
        """Their sum: lower is better."""
        return self.mse_px2 + self.camera + self.outside + self.parallelism


class CameraIntervals(NamedTuple):
    """Admissible intervals of P_cam; infinite ends and an infinite tolerance take no part.

    Attributes
    ----------
    focal_px, distance_mm
        (2,) least and largest.
    pose
        (3, 3) expected rotation, given axes to camera axes.
    largest_turn
        From it, degrees.
    focal_limits_px
        (2,) focal lengths that count as zero and as no solution.
    impossible
        K.

    """

    focal_px: FloatArray
    distance_mm: FloatArray
    pose: FloatArray
    largest_turn: float
    focal_limits_px: FloatArray
    impossible: float


class Landmarks(NamedTuple):
    """What the pose is computed from: (n, 3) cranial landmarks (mm), (n, 2) image points from the principal point."""

    cranial: FloatArray
    observed: FloatArray
    head: FloatArray
    """(3,) point that the subject distance is measured to."""


class OutsideTerm(NamedTuple):
    """P_skof during the search; ``used`` is False where it takes no part."""

    used: bool
    edges: OutlineEdges
    outside_before: IntArray
    outside_above: IntArray
    principal_point: FloatArray
    weight: float


class ParallelTerm(NamedTuple):
    """P_par during the search; ``used`` is False where it takes no part. The face has a point every ``step``."""

    used: bool
    chin: bool
    edges: OutlineEdges
    ends: FloatArray
    up: FloatArray
    front: FloatArray
    face: FloatArray
    step: float
    tolerance: float
    crossing_penalty: float


class Scratch(NamedTuple):
    """Working memory of one evaluation."""

    vectors: FloatArray
    facial: FloatArray
    segments: FloatArray
    least: FloatArray
    most: FloatArray
    envelope: FloatArray
    curve: FloatArray
    paired: NDArray[np.bool_]


def make_scratch(landmarks: Landmarks, outside: OutsideTerm, parallel: ParallelTerm) -> Scratch:
    """Return working memory of the right sizes."""
    count, lines = len(landmarks.cranial), max(outside.outside_before.shape)
    return Scratch(
        np.empty((count, 3)),
        np.empty((count, 3)),
        np.empty((max(len(outside.edges.ends), len(parallel.edges.ends), 1), 4)),
        np.empty(lines),
        np.empty(lines),
        np.empty((BINS, 2)),
        np.empty((4 * BINS, 2)),
        np.empty(max(len(parallel.face), 1), dtype=np.bool_),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def square_beyond(value, low, high):  # type: ignore[no-untyped-def]
    """Return the square of a value's distance from an interval."""
    if value < low:
        return (low - value) ** 2
    if value > high:
        return (value - high) ** 2
    return 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def turn_between_deg(a, b):  # type: ignore[no-untyped-def]
    """Return the angle of the rotation between two (3, 3) rotations, degrees."""
    trace = 0.0
    for i in range(3):
        for j in range(3):
            trace += a[i, j] * b[i, j]
    return math.degrees(math.acos(min(max((trace - 1.0) / 2.0, -1.0), 1.0)))


@njit(cache=True, nogil=True, error_model="numpy")
def camera_penalty(rotation, translation, focal, head, intervals):  # type: ignore[no-untyped-def]
    """Return P_cam: px^2, mm^2 and degrees^2 beyond the intervals, and K for a focal length beyond its limits."""
    penalty = square_beyond(focal, intervals.focal_px[0], intervals.focal_px[1])
    distance = 0.0
    for i in range(3):
        c = translation[i]
        for j in range(3):
            c += rotation[i, j] * head[j]
        distance += c * c
    penalty += square_beyond(math.sqrt(distance), intervals.distance_mm[0], intervals.distance_mm[1])
    if intervals.largest_turn < 180.0:
        penalty += square_beyond(turn_between_deg(rotation, intervals.pose), 0.0, intervals.largest_turn)
    if not (intervals.focal_limits_px[0] <= focal <= intervals.focal_limits_px[1]):
        penalty += intervals.impossible
    return penalty


@njit(cache=True, nogil=True, error_model="numpy")
def outside_penalty(rotation, translation, focal, term, scratch):  # type: ignore[no-untyped-def]
    """Return P_skof from the outline's edges; negative where the skull reaches behind the camera."""
    count = project_outline(term.edges, rotation, translation, focal, scratch.segments)
    if count < 0:
        return -1.0
    cx, cy = term.principal_point[0], term.principal_point[1]
    pixels = outside_pixels(
        scratch.segments, count, cx, cy, term.outside_before, term.outside_above, scratch.least, scratch.most
    )
    return term.weight * pixels


@njit(cache=True, nogil=True, error_model="numpy")
def image_point(rotation, translation, focal, point, step, direction):  # type: ignore[no-untyped-def]
    """Return the pixel, from the principal point, of ``point + step * direction``."""
    x = np.empty(3)
    for i in range(3):
        x[i] = translation[i]
        for j in range(3):
            x[i] += rotation[i, j] * (point[j] + step * direction[j])
    return focal * x[0] / x[2], focal * x[1] / x[2]


@njit(cache=True, nogil=True, error_model="numpy")
def parallel_penalty(rotation, translation, focal, term, scratch):  # type: ignore[no-untyped-def]
    """Return P_par from the region's outline edges; negative where the curves share no part."""
    count = project_outline(term.edges, rotation, translation, focal, scratch.segments)
    if count < 0:
        return -1.0
    middle = 0.5 * (term.ends[0] + term.ends[1])
    mu, mv = image_point(rotation, translation, focal, middle, 0.0, term.up)
    up_u, up_v = image_point(rotation, translation, focal, middle, 1.0, term.up)
    up_u, up_v = up_u - mu, up_v - mv
    size = math.hypot(up_u, up_v)
    up_u, up_v = up_u / size, up_v / size
    au, av = image_point(rotation, translation, focal, term.ends[0], 0.0, term.up)
    bu, bv = image_point(rotation, translation, focal, term.ends[1], 0.0, term.up)
    if term.chin:
        length = math.hypot(bu - au, bv - av)
        along_u, along_v, side = (bu - au) / length, (bv - av) / length, 1.0
        outward_u, outward_v = -up_u, -up_v
    else:
        fu, fv = image_point(rotation, translation, focal, middle, 1.0, term.front)
        length = (bu - au) * up_u + (bv - av) * up_v
        along_u, along_v = up_u, up_v
        side = 1.0 if (fv - mv) * up_u - (fu - mu) * up_v > 0.0 else -1.0
        outward_u, outward_v = -side * up_v, side * up_u
    if not length > 1.0:
        return -1.0
    made = front_of(scratch.segments, count, au, av, along_u, along_v, length, side, scratch.envelope)
    if made < 2:
        return -1.0
    made = resample(scratch.envelope, made, term.step, scratch.curve)
    spread, convergence, crossing = parallelism(
        scratch.curve,
        made,
        term.face,
        term.face.shape[0],
        term.step,
        outward_u,
        outward_v,
        term.tolerance,
        term.crossing_penalty,
        scratch.paired,
    )
    return spread + convergence + crossing if spread >= 0.0 else -1.0


@njit(cache=True, nogil=True, error_model="numpy")
def pose_of(genes, cones, landmarks, intervals, rotation, translation, focal, scratch):  # type: ignore[no-untyped-def]
    """Return (rotation, translation, focal, squared error) of an individual, its pose found from the given one."""
    decode(genes, cones, scratch.vectors)
    for k in range(scratch.vectors.shape[0]):
        for d in range(3):
            scratch.facial[k, d] = landmarks.cranial[k, d] + scratch.vectors[k, d]
    # a minimum beyond the limit must be seen to lie there
    reach = 2.0 * intervals.focal_limits_px[1]
    rotation, translation, focal, cost, _ = levenberg_marquardt(
        scratch.facial, landmarks.observed, rotation, translation, focal, reach, 40, 1e-8, 1e-3
    )
    return rotation, translation, focal, cost


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(  # type: ignore[no-untyped-def]
    genes, cones, landmarks, intervals, outside, parallel, rotation, translation, focal, scratch, enough
):
    """Return (fitness, rotation, translation, focal) of an individual, its pose found from the given one.

    The terms come in order of their price; once their sum passes ``enough`` the rest is left out, for no term is
    negative.
    """
    rotation, translation, focal, cost = pose_of(
        genes, cones, landmarks, intervals, rotation, translation, focal, scratch
    )
    if not cost < np.inf:
        return intervals.impossible, rotation, translation, focal
    fitness = cost / landmarks.cranial.shape[0]
    fitness += camera_penalty(rotation, translation, focal, landmarks.head, intervals)
    if parallel.used and fitness <= enough:
        penalty = parallel_penalty(rotation, translation, focal, parallel, scratch)
        fitness += penalty if penalty >= 0.0 else intervals.impossible
    if outside.used and fitness <= enough:
        penalty = outside_penalty(rotation, translation, focal, outside, scratch)
        fitness += penalty if penalty >= 0.0 else intervals.impossible
    return fitness, rotation, translation, focal


def exact_outside_pixels(mesh: Mesh, camera: Camera, face: FaceRegion) -> int:
    """Return the number of pixels of the skull's full-resolution silhouette that lie outside the face."""
    return int(np.count_nonzero(silhouette_of(mesh, camera) & face.outside))
