"""The posterior solution refined by the skull outline: Gauss-Newton over landmarks, priors and outline residuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.overlay.containment import slip_inside
from nasion.overlay.face_region import FaceRegion
from nasion.overlay.kernel import PER_PHOTO, normal_equations, rotation_from_vector
from nasion.overlay.model import GROUPS, PhotoModel, SkullModel
from nasion.overlay.outline import OutlineTerms, SkullOutline, View

FloatArray = NDArray[np.float64]

STEPS: Final = 15
FULL_STEPS: Final = 4
CALMING: Final = 0.75
LARGEST_STEP: Final = 0.15
SETTLED: Final = 0.1
"""Largest step, in SDs, at which the iteration ends."""


@dataclass(frozen=True)
class Refined:
    """A refined solution: rotations (P, 3, 3), parameters (7P + 1), covariance, log marginal likelihood."""

    rotation: FloatArray
    theta: FloatArray
    covariance: FloatArray
    log_likelihood: float
    converged: bool


def refine_with_outline(
    outline: SkullOutline,
    faces: Sequence[FaceRegion | None],
    model: SkullModel,
    photos: PhotoModel,
    observed: FloatArray,
    degrees_of_freedom: float,
    rotation: FloatArray,
    theta: FloatArray,
) -> Refined:
    """Refine a landmark solution by the outlines of the photographs that have a face region.

    Parameters
    ----------
    outline
        The skull's surface.
    faces
        One a photograph; None takes no part.
    model, photos, observed, degrees_of_freedom
        As the compiled solver takes them.
    rotation, theta
        The landmark solution; left as it is.

    """
    rotation, theta = rotation.copy(), theta.copy()
    converged = False
    for number in range(STEPS):
        hess, grad, log_density = _landmarks(model, photos, observed, degrees_of_freedom, rotation, theta)
        for p, face in enumerate(faces):
            if face is not None:
                block = slice(PER_PHOTO * p, PER_PHOTO * (p + 1))
                view = View.of(rotation[p], theta[block])
                terms = outline.terms(view, float(theta[-1]), face, photos.principal_point_px[p])
                _add(terms, p, hess, grad)
                log_density += terms.log_density
        if converged:
            break
        sd = 1.0 / np.sqrt(np.diag(hess))
        step = sd * np.linalg.solve(hess * np.outer(sd, sd), grad * sd)
        free = np.ones(len(theta), dtype=bool)
        for p in range(len(faces)):
            free[PER_PHOTO * p + 3 : PER_PHOTO * p + 5] = False
        # outline points come and go as the raster's pixels do: shorter steps average them out
        step *= CALMING ** max(number - FULL_STEPS, 0)
        step *= min(1.0, LARGEST_STEP / max(float(np.abs(step[free]).max()), 1e-12))
        converged = bool(np.abs(step / sd).max() < SETTLED)
        for p in range(len(faces)):
            rotation[p] = rotation_from_vector(step[PER_PHOTO * p : PER_PHOTO * p + 3]) @ rotation[p]
        theta += step
    covariance = np.asarray(np.linalg.inv(hess), dtype=np.float64)
    _, log_determinant = np.linalg.slogdet(hess)
    evidence = log_density + 0.5 * len(theta) * np.log(2 * np.pi) - 0.5 * log_determinant
    rotation, theta = slip_inside(outline, faces, photos.principal_point_px, hess, rotation, theta)
    return Refined(rotation, theta, covariance, float(evidence), converged)


def _landmarks(
    model: SkullModel, photos: PhotoModel, observed: FloatArray, dof: float, rotation: FloatArray, theta: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    hess, grad = np.empty((len(theta), len(theta))), np.empty(len(theta))
    log_density, _ = normal_equations(
        GROUPS,
        *model.arrays(),
        observed,
        photos.noise_variance,
        photos.priors,
        photos.pose,
        model.build_log_sd,
        dof,
        rotation,
        theta,
        hess,
        grad,
    )
    return hess, grad, float(log_density)


def _add(terms: OutlineTerms, photo: int, hess: FloatArray, grad: FloatArray) -> None:
    where = np.r_[np.arange(PER_PHOTO * photo, PER_PHOTO * (photo + 1)), len(grad) - 1]
    hess[np.ix_(where, where)] += terms.hessian
    grad[where] += terms.gradient
