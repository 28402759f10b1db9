"""Iterated generalised least squares of one skull against the photographs of one person, compiled.

Model (docs/posterior.md). Observed facial landmark *j* in photograph *p*::

    u_pj = project_p(x_j + b (m_j + e_j) + d_j) + n_pj

with cranial landmark ``x_j``, build factor ``b = exp(beta)``, tissue deviation ``e_j`` and skull noise ``d_j`` (both
shared by all photographs of the person) and image noise ``n_pj``. ``e``, ``d`` and ``n`` are integrated out: a
bilateral pair (or a midline landmark) over all photographs is one group of rows with covariance ``S_g = A_g (b^2 T_g +
D_g) A_g' + N_g``. Each step holds ``S_g`` fixed, which keeps the estimating equation unbiased (a minimised quadratic
form alone would favour large scales, for they inflate ``S_g``). Groups have Student-t tails.

Parameters, 7 a photograph and one build factor at the end: rotation vector (left update, camera axes), p, q (image
position of the head's centre from the principal point, px), log k (px per mm at the head's centre), log f (focal
length in px). Distance is ``f / k``.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

PER_PHOTO: Final = 7
"""Parameters of one photograph."""


@njit(cache=True, nogil=True)
def rotation_from_vector(w):  # type: ignore[no-untyped-def]
    """Return the (3, 3) rotation of a rotation vector (Rodrigues)."""
    angle = np.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    if angle < 1e-12:
        a, b = 1.0, 0.5
    else:
        a, b = np.sin(angle) / angle, (1.0 - np.cos(angle)) / (angle * angle)
    r = np.empty((3, 3))
    c = 1.0 - b * angle * angle
    for i in range(3):
        for j in range(3):
            r[i, j] = b * w[i] * w[j]
        r[i, i] += c
    r[0, 1] -= a * w[2]
    r[0, 2] += a * w[1]
    r[1, 0] += a * w[2]
    r[1, 2] -= a * w[0]
    r[2, 0] -= a * w[1]
    r[2, 1] += a * w[0]
    return r


@njit(cache=True, nogil=True)
def vector_from_rotation(r):  # type: ignore[no-untyped-def]
    """Return the rotation vector of a (3, 3) rotation; the inverse of ``rotation_from_vector`` below a half turn."""
    w = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    s = 0.5 * math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    c = 0.5 * (r[0, 0] + r[1, 1] + r[2, 2] - 1.0)
    angle = math.atan2(s, c)
    return w * (0.5 if s < 1e-12 else 0.5 * angle / s)


@njit(cache=True, nogil=True)
def cholesky_in_place(a, n):  # type: ignore[no-untyped-def]
    """Overwrite the lower triangle of ``a[:n, :n]`` by its Cholesky factor; return False if not positive definite."""
    for j in range(n):
        s = a[j, j]
        for k in range(j):
            s -= a[j, k] * a[j, k]
        if not s > 0.0:
            return False
        d = np.sqrt(s)
        a[j, j] = d
        for i in range(j + 1, n):
            s = a[i, j]
            for k in range(j):
                s -= a[i, k] * a[j, k]
            a[i, j] = s / d
    return True


@njit(cache=True, nogil=True)
def _solve_lower(chol, b, n, columns):  # type: ignore[no-untyped-def]
    for c in range(columns):
        for i in range(n):
            s = b[i, c]
            for k in range(i):
                s -= chol[i, k] * b[k, c]
            b[i, c] = s / chol[i, i]


@njit(cache=True, nogil=True)
def group_rows(group, x, m, tissue_cov, skull_var, obs, noise_var, rot, theta, jac, image_jac, res, cov):  # type: ignore[no-untyped-def]
    """Fill one group's Jacobian, residual and covariance; return its number of rows (-1: a point behind the camera).

    Parameters
    ----------
    group
        (2,) landmark indices; the second is -1 for a midline landmark.
    x, m
        (20, 3) cranial landmarks, mean tissue vectors (mm).
    tissue_cov
        (6, 6) covariance of the group's tissue deviations at build factor 1 (mm^2).
    skull_var
        (20,) variance of the cranial landmarks' places (mm^2).
    obs
        (P, 20, 2) observed px relative to the principal point, NaN where absent.
    noise_var
        (P, 20) image noise in (px / k)^2, that is mm^2 at the head's distance, where ``>= 0``; ``-variance`` in px^2
        where negative.
    rot, theta
        (P, 3, 3) rotations and the parameter vector (the rotation entries of theta are unused).
    jac, image_jac, res, cov
        Outputs: (n, 7P + 1) of predicted points, (n, 6) with respect to the group's 3D points, (n,) residual,
        (n, n).

    """
    photos = obs.shape[0]
    npar = PER_PHOTO * photos + 1
    build = np.exp(theta[npar - 1])
    n = 0
    for p in range(photos):
        r = rot[p]
        o = PER_PHOTO * p
        pp, qq, k, f = theta[o + 3], theta[o + 4], np.exp(theta[o + 5]), np.exp(theta[o + 6])
        zeta = k / f
        for member in range(2):
            j = group[member]
            if j < 0 or np.isnan(obs[p, j, 0]):
                continue
            tx, ty, tz = build * m[j, 0], build * m[j, 1], build * m[j, 2]
            px, py, pz = x[j, 0] + tx, x[j, 1] + ty, x[j, 2] + tz
            y0 = r[0, 0] * px + r[0, 1] * py + r[0, 2] * pz
            y1 = r[1, 0] * px + r[1, 1] * py + r[1, 2] * pz
            y2 = r[2, 0] * px + r[2, 1] * py + r[2, 2] * pz
            den = 1.0 + zeta * y2
            if den < 0.05:
                return -1
            nu, nv = k * y0 + pp, k * y1 + qq
            u, v = nu / den, nv / den
            kd = k / den
            cu, cv = -u * zeta / den, -v * zeta / den
            for c in range(npar):
                jac[n, c] = 0.0
                jac[n + 1, c] = 0.0
            # d(y)/d(rotation) = -[y]x
            jac[n, o] = cu * y1
            jac[n, o + 1] = kd * y2 - cu * y0
            jac[n, o + 2] = -kd * y1
            jac[n + 1, o] = -kd * y2 + cv * y1
            jac[n + 1, o + 1] = -cv * y0
            jac[n + 1, o + 2] = kd * y0
            jac[n, o + 3] = 1.0 / den
            jac[n + 1, o + 4] = 1.0 / den
            depth = zeta * y2 / den
            jac[n, o + 5] = kd * y0 - u * depth
            jac[n + 1, o + 5] = kd * y1 - v * depth
            jac[n, o + 6] = u * depth
            jac[n + 1, o + 6] = v * depth
            for c in range(6):
                image_jac[n, c] = 0.0
                image_jac[n + 1, c] = 0.0
            for c in range(3):
                au = kd * r[0, c] + cu * r[2, c]
                av = kd * r[1, c] + cv * r[2, c]
                image_jac[n, 3 * member + c] = au
                image_jac[n + 1, 3 * member + c] = av
            base = 3 * member
            jac[n, npar - 1] = image_jac[n, base] * tx + image_jac[n, base + 1] * ty + image_jac[n, base + 2] * tz
            jac[n + 1, npar - 1] = (
                image_jac[n + 1, base] * tx + image_jac[n + 1, base + 1] * ty + image_jac[n + 1, base + 2] * tz
            )
            res[n] = obs[p, j, 0] - u
            res[n + 1] = obs[p, j, 1] - v
            n += 2
    _fill_covariance(group, tissue_cov, skull_var, obs, noise_var, theta, image_jac, n, cov)
    return n


@njit(cache=True, nogil=True)
def _fill_covariance(group, tissue_cov, skull_var, obs, noise_var, theta, image_jac, n, cov):  # type: ignore[no-untyped-def]
    """Fill the covariance of a group's ``n`` rows: tissue and skull through ``image_jac``, and image noise."""
    photos = obs.shape[0]
    build = np.exp(theta[PER_PHOTO * photos])
    prior = np.empty((6, 6))
    for a in range(6):
        for b in range(6):
            prior[a, b] = build * build * tissue_cov[a, b]
    for member in range(2):
        if group[member] >= 0:
            for c in range(3):
                prior[3 * member + c, 3 * member + c] += skull_var[group[member]]
    width = 6 if group[1] >= 0 else 3
    half = np.empty((n, 6))
    for i in range(n):
        for a in range(width):
            s = 0.0
            for b in range(width):
                s += image_jac[i, b] * prior[b, a]
            half[i, a] = s
    for i in range(n):
        for j in range(i + 1):
            s = 0.0
            for a in range(width):
                s += half[i, a] * image_jac[j, a]
            cov[i, j] = s
            cov[j, i] = s
    row = 0
    for p in range(photos):
        k = np.exp(theta[PER_PHOTO * p + 5])
        for member in range(2):
            j = group[member]
            if j < 0 or np.isnan(obs[p, j, 0]):
                continue
            w = noise_var[p, j]
            var = w * k * k if w >= 0.0 else -w
            cov[row, row] += var
            cov[row + 1, row + 1] += var
            row += 2


@njit(cache=True, nogil=True)
def _add_priors(theta, rot, priors, pose_prior, build_log_sd, hess, grad):  # type: ignore[no-untyped-def]
    """Add the priors to the normal equations; return their log density (proper parts only).

    ``priors`` (P, 5): mean and information of log f, mean and information of log distance, information of the pose
    (rad^-2).
    """
    photos = rot.shape[0]
    logp = 0.0
    for p in range(photos):
        o = PER_PHOTO * p
        ik, jf = o + 5, o + 6
        info = priors[p, 1]
        delta = priors[p, 0] - theta[jf]
        hess[jf, jf] += info
        grad[jf] += info * delta
        logp -= 0.5 * info * delta * delta
        info = priors[p, 3]
        delta = priors[p, 2] - (theta[jf] - theta[ik])
        hess[jf, jf] += info
        hess[ik, ik] += info
        hess[ik, jf] -= info
        hess[jf, ik] -= info
        grad[jf] += info * delta
        grad[ik] -= info * delta
        logp -= 0.5 * info * delta * delta
        if priors[p, 1] > 0.0 and priors[p, 3] > 0.0:
            logp += 0.5 * math.log(priors[p, 1] * priors[p, 3]) - math.log(2.0 * math.pi)
        info = priors[p, 4]
        if info > 0.0:
            turn = vector_from_rotation(rot[p] @ pose_prior[p].T)
            for c in range(3):
                hess[o + c, o + c] += info
                grad[o + c] -= info * turn[c]
                logp -= 0.5 * info * turn[c] * turn[c]
            logp += 1.5 * math.log(info / (2.0 * math.pi))
        else:
            logp -= math.log(8.0 * math.pi * math.pi)
    last = PER_PHOTO * photos
    info = 1.0 / (build_log_sd * build_log_sd)
    hess[last, last] += info
    grad[last] -= info * theta[last]
    return logp - 0.5 * info * theta[last] ** 2 + 0.5 * math.log(info / (2.0 * math.pi))


@njit(cache=True, nogil=True)
def normal_equations(  # type: ignore[no-untyped-def]
    groups, x, m, tissue_cov, skull_var, obs, noise_var, priors, pose_prior, build_log_sd, dof, rot, theta, hess, grad
):
    """Fill the Gauss-Newton matrix and the step's right-hand side at theta; return (log density, ok).

    The log density is that of the observations and of the parameters' priors together, tissue integrated out.
    """
    photos = obs.shape[0]
    npar = PER_PHOTO * photos + 1
    size = 4 * photos
    jac = np.empty((size, npar + 1))
    image_jac = np.empty((size, 6))
    res = np.empty(size)
    cov = np.empty((size, size))
    logp = 0.0
    hess[:] = 0.0
    grad[:] = 0.0
    for g in range(groups.shape[0]):
        n = group_rows(groups[g], x, m, tissue_cov[g], skull_var, obs, noise_var, rot, theta, jac, image_jac, res, cov)
        if n == 0:
            continue
        if n < 0 or not cholesky_in_place(cov, n):
            return -np.inf, False
        for i in range(n):
            jac[i, npar] = res[i]
        _solve_lower(cov, jac, n, npar + 1)
        d2, half_logdet = 0.0, 0.0
        for i in range(n):
            d2 += jac[i, npar] * jac[i, npar]
            half_logdet += math.log(cov[i, i])
        weight = (dof + n) / (dof + d2)
        logp += math.lgamma((dof + n) / 2) - math.lgamma(dof / 2) - 0.5 * n * math.log(math.pi * dof) - half_logdet
        logp -= 0.5 * (dof + n) * math.log1p(d2 / dof)
        for a in range(npar):
            for b in range(a + 1):
                s = 0.0
                for i in range(n):
                    s += jac[i, a] * jac[i, b]
                hess[a, b] += weight * s
            s = 0.0
            for i in range(n):
                s += jac[i, a] * jac[i, npar]
            grad[a] += weight * s
    for a in range(npar):
        for b in range(a):
            hess[b, a] = hess[a, b]
    logp += _add_priors(theta, rot, priors, pose_prior, build_log_sd, hess, grad)
    return logp, True
