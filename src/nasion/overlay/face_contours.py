"""Chin-jaw and forehead contours of a photograph from its face mask and landmarks.

They are read off the mask's border where the population's contours lie (``population.photograph.face_contours``):
frontal, the border below the mouth between the two cheilia; lateral, the border between the levels of glabella and
metopion on the side to which the face looks. Border beside an unknown place or at the picture's edge is no border of
the face and takes no part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.contours import chin_jaw_contour, forehead_contour
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.head_pose import HeadPose

FloatArray = NDArray[np.float64]

LEAST_SHARE: Final = 0.5
"""A contour must span at least this share of its region, as the population's."""
FARTHEST_FROM_CHIN_MM: Final = 7.0
"""From the observed gnathion (or 20 mm below pogonion) to the chin's border: a border farther off is the neck's."""
BELOW_POGONION_MM: Final = 20.0
FOREHEAD_RADIUS_MM: Final = 80.0
"""Of the forehead's roundness from side to side."""
FARTHEST_FROM_FOREHEAD_MM: Final = 8.0
"""From the line of glabella and metopion to the border in profile: a border farther off is hair's."""
_SMOOTH_MM: Final = 1.0
_STRIP_WIDTHS: Final = 0.6
"""Where the corners of the mouth are absent: half width of the strip in widths of the nose, narrower than the mouth."""


def with_contours(region: FaceRegion, landmarks_px: Mapping[str, FloatArray], pose: HeadPose | None) -> FaceRegion:
    """Return a face region with the contours that its mask shows; contours that it has already stay alone.

    Parameters
    ----------
    region
        With its mask.
    landmarks_px
        Facial landmarks and helpers; where the needed ones are absent there is no contour.
    pose
        How the head stands; None: no contour.

    """
    if region.contours or pose is None:
        return region
    return replace(region, contours=contours_of(region.mask, landmarks_px, pose))


def contours_of(
    mask: NDArray[np.uint8], landmarks_px: Mapping[str, FloatArray], pose: HeadPose
) -> dict[str, FloatArray]:
    """Return ``"chin_jaw"`` of a frontal or ``"forehead"`` of a lateral photograph, (n, 2) px; empty where hidden.

    Parameters
    ----------
    mask
        (h, w) uint8 of ``Place``.
    landmarks_px
        Facial landmarks and helpers, (2,) px.
    pose
        How the head stands.

    """
    face = np.asarray(mask == Place.FACE)
    face[[0, -1]] = False
    face[:, [0, -1]] = False
    if not face.any():
        return {}
    points = {name: np.asarray(point, dtype=np.float64) for name, point in landmarks_px.items()}
    name = "forehead" if pose.lateral else "chin_jaw"
    make = _forehead if pose.lateral else _chin_jaw
    try:
        curve = make(face, _no_border(mask), points, pose)
    except NasionError:
        return {}
    return {} if curve is None else {name: _smoothed(curve, _SMOOTH_MM * pose.scale)}


def _no_border(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return (h, w) where a border of the face is none: within two pixels of an unknown place or the picture's edge."""
    import cv2

    hidden = np.pad((mask == Place.UNKNOWN).astype(np.uint8), 1, constant_values=1)
    return np.asarray(cv2.dilate(hidden, np.ones((5, 5), np.uint8))[1:-1, 1:-1] > 0)


def _chin_jaw(
    face: NDArray[np.bool_], hidden: NDArray[np.bool_], points: Mapping[str, FloatArray], pose: HeadPose
) -> FloatArray | None:
    ends = _mouth_ends(points)
    chin = points.get("gnathion")
    if chin is None and "pogonion" in points:
        chin = points["pogonion"] - BELOW_POGONION_MM * pose.scale * pose.up_px
    if ends is None or chin is None:
        return None
    right, left = ends
    width = float(np.linalg.norm(left - right))
    if not width > 0:
        return None
    curve = chin_jaw_contour(face, right, left, hidden)
    spans = np.ptp(curve @ ((left - right) / width)) >= LEAST_SHARE * width
    near = np.linalg.norm(curve - chin, axis=1).min() <= FARTHEST_FROM_CHIN_MM * pose.scale
    return curve if spans and near else None


def _mouth_ends(points: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray] | None:
    """Return the strip's right and left end: the cheilia, or points beside the upper lip, nearer to each other."""
    if {"cheilion_right", "cheilion_left"} <= points.keys():
        return points["cheilion_right"], points["cheilion_left"]
    if {"alare_right", "alare_left", "labiale_superius"} <= points.keys():
        half = _STRIP_WIDTHS * (points["alare_left"] - points["alare_right"])
        return points["labiale_superius"] - half, points["labiale_superius"] + half
    return None


def _forehead(
    face: NDArray[np.bool_], hidden: NDArray[np.bool_], points: Mapping[str, FloatArray], pose: HeadPose
) -> FloatArray | None:
    if not {"glabella", "metopion"} <= points.keys():
        return None
    glabella, metopion = points["glabella"], points["metopion"]
    curve = forehead_contour(face, glabella, metopion, pose.up_px, hidden)
    if np.ptp(curve @ pose.up_px) < LEAST_SHARE * float((metopion - glabella) @ pose.up_px):
        return None
    # in profile the midline is the outline, in a half profile it lies behind it by the forehead's roundness
    behind = FOREHEAD_RADIUS_MM * (1 - abs(np.sin(np.radians(pose.yaw_deg)))) + FARTHEST_FROM_FOREHEAD_MM
    gap = float(np.median(np.abs((curve - glabella) @ _across(metopion - glabella))))
    return curve if gap <= behind * pose.scale else None


def _across(direction: FloatArray) -> FloatArray:
    """Return the unit vector square to a direction."""
    across: FloatArray = np.array([-direction[1], direction[0]]) / np.linalg.norm(direction)
    return across


def _smoothed(curve: FloatArray, sigma_px: float) -> FloatArray:
    """Return a polyline without the pixels' steps; its ends stay."""
    from scipy.ndimage import gaussian_filter1d

    if len(curve) < 5 or sigma_px < 0.5:
        return curve
    ends = curve[[0, -1]]
    line = np.linspace(0, 1, len(curve))[:, None]
    straight = ends[0] + line * (ends[1] - ends[0])
    # the reflected remainder is odd at both ends, so they stay where they are
    rest = curve - straight
    odd = np.concatenate([-rest[:0:-1], rest, -rest[-2::-1]])
    smooth: FloatArray = gaussian_filter1d(odd, sigma_px, axis=0)[len(curve) - 1 : 2 * len(curve) - 1]
    out: FloatArray = straight + smooth
    return out
