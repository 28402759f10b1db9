"""From the 68 points of a face to the overlay's facial landmarks: what the 68 points say about places they lack.

A Gaussian over all points in the picture for each of many head poses, learnt from 3D heads (``completion_making``):
given the 68 points and how sure each is, the other landmarks follow as a conditional mean and covariance in closed
form, as a mixture over the poses. In-plane rotation, scale and place are free. Points that do not fit the rest count
less (Student t, by reweighting). Landmarks that the pose hides, and those that 68 points cannot place, are left out.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import FACIAL_HELPERS, SCHEMES, mirrored
from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.schemes import image_scheme
from nasion.readers.files import read_bytes

TARGETS: Final = (*SCHEMES["facial20"], *FACIAL_HELPERS)
"""What is completed: the facial twenty and their helpers."""
ALWAYS_MISSING: Final = {"bregma": "lies under the hair and the 68 points do not tell its place"}
HIDDEN: Final = "hidden in this pose of the head"
MOSTLY_HIDDEN: Final = 0.65
"""Probability from which a landmark is left out; on the outline, as gonion from the front, it is about one half."""

REAL_SD_MM: Final = (
    dict.fromkeys(
        ("subnasale", "labiale_superius", "exocanthion", "endocanthion", "alare", "cheilion", "pronasale"), 1.5
    )
    | {"nasion": 2.5, "glabella": 3.5, "metopion": 8.0, "bregma": 8.0}
    | dict.fromkeys(("pogonion", "gnathion", "zygion", "frontotemporale", "gonion", "tragion", "orbitale"), 5.0)
)
"""SD of a coordinate by which an observer's landmark on a real head differs from a mesh's, by landmark: rounded from
pictures of two CT heads and a face scan, within 40 degrees of the front (``benchmarks/real_photograph_landmarks.py``).
Two heads are no population: it is a floor against too much trust, no estimate."""
_GAUSSIAN_90: Final = 2.146
"""90 % radius over the SD of a coordinate of a round Gaussian."""
_GIVEN: Final = 68
_FREEDOM: Final = 4.0
"""Degrees of freedom of the Student t by which outlying points lose weight."""
_ROUNDS: Final = 4
_POSES: Final = 8
"""Pose cells, best first, that are weighed against each other exactly."""
_FREE: Final = 1e3
"""Prior SD of place, scale and turn, in the cell's millimetres: as good as free."""
_FLIP_TARGETS: Final = np.array([TARGETS.index(mirrored(name)) for name in TARGETS])
MIRRORED_POINTS: Final = np.concatenate([image_scheme("ibug68").flip_index, _GIVEN + _FLIP_TARGETS])
"""Of the 68 and ``TARGETS``, the place of each in a mirrored head."""


@dataclass(frozen=True, eq=False)
class Completed:
    """The facial landmarks of one face.

    Attributes
    ----------
    points_px
        (t, 2) in the order of ``TARGETS``, hidden ones too.
    covariance_px
        (t, 2, 2) of each point.
    sigma_px
        (t,) SD of a coordinate.
    radius90_px
        (t,) radius that holds the truth with 90 %.
    hidden
        (t,) probability that the pose hides the landmark.
    yaw_deg, pitch_deg
        Of the head, about; see ``geometry.camera.pose_rotation``.
    misfit
        Root mean square of the 68 points' residuals in SD: about 1 for a face, much more for none.
    px_per_mm
        Scale of the face.

    """

    points_px: FloatArray
    covariance_px: FloatArray
    sigma_px: FloatArray
    radius90_px: FloatArray
    hidden: FloatArray
    yaw_deg: float
    pitch_deg: float
    misfit: float
    px_per_mm: float

    def on_real_heads(self) -> Completed:
        """Return the same with the SDs that real heads ask for.

        What is calibrated here holds for heads whose landmarks are points of a mesh. On a real head an expert's
        landmark lies elsewhere by ``REAL_SD_MM``, which is added to each variance.
        """
        real = (
            np.array([REAL_SD_MM[name.removesuffix("_left").removesuffix("_right")] for name in TARGETS])
            * self.px_per_mm
        )
        covariance = self.covariance_px + (real**2)[:, None, None] * np.eye(2)
        sigma, radius = np.hypot(self.sigma_px, real), np.hypot(self.radius90_px, _GAUSSIAN_90 * real)
        return replace(self, covariance_px=covariance, sigma_px=sigma, radius90_px=radius)

    def missing(self) -> dict[str, str]:
        """Return name to the reason of the landmarks that this pose hides or that cannot be told."""
        unseen = {name: HIDDEN for name, share in zip(TARGETS, self.hidden, strict=True) if share > MOSTLY_HIDDEN}
        return unseen | ALWAYS_MISSING


@dataclass(frozen=True, eq=False)
class CompletionModel:
    """Pose cells: yaw from 0 to 90 degrees (the other side is their mirror image) by pitch.

    Attributes
    ----------
    pose_deg
        (c, 2) yaw and pitch of the cells' middles.
    mean_mm
        (c, 68 + t, 2) mean picture of the points at about one pixel a millimetre, first the 68, then ``TARGETS``.
    modes_mm
        (c, k, 68 + t, 2) main directions of variation, one SD long.
    rest_mm
        (c, 68 + t) SD of a coordinate beyond the modes.
    hidden
        (c, t) share of heads in which the landmark is hidden.
    sigma_factor, radius_factor
        (t,) calibrated on heads that the model has not seen: SD over the model's own, 90 % radius over that SD.

    """

    pose_deg: FloatArray
    mean_mm: FloatArray
    modes_mm: FloatArray
    rest_mm: FloatArray
    hidden: FloatArray
    sigma_factor: FloatArray
    radius_factor: FloatArray

    def mirrored(self) -> CompletionModel:
        """Return the cells of heads that are turned to the other side."""
        flip = np.array([-1.0, 1.0])
        return CompletionModel(
            self.pose_deg * flip,
            self.mean_mm[:, MIRRORED_POINTS] * flip,
            self.modes_mm[:, :, MIRRORED_POINTS] * flip,
            self.rest_mm[:, MIRRORED_POINTS],
            self.hidden[:, _FLIP_TARGETS],
            self.sigma_factor[_FLIP_TARGETS],
            self.radius_factor[_FLIP_TARGETS],
        )

    def both_sides(self) -> CompletionModel:
        """Return the cells of both turns; the frontal ones count once."""
        other = self.mirrored()
        turned = other.pose_deg[:, 0] < 0
        arrays = {
            name: np.concatenate([getattr(self, name), getattr(other, name)[turned]])
            for name in ("pose_deg", "mean_mm", "modes_mm", "rest_mm", "hidden")
        }
        return CompletionModel(**arrays, sigma_factor=self.sigma_factor, radius_factor=self.radius_factor)

    def complete(self, points_px: FloatArray, sigma_px: FloatArray) -> Completed:
        """Return the facial landmarks.

        Parameters
        ----------
        points_px
            (68, 2) in the iBUG order; NaN where a point is missing.
        sigma_px
            (68,) SD of a coordinate.

        Raises
        ------
        NasionError
            Fewer than twelve points, or points that all lie in one place.

        """
        there = np.isfinite(points_px).all(axis=1) & np.isfinite(sigma_px)
        if there.sum() < 12 or not (np.ptp(points_px[there], axis=0) > 0).all():
            raise NasionError("too few of the 68 points are seen to tell the facial landmarks; place them by hand")
        poses = self._likely_poses(points_px, sigma_px, there)
        parts = [_conditioned(self, int(c), points_px, sigma_px, there) for c in poses]
        log_weights = np.array([part.log_likelihood for part in parts])
        weights = np.exp(log_weights - log_weights.max())
        weights /= weights.sum()
        points = np.tensordot(weights, np.array([part.points_px for part in parts]), 1)
        apart = np.array([part.points_px for part in parts]) - points
        spread = np.array([part.covariance_px for part in parts]) + apart[..., :, None] * apart[..., None, :]
        covariance = np.tensordot(weights, spread, 1) * self.sigma_factor[:, None, None] ** 2
        sigma = np.sqrt(np.trace(covariance, axis1=1, axis2=2) / 2)
        yaw, pitch = weights @ self.pose_deg[poses]
        misfit = float(weights @ np.array([part.misfit for part in parts]))
        hidden = weights @ self.hidden[poses]
        radius = sigma * self.radius_factor
        zoom = float(weights @ np.array([part.zoom for part in parts]))
        return Completed(points, covariance, sigma, radius, hidden, float(yaw), float(pitch), misfit, zoom)

    def _likely_poses(self, points_px: FloatArray, sigma_px: FloatArray, there: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Return the cells whose mean picture fits best after a similarity."""
        weight = 1 / np.maximum(sigma_px[there], 1e-6)
        weight /= weight.sum()
        means = _complex(self.mean_mm[:, :_GIVEN][:, there])
        seen = _complex(points_px[there])
        means = means - (means @ weight)[:, None]
        seen = seen - seen @ weight
        fitted = (means.conj() * seen * weight).sum(axis=1) / (abs(means) ** 2 * weight).sum(axis=1)
        misfit = (abs(seen - fitted[:, None] * means) ** 2 * weight).sum(axis=1)
        return np.argsort(misfit)[:_POSES]


@dataclass(frozen=True, eq=False)
class _Conditioned:
    points_px: FloatArray
    covariance_px: FloatArray
    log_likelihood: float
    misfit: float
    zoom: float


def _conditioned(
    model: CompletionModel, cell: int, points_px: FloatArray, sigma_px: FloatArray, there: NDArray[np.bool_]
) -> _Conditioned:
    """Return the targets given the points, in one pose cell."""
    mean, rest = model.mean_mm[cell], model.rest_mm[cell]
    scale, shift = _similarity(mean[:_GIVEN][there], points_px[there])
    seen_mm = _pairs((_complex(points_px[there]) - shift) / scale)
    zoom = abs(scale)
    # rows: coordinates of the points; columns: modes of unit variance, then the free similarity
    loads = np.concatenate([model.modes_mm[cell], _FREE * _tangents(mean)]).transpose(1, 2, 0)
    given, sought = loads[:_GIVEN][there].reshape(-1, loads.shape[2]), loads[_GIVEN:]
    noise = (sigma_px[there] / zoom) ** 2 + rest[:_GIVEN][there] ** 2
    residual = (seen_mm - mean[:_GIVEN][there]).ravel()
    weight = np.ones(len(noise))
    for _ in range(_ROUNDS):
        weighted = (given * np.repeat(weight / noise, 2)[:, None]).T
        information = np.eye(loads.shape[2]) + weighted @ given
        coefficients = np.linalg.solve(information, weighted @ residual)
        squared = ((residual - given @ coefficients) ** 2).reshape(-1, 2).sum(axis=1) / noise
        weight = (_FREEDOM + 2) / (_FREEDOM + squared)
    _, log_det = np.linalg.slogdet(information)
    student = -((_FREEDOM + 2) / 2 * np.log1p(squared / _FREEDOM) + np.log(noise)).sum()
    # a density in pixels: cells of other zoom must compare
    log_likelihood = student - 0.5 * (coefficients @ coefficients + log_det) - 2 * len(noise) * np.log(zoom)
    points = mean[_GIVEN:] + sought @ coefficients
    covariance = sought @ np.linalg.inv(information) @ sought.transpose(0, 2, 1)
    covariance = covariance + (rest[_GIVEN:] ** 2)[:, None, None] * np.eye(2)
    turn = np.array([[scale.real, -scale.imag], [scale.imag, scale.real]])
    return _Conditioned(
        _pairs(_complex(points) * scale + shift),
        turn @ covariance @ turn.T,
        float(log_likelihood),
        float(np.sqrt(squared.mean() / 2)),
        float(zoom),
    )


def _complex(points: FloatArray) -> NDArray[np.complex128]:
    joined: NDArray[np.complex128] = points[..., 0] + 1j * points[..., 1]
    return joined


def _pairs(values: NDArray[np.complex128]) -> FloatArray:
    return np.stack([values.real, values.imag], axis=-1)


def _similarity(source: FloatArray, goal: FloatArray) -> tuple[complex, complex]:
    """Return (scale and turn, shift) as complex numbers: least squares of ``goal = scale * source + shift``."""
    a, b = _complex(source), _complex(goal)
    centred = a - a.mean()
    scale = complex((centred.conj() * (b - b.mean())).sum() / (abs(centred) ** 2).sum())
    return scale, complex(b.mean() - scale * a.mean())


def _tangents(mean: FloatArray) -> FloatArray:
    """Return (4, n, 2): what place, turn and scale do to the points, each about one unit at the farthest point."""
    reach = abs(mean).max()
    ones, zeros = np.ones(len(mean)), np.zeros(len(mean))
    x, y = mean.T / reach
    return np.stack([np.stack(pair, axis=-1) for pair in ((ones, zeros), (zeros, ones), (x, y), (-y, x))])


def read_completion(path: Path) -> CompletionModel:
    """Read a model that ``write_completion`` wrote; a damaged file raises NasionError."""
    return _parsed(read_bytes(path), str(path)).both_sides()


@cache
def shipped_completion() -> CompletionModel:
    """Return the package's model."""
    file = resources.files(__package__).joinpath("data/completion.npz")
    return _parsed(file.read_bytes(), "completion.npz").both_sides()


def _parsed(content: bytes, name: str) -> CompletionModel:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {key: stored[key].astype(np.float64) for key in CompletionModel.__dataclass_fields__}
    except (OSError, ValueError, KeyError, BadZipFile, EOFError) as fault:
        raise NasionError(f"{name}: is no completion model ({' '.join(str(fault).split())}); make it again") from None
    return CompletionModel(**arrays)


def completion_bytes(model: CompletionModel) -> bytes:
    """Return the file of a model: one side's cells in half precision."""
    content = io.BytesIO()
    np.savez_compressed(content, **{name: value.astype(np.float16) for name, value in vars(model).items()})
    return content.getvalue()
