"""What makes a stored sample a little different each time it is learnt from.

A scan costs a hundred times what turning and stretching its cloud does, so scans are made once and the rest varies
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nasion.geometry.surface import FloatArray
from nasion.landmarks.surface.cloud import Cloud, Sample
from nasion.landmarks.surface.heads import IBUG68

_OTHER_SIDE: Final = {"left": "right", "right": "left"}
_IBUG_ROWS: Final = ((0, 16), (17, 26), (31, 35), (48, 54), (55, 59), (60, 64), (65, 67))
"""First and last number of the iBUG points that run from the subject's right to the left, or back."""
_IBUG_EYES: Final = ((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46))


@dataclass(frozen=True)
class AugmentSettings:
    """How stored samples vary.

    Attributes
    ----------
    turn_sd_deg, shift_sd
        Of the turn about a random axis and of the displacement (standard units, each axis); they add to the error of
        orientation with which the sample was stored.
    size_sd, stretch_sd
        Relative standard deviations of the size and of each axis.
    mirrored
        Share of samples that change sides.
    bends, bend_sd, bend_length
        Number, size (each axis) and length (standard units) of smooth bumps of a field that displaces the head: people
        and templates differ in more ways than the training people do.

    """

    turn_sd_deg: float = 3.0
    shift_sd: float = 0.023
    size_sd: float = 0.03
    stretch_sd: float = 0.03
    mirrored: float = 0.5
    bends: int = 8
    bend_sd: float = 0.02
    bend_length: float = 0.3


def augmented(sample: Sample, names: Sequence[str], rng: np.random.Generator, settings: AugmentSettings) -> Sample:
    """Return a sample turned, moved, stretched, bent and perhaps mirrored.

    Its frame stays as it was: the cloud is for learning, not for going back to the mesh, which is left out.
    """
    axis = rng.standard_normal(3)
    angle = np.radians(settings.turn_sd_deg) * rng.standard_normal()
    turn = Rotation.from_rotvec(angle * axis / np.linalg.norm(axis)).as_matrix()
    scales = np.exp(settings.size_sd * rng.standard_normal() + settings.stretch_sd * rng.standard_normal(3))
    shift = settings.shift_sd * rng.standard_normal(3)
    landmarks = sample.landmarks
    if rng.random() < settings.mirrored:
        scales = scales * [-1.0, 1.0, 1.0]
        landmarks = landmarks[mirror_order(names)]
    points: FloatArray = (sample.cloud.points * scales) @ turn.T + shift
    # normals go by the inverse transpose; a reflection keeps them outward
    normals: FloatArray = (sample.cloud.normals / scales) @ turn.T
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    field = _Bends.drawn(rng, settings)
    normals = field.normals(points, normals)
    landmarks = (landmarks * scales) @ turn.T + shift
    points, landmarks = points + field.at(points), landmarks + field.at(landmarks)
    frame = sample.cloud.frame
    cloud = Cloud(points, normals, frame.center_mm, frame.scale_mm, frame.rotation)
    return Sample(cloud, landmarks, sample.person)


@dataclass(frozen=True, eq=False)
class _Bends:
    """A smooth field of displacements: Gaussians of (m, 3) sizes about (m, 3) centres."""

    centers: FloatArray
    sizes: FloatArray
    length: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, settings: AugmentSettings) -> _Bends:
        count = settings.bends
        sizes = settings.bend_sd * rng.standard_normal((count, 3))
        return cls(rng.uniform(-1, 1, (count, 3)), sizes, settings.bend_length)

    def at(self, points: FloatArray) -> FloatArray:
        displaced: FloatArray = self._bells(points) @ self.sizes
        return displaced

    def normals(self, points: FloatArray, normals: FloatArray) -> FloatArray:
        """Return the normals of the displaced surface, to first order in the field's slope."""
        bells = self._bells(points) * (normals @ self.sizes.T)
        slope = (bells @ self.centers - bells.sum(axis=1, keepdims=True) * points) / self.length**2
        bent = normals - slope
        unit: FloatArray = bent / np.linalg.norm(bent, axis=1, keepdims=True)
        return unit

    def _bells(self, points: FloatArray) -> FloatArray:
        away2 = ((points[:, None] - self.centers[None]) ** 2).sum(axis=2)
        bells: FloatArray = np.exp(-away2 / (2 * self.length**2))
        return bells


def mirror_order(names: Sequence[str]) -> NDArray[np.int64]:
    """Return (l,) the number of each landmark's counterpart on the other side, its own for those in the middle."""
    numbers = {name: k for k, name in enumerate(names)}
    return np.array([numbers[_counterpart(name)] for name in names], dtype=np.int64)


def _counterpart(name: str) -> str:
    if name in IBUG68:
        return IBUG68[_ibug_counterpart(IBUG68.index(name))]
    base, _, side = name.rpartition("_")
    return f"{base}_{_OTHER_SIDE[side]}" if side in _OTHER_SIDE else name


def _ibug_counterpart(number: int) -> int:
    for first, last in _IBUG_ROWS:
        if first <= number <= last:
            return first + last - number
    for pair in _IBUG_EYES:
        if number in pair:
            return sum(pair) - number
    return number
