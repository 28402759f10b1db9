"""From bone to profile by Gaussian process regression; a linear kernel alone is ridge regression.

Rasmussen & Williams, "Gaussian Processes for Machine Learning" (2006), eqs. 2.25, 2.26 and, for leaving one out, 5.12.
All eight coordinates share one kernel; their residuals' joint covariance comes from leaving each film out. What the
kernel is made of is chosen by cross-validation over the people that are learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.reconstruction.profile.appearance import appearance
from nasion.reconstruction.profile.floors import Frame
from nasion.reconstruction.profile.kernels import Features, KernelSettings, Scaled, kernel, own_kernel
from nasion.reconstruction.profile.samples import SOFT, Profile, ProfileSample, StrippedFilm

FEWEST_PEOPLE: Final = 10
_FOLDS: Final = 10
_NOISES: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
_SHAPE_GRID: Final = tuple(
    KernelSettings(noise, bend, length)
    for noise, (bend, length) in product(_NOISES, ((0.0, 1.0), (0.3, 1.0), (0.3, 2.0), (1.0, 2.0)))
)
_LOOK_GRID: Final = tuple(
    KernelSettings(noise, share=share) for noise, share in product(_NOISES, (0.0, 0.1, 0.3, 1.0, 3.0))
)


@dataclass(frozen=True, eq=False)
class Reader:
    """Turns films into features: the frame, scales, and whether the picture is looked at."""

    frame: Frame
    shape: Scaled
    look: Scaled | None

    @classmethod
    def fitted(cls, films: Sequence[StrippedFilm], frame: Frame, with_image: bool) -> Reader:
        """Fit the scales to some films."""
        shape = Scaled.to(_flat(frame.aligned_hard(films)))
        return cls(frame, shape, Scaled.to(_looks(films, frame)) if with_image else None)

    def features(self, films: Sequence[StrippedFilm]) -> Features:
        """Return the features of films."""
        shape = self.shape.apply(_flat(self.frame.aligned_hard(films)))
        if self.look is None:
            return Features(shape, np.zeros((len(films), 0)))
        return Features(shape, self.look.apply(_looks(films, self.frame)))


@dataclass(frozen=True, eq=False)
class Regression:
    """A fitted Gaussian process.

    Attributes
    ----------
    reader
        See ``Reader``.
    settings
        Of the kernel.
    known
        Features of the n films learnt from.
    mean
        (8,) of their profiles in the frame.
    weights
        (n, 8).
    inverse
        (n, n) of the kernel with noise.
    residual_mm2
        (8, 8) covariance of the profile for a kernel variance of 1.
    cross_validation_mm
        Mean error over people who were not learnt from.

    """

    reader: Reader
    settings: KernelSettings
    known: Features
    mean: FloatArray
    weights: FloatArray
    inverse: FloatArray
    residual_mm2: FloatArray
    cross_validation_mm: float

    @classmethod
    def fitted(cls, samples: Sequence[ProfileSample], with_image: bool = False, seed: int = 0) -> Regression:
        """Choose the kernel by cross-validation over people and fit all films.

        Raises
        ------
        NasionError
            There are too few people.

        """
        people = [sample.person for sample in samples]
        if len(set(people)) < FEWEST_PEOPLE:
            raise NasionError(f"{len(set(people))} people are too few to learn from; give {FEWEST_PEOPLE} or more")
        films = [sample.film for sample in samples]
        frame = Frame.of(samples)
        reader = Reader.fitted(films, frame, with_image)
        known, target = reader.features(films), _flat(frame.aligned_soft(samples))
        sizes = np.array([1.0 / frame.of_film(film).scale for film in films])
        folds = _folds(people, seed)
        grid = _LOOK_GRID if with_image else _SHAPE_GRID
        errors = [_error_mm(known, target, sizes, folds, settings) for settings in grid]
        best = int(np.argmin(errors))
        return cls._of(reader, grid[best], known, target, float(errors[best]))

    @classmethod
    def _of(
        cls, reader: Reader, settings: KernelSettings, known: Features, target: FloatArray, error: float
    ) -> Regression:
        mean = target.mean(axis=0)
        noisy = kernel(known, known, settings) + settings.noise * np.eye(len(target))
        inverse = np.asarray(np.linalg.inv(noisy), dtype=np.float64)
        weights = inverse @ (target - mean)
        left_out = weights / np.sqrt(np.diag(inverse))[:, None]
        residual: FloatArray = left_out.T @ left_out / len(target)
        return cls(reader, settings, known, mean, weights, inverse, residual, error)

    def profiles(self, films: Sequence[StrippedFilm]) -> list[Profile]:
        """Return the profile of each film, with covariances."""
        features = self.reader.features(films)
        across = kernel(features, self.known, self.settings)
        points = (across @ self.weights + self.mean).reshape(len(films), len(SOFT), 2)
        explained = np.einsum("ij,jk,ik->i", across, self.inverse, across)
        variance = np.maximum(own_kernel(features, self.settings) - explained, 0.0) + self.settings.noise
        blocks = np.array([self.residual_mm2[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] for k in range(len(SOFT))])
        found = []
        for film, own, factor in zip(films, points, variance, strict=True):
            similarity = self.reader.frame.of_film(film)
            found.append(Profile(similarity.back(own), similarity.covariance_back(factor * blocks)))
        return found


def _error_mm(
    features: Features, target: FloatArray, sizes: FloatArray, folds: NDArray[np.intp], settings: KernelSettings
) -> float:
    """Return the mean distance over all films, each told from the other folds; ``sizes`` turn the frame's mm to own."""
    every = kernel(features, features, settings)
    errors = []
    for fold in np.unique(folds):
        known, unknown = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        mean = target[known].mean(axis=0)
        inner = every[np.ix_(known, known)] + settings.noise * np.eye(len(known))
        told = every[np.ix_(unknown, known)] @ np.linalg.solve(inner, target[known] - mean) + mean
        distance = np.linalg.norm((told - target[unknown]).reshape(len(unknown), -1, 2), axis=-1)
        errors.append(distance.mean(axis=1) * sizes[unknown])
    return float(np.concatenate(errors).mean())


def _folds(people: Sequence[str], seed: int) -> NDArray[np.intp]:
    """Return the fold of each film; films of one person share it."""
    _, index = np.unique(np.array(people), return_inverse=True)
    order = np.random.default_rng(seed).permutation(index.max() + 1)
    return np.asarray(order[index] % _FOLDS, dtype=np.intp)


def _flat(points: FloatArray) -> FloatArray:
    return points.reshape(len(points), -1)


def _looks(films: Sequence[StrippedFilm], frame: Frame) -> FloatArray:
    return np.array([appearance(film, frame.hard_mm) for film in films])
