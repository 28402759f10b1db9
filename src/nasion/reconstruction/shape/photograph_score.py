"""How well photographs' landmarks fit the faces that a skull may have had; camera and pose unknown.

A landmark ``r`` of the turned head is seen at ``(s r_xy + u) / (1 + s r_z / f)`` from the principal point: ``s`` px
per mm at the head's middle, ``u`` its place, ``f`` the focal length. Rotation, ``s``, ``u``, ``f`` and the build factor
are fitted by Gauss-Newton under the covariance of landmarks and image, and integrated out by Laplace's approximation.
The score is the logarithm of the likelihood ratio between this skull's face and anybody's: the camera's places and the
choice of landmarks cancel, so that people with different photographs compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from nasion.geometry.surface import FloatArray
from nasion.reconstruction.shape.landmark_spread import LandmarkSpread

NOISE_MM: Final = 1.2
"""SD of a photograph's landmark at the head's distance, each axis: 1 % of a face's height."""
_FOCAL_DIAGONALS: Final = 1.5
_FOCAL_LOG_SD: Final = 0.8
_DISTANCE_MM: Final = 1500.0
_DISTANCE_LOG_SD: Final = 0.6
_LEAST_SEEN: Final = 6
_ROUNDS: Final = 12
_ABSENT_PX2: Final = 1e10
_PARAMETERS: Final = 8
_LEAST_INFORMATION: Final = 1e-9
_STEPS: Final = np.array([0.3, 0.3, 0.3, np.inf, np.inf, 0.2, 0.5, 0.3])
"""Longest step of each parameter in a round: rotation, place, log scale, log focal length, log build."""


@dataclass(frozen=True)
class SeenFace:
    """Facial landmarks of one photograph.

    Attributes
    ----------
    landmarks_px
        Landmarks and helpers, name to (2,) px.
    image_size_px
        (width, height).
    sigma_px
        SD of single landmarks, each axis; ``noise_mm`` at the head's distance elsewhere.

    """

    landmarks_px: Mapping[str, FloatArray]
    image_size_px: tuple[int, int]
    sigma_px: Mapping[str, float] = field(default_factory=dict)


@dataclass(eq=False)
class _Fit:
    """State of g photographs: points (g, n, 2) from the picture's middle, their own SDs, and the parameters."""

    points: FloatArray
    seen: FloatArray
    sigma: FloatArray
    log_focal: FloatArray
    rotation: FloatArray
    place: FloatArray
    log_scale: FloatArray
    log_f: FloatArray
    log_build: FloatArray


def score_photographs(
    spread: LandmarkSpread, anybody: LandmarkSpread, photographs: Sequence[SeenFace], noise_mm: float = NOISE_MM
) -> FloatArray:
    """Return (g,) scores of photographs; NaN where fewer than six of the landmarks are seen.

    Parameters
    ----------
    spread
        Of the skull (``FaceSampler.landmark_spread``).
    anybody
        Of a face nobody knows (``LandmarkSpread.of_anybody``), of the same names.
    photographs
        Of one person each.
    noise_mm
        SD of landmarks that tell no SD of their own, at the head's distance.

    """
    return log_likelihoods(spread, photographs, noise_mm) - log_likelihoods(anybody, photographs, noise_mm)


def log_likelihoods(spread: LandmarkSpread, photographs: Sequence[SeenFace], noise_mm: float = NOISE_MM) -> FloatArray:
    """Return (g,) log marginal likelihoods of photographs' landmarks; NaN where too few are seen."""
    fit = _started(spread, photographs)
    usable = fit.seen.sum(axis=1) >= _LEAST_SEEN
    values = np.full(len(photographs), -np.inf)
    for _ in range(_ROUNDS):
        value, step = _round(spread, fit, noise_mm)
        values = np.maximum(values, np.nan_to_num(value, nan=-np.inf))
        _moved(fit, step)
    return np.where(usable, values, np.nan)


def _started(spread: LandmarkSpread, photographs: Sequence[SeenFace]) -> _Fit:
    """Return the parameters of a parallel projection of the mean face."""
    g, n = len(photographs), len(spread.names)
    points, seen, sigma = np.zeros((g, n, 2)), np.zeros((g, n)), np.full((g, n), np.nan)
    sizes = np.array([photo.image_size_px for photo in photographs], dtype=np.float64).reshape(g, 2)
    for k, photo in enumerate(photographs):
        for i, name in enumerate(spread.names):
            if name in photo.landmarks_px:
                points[k, i] = np.asarray(photo.landmarks_px[name]) - (sizes[k] - 1) / 2
                seen[k, i] = 1.0
                sigma[k, i] = photo.sigma_px.get(name, np.nan)
    mean = spread.mean_mm(spread.build) - spread.mean_mm(spread.build).mean(axis=0)
    rotation, place, scale = np.tile(np.eye(3), (g, 1, 1)), np.zeros((g, 2)), np.ones(g)
    for k in range(g):
        rows = seen[k] > 0
        if rows.sum() >= _LEAST_SEEN:
            rotation[k], place[k], scale[k] = _parallel(mean[rows], points[k, rows])
    log_focal = np.log(_FOCAL_DIAGONALS * np.hypot(*sizes.T))
    return _Fit(points, seen, sigma, log_focal, rotation, place, np.log(scale), log_focal.copy(), np.zeros(g))


def _parallel(mean: FloatArray, points: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    design = np.concatenate([mean, np.ones((len(mean), 1))], axis=1)
    # a ridge of a few pixels: points that lie nearly in a plane tell little of the third axis
    gram = design.T @ design + np.diag([30.0, 30.0, 30.0, 0.0])
    affine = np.linalg.solve(gram, design.T @ points).T
    u, values, vt = np.linalg.svd(affine[:, :3], full_matrices=False)
    two = u @ vt
    rotation = np.stack([two[0], two[1], np.cross(two[0], two[1])])
    return rotation, affine[:, 3], float(max(values.mean(), 1e-3))


def _round(spread: LandmarkSpread, fit: _Fit, noise_mm: float) -> tuple[FloatArray, FloatArray]:
    """Return the (g,) log likelihoods at the state and the (g, 8) Gauss-Newton steps from it."""
    g, n = fit.seen.shape
    build = spread.build * np.exp(fit.log_build)
    head = spread.fixed_mm - spread.mean_mm(spread.build).mean(axis=0) + build[:, None, None] * spread.by_build_mm
    turned = np.einsum("gij,gnj->gni", fit.rotation, head)
    scale, bend = np.exp(fit.log_scale)[:, None], np.exp(fit.log_scale - fit.log_f)[:, None]
    depth = 1.0 + bend * turned[..., 2]
    numerator = scale[..., None] * turned[..., :2] + fit.place[:, None]
    expected = numerator / depth[..., None]
    by_point = np.zeros((g, n, 2, 3))
    by_point[..., 0, 0] = by_point[..., 1, 1] = scale / depth
    by_point[..., 2] = -numerator * (bend / depth**2)[..., None]
    jacobian = _jacobian(fit, turned, by_point, expected, depth, bend, build, spread)
    covariance = _covariance(spread, by_point @ fit.rotation[:, None], build)
    known = np.where(np.isnan(fit.sigma), noise_mm * scale, fit.sigma)
    noise = np.where(fit.seen > 0, known**2, _ABSENT_PX2)
    covariance = covariance + np.repeat(noise, 2, axis=1)[:, :, None] * np.eye(2 * n)
    residual = ((fit.points - expected) * fit.seen[..., None]).reshape(g, 2 * n)
    jacobian = (jacobian * fit.seen[..., None, None]).reshape(g, 2 * n, _PARAMETERS)
    return _solved(spread, fit, covariance, residual, jacobian)


def _jacobian(
    fit: _Fit,
    turned: FloatArray,
    by_point: FloatArray,
    expected: FloatArray,
    depth: FloatArray,
    bend: FloatArray,
    build: FloatArray,
    spread: LandmarkSpread,
) -> FloatArray:
    """Return (g, n, 2, 8) derivatives by rotation, place, log scale, log focal length and log build."""
    g, n = fit.seen.shape
    made = np.zeros((g, n, 2, _PARAMETERS))
    for axis in range(3):
        made[..., axis] = np.einsum("gnij,gnj->gni", by_point, np.cross(np.eye(3)[axis], turned))
    made[..., 0, 3] = made[..., 1, 4] = 1.0 / depth
    along = (bend * turned[..., 2] / depth)[..., None] * expected
    made[..., 5] = np.einsum("gnij,gnj->gni", by_point[..., :2], turned[..., :2]) - along
    made[..., 6] = along
    if spread.build_log_sd > 0:
        outward = np.einsum("gij,nj->gni", fit.rotation, spread.by_build_mm) * build[:, None, None]
        made[..., 7] = np.einsum("gnij,gnj->gni", by_point, outward)
    return made


def _covariance(spread: LandmarkSpread, by_head: FloatArray, build: FloatArray) -> FloatArray:
    """Return (g, 2 n, 2 n) covariance of the landmarks' image places."""
    g, n = by_head.shape[:2]
    made = np.zeros((g, 2 * n, 2 * n))
    for covariance, factor in ((spread.covariance_mm2, build**2), (spread.fixed_covariance_mm2, np.ones(g))):
        if covariance.any():
            blocks = covariance.reshape(n, 3, n, 3).transpose(0, 2, 1, 3)
            left = np.einsum("gnai,nmij->gnmaj", by_head, blocks, optimize=True)
            both = np.einsum("gnmaj,gmbj->gnamb", left, by_head, optimize=True)
            made += factor[:, None, None] * both.reshape(g, 2 * n, 2 * n)
    return made


def _solved(
    spread: LandmarkSpread, fit: _Fit, covariance: FloatArray, residual: FloatArray, jacobian: FloatArray
) -> tuple[FloatArray, FloatArray]:
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, np.concatenate([residual[..., None], jacobian], axis=2))
    misfit, slope = white[..., 0], white[..., 1:]
    prior, pull, loss = _prior(spread, fit)
    hessian = np.einsum("gri,grj->gij", slope, slope) + prior
    gradient = np.einsum("gri,gr->gi", slope, misfit) + pull
    step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
    log_det = 2 * np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    # absent landmarks carry the same constant for every skull
    value = -0.5 * ((misfit**2).sum(axis=1) + log_det + loss + np.linalg.slogdet(hessian)[1])
    return value, step


def _prior(spread: LandmarkSpread, fit: _Fit) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the priors' (g, 8, 8) information, (g, 8) pull and (g,) loss: on focal length, distance and build."""
    g = len(fit.log_f)
    # a photograph without landmarks leaves rotation and place open
    information = np.tile(_LEAST_INFORMATION * np.eye(_PARAMETERS), (g, 1, 1))
    pull = np.zeros((g, _PARAMETERS))
    focal, near = _FOCAL_LOG_SD**-2, _DISTANCE_LOG_SD**-2
    away_focal = fit.log_f - fit.log_focal
    away_near = fit.log_f - fit.log_scale - np.log(_DISTANCE_MM)
    information[:, 6, 6] = focal + near
    information[:, 5, 5] = near
    information[:, 5, 6] = information[:, 6, 5] = -near
    pull[:, 6] = -focal * away_focal - near * away_near
    pull[:, 5] = near * away_near
    build = 1e6 if spread.build_log_sd <= 0 else spread.build_log_sd**-2
    information[:, 7, 7] = build
    pull[:, 7] = -build * fit.log_build
    loss = focal * away_focal**2 + near * away_near**2 + build * fit.log_build**2 - np.log(build)
    return information, pull, loss


def _moved(fit: _Fit, step: FloatArray) -> None:
    longest = np.max(np.abs(step) / _STEPS, axis=1, initial=1.0)
    step = np.nan_to_num(step / longest[:, None])
    fit.rotation = Rotation.from_rotvec(step[:, :3]).as_matrix() @ fit.rotation
    fit.place = fit.place + step[:, 3:5]
    fit.log_scale = fit.log_scale + step[:, 5]
    fit.log_f = fit.log_f + step[:, 6]
    fit.log_build = fit.log_build + step[:, 7]
