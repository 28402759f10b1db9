"""What a solution says of each landmark: prediction, its covariance, and the tissue vector given the data. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from nasion.overlay.kernel import PER_PHOTO, group_rows


@njit(cache=True, nogil=True)
def explain(  # type: ignore[no-untyped-def]
    groups,
    x,
    m,
    tissue_cov,
    skull_var,
    obs,
    noise_var,
    rot,
    theta,
    param_cov,
    dof,
    residual,
    covariance,
    tissue_mean,
    tissue_var,
):
    """Fill the per-landmark results of a solution.

    Parameters
    ----------
    groups, x, m, tissue_cov, skull_var, obs, noise_var, rot, theta
        As for ``kernel.group_rows``.
    param_cov
        (7P + 1, 7P + 1) covariance of the parameters.
    dof
        Degrees of freedom of the groups' Student-t tails.
    residual, covariance
        Outputs (P, 20, 2) observed minus predicted and (P, 20, 2, 2) its covariance before the fit; NaN where
        unobserved.
    tissue_mean, tissue_var
        Outputs (20, 3) posterior mean of ``b (m + e)`` and its variance, camera and build factor uncertainty included.

    """
    photos = obs.shape[0]
    npar = PER_PHOTO * photos + 1
    size = 4 * photos
    jac, image_jac = np.empty((size, npar + 1)), np.empty((size, 6))
    res, cov = np.empty(size), np.empty((size, size))
    build = np.exp(theta[npar - 1])
    residual[:] = np.nan
    covariance[:] = np.nan
    for g in range(groups.shape[0]):
        n = group_rows(groups[g], x, m, tissue_cov[g], skull_var, obs, noise_var, rot, theta, jac, image_jac, res, cov)
        for member in range(2):
            j = groups[g, member]
            if j < 0:
                continue
            tissue_mean[j] = build * m[j]
            own = tissue_cov[g, 3 * member : 3 * member + 3, 3 * member : 3 * member + 3]
            for c in range(3):
                tissue_var[j, c] = build * build * own[c, c] + (build * m[j, c]) ** 2 * param_cov[npar - 1, npar - 1]
        if n <= 0:
            continue
        row = 0
        for p in range(photos):
            for member in range(2):
                j = groups[g, member]
                if j >= 0 and not np.isnan(obs[p, j, 0]):
                    residual[p, j] = res[row : row + 2]
                    covariance[p, j] = cov[row : row + 2, row : row + 2]
                    row += 2
        # posterior of the tissue: gain times residual; the parameters' error enters through (dv/dp - gain J)
        inverse = np.linalg.inv(cov[:n, :n].copy())
        cross = build * build * tissue_cov[g] @ image_jac[:n].T
        gain = cross @ inverse
        shift = gain @ res[:n]
        # conditional covariance of a multivariate t: wide where the group fits badly
        tail = (dof + res[:n] @ inverse @ res[:n]) / (dof + n)
        left = -gain @ jac[:n, :npar].copy()
        for member in range(2):
            j = groups[g, member]
            if j < 0:
                continue
            for c in range(3):
                i = 3 * member + c
                left[i, npar - 1] += build * m[j, c]
                tissue_mean[j, c] += shift[i]
                own_var = tail * (build * build * tissue_cov[g, i, i] - np.dot(gain[i], cross[i]))
                tissue_var[j, c] = own_var + np.dot(left[i] @ param_cov, left[i])
