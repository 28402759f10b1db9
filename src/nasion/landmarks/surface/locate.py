"""From heat maps to landmarks and their evidence: the second stage, then the local one where the model has it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.surface.cloud import Cloud
from nasion.landmarks.surface.confidence import Evidence
from nasion.landmarks.surface.local_stage import LocalStage
from nasion.landmarks.surface.refinement import refine
from nasion.landmarks.surface.settings import SurfaceNetSettings


def locate(
    cloud: Cloud,
    points: FloatArray,
    heat: NDArray[np.floating],
    mesh: Mesh,
    settings: SurfaceNetSettings,
    local: LocalStage | None,
) -> tuple[FloatArray, Evidence]:
    """Return landmarks (l, 3) in the standard frame and their evidence.

    Parameters
    ----------
    cloud
        Of the surface.
    points, heat
        (n, 3) its points in the order of the heat maps (n, l).
    mesh
        The surface in its own frame, wound outward.
    settings
        Of the second stage.
    local
        Of the model; None leaves the second stage's points, whose spread is then the heat maps'.

    """
    standard = mesh.moved(cloud.to_standard(mesh.vertices))
    refined = refine(points, heat, standard, settings)
    found, spread_mm = refined.points, refined.spread * cloud.scale_mm
    if local is not None:
        millimetres = standard.moved(standard.vertices * cloud.scale_mm)
        moved, expected = local.move(found * cloud.scale_mm, refined.peak, millimetres)
        if expected is not None:
            found, spread_mm = moved / cloud.scale_mm, np.where(np.isnan(expected), spread_mm, expected)
    return found, Evidence(refined.peak, spread_mm, refined.misfit)
