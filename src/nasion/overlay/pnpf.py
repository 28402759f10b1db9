"""Camera from points with unknown focal length: P4Pf inside RANSAC, then compiled Levenberg-Marquardt.

The two steps of POSEST (Lourakis & Terzakis 2013), which POSEST-SFO runs once and Lilium for every candidate. Written
from their description; the minimal solver is PoseLib's P4Pf.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import poselib
from numba import njit
from numpy.typing import NDArray

from nasion.overlay.kernel import cholesky_in_place, rotation_from_vector
from nasion.overlay.settings import FACE_HEIGHT_MM

FloatArray = NDArray[np.float64]

LONGEST_FOCAL_DIAGONALS: Final = 100.0
SIZE: Final = 7
"""Parameters: rotation vector (camera axes), image position (2), log scale and inverse depth of the origin."""


def ransac_p4pf(
    points: FloatArray, observed: FloatArray, diagonal_px: float, samples: int, inlier_face_height: float, seed: int
) -> tuple[FloatArray, FloatArray, float] | None:
    """Return the (rotation, translation, focal) with the smallest truncated squared error (MSAC), or None.

    Parameters
    ----------
    points, observed
        (n, 3) mm and (n, 2) px from the principal point.
    diagonal_px
        Of the image.
    samples
        Random quadruples tried.
    inlier_face_height
        Largest reprojection error of an inlier, as a share of the face height.
    seed
        Of the samples.

    """
    rng = np.random.default_rng(seed)
    scaled = observed / diagonal_px
    found: list[tuple[FloatArray, FloatArray, float]] = []
    for _ in range(samples):
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
    threshold = (inlier_face_height * FACE_HEIGHT_MM * focals / np.maximum(translations[:, 2], 1.0)) ** 2
    # in units of each solution's own face height, or small heads would win
    cost = np.minimum(error / threshold[:, None], 1.0).sum(axis=1)
    cost[(x[..., 2] <= 1.0).any(axis=1)] = np.inf
    best = int(np.argmin(cost))
    if not np.isfinite(cost[best]):
        return None
    return rotations[best], translations[best], focals[best] * diagonal_px


@njit(cache=True, nogil=True, error_model="numpy")
def _normal_equations(points, observed, rotation, par, hess, grad):  # type: ignore[no-untyped-def]
    """Fill the lower triangle of J'J and J'r; return the squared error, infinite behind the camera."""
    hess[:] = 0.0
    grad[:] = 0.0
    cost = 0.0
    row = np.empty(SIZE)
    scale, nearness = math.exp(par[2]), par[3]
    for i in range(points.shape[0]):
        p0, p1, p2 = points[i, 0], points[i, 1], points[i, 2]
        y0 = rotation[0, 0] * p0 + rotation[0, 1] * p1 + rotation[0, 2] * p2
        y1 = rotation[1, 0] * p0 + rotation[1, 1] * p1 + rotation[1, 2] * p2
        y2 = rotation[2, 0] * p0 + rotation[2, 1] * p1 + rotation[2, 2] * p2
        depth = 1.0 + nearness * y2
        if not depth > nearness:
            return np.inf
        a = scale / depth
        for axis in range(2):
            y = y0 if axis == 0 else y1
            w = (scale * y + par[axis]) / depth
            res = observed[i, axis] - w
            b = -w * nearness / depth
            # dy/d(rotation) = -[y]x
            if axis == 0:
                row[0], row[1], row[2] = b * y1, a * y2 - b * y0, -a * y1
                row[3], row[4] = 1.0 / depth, 0.0
            else:
                row[0], row[1], row[2] = -a * y2 + b * y1, -b * y0, a * y0
                row[3], row[4] = 0.0, 1.0 / depth
            row[5], row[6] = a * y, -w * y2 / depth
            cost += res * res
            for c in range(SIZE):
                grad[c] += row[c] * res
                for d in range(c + 1):
                    hess[c, d] += row[c] * row[d]
    return cost


@njit(cache=True, nogil=True, error_model="numpy")
def _damped_step(hess, grad, damping, count, system, step):  # type: ignore[no-untyped-def]
    """Solve (H + damping diag H) step = grad over the first parameters; return False where that is singular."""
    step[:] = 0.0
    for c in range(count):
        for d in range(c):
            system[c, d] = hess[c, d]
        system[c, c] = hess[c, c] + damping * (hess[c, c] + 1e-12)
    if not cholesky_in_place(system, count):
        return False
    for i in range(count):
        s = grad[i]
        for k in range(i):
            s -= system[i, k] * step[k]
        step[i] = s / system[i, i]
    for i in range(count - 1, -1, -1):
        s = step[i]
        for k in range(i + 1, count):
            s -= system[k, i] * step[k]
        step[i] = s / system[i, i]
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def levenberg_marquardt(  # type: ignore[no-untyped-def]
    points, observed, rotation, translation, focal, largest_focal, iterations=100, tolerance=1e-10, perfect_px=0.0
):
    """Minimise the squared reprojection error over rotation, translation and focal length.

    It works on the image position and the log scale (focal length over depth) of the points' origin and on the inverse
    of its depth: nearly linear parameters, in which the valley of focal length against depth is straight.

    Parameters
    ----------
    points, observed
        (n, 3) mm, origin among them, and (n, 2) px from the principal point.
    rotation, translation, focal
        Start.
    largest_focal
        The focal length stays below: with weak perspective the error falls forever towards infinity.
    iterations
        Most steps tried.
    tolerance
        A step that lowers the error by less than this share is the last.
    perfect_px
        A root mean square error below this ends the search.

    Returns
    -------
    rotation, translation, focal, squared error, converged

    """
    hess, grad = np.empty((SIZE, SIZE)), np.empty(SIZE)
    new_hess, new_grad = np.empty((SIZE, SIZE)), np.empty(SIZE)
    system, step = np.empty((SIZE, SIZE)), np.empty(SIZE)
    par, new_par = np.empty(4), np.empty(4)
    depth = max(translation[2], 1.0)
    par[0], par[1] = focal * translation[0] / depth, focal * translation[1] / depth
    par[2], par[3] = math.log(focal / depth), 1.0 / depth
    enough = perfect_px * perfect_px * points.shape[0]
    cost = _normal_equations(points, observed, rotation, par, hess, grad)
    damping, converged = 1e-3, False
    for _ in range(iterations):
        if cost < enough:
            converged = True
            break
        # at the largest focal length the depth is held unless it wants to shrink
        held = par[3] <= math.exp(par[2]) / largest_focal * (1.0 + 1e-9) and grad[6] < 0.0
        new_cost = np.inf
        if _damped_step(hess, grad, damping, SIZE - 1 if held else SIZE, system, step):
            new_par[:] = par
            new_par[:2] += step[3:5]
            new_par[2] += min(max(step[5], -1.0), 1.0)
            new_par[3] = max(par[3] + step[6], math.exp(new_par[2]) / largest_focal)
            new_rotation = rotation_from_vector(step[:3]) @ rotation
            new_cost = _normal_equations(points, observed, new_rotation, new_par, new_hess, new_grad)
        if new_cost < cost:
            small = cost - new_cost < tolerance * cost
            rotation, cost = new_rotation, new_cost
            par, new_par = new_par, par
            hess, new_hess = new_hess, hess
            grad, new_grad = new_grad, grad
            damping = max(damping * 0.1, 1e-12)
            if small:
                converged = True
                break
        else:
            damping *= 10.0
            if damping > 1e10:
                converged = True
                break
    scale, depth = math.exp(par[2]), 1.0 / par[3]
    moved = np.array([par[0] / scale, par[1] / scale, depth])
    return rotation, moved, scale * depth, cost, converged
