"""What the local stage sees: the surface close round each estimate, and how the estimates lie against the prototype.

All of it in the prototype's frame: the estimates' own alignment with the training people's mean landmarks takes out
what orientation left of turn and size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.procrustes import fit_similarity
from nasion.geometry.surface import FloatArray
from nasion.landmarks.surface.patches import PatchSource
from nasion.landmarks.surface.settings import LocalSettings

RESIDUAL_MM = 10.0
"""Unit of the residuals, so that they are about 1."""


@dataclass(frozen=True, eq=False)
class LocalInput:
    """One surface in b draws of points, float32.

    Attributes
    ----------
    patches
        (b, l, k, 6): points relative to the estimate, in radii, and normals; 0 where there is no point.
    filled
        (b, l, k) 1 where there is a point, else 0.
    residual
        (b, l, 3) aligned estimate minus prototype, in 10 mm; 0 where the landmark is not there.
    there
        (b, l) 1 where an estimate may be trusted, else 0.
    rotation
        (3, 3) from the prototype's frame to the estimates': a row of the former times this.

    """

    patches: NDArray[np.float32]
    filled: NDArray[np.float32]
    residual: NDArray[np.float32]
    there: NDArray[np.float32]
    rotation: FloatArray


def local_input(
    points_mm: FloatArray,
    there: NDArray[np.bool_],
    prototype_mm: FloatArray,
    sources: Sequence[PatchSource],
    settings: LocalSettings,
    rng: np.random.Generator,
) -> LocalInput | None:
    """Return what the local stage sees of a surface; None where too few estimates are there to be aligned.

    Parameters
    ----------
    points_mm
        (l, 3) estimates.
    there
        (l,) which of them may be trusted.
    prototype_mm
        (l, 3) mean landmarks.
    sources
        (l) surface round each estimate, in the estimates' frame, mm.
    settings
        Of the stage.
    rng
        Draws the points of the patches.

    """
    try:
        fit = fit_similarity(points_mm[there], prototype_mm[there])
    except NasionError:
        return None
    turn = fit.rotation.T
    draws, count = settings.draws, settings.points
    taken = [
        source.around(point, settings.radius_mm, draws * count, rng).reshape(count, draws, 6)
        for source, point in zip(sources, points_mm, strict=True)
    ]
    patches = np.stack(taken).transpose(2, 0, 1, 3)
    filled = np.isfinite(patches[..., 0])
    patches = np.where(filled[..., None], patches, 0.0)
    turned = np.concatenate([patches[..., :3] @ turn / settings.radius_mm, patches[..., 3:] @ turn], axis=-1)
    residual = np.where(there[:, None], (fit.apply(points_mm) - prototype_mm) / RESIDUAL_MM, 0.0)
    return LocalInput(
        turned.astype(np.float32),
        filled.astype(np.float32),
        np.repeat(residual[None], draws, axis=0).astype(np.float32),
        np.repeat(there[None], draws, axis=0).astype(np.float32),
        turn.T,
    )
