"""The local stage in use, by ONNX Runtime: estimates on a mesh to better ones, each with the error to expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.surface.local_input import LocalInput, local_input
from nasion.landmarks.surface.patches import PatchSource
from nasion.landmarks.surface.settings import LocalSettings
from nasion.networks.sessions import make_session

_SEED: Final = 0
_MARGIN_MM: Final = 12.0
"""Estimates hardly ever move farther."""


@dataclass(frozen=True, eq=False)
class LocalStage:
    """A trained local stage.

    Attributes
    ----------
    session
        Of the ONNX file.
    prototype_mm
        (l, 3) mean landmarks, standard frame.
    settings
        See there.

    """

    session: Any
    prototype_mm: FloatArray
    settings: LocalSettings

    @classmethod
    def of(cls, onnx: bytes, prototype_mm: FloatArray, settings: LocalSettings) -> LocalStage:
        """Return the stage of an ONNX file; a damaged one raises NasionError."""
        return cls(make_session(onnx), prototype_mm, settings)

    def move(self, points_mm: FloatArray, peak: FloatArray, mesh_mm: Mesh) -> tuple[FloatArray, FloatArray | None]:
        """Return better landmarks on a surface.

        Parameters
        ----------
        points_mm
            (l, 3) estimates in the standard frame, mm.
        peak
            (l,) highest heat of each.
        mesh_mm
            The surface in the same frame, wound outward.

        Returns
        -------
        (l, 3) points of the surface and (l,) expected distances from the truth, mm, NaN where the peak is too low for a
        move; the estimates as they were and None where too few of them are sure enough.

        """
        whole, reach = PatchSource.of(mesh_mm), self.settings.radius_mm + _MARGIN_MM
        sources = [whole.near(point, reach) for point in points_mm]
        there = peak >= self.settings.least_peak
        rng = np.random.default_rng(_SEED)
        points, expected = points_mm, None
        for _ in range(self.settings.passes):
            seen = local_input(points, there, self.prototype_mm, sources, self.settings, rng)
            if seen is None:
                return points_mm, None
            moves, log_error = self._run(seen)
            points = points + np.where(there[:, None], moves.mean(axis=0) @ seen.rotation, 0.0)
            expected = np.where(there, np.exp(log_error.mean(axis=0)), np.nan)
        laid = [source.closest(point) for source, point in zip(sources, points, strict=True)]
        return np.array(laid), expected

    def _run(self, seen: LocalInput) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        inputs = {name: getattr(seen, name) for name in ("patches", "filled", "residual", "there")}
        moves, log_error = self.session.run(["moves", "log_error"], inputs)
        return moves.astype(np.float64), log_error.astype(np.float64)
