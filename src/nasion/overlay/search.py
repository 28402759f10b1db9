"""Solve from a cold start: a grid of poses, then iterated generalised least squares, compiled."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from nasion.geometry.camera import pose_rotation
from nasion.overlay.kernel import (
    PER_PHOTO,
    cholesky_in_place,
    normal_equations,
    rotation_from_vector,
)

GRID: Final = np.array(
    [pose_rotation(yaw, pitch, 0.0) for yaw in range(-105, 106, 15) for pitch in (-30, -15, 0, 15, 30)]
)
"""(n, 3, 3) rotations of the search; the roll of each is solved in closed form."""

STARTS: Final = 2
ITERATIONS: Final = 30
LARGEST_STEP: Final = 0.35
NEAREST_START_MM: Final = 300.0
FEW_LANDMARKS: Final = 8
COARSE: Final = 0.03
"""Tolerance, in SDs, where only a likelihood or a start is wanted: the likelihood errs by a few thousandths."""
FINE: Final = 1e-3
"""Tolerance of the camera that is given back: it moves no figure that is printed."""


@njit(cache=True, nogil=True)
def _fit_in_picture(points, obs):  # type: ignore[no-untyped-def]
    """Fit ``obs ~ s Rz(roll) points + t`` (Umeyama 1991 in the plane); return (error, s, cos, sin, tx, ty, n)."""
    n, mx, my, mu, mv = 0, 0.0, 0.0, 0.0, 0.0
    for j in range(points.shape[0]):
        if not math.isnan(obs[j, 0]):
            n += 1
            mx += points[j, 0]
            my += points[j, 1]
            mu += obs[j, 0]
            mv += obs[j, 1]
    mx, my, mu, mv = mx / n, my / n, mu / n, mv / n
    sxx, a, b, suu = 1e-12, 0.0, 0.0, 0.0
    for j in range(points.shape[0]):
        if not math.isnan(obs[j, 0]):
            dx, dy, du, dv = points[j, 0] - mx, points[j, 1] - my, obs[j, 0] - mu, obs[j, 1] - mv
            sxx += dx * dx + dy * dy
            suu += du * du + dv * dv
            a += dx * du + dy * dv
            b += dx * dv - dy * du
    length = math.sqrt(a * a + b * b) + 1e-300
    scale = length / sxx
    c, s = a / length, b / length
    return suu - scale * length, scale, c, s, mu - scale * (c * mx - s * my), mv - scale * (s * mx + c * my), n


@njit(cache=True, nogil=True)
def starts_of(points, obs, grid, log_focal):  # type: ignore[no-untyped-def]
    """Return (STARTS, 3, 3) rotations and (STARTS, 7) parameters of the best grid poses, at least 40 degrees apart."""
    count = grid.shape[0]
    error = np.empty(count)
    rots = np.empty((count, 3, 3))
    pars = np.empty((count, 4))
    turned = np.empty((points.shape[0], 2))
    for g in range(count):
        r = grid[g]
        for j in range(points.shape[0]):
            for c in range(2):
                turned[j, c] = r[c, 0] * points[j, 0] + r[c, 1] * points[j, 1] + r[c, 2] * points[j, 2]
        e, scale, c, s, tx, ty, _ = _fit_in_picture(turned, obs)
        error[g] = e
        pars[g, 0], pars[g, 1], pars[g, 2] = tx, ty, math.log(scale)
        for col in range(3):
            rots[g, 0, col] = c * r[0, col] - s * r[1, col]
            rots[g, 1, col] = s * r[0, col] + c * r[1, col]
            rots[g, 2, col] = r[2, col]
    out_rot = np.empty((STARTS, 3, 3))
    out_par = np.zeros((STARTS, PER_PHOTO))
    for k in range(STARTS):
        best = 0
        for g in range(count):
            if error[g] < error[best]:
                best = g
        out_rot[k] = rots[best]
        out_par[k, 3:6] = pars[best, :3]
        out_par[k, 6] = log_focal
        for g in range(count):
            trace = 0.0
            for i in range(3):
                for j in range(3):
                    trace += rots[g, i, j] * out_rot[k, i, j]
            if trace > 1.0 + 2.0 * 0.766:
                error[g] = np.inf
    return out_rot, out_par


@njit(cache=True, nogil=True)
def refine(  # type: ignore[no-untyped-def]
    groups, x, m, tissue_cov, skull_var, obs, noise_var, priors, pose_prior, build_log_sd, dof, rot, theta, tolerance
):
    """Iterate from (rot, theta), which are overwritten; return (log marginal likelihood, covariance, converged).

    The marginal likelihood integrates tissue, skull and image noise exactly (linearised projection) and the camera and
    the build factor by Laplace's method.
    """
    photos = obs.shape[0]
    npar = PER_PHOTO * photos + 1
    hess = np.empty((npar, npar))
    grad = np.empty(npar)
    scale = np.ones(npar)
    last_rot, last_theta = rot.copy(), theta.copy()
    step = np.zeros(npar)
    logp, converged, ok = -np.inf, False, False
    for _ in range(ITERATIONS):
        new, ok = normal_equations(
            groups,
            x,
            m,
            tissue_cov,
            skull_var,
            obs,
            noise_var,
            priors,
            pose_prior,
            build_log_sd,
            dof,
            rot,
            theta,
            hess,
            grad,
        )
        if not ok or new < logp - 20.0:
            # overshot: go half way back
            step *= 0.5
            _move(last_rot, last_theta, step, rot, theta)
            continue
        logp = new
        if converged:
            break
        last_rot[:], last_theta[:] = rot, theta
        for a in range(npar):
            scale[a] = 1.0 / math.sqrt(hess[a, a] + 1e-12)
        chol = np.empty((npar, npar))
        for a in range(npar):
            for b in range(npar):
                chol[a, b] = hess[a, b] * scale[a] * scale[b]
            chol[a, a] += 1e-9
        if not cholesky_in_place(chol, npar):
            break
        _solve_cholesky(chol, grad, scale, step)
        longest, shift = 0.0, 0.0
        for a in range(npar):
            if a % PER_PHOTO not in (3, 4) or a == npar - 1:
                longest = max(longest, abs(step[a]))
            shift = max(shift, abs(step[a]) / scale[a])
        if longest > LARGEST_STEP:
            step *= LARGEST_STEP / longest
        _move(last_rot, last_theta, step, rot, theta)
        converged = shift < tolerance
    if not converged:
        # the last step was not judged: likelihood and covariance must belong to the camera that is given back
        rot[:], theta[:] = last_rot, last_theta
        logp, ok = normal_equations(
            groups, x, m, tissue_cov, skull_var, obs, noise_var, priors, pose_prior, build_log_sd, dof, rot, theta,
            hess, grad,
        )  # fmt: skip
    cov = np.full((npar, npar), np.nan)
    if not ok:
        return -np.inf, cov, False
    logdet = _inverse(hess, cov)
    return logp + 0.5 * npar * math.log(2.0 * math.pi) - 0.5 * logdet, cov, converged


@njit(cache=True, nogil=True)
def _move(rot, theta, step, new_rot, new_theta):  # type: ignore[no-untyped-def]
    for p in range(rot.shape[0]):
        new_rot[p] = rotation_from_vector(step[PER_PHOTO * p : PER_PHOTO * p + 3]) @ rot[p]
    for a in range(theta.shape[0]):
        new_theta[a] = theta[a] + step[a]


@njit(cache=True, nogil=True)
def _solve_cholesky(chol, grad, scale, step):  # type: ignore[no-untyped-def]
    n = grad.shape[0]
    for i in range(n):
        s = grad[i] * scale[i]
        for k in range(i):
            s -= chol[i, k] * step[k]
        step[i] = s / chol[i, i]
    for i in range(n - 1, -1, -1):
        s = step[i]
        for k in range(i + 1, n):
            s -= chol[k, i] * step[k]
        step[i] = s / chol[i, i]
    for i in range(n):
        step[i] *= scale[i]


@njit(cache=True, nogil=True)
def _inverse(hess, out):  # type: ignore[no-untyped-def]
    """Write the inverse of a positive definite matrix; return its log determinant (inf where it is not definite)."""
    n = hess.shape[0]
    chol = np.empty((n, n))
    scale = np.empty(n)
    unit = np.zeros(n)
    column = np.empty(n)
    for a in range(n):
        scale[a] = 1.0 / math.sqrt(max(hess[a, a], 1e-300))
    for a in range(n):
        for b in range(n):
            chol[a, b] = hess[a, b] * scale[a] * scale[b]
    if not cholesky_in_place(chol, n):
        return np.inf
    logdet = 0.0
    for a in range(n):
        logdet += 2.0 * (math.log(chol[a, a]) - math.log(scale[a]))
        unit[:] = 0.0
        unit[a] = 1.0
        _solve_cholesky(chol, unit, scale, column)
        out[:, a] = column
    return logdet


@njit(cache=True, nogil=True)
def solve_cold(  # type: ignore[no-untyped-def]
    grid, groups, x, m, tissue_cov, skull_var, obs, noise_var, priors, pose_prior, build_log_sd, dof, rot, theta
):
    """Solve each photograph from the best grid poses, then all jointly.

    ``rot`` (P, 3, 3) and ``theta`` (7P + 1) receive the joint solution; returns the joint log marginal likelihood.
    """
    photos = obs.shape[0]
    build, joint = 0.0, 0.0
    for p in range(photos):
        start_rot, start_par = starts_of(x + m, obs[p], grid, priors[p, 0])
        best = -np.inf
        beta = 0.0
        for k in range(STARTS):
            r = start_rot[k : k + 1].copy()
            t = np.zeros(PER_PHOTO + 1)
            t[:PER_PHOTO] = start_par[k]
            if priors[p, 1] <= priors[p, 3]:
                # the distance is known better than the focal length
                t[6] = priors[p, 2] + t[5]
            # a focal length of another picture (resized, cropped) would put the camera into the head
            t[6] = max(t[6], t[5] + math.log(NEAREST_START_MM))
            one = slice(p, p + 1)
            logml, _, _ = refine(
                groups, x, m, tissue_cov, skull_var, obs[one], noise_var[one], priors[one], pose_prior[one],
                build_log_sd, dof, r, t, COARSE,
            )  # fmt: skip
            if logml > best or k == 0:
                best, joint, beta = logml, logml, t[PER_PHOTO]
                rot[p] = r[0]
                theta[PER_PHOTO * p : PER_PHOTO * (p + 1)] = t[:PER_PHOTO]
        build += beta / photos
    theta[PER_PHOTO * photos] = build
    if photos > 1:
        joint, _, _ = refine(
            groups, x, m, tissue_cov, skull_var, obs, noise_var, priors, pose_prior, build_log_sd, dof, rot, theta,
            COARSE,
        )  # fmt: skip
    return joint


@njit(cache=True, nogil=True)
def _fewest_seen(obs):  # type: ignore[no-untyped-def]
    fewest = obs.shape[1]
    for p in range(obs.shape[0]):
        n = 0
        for j in range(obs.shape[1]):
            if not np.isnan(obs[p, j, 0]):
                n += 1
        fewest = min(fewest, n)
    return fewest


@njit(cache=True, nogil=True)
def solve_person(  # type: ignore[no-untyped-def]
    grid, groups, own, generic, build_log_sd, dof, obs, noise_var, priors, pose_prior, rot, theta
):
    """Solve one person's photographs for the generic head, then, from its camera, for the skull.

    Parameters
    ----------
    grid, groups
        ``GRID`` and ``model.GROUPS``.
    own, generic
        Tuples (points (20, 3), mean tissue (20, 3), group covariances (14, 6, 6), skull variances (20,)) of the skull
        and of the generic head.
    build_log_sd, dof
        Spread of the build factor; degrees of freedom.
    obs, noise_var, priors, pose_prior
        One person's rows of ``model.PhotoModel``.
    rot, theta
        Outputs (P, 3, 3) and (7P + 1): the skull's solution.

    Returns
    -------
    (log marginal likelihood of the skull, of the generic head, covariance, converged)

    """
    base = solve_cold(
        grid, groups, generic[0], generic[1], generic[2], generic[3], obs, noise_var, priors, pose_prior,
        build_log_sd, dof, rot, theta,
    )  # fmt: skip
    if _fewest_seen(obs) <= FEW_LANDMARKS:
        # few landmarks have several modes, and the generic head's best one need not be the skull's
        own_rot, own_theta = rot.copy(), theta.copy()
        cold = solve_cold(
            grid, groups, own[0], own[1], own[2], own[3], obs, noise_var, priors, pose_prior, build_log_sd, dof,
            own_rot, own_theta,
        )  # fmt: skip
        warm_rot, warm_theta = rot.copy(), theta.copy()
        warm, _, _ = refine(
            groups, own[0], own[1], own[2], own[3], obs, noise_var, priors, pose_prior, build_log_sd, dof,
            warm_rot, warm_theta, COARSE,
        )  # fmt: skip
        if cold > warm:
            rot[:], theta[:] = own_rot, own_theta
    logml, cov, converged = refine(
        groups, own[0], own[1], own[2], own[3], obs, noise_var, priors, pose_prior, build_log_sd, dof, rot, theta, FINE
    )
    return logml, base, cov, converged


@njit(cache=True, nogil=True)
def score_people(grid, groups, own, generic, build_log_sd, dof, obs, noise_var, priors, pose_prior, scores):  # type: ignore[no-untyped-def]
    """Fill ``scores`` (N,) with the log likelihood ratios of N people with P photographs each: obs (N, P, 20, 2)..."""
    photos = obs.shape[1]
    rot, theta = np.empty((photos, 3, 3)), np.empty(PER_PHOTO * photos + 1)
    for i in range(obs.shape[0]):
        logml, base, _, _ = solve_person(
            grid, groups, own, generic, build_log_sd, dof, obs[i], noise_var[i], priors[i], pose_prior[i], rot, theta
        )
        scores[i] = logml - base if math.isfinite(logml) and math.isfinite(base) else -np.inf
