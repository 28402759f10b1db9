"""How wrong landmarks in images are, by the field's standard definitions.

Arrays are (s, l, 2) points of s images; NaN where a point is not marked or not found. Errors of one image are averaged
over its marked points first, then over images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.schemes import ImageScheme

Length = Literal["inter_ocular", "box", "face_height"]
"""What errors are divided by: the distance of the eyes' outer corners; the square root of the area of the marked
points' box; the distance of nasion and the chin's lower end."""

SDR_MM: Final = (2.0, 2.5, 3.0, 4.0)
"""Ranges of the success detection rate, mm (ISBI 2015 cephalogram challenge)."""
FAILURE: Final = 0.1
"""Error of an image from which it counts as failed: FR@0.1."""
_RESAMPLED: Final = 2000


@dataclass(frozen=True)
class Estimate:
    """A number with the 95 % interval that resampling the people gives."""

    value: float
    low: float
    high: float


def point_errors(found: FloatArray, truth: FloatArray) -> FloatArray:
    """Return (s, l) Euclidean distances, in the points' unit."""
    errors: FloatArray = np.linalg.norm(found - truth, axis=-1)
    return errors


def lengths(truth: FloatArray, scheme: ImageScheme, kind: Length) -> FloatArray:
    """Return (s,) what an image's errors are divided by; NaN where the points for it are not marked.

    Raises
    ------
    NasionError
        The scheme has no such length.

    """
    if kind == "box":
        low, high = np.nanmin(truth, axis=1), np.nanmax(truth, axis=1)
        area: FloatArray = np.sqrt(np.prod(high - low, axis=1))
        return area
    names = scheme.eye_corners if kind == "inter_ocular" else scheme.face_height
    if names is None:
        raise NasionError(f"{scheme.name} has no points for the {kind.replace('_', '-')} distance; use another length")
    a, b = scheme.places(names)
    apart: FloatArray = np.linalg.norm(truth[:, a] - truth[:, b], axis=-1)
    return apart


def face_size(truth: FloatArray, scheme: ImageScheme) -> FloatArray:
    """Return (s,) the scheme's usual length: inter-ocular, or face height where there are no eyes; else the box."""
    kind: Length = "inter_ocular" if scheme.eye_corners else "face_height" if scheme.face_height else "box"
    own = lengths(truth, scheme, kind)
    return np.where(np.isfinite(own), own, lengths(truth, scheme, "box"))


def nme(found: FloatArray, truth: FloatArray, length: FloatArray) -> FloatArray:
    """Return (s,) normalised mean errors, as shares (0.04 is 4 %)."""
    errors = point_errors(found, truth)
    there = np.isfinite(errors)
    means = np.where(there, errors, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    made: FloatArray = np.where(there.any(axis=1), means, np.nan) / length
    return made


def failure_rate(errors: FloatArray, limit: float = FAILURE) -> float:
    """Return the share of images whose error (s,) exceeds the limit: FR@limit."""
    return float(np.mean(errors > limit))


def auc(errors: FloatArray, limit: float = FAILURE) -> float:
    """Return the area under the cumulative error distribution up to the limit, over the limit: AUC@limit.

    Exact for the step function that the distribution is, which published code approaches by Simpson's rule.
    """
    return float(np.maximum(limit - errors, 0).mean() / limit)


def ced(errors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the cumulative error distribution: ascending errors and the share of images up to each."""
    ordered: FloatArray = np.sort(errors)
    return ordered, np.arange(1, len(ordered) + 1) / len(ordered)


def mean_radial_error(errors_mm: FloatArray) -> float:
    """Return the mean of (s, l) distances over all marked points."""
    return float(np.nanmean(errors_mm))


def success_rate(errors_mm: FloatArray, range_mm: float) -> float:
    """Return the share of marked points no farther than the range from the truth: SDR."""
    there = errors_mm[np.isfinite(errors_mm)]
    return float(np.mean(there <= range_mm))


def per_landmark(errors: FloatArray, names: Sequence[str]) -> dict[str, float]:
    """Return each landmark's mean over the images that have it; landmarks that none has are left out."""
    return {
        name: float(column[np.isfinite(column)].mean())
        for name, column in zip(names, errors.T, strict=True)
        if np.isfinite(column).any()
    }


def bootstrap(
    people: Sequence[str], statistic: Callable[[NDArray[np.intp]], float], seed: int = 0, count: int = _RESAMPLED
) -> Estimate:
    """Return a statistic with its percentile interval over resampled people.

    Parameters
    ----------
    people
        (s,) whose image it is; a person's images are drawn together.
    statistic
        From row numbers of images, repeats among them, to a number.
    seed, count
        Of the resampling.

    """
    names, own = np.unique(np.array(people), return_inverse=True)
    rows = [np.nonzero(own == number)[0] for number in range(len(names))]
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(names), (count, len(names)))
    values = [statistic(np.concatenate([rows[number] for number in draw])) for draw in drawn]
    low, high = np.percentile(values, [2.5, 97.5])
    return Estimate(statistic(np.arange(len(own))), float(low), float(high))
