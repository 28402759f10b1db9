"""Mid-sagittal and Frankfurt plane, and the head's own axes, from cranial landmarks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nasion.anatomy.landmarks import mirrored, side
from nasion.errors import NasionError

FloatArray = NDArray[np.float64]

FRANKFURT_POINTS: Final = ("porion_left", "porion_right", "orbitale_left", "orbitale_right")

SHORTEST_FORWARD_MM: Final = 20.0
"""Least distance from the porions forward to the orbitalia."""


@dataclass(frozen=True)
class HeadFrame:
    """The Frankfurt frame of a skull inside the axes in which its points were given.

    Attributes
    ----------
    rotation
        (3, 3) given axes to Frankfurt axes (+X subject's left, +Y up, +Z front): ``f = rotation @ (g - origin_mm)``.
    origin_mm
        (3,) centroid of the cranial landmarks, in given axes.
    source
        ``"frankfurt"`` where porion and orbitale were given, ``"reference"`` where the axes come from a fit of the
        reference skull.

    """

    rotation: FloatArray
    origin_mm: FloatArray
    source: str

    def to_frankfurt(self, points_mm: FloatArray) -> FloatArray:
        """Return (n, 3) points in the Frankfurt frame, from the landmarks' centroid."""
        turned: FloatArray = (np.asarray(points_mm) - self.origin_mm) @ self.rotation.T
        return turned


@cache
def reference_skull() -> dict[str, FloatArray]:
    """Return the mean cranial landmarks and helper points, (3,) mm each: Frankfurt frame, origin between porions."""
    text = resources.files(__package__).joinpath("data/reference_skull.json").read_text(encoding="utf-8")
    return {name: np.array(point) for name, point in json.loads(text)["landmarks"].items()}


def midsagittal_plane(points_mm: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return (point, unit normal towards the subject's left) of the mid-sagittal plane.

    The normal is the mean direction from right to left partners, each weighted by its length; the point is the mean of
    the partners' middles and of the midline landmarks.

    Raises
    ------
    NasionError
        No bilateral landmark is there on both sides.

    """
    across, middles = [], []
    for name, point in points_mm.items():
        if side(name) == "left" and mirrored(name) in points_mm:
            partner = points_mm[mirrored(name)]
            across.append(point - partner)
            middles.append((point + partner) / 2)
        elif side(name) is None:
            middles.append(point)
    normal = np.sum(across, axis=0) if across else np.zeros(3)
    length = float(np.linalg.norm(normal))
    if length < 1e-9:
        raise NasionError(
            "no bilateral landmark is placed on both sides; place at least one pair, e.g. zygion left and right"
        )
    return np.mean(middles, axis=0), normal / length


def frankfurt_rotation(points_mm: Mapping[str, FloatArray]) -> FloatArray | None:
    """Return the (3, 3) rotation into the Frankfurt frame; None without both porions and one orbitale."""
    porions = [points_mm.get(name) for name in FRANKFURT_POINTS[:2]]
    orbitales = [points_mm[name] for name in FRANKFURT_POINTS[2:] if name in points_mm]
    if porions[0] is None or porions[1] is None or not orbitales:
        return None
    _, left = midsagittal_plane(points_mm)
    forward = np.mean(orbitales, axis=0) - (porions[0] + porions[1]) / 2
    up = np.cross(forward, left)
    if np.linalg.norm(up) < SHORTEST_FORWARD_MM:
        raise NasionError("porion and orbitale do not span the Frankfurt plane; place them again or leave them out")
    up /= np.linalg.norm(up)
    left = left - (left @ up) * up
    left /= np.linalg.norm(left)
    return np.array([left, up, np.cross(left, up)])


def head_frame(landmarks_mm: Mapping[str, FloatArray], helpers_mm: Mapping[str, FloatArray] | None = None) -> HeadFrame:
    """Return the head frame of a skull from its cranial landmarks and, where given, porion and orbitale.

    Raises
    ------
    NasionError
        Fewer than three landmarks, all on one line, or helpers that span no plane.

    """
    names = [name for name in landmarks_mm if name in reference_skull()]
    points = np.array([landmarks_mm[name] for name in names]).reshape(-1, 3)
    if len(names) < 3:
        raise NasionError(f"{len(names)} cranial landmarks are too few for the skull's axes; place at least 4")
    origin = points.mean(axis=0)
    if np.linalg.svd(points - origin, compute_uv=False)[1] < 5.0:
        raise NasionError(
            "the cranial landmarks lie on one line; place landmarks on both sides and at different heights"
        )
    frankfurt = frankfurt_rotation({**landmarks_mm, **(helpers_mm or {})})
    if frankfurt is not None:
        return HeadFrame(frankfurt, origin, "frankfurt")
    target = np.array([reference_skull()[name] for name in names])
    fit, _ = Rotation.align_vectors(target - target.mean(axis=0), points - origin)
    return HeadFrame(fit.as_matrix(), origin, "reference")
