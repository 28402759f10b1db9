"""The published baseline POSEST-SFO: fixed tissue vectors, P4Pf in RANSAC, Levenberg-Marquardt.

After Lourakis & Terzakis (POSEST) as applied to skull-face overlay by the paper that Lilium compares with (Lilium,
sections II-A and III-B). Written from that description; the minimal solver is PoseLib's P4Pf.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import poselib
from numba import njit
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import head_frame
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, image_center_px
from nasion.overlay.checks import check_usable, shared_pairs
from nasion.overlay.kernel import rotation_from_vector
from nasion.overlay.problem import OverlayProblem, OverlaySolution, Photo, PhotoSolution, SkullLandmarks
from nasion.overlay.settings import FACE_HEIGHT_MM

FloatArray = NDArray[np.float64]

LONGEST_FOCAL_DIAGONALS: Final = 100.0


@dataclass(frozen=True)
class PosestSettings:
    """RANSAC's settings; the paper leaves them open.

    Attributes
    ----------
    samples
        Random quadruples tried.
    inlier_face_height
        Largest reprojection error of an inlier, as a share of the face height.
    seed
        Of the samples.

    """

    samples: int = 60
    inlier_face_height: float = 0.05
    seed: int = 0


def solve(
    problem: OverlayProblem, tissue_vectors_mm: FloatArray, settings: PosestSettings | None = None
) -> OverlaySolution:
    """Overlay a skull on each photograph by itself.

    Parameters
    ----------
    problem
        Skull and photographs.
    tissue_vectors_mm
        (20, 3) vectors from each cranial to its facial landmark, Frankfurt frame.
    settings
        RANSAC.

    Returns
    -------
    The solution; its score is minus the mean reprojection error over the face height, averaged over the photographs.

    Raises
    ------
    NasionError
        Unusable landmarks, or no camera found.

    """
    settings = settings or PosestSettings()
    started = time.perf_counter()
    frame = head_frame(problem.skull.landmarks_mm, problem.skull.helpers_mm)
    vectors = tissue_vectors_mm @ frame.rotation
    solutions, errors = [], []
    for photo in problem.photos:
        solution, error = _solve_photo(problem.skull, photo, vectors, settings)
        solutions.append(solution)
        errors.append(error)
    score = -float(np.mean(errors))
    return OverlaySolution("posest", tuple(solutions), score, None, None, {}, time.perf_counter() - started)


def _solve_photo(
    skull: SkullLandmarks, photo: Photo, vectors: FloatArray, settings: PosestSettings
) -> tuple[PhotoSolution, float]:
    check_usable(skull, photo)
    names = shared_pairs(skull, photo)
    rows = [j for j, pair in enumerate(PAIRS) if pair.facial in names]
    points = np.array([skull.landmarks_mm[PAIRS[j].cranial] for j in rows]) + vectors[rows]
    origin = points.mean(axis=0)
    principal = photo.prior.principal_point_px or image_center_px(photo.image_size_px)
    observed = np.array([photo.landmarks_px[PAIRS[j].facial] for j in rows], dtype=np.float64)
    start = _ransac(points - origin, observed - principal, photo, settings)
    if start is None:
        raise NasionError(f"{photo.name}: posest finds no camera for these landmarks; use --solver posterior")
    rotation, translation, focal = start
    largest = LONGEST_FOCAL_DIAGONALS * math.hypot(*photo.image_size_px)
    rotation, translation, focal, ok = levenberg_marquardt(
        points - origin, observed - principal, rotation, translation, focal, largest
    )
    camera = Camera(rotation, translation - rotation @ origin, float(focal), principal, photo.image_size_px)
    predicted = camera.project(points)
    residuals = observed - predicted
    error = float(np.linalg.norm(residuals, axis=1).mean()) / face_height_px(camera, origin)
    variance = max(float((residuals**2).sum()) / max(2 * len(names) - 7, 1), 1e-12)
    flags = () if ok else ("not_converged",)
    solution = PhotoSolution(
        photo.name,
        camera,
        tuple(names),
        predicted,
        np.tile(variance * np.eye(2), (len(names), 1, 1)),
        residuals,
        None,
        None,
        flags,
        bool(ok),
    )
    return solution, error


def face_height_px(camera: Camera, center_mm: FloatArray) -> float:
    """Return the image length of a mean face height at the distance of ``center_mm`` (head axes)."""
    depth = float(camera.to_camera(center_mm[None])[0, 2])
    return camera.focal_px * FACE_HEIGHT_MM / max(depth, 1.0)


def _ransac(
    points: FloatArray, observed: FloatArray, photo: Photo, settings: PosestSettings
) -> tuple[FloatArray, FloatArray, float] | None:
    """Return the (rotation, translation, focal) with the smallest truncated squared error (MSAC), or None."""
    rng = np.random.default_rng(settings.seed)
    unit = math.hypot(*photo.image_size_px)
    scaled = observed / unit
    found: list[tuple[FloatArray, FloatArray, float]] = []
    for _ in range(settings.samples):
        sample = rng.permutation(len(points))[:4]
        poses, focals = poselib.p4pf(scaled[sample], points[sample], True)
        found.extend(
            (np.asarray(pose.R), np.asarray(pose.t), float(focal))
            for pose, focal in zip(poses, focals, strict=True)
            if 0.05 < focal < LONGEST_FOCAL_DIAGONALS
        )
    if not found:
        return None
    rotations = np.array([f[0] for f in found])
    translations = np.array([f[1] for f in found])
    focals = np.array([f[2] for f in found])
    x = points @ rotations.transpose(0, 2, 1) + translations[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = ((focals[:, None, None] * x[..., :2] / x[..., 2:] - scaled) ** 2).sum(axis=2)
    threshold = (settings.inlier_face_height * FACE_HEIGHT_MM * focals / np.maximum(translations[:, 2], 1.0)) ** 2
    # in units of each solution's own face height, or small heads would win
    cost = np.minimum(error / threshold[:, None], 1.0).sum(axis=1)
    cost[(x[..., 2] <= 1.0).any(axis=1)] = np.inf
    best = int(np.argmin(cost))
    if not np.isfinite(cost[best]):
        return None
    return rotations[best], translations[best], focals[best] * unit


@njit(cache=True, nogil=True)
def _normal_equations(points, observed, rotation, translation, focal, hess, grad):  # type: ignore[no-untyped-def]
    hess[:] = 0.0
    grad[:] = 0.0
    cost = 0.0
    row = np.empty(7)
    for i in range(points.shape[0]):
        y = rotation @ points[i]
        z = y[2] + translation[2]
        if z <= 1.0:
            return np.inf
        for axis in range(2):
            w = (y[axis] + translation[axis]) / z
            res = observed[i, axis] - focal * w
            a, b = focal / z, -focal * w / z
            # dy/d(rotation) = -[y]x
            if axis == 0:
                row[0], row[1], row[2] = b * y[1], a * y[2] - b * y[0], -a * y[1]
                row[3], row[4] = a, 0.0
            else:
                row[0], row[1], row[2] = -a * y[2] + b * y[1], -b * y[0], a * y[0]
                row[3], row[4] = 0.0, a
            row[5], row[6] = b, focal * w
            cost += res * res
            for c in range(7):
                grad[c] += row[c] * res
                for d in range(7):
                    hess[c, d] += row[c] * row[d]
    return cost


@njit(cache=True, nogil=True)
def levenberg_marquardt(points, observed, rotation, translation, focal, largest_focal):  # type: ignore[no-untyped-def]
    """Minimise the squared reprojection error over rotation, translation and log focal length.

    Parameters
    ----------
    points, observed
        (n, 3) mm and (n, 2) px from the principal point.
    rotation, translation, focal
        Start.
    largest_focal
        Steps beyond this focal length are refused: with weak perspective the error falls forever towards infinity.

    Returns
    -------
    rotation, translation, focal, converged

    """
    hess, grad = np.empty((7, 7)), np.empty(7)
    new_hess, new_grad = np.empty((7, 7)), np.empty(7)
    cost = _normal_equations(points, observed, rotation, translation, focal, hess, grad)
    damping = 1e-3
    for _ in range(100):
        system = hess.copy()
        for c in range(7):
            system[c, c] += damping * (hess[c, c] + 1e-12)
        step = np.linalg.solve(system, grad)
        new_rotation = rotation_from_vector(step[:3]) @ rotation
        new_translation = translation + step[3:6]
        new_focal = focal * math.exp(min(max(step[6], -1.0), 1.0))
        new_cost = np.inf
        if new_focal < largest_focal:
            new_cost = _normal_equations(points, observed, new_rotation, new_translation, new_focal, new_hess, new_grad)
        if new_cost < cost:
            small = cost - new_cost < 1e-10 * cost
            rotation, translation, focal, cost = new_rotation, new_translation, new_focal, new_cost
            hess[:], grad[:] = new_hess, new_grad
            damping = max(damping * 0.1, 1e-12)
            if small:
                return rotation, translation, focal, True
        else:
            damping *= 10.0
            if damping > 1e10:
                return rotation, translation, focal, True
    return rotation, translation, focal, False
