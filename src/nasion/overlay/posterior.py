"""The ``posterior`` solver: tissue integrated out, camera and build factor estimated, photographs of a person jointly.

See docs/posterior.md for the model. Its score is the logarithm (natural) of the likelihood ratio between "this skull"
and "the generic head": the marginal likelihood of the photographs' landmarks given this skull, over the one given the
reference skull with the population's spread of shape. Camera, image scale and the choice of landmarks cancel, so that
candidates with different photographs compare.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import reference_skull
from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.geometry.camera import Camera
from nasion.geometry.surface import Mesh
from nasion.overlay.checks import check_usable
from nasion.overlay.explain import explain
from nasion.overlay.kernel import PER_PHOTO
from nasion.overlay.model import GROUPS, PhotoModel, SkullModel
from nasion.overlay.outline import SkullOutline
from nasion.overlay.problem import OverlaySolution, Photo, PhotoSolution, SkullLandmarks, TissueEstimate
from nasion.overlay.search import FINE, GRID, refine, score_people, solve_person
from nasion.overlay.settings import PosteriorSettings
from nasion.overlay.surface_fit import refine_with_outline

FloatArray = NDArray[np.float64]

PEOPLE_A_CHUNK = 500

IMPLAUSIBLE_TAIL = 0.001
"""Probability below which a residual or a build factor is flagged."""


@dataclass(frozen=True)
class _Raw:
    """The compiled solver's answer for one person."""

    observed: FloatArray
    rotation: FloatArray
    theta: FloatArray
    covariance: FloatArray
    log_likelihood: float
    generic_log_likelihood: float
    converged: bool


def generic_head(sigma_mm: float) -> SkullLandmarks:
    """Return the reference skull whose landmarks each carry the population's spread of shape."""
    points = reference_skull()
    names = [pair.cranial for pair in PAIRS]
    return SkullLandmarks({n: points[n] for n in names}, dict.fromkeys(names, sigma_mm))


class PosteriorSolver:
    """One skull, ready to be compared with any number of people.

    Parameters
    ----------
    skull
        Cranial landmarks in any frame.
    tissue
        The tissue table.
    settings
        Assumptions.
    mesh
        The skull's surface in the landmarks' frame; with it, photographs that have a face region are refined by the
        skull's outline (``overlay.outline``).

    """

    def __init__(
        self,
        skull: SkullLandmarks,
        tissue: TissueTable,
        settings: PosteriorSettings | None = None,
        mesh: Mesh | None = None,
    ) -> None:
        self.settings = settings or PosteriorSettings()
        self.skull = skull
        self._mesh = mesh
        self.model = SkullModel.build(skull, tissue, self.settings)
        self.generic = _generic_model(tissue, self.settings)

    def _photo_model(self, photos: Sequence[Photo]) -> PhotoModel:
        for photo in photos:
            check_usable(self.skull, photo)
        return PhotoModel.build(photos, self.settings)

    def _solve_raw(self, photos: PhotoModel) -> _Raw:
        observed = self.model.mask(photos.observed_px)
        count = len(observed)
        rotation, theta = np.empty((count, 3, 3)), np.empty(PER_PHOTO * count + 1)
        log_likelihood, generic, covariance, converged = solve_person(
            GRID,
            GROUPS,
            self.model.arrays(),
            self.generic.arrays(),
            self.model.build_log_sd,
            self.settings.degrees_of_freedom,
            observed,
            photos.noise_variance,
            photos.priors,
            photos.pose,
            rotation,
            theta,
        )
        if not (math.isfinite(log_likelihood) and math.isfinite(generic) and np.isfinite(covariance).all()):
            raise NasionError(
                "posterior finds no camera for these landmarks; check that they are named and placed rightly"
            )
        return _Raw(observed, rotation, theta, covariance, log_likelihood, generic, bool(converged))

    @cached_property
    def _outline(self) -> SkullOutline | None:
        if self._mesh is None:
            return None
        bounds = {**self.skull.landmarks_mm, **self.skull.helpers_mm}
        return SkullOutline(self._mesh, self.model.frame, bounds, self.settings.outline)

    def _refined(self, photos: Sequence[Photo], model: PhotoModel, raw: _Raw) -> _Raw:
        """Return the landmark solution refined by the outlines, where there is a surface and a face region."""
        faces = [photo.face for photo in photos]
        outline = self._outline if any(face is not None for face in faces) else None
        if outline is None:
            return raw
        fit = refine_with_outline(
            outline,
            faces,
            self.model,
            model,
            raw.observed,
            self.settings.degrees_of_freedom,
            raw.rotation,
            raw.theta,
        )
        return replace(
            raw,
            rotation=fit.rotation,
            theta=fit.theta,
            covariance=fit.covariance,
            log_likelihood=fit.log_likelihood,
            converged=fit.converged,
        )

    def scores(self, people: Sequence[Sequence[Photo]], threads: int = 2) -> FloatArray:
        """Return (n,) scores of many people by landmarks alone; ``solve(photos).score`` where no face region is given.

        Where no camera can be found the score is minus infinity.

        Raises
        ------
        NasionError
            Landmarks that cannot fix a camera, as in ``solve``.

        """
        scores = np.empty(len(people))
        by_count: dict[int, list[int]] = {}
        for i, photos in enumerate(people):
            by_count.setdefault(len(photos), []).append(i)
        chunks = [
            np.array(chunk)
            for members in by_count.values()
            for chunk in np.array_split(members, math.ceil(len(members) / PEOPLE_A_CHUNK))
        ]
        with ThreadPoolExecutor(threads) as pool:
            for chunk, values in zip(
                chunks, pool.map(lambda c: self._score_chunk([people[i] for i in c]), chunks), strict=True
            ):
                scores[chunk] = values
        return scores

    def _score_chunk(self, people: Sequence[Sequence[Photo]]) -> FloatArray:
        model = self._photo_model([photo for photos in people for photo in photos])
        shape = (len(people), len(people[0]))
        values = np.empty(len(people))
        score_people(
            GRID,
            GROUPS,
            self.model.arrays(),
            self.generic.arrays(),
            self.model.build_log_sd,
            self.settings.degrees_of_freedom,
            self.model.mask(model.observed_px).reshape(*shape, 20, 2),
            model.noise_variance.reshape(*shape, 20),
            model.priors.reshape(*shape, 5),
            model.pose.reshape(*shape, 3, 3),
            values,
        )
        return values

    def solve(self, photos: Sequence[Photo]) -> OverlaySolution:
        """Overlay the skull on one person's photographs.

        Raises
        ------
        NasionError
            A photograph shares fewer than four landmarks with the skull, or they lie on one line or plane.

        """
        started = time.perf_counter()
        model = self._photo_model(photos)
        raw = self._refined(photos, model, self._solve_raw(model))
        count = len(photos)
        residual, covariance = np.empty((count, 20, 2)), np.empty((count, 20, 2, 2))
        tissue_mean, tissue_var = np.empty((20, 3)), np.empty((20, 3))
        explain(
            GROUPS,
            np.nan_to_num(self.model.points_mm),
            self.model.tissue_mean_mm,
            self.model.group_covariance_mm2,
            self.model.skull_variance_mm2,
            raw.observed,
            model.noise_variance,
            raw.rotation,
            raw.theta,
            raw.covariance,
            self.settings.degrees_of_freedom,
            residual,
            covariance,
            tissue_mean,
            tissue_var,
        )
        solutions = tuple(
            self._photo_solution(photo, p, raw, model, residual[p], covariance[p]) for p, photo in enumerate(photos)
        )
        build_sd = float(np.sqrt(raw.covariance[-1, -1]))
        return OverlaySolution(
            "posterior",
            solutions,
            raw.log_likelihood - raw.generic_log_likelihood,
            raw.log_likelihood,
            (float(np.exp(raw.theta[-1])), build_sd),
            self._tissue(raw, tissue_mean, tissue_var),
            time.perf_counter() - started,
        )

    def _tissue(self, raw: _Raw, mean: FloatArray, variance: FloatArray) -> dict[str, TissueEstimate]:
        to_given = self.model.frame.rotation.T
        seen = ~np.all(np.isnan(raw.observed[..., 0]), axis=0)
        # the SD per given axis: exact only where the frames agree, so turn the diagonal covariance
        sd = np.sqrt(np.maximum(variance, 0) @ (to_given**2).T)
        table = self.model.tissue_mean_mm @ to_given.T
        turned = mean @ to_given.T
        return {pair.facial: TissueEstimate(turned[j], sd[j], table[j]) for j, pair in enumerate(PAIRS) if seen[j]}

    def _photo_solution(
        self, photo: Photo, p: int, raw: _Raw, model: PhotoModel, residual: FloatArray, covariance: FloatArray
    ) -> PhotoSolution:
        seen = np.flatnonzero(~np.isnan(raw.observed[p, :, 0]))
        names = tuple(PAIRS[j].facial for j in seen)
        camera = self._camera(photo, p, raw, model)
        observed = np.array([photo.landmarks_px[name] for name in names], dtype=np.float64)
        block = slice(PER_PHOTO * p, PER_PHOTO * (p + 1))
        return PhotoSolution(
            photo.name,
            camera,
            names,
            observed - residual[seen],
            covariance[seen],
            residual[seen],
            self._single_log_likelihood(raw, p, model),
            raw.covariance[block, block],
            self._flags(raw, p, residual[seen], covariance[seen]),
            raw.converged,
        )

    def _single_log_likelihood(self, raw: _Raw, p: int, model: PhotoModel) -> float:
        if len(raw.observed) == 1:
            return raw.log_likelihood
        one = slice(p, p + 1)
        theta = np.append(raw.theta[PER_PHOTO * p : PER_PHOTO * (p + 1)], raw.theta[-1])
        log_likelihood, _, _ = refine(
            GROUPS,
            *self.model.arrays(),
            raw.observed[one],
            model.noise_variance[one],
            model.priors[one],
            model.pose[one],
            self.model.build_log_sd,
            self.settings.degrees_of_freedom,
            raw.rotation[one].copy(),
            theta,
            FINE,
        )
        return float(log_likelihood)

    def _camera(self, photo: Photo, p: int, raw: _Raw, model: PhotoModel) -> Camera:
        px, py, log_scale, log_focal = raw.theta[PER_PHOTO * p + 3 : PER_PHOTO * (p + 1)]
        scale, focal = np.exp(log_scale), float(np.exp(log_focal))
        frame = self.model.frame
        rotation = raw.rotation[p] @ frame.rotation
        center = np.array([px / scale, py / scale, focal / scale])
        principal = (float(model.principal_point_px[p, 0]), float(model.principal_point_px[p, 1]))
        return Camera(rotation, center - rotation @ frame.origin_mm, focal, principal, photo.image_size_px)

    def _flags(self, raw: _Raw, p: int, residual: FloatArray, covariance: FloatArray) -> tuple[str, ...]:
        flags = []
        distance = np.exp(raw.theta[PER_PHOTO * p + 6] - raw.theta[PER_PHOTO * p + 5])
        if not 300 <= distance <= 20_000:
            flags.append("distance_implausible")
        if abs(raw.theta[-1]) > 3 * self.model.build_log_sd:
            flags.append("build_factor_implausible")
        squared = np.einsum("ni,nij,nj->n", residual, np.linalg.inv(covariance), residual)
        dof = self.settings.degrees_of_freedom
        # tail of a bivariate t: squared / 2 follows F(2, dof)
        if (1 + float(squared.max()) / dof) ** (-dof / 2) * len(squared) < IMPLAUSIBLE_TAIL:
            flags.append("residual_implausible")
        if not raw.converged:
            flags.append("not_converged")
        return tuple(flags)


@lru_cache(maxsize=8)
def _generic_model(tissue: TissueTable, settings: PosteriorSettings) -> SkullModel:
    return SkullModel.build(generic_head(settings.generic_sigma_mm), tissue, settings)
