"""Soft-tissue cones: from genes in [0, 1] to tissue vectors (Lilium, sections II-B and II-C)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS, mirrored, side
from nasion.anatomy.planes import HeadFrame
from nasion.anatomy.tissue import MIRROR, TissueTable
from nasion.errors import NasionError
from nasion.geometry.surface import Mesh
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.problem import SkullLandmarks

FloatArray = NDArray[np.float64]

GENES_EACH = 3
"""Length a, aperture b and rotation c of one landmark's vector; genes lie in this order, landmark by landmark."""


class Cones(NamedTuple):
    """Cones of the landmarks used, in the order of their rows; a tuple, so that compiled code takes it.

    Attributes
    ----------
    axis, u, w
        (n, 3) orthonormal: the cone's axis and two directions across it, in the skull's given frame. A right side's u
        and w are the mirror images of its left partner's, so that equal genes give mirrored vectors.
    height_mm
        (n,).
    widest_angle
        Largest aperture, radians.
    partner
        (n,) row of the first side of a bilateral pair where this row is the second, else -1.
    partner_weight
        Share of the first side's genes.

    """

    axis: FloatArray
    u: FloatArray
    w: FloatArray
    height_mm: FloatArray
    widest_angle: float
    partner: NDArray[np.int64]
    partner_weight: float


def build_cones(
    rows: Sequence[int],
    skull: SkullLandmarks,
    frame: HeadFrame,
    tissue: TissueTable,
    settings: LiliumSettings,
    mesh: Mesh | None = None,
) -> Cones:
    """Return the cones of some rows of ``PAIRS``.

    Parameters
    ----------
    rows
        Which pairs; a partner that is not among them leaves its other side uncoupled.
    skull, frame
        Landmarks and their Frankfurt frame.
    tissue
        Mean vectors and spread.
    settings
        Axis, height and coupling.
    mesh
        The skull's surface; needed for surface normals only.

    Raises
    ------
    NasionError
        Surface normals are asked for and there is no surface.

    """
    axes = tissue.mean_mm / np.linalg.norm(tissue.mean_mm, axis=1, keepdims=True)
    if settings.cone_axis == "surface_normal":
        axes[list(rows)] = _normals(rows, skull, mesh) @ frame.rotation.T
    spread = np.sqrt(np.einsum("ni,nij,nj->n", axes, tissue.covariance_mm2, axes))
    depth = np.linalg.norm(tissue.mean_mm, axis=1) + settings.depth_sds * spread
    height = depth * math.exp(settings.build_sds * tissue.build_factor_log_sd)
    index = {PAIRS[j].cranial: k for k, j in enumerate(rows)}
    bases = np.array([_basis(axes[j], side(PAIRS[j].cranial) == "right") for j in rows]) @ frame.rotation
    partner = [index.get(mirrored(PAIRS[j].cranial), -1) if side(PAIRS[j].cranial) == "right" else -1 for j in rows]
    return Cones(
        np.ascontiguousarray(axes[list(rows)] @ frame.rotation),
        np.ascontiguousarray(bases[:, 0]),
        np.ascontiguousarray(bases[:, 1]),
        height[list(rows)],
        math.radians(settings.widest_angle_deg),
        np.array(partner, dtype=np.int64),
        settings.partner_weight,
    )


def _basis(axis: FloatArray, mirror: bool) -> FloatArray:
    """Return (2, 3) unit vectors across an axis in the Frankfurt frame; u is level unless the axis is upright."""
    flip = MIRROR if mirror else np.eye(3)
    own = flip @ axis
    reference = np.array([0.0, 1.0, 0.0]) if abs(own[1]) < 0.9 else np.array([0.0, 0.0, 1.0])
    u = np.cross(reference, own)
    u /= np.linalg.norm(u)
    return np.array([flip @ u, flip @ np.cross(own, u)])


def _normals(rows: Sequence[int], skull: SkullLandmarks, mesh: Mesh | None) -> FloatArray:
    """Return (n, 3) mean surface normals within 5 mm of each cranial landmark, in the given frame."""
    from scipy.spatial import cKDTree

    if mesh is None:
        raise NasionError("cone_axis surface_normal needs the skull's surface; give --skull, or use mean_vector")
    normals, tree = mesh.vertex_normals(), cKDTree(mesh.vertices)
    points = np.array([skull.landmarks_mm[PAIRS[j].cranial] for j in rows])
    found = []
    for point in points:
        near = tree.query_ball_point(point, 5.0) or [int(tree.query(point)[1])]
        mean = normals[near].mean(axis=0)
        found.append(mean / max(float(np.linalg.norm(mean)), 1e-9))
    return np.array(found)


@njit(cache=True, nogil=True)
def decode(genes, cones, vectors):  # type: ignore[no-untyped-def]
    """Write the (n, 3) tissue vectors (mm) of an individual's 3 n genes into ``vectors``.

    With effective genes a, b, c: length ``a * height``, angle ``b * widest`` from the axis, turned about it by
    ``360 c`` degrees. A second side's effective genes are 0.9 of its partner's and 0.1 of its own.
    """
    for k in range(cones.axis.shape[0]):
        a, b, c = genes[3 * k], genes[3 * k + 1], genes[3 * k + 2]
        first = cones.partner[k]
        if first >= 0:
            share = cones.partner_weight
            a = share * genes[3 * first] + (1.0 - share) * a
            b = share * genes[3 * first + 1] + (1.0 - share) * b
            c = share * genes[3 * first + 2] + (1.0 - share) * c
        length, angle, turn = a * cones.height_mm[k], b * cones.widest_angle, 2.0 * math.pi * c
        along = length * math.cos(angle)
        across = length * math.sin(angle)
        p, q = across * math.cos(turn), across * math.sin(turn)
        for d in range(3):
            vectors[k, d] = along * cones.axis[k, d] + p * cones.u[k, d] + q * cones.w[k, d]
