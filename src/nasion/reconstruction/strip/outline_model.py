"""What silhouettes of skulls look like: a linear model of landmarks and signed distances together.

Signed distances to the silhouette's outline (Leventon, Grimson & Faugeras, CVPR 2000), negative inside, and the
landmarks, all in the frame of the mean landmarks, are ``mean + basis @ c`` with ``c`` normal. So landmarks, and points
that are seen to lie on the outline (distance 0), tell ``c`` by linear least squares.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.reconstruction.profile.plane import PlaneSimilarity, mean_shape

CLIP_MM: Final = 25.0
"""Larger distances count as this."""
STEP_MM: Final = 5.0
CORNER_MM: Final = (-220.0, -220.0)
SIDE: Final = 77
"""Places of the grid of distances along each axis; the mean landmarks' centre is the origin."""
_LANDMARKS_WEIGHT: Final = 0.3
"""Of a mean square landmark against a mean square distance, when components are sought."""


@dataclass(frozen=True, eq=False)
class Silhouette:
    """A skull's silhouette: (h, w) bool ``mask``, (l, 2) ``landmarks_px``, and the scale."""

    mask: NDArray[np.bool_]
    landmarks_px: FloatArray
    mm_per_px: float


@dataclass(frozen=True, eq=False)
class OutlineModel:
    """A linear model of one view.

    Attributes
    ----------
    names
        Of the l landmarks.
    frame_mm
        (l, 2) mean landmarks: the frame.
    mean
        (SIDE * SIDE + 2 l,) distances by rows of the grid, then landmarks; mm.
    basis
        (SIDE * SIDE + 2 l, k), for coefficients with SD 1.

    """

    names: tuple[str, ...]
    frame_mm: FloatArray
    mean: FloatArray
    basis: FloatArray

    @classmethod
    def learnt(cls, names: Sequence[str], silhouettes: Sequence[Silhouette], components: int) -> OutlineModel:
        """Fit the model to silhouettes whose landmarks follow ``names``."""
        points = [own.landmarks_px * own.mm_per_px for own in silhouettes]
        frame = mean_shape(points)
        rows = []
        for own, landmarks in zip(silhouettes, points, strict=True):
            to_frame = PlaneSimilarity.between(landmarks, frame)
            rows.append(np.concatenate([_distances(own, to_frame), to_frame.apply(landmarks).ravel()]))
        stack = np.array(rows)
        mean, cells = stack.mean(axis=0), SIDE * SIDE
        weight = np.full(stack.shape[1], 1 / np.sqrt(cells))
        weight[cells:] = _LANDMARKS_WEIGHT / np.sqrt(2 * len(names))
        _, singular, axes = np.linalg.svd((stack - mean) * weight, full_matrices=False)
        kept = min(components, len(singular) - 1)
        basis = (axes[:kept] / weight).T * (singular[:kept] / np.sqrt(len(stack) - 1))
        return cls(tuple(names), frame, mean, basis)

    @cached_property
    def _cells(self) -> int:
        return SIDE * SIDE

    def distances(self, coefficients: FloatArray) -> FloatArray:
        """Return (SIDE, SIDE) signed distances, mm."""
        cells = self.basis[: self._cells] @ coefficients + self.mean[: self._cells]
        grid: FloatArray = cells.reshape(SIDE, SIDE)
        return grid

    def coefficients(
        self,
        rows: Sequence[int],
        landmarks: FloatArray,
        landmark_sd: float,
        outline: FloatArray,
        outline_sd: FloatArray,
    ) -> FloatArray:
        """Return the most probable coefficients.

        Parameters
        ----------
        rows, landmarks, landmark_sd
            Which landmarks are known, their (r, 2) places in the frame, and the SD of a coordinate; mm.
        outline, outline_sd
            (n, 2) points of the outline in the frame and their (n,) SDs across it; mm.

        """
        first = self._cells + 2 * np.array(rows, dtype=np.intp)
        places = np.concatenate([first, first + 1])
        wanted = np.concatenate([landmarks[:, 0], landmarks[:, 1]])
        left = [self.basis[places] / landmark_sd]
        right = [(wanted - self.mean[places]) / landmark_sd]
        if len(outline):
            at_basis, at_mean = self._at(outline)
            left.append(at_basis / outline_sd[:, None])
            right.append(-at_mean / outline_sd)
        matrix, target = np.concatenate(left), np.concatenate(right)
        inner = matrix.T @ matrix + np.eye(matrix.shape[1])
        found: FloatArray = np.linalg.solve(inner, matrix.T @ target)
        return found

    def distance_at(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Return the (n,) signed distances at points of the frame, mm."""
        at_basis, at_mean = self._at(points)
        found: FloatArray = at_basis @ coefficients + at_mean
        return found

    def _at(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (n, k) basis and (n,) mean of the distance at points, by bilinear interpolation."""
        at = np.clip((points - CORNER_MM) / STEP_MM, 0, SIDE - 1.001)
        low = np.floor(at).astype(int)
        part = at - low
        basis, mean = np.zeros((len(points), self.basis.shape[1])), np.zeros(len(points))
        for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
            x = part[:, 0] if right else 1 - part[:, 0]
            y = part[:, 1] if down else 1 - part[:, 1]
            cell = (low[:, 1] + down) * SIDE + low[:, 0] + right
            basis += (x * y)[:, None] * self.basis[cell]
            mean += x * y * self.mean[cell]
        return basis, mean

    def to_bytes(self) -> bytes:
        """Return the model as a compressed NumPy archive, half precision."""
        stream = io.BytesIO()
        np.savez_compressed(
            stream,
            names=np.array(self.names),
            frame_mm=self.frame_mm,
            mean=self.mean.astype(np.float16),
            basis=self.basis.astype(np.float16),
        )
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> OutlineModel:
        """Read what ``to_bytes`` wrote; anything else raises NasionError."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as data:
                arrays = [data[key].astype(np.float64) for key in ("frame_mm", "mean", "basis")]
                return cls(tuple(str(name) for name in data["names"]), *arrays)
        except (ValueError, KeyError, OSError):
            raise NasionError("the package's model of skull outlines is damaged; install nasion again") from None


def _distances(own: Silhouette, to_frame: PlaneSimilarity) -> FloatArray:
    """Return (SIDE * SIDE,) signed distances in the frame; beyond the picture those of its border."""
    from scipy.ndimage import distance_transform_edt, map_coordinates

    signed = distance_transform_edt(~own.mask) - distance_transform_edt(own.mask)
    steps = np.arange(SIDE) * STEP_MM
    x, y = np.meshgrid(steps + CORNER_MM[0], steps + CORNER_MM[1])
    at = to_frame.back(np.stack([x.ravel(), y.ravel()], axis=1)) / own.mm_per_px
    found = map_coordinates(signed, [at[:, 1], at[:, 0]], order=1, mode="nearest")
    return np.clip(found * own.mm_per_px * to_frame.scale, -CLIP_MM, CLIP_MM)
