"""The skull's outline in a photograph and how it stands to the face: residuals for the posterior solver.

Containment: an outline point of the skull must lie inside the face's mask, by the least soft tissue (one-sided).
Contours: along chin and jaw, and along the forehead, the image distance from the skull's outline to the face's contour
follows the published soft-tissue depth, mean and SD, times the build factor (two-sided).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nasion.anatomy.planes import HeadFrame
from nasion.geometry.decimation import decimate
from nasion.geometry.raster import depth_map
from nasion.geometry.surface import Mesh
from nasion.overlay.face_region import FaceRegion
from nasion.overlay.kernel import PER_PHOTO
from nasion.overlay.settings import OutlineSettings

FloatArray = NDArray[np.float64]

TRIANGLES: Final = 12_000
RASTER_PX: Final = 260
"""Height of the raster in which the outline is found: about a millimetre a pixel."""


@dataclass(frozen=True)
class View:
    """One photograph's camera in the solver's parameters; pixels from the principal point."""

    rotation: FloatArray
    center_px: FloatArray
    scale: float
    focal_px: float

    @classmethod
    def of(cls, rotation: FloatArray, theta: FloatArray) -> View:
        """Read the seven parameters of one photograph (see ``kernel``)."""
        return cls(rotation, theta[3:5].copy(), float(np.exp(theta[5])), float(np.exp(theta[6])))

    def project(self, points_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (n, 2) image points and (n,) relative depths (1 at the head's centre)."""
        y = points_mm @ self.rotation.T
        depth = 1.0 + self.scale / self.focal_px * y[:, 2]
        return (self.scale * y[:, :2] + self.center_px) / depth[:, None], depth

    def jacobian(self, points_mm: FloatArray) -> FloatArray:
        """Return (n, 2, 7) derivatives of the image points with respect to the seven parameters."""
        y = points_mm @ self.rotation.T
        uv, depth = self.project(points_mm)
        zeta = self.scale / self.focal_px
        jac = np.zeros((len(y), 2, PER_PHOTO))
        for axis in range(2):
            dy = np.zeros((len(y), 3))
            dy[:, axis] = self.scale / depth
            dy[:, 2] -= uv[:, axis] * zeta / depth
            # d(y)/d(rotation) = -[y]x, so a row times it is y x row
            jac[:, axis, :3] = np.cross(y, dy)
            jac[:, axis, 3 + axis] = 1.0 / depth
            bend = uv[:, axis] * zeta * y[:, 2] / depth
            jac[:, axis, 5] = self.scale * y[:, axis] / depth - bend
            jac[:, axis, 6] = bend
        return jac


@dataclass(frozen=True)
class OutlineTerms:
    """Normal equations (8, 8), (8,) of an outline over seven camera parameters and log build; log density."""

    hessian: FloatArray
    gradient: FloatArray
    log_density: float


class SkullOutline:
    """One skull's surface, ready to be drawn in any view; ``vertices`` are the surface's own, (n, 3) Frankfurt axes.

    Parameters
    ----------
    mesh
        In the frame of the skull's landmarks.
    frame
        Its Frankfurt frame.
    landmarks_mm
        Cranial landmarks and helpers in the given frame: they bound forehead, chin and jaw.
    settings
        Assumptions.

    """

    def __init__(
        self,
        mesh: Mesh,
        frame: HeadFrame,
        landmarks_mm: Mapping[str, FloatArray],
        settings: OutlineSettings | None = None,
    ) -> None:
        self.settings = settings or OutlineSettings()
        self.vertices = frame.to_frankfurt(mesh.vertices)
        small = decimate(mesh, TRIANGLES)
        self._mesh = small.moved(frame.to_frankfurt(small.vertices))
        self._levels = {name: frame.to_frankfurt(np.asarray(p)) for name, p in landmarks_mm.items()}

    def points(self, view: View) -> FloatArray:
        """Return (n, 3) surface points on the skull's outline in a view, Frankfurt axes, evenly spread."""
        uv, depth = view.project(self._mesh.vertices)
        low, high = uv.min(axis=0), uv.max(axis=0)
        shrink = RASTER_PX / float(max(high - low))
        size = tuple(int(v) + 5 for v in np.ceil((high - low) * shrink))
        drawn, _ = depth_map((uv - low) * shrink + 2.0, depth, self._mesh.faces, (size[0], size[1]))
        covered = np.isfinite(drawn)
        curves, _ = cv2.findContours(covered.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        curve = max(curves, key=len)[:, 0]
        chosen = curve[np.linspace(0, len(curve), self.settings.points, endpoint=False).astype(int)]
        at = (chosen - 2.0) / shrink + low
        relative = drawn[chosen[:, 1], chosen[:, 0]].astype(np.float64)
        y = np.empty((len(at), 3))
        y[:, :2] = (at * relative[:, None] - view.center_px) / view.scale
        y[:, 2] = (relative - 1.0) * view.focal_px / view.scale
        points: FloatArray = y @ view.rotation
        return points

    def terms(self, view: View, log_build: float, face: FaceRegion, principal_px: FloatArray) -> OutlineTerms:
        """Return the residuals' normal equations at a view.

        Parameters
        ----------
        view, log_build
            Where they are linearised.
        face
            Mask and contours.
        principal_px
            (2,) the photograph's principal point.

        """
        points = self.points(view)
        uv, _ = view.project(points)
        jac = view.jacobian(points)
        share = self.settings.independent_points / self.settings.points
        hess, grad, logp = np.zeros((8, 8)), np.zeros(8), 0.0
        for residual, direction, by_build, sigma in self._residuals(points, uv + principal_px, view, log_build, face):
            used = np.isfinite(residual)
            rows = np.zeros((int(used.sum()), 8))
            rows[:, :7] = np.einsum("ni,nij->nj", direction[used], jac[used])
            rows[:, 7] = by_build[used]
            dof = self.settings.degrees_of_freedom
            squared = (residual[used] / sigma) ** 2
            weight = share / sigma**2 * (dof + 1) / (dof + squared)
            hess += rows.T @ (weight[:, None] * rows)
            grad -= rows.T @ (weight * residual[used])
            logp -= 0.5 * share * (dof + 1) * float(np.log1p(squared / dof).sum())
        return OutlineTerms(hess, grad, logp)

    def _residuals(
        self, points: FloatArray, at_px: FloatArray, view: View, log_build: float, face: FaceRegion
    ) -> list[tuple[FloatArray, FloatArray, FloatArray, float]]:
        """Return (residual px, image gradient, derivative by log build, SD px); NaN where a point takes no part."""
        s, build = self.settings, float(np.exp(log_build))
        border = s.border_sigma_mm * view.scale
        distance, slope = sampled_distance(face.distance_px, at_px)
        least = s.least_tissue_mm * min(build, 1.0) * view.scale
        residual = np.where(distance + least > 0, distance + least, np.nan)
        terms = [(residual, slope, np.zeros(len(points)), border)]
        for name, (mean, sd) in (("forehead", s.forehead_mm), ("chin_jaw", s.chin_jaw_mm)):
            contour = face.contours.get(name)
            if contour is None or len(contour) < 5:
                continue
            gap, away = _to_curve(np.asarray(contour), at_px)
            expected = build * mean * view.scale
            residual = np.where(self._in_region(name, points), gap - expected, np.nan)
            sigma = float(np.hypot(build * sd * view.scale, border))
            terms.append((residual, away, np.full(len(points), -expected), sigma))
        return terms

    def _in_region(self, name: str, points: FloatArray) -> NDArray[np.bool_]:
        """Return which outline points belong to a region that is bounded by the landmarks (Lilium, section II-F)."""
        level = self._levels
        if name == "forehead":
            if not {"glabella", "metopion"} <= level.keys():
                return np.zeros(len(points), dtype=bool)
            low, high = sorted((level["glabella"][1], level["metopion"][1]))
            return np.asarray((points[:, 1] > low) & (points[:, 1] < high) & (points[:, 2] > 0))
        top = next((level[n] for n in ("infradentale", "pogonion") if n in level), None)
        sides = [level[n][0] for n in ("mental_foramen_left", "mental_foramen_right") if n in level]
        if top is None:
            return np.zeros(len(points), dtype=bool)
        half = max(map(abs, sides)) if sides else 24.0
        return np.asarray((points[:, 1] < top[1]) & (np.abs(points[:, 0]) < half) & (points[:, 2] > 0))


def sampled_distance(distance: NDArray[np.float32], at_px: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a distance map's values (bilinear) and gradients at (n, 2) places; outside the picture it goes on."""
    height, width = distance.shape
    inside = np.clip(at_px, 0, (width - 1, height - 1))
    beyond = np.linalg.norm(at_px - inside, axis=1)

    def value(dx: float, dy: float) -> FloatArray:
        x, y = np.clip(inside[:, 0] + dx, 0, width - 1), np.clip(inside[:, 1] + dy, 0, height - 1)
        left, top = np.minimum(x.astype(np.intp), width - 2), np.minimum(y.astype(np.intp), height - 2)
        u, v = x - left, y - top
        upper = (1 - u) * distance[top, left] + u * distance[top, left + 1]
        lower = (1 - u) * distance[top + 1, left] + u * distance[top + 1, left + 1]
        return np.asarray((1 - v) * upper + v * lower, dtype=np.float64)

    slope = np.stack([value(1.5, 0) - value(-1.5, 0), value(0, 1.5) - value(0, -1.5)], axis=1) / 3.0
    return value(0, 0) + beyond, slope


def _to_curve(curve: FloatArray, at_px: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return distances to a polyline and their gradients; NaN where its nearest point is an end."""
    steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    even = np.arange(0.0, steps[-1], 1.0)
    dense = np.stack([np.interp(even, steps, curve[:, axis]) for axis in range(2)], axis=1)
    gap, nearest = cKDTree(dense).query(at_px)
    away = (at_px - dense[nearest]) / np.maximum(gap, 1e-6)[:, None]
    ended = (nearest < 2) | (nearest > len(dense) - 3)
    return np.where(ended, np.nan, gap), away
