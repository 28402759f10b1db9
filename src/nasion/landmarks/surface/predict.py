"""Landmarks of a surface, by ONNX Runtime: no PyTorch is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.surface.card import Card, ModelFolder, read_model
from nasion.landmarks.surface.cloud import Cloud
from nasion.landmarks.surface.confidence import Calibration, Evidence
from nasion.landmarks.surface.graphs import surface_graph
from nasion.landmarks.surface.local_stage import LocalStage
from nasion.landmarks.surface.locate import locate
from nasion.landmarks.surface.orientation_template import STANDARD_MM
from nasion.landmarks.surface.settings import LocalSettings, SurfaceNetSettings
from nasion.networks.model_folder import stamps_of
from nasion.networks.sessions import make_session
from nasion.networks.stored_settings import settings_from

_CELLS: Final = 16
"""Cells a side of the cube, by which points are put in order."""


@dataclass(frozen=True, eq=False)
class SurfaceLandmarks:
    """Landmarks of one surface.

    Attributes
    ----------
    names
        The scheme's landmarks.
    points_mm
        (l, 3) in the mesh's frame, NaN where missing.
    sigma_mm
        (l,) standard deviation of a coordinate, NaN where missing.
    radius90_mm
        (l,) radius that holds the truth with 90 %, NaN where missing.
    missing
        Name to the reason.
    evidence
        (l,) arrays, of the missing ones too.

    """

    names: tuple[str, ...]
    points_mm: FloatArray
    sigma_mm: FloatArray
    radius90_mm: FloatArray
    missing: dict[str, str]
    evidence: Evidence

    def found(self) -> dict[str, FloatArray]:
        """Return name to (3,) mm of the landmarks that are there."""
        return {n: p for n, p in zip(self.names, self.points_mm, strict=True) if n not in self.missing}


@dataclass(frozen=True, eq=False)
class SurfaceLandmarker:
    """A trained model, ready for use; see ``load_landmarker``."""

    card: Card
    settings: SurfaceNetSettings
    calibration: Calibration
    prototype: FloatArray
    session: Any
    local: LocalStage | None = None

    def heat(self, cloud: Cloud) -> tuple[FloatArray, NDArray[np.float32]]:
        """Return the cloud's points (n, 3) in the network's order and their heat maps (n, l)."""
        # neighbours that lie near each other in memory are gathered faster
        order = np.lexsort(np.floor(cloud.points * (_CELLS / 2)).T)
        points, normals = cloud.points[order], cloud.normals[order]
        graph = surface_graph(points, normals, self.prototype, self.settings.neighbours)
        return points, run_session(self.session, vars(graph))

    def find(self, cloud: Cloud, mesh: Mesh) -> SurfaceLandmarks:
        """Return the landmarks of a surface.

        Parameters
        ----------
        cloud
            Of the surface, see ``cloud.make_cloud``.
        mesh
            The surface itself, in its own frame, mm, wound outward.

        Raises
        ------
        NasionError
            The cloud or the mesh is not fit for use.

        """
        points, heat = self.heat(cloud)
        found, evidence = locate(cloud, points, heat, mesh, self.settings, self.local)
        missing = self.calibration.missing(self.card.names, evidence)
        there = np.array([name not in missing for name in self.card.names])
        return SurfaceLandmarks(
            self.card.names,
            np.where(there[:, None], cloud.to_mesh_mm(found), np.nan),
            np.where(there, self.calibration.sigma_mm(evidence), np.nan),
            np.where(there, self.calibration.radius_mm(evidence), np.nan),
            missing,
            evidence,
        )


def load_landmarker(folder: Path) -> SurfaceLandmarker:
    """Return the model of a folder, kept for the next call while the folder's files stay as they are.

    Raises
    ------
    NasionError
        A file is missing or damaged.

    """
    return _loaded(folder.resolve(), stamps_of(folder))


@lru_cache(maxsize=8)
def _loaded(folder: Path, stamps: tuple[int, ...]) -> SurfaceLandmarker:
    del stamps
    model = read_model(folder)
    card = model.card
    return SurfaceLandmarker(
        card,
        settings_from(SurfaceNetSettings, card.network),
        Calibration.from_plain(card.calibration),
        np.array(card.prototype),
        make_session(model.onnx),
        local_stage(model),
    )


def local_stage(model: ModelFolder) -> LocalStage | None:
    """Return the local stage of a model, where it has one."""
    if model.local is None or model.card.local is None:
        return None
    prototype_mm = np.array(model.card.prototype) * STANDARD_MM
    return LocalStage.of(model.local, prototype_mm, settings_from(LocalSettings, model.card.local))


def run_session(session: Any, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Return heat maps (n, l) from the arrays of a ``SurfaceGraph``."""
    heat: NDArray[np.float32] = session.run(["heat"], inputs)[0]
    return heat
