"""Input faults that geometry can find: too few landmarks, landmarks on one line or plane, sides exchanged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nasion.anatomy.landmarks import PAIRS, mirrored, side
from nasion.anatomy.planes import head_frame, reference_skull
from nasion.errors import NasionError
from nasion.overlay.problem import Photo, SkullLandmarks

FloatArray = NDArray[np.float64]

FEWEST: Final = 4
FARTHEST_TURN_DEG: Final = 30.0
ENOUGH_FOR_AXES: Final = 10
"""From this many landmarks on, the reference skull's fit is good enough (3 to 8 degrees) to judge the helpers."""

THINNEST_MM: Final = 2.0
"""Smallest root mean square distance of the landmarks from their best plane (and line) that still fixes a camera."""


def shared_pairs(skull: SkullLandmarks, photo: Photo) -> list[str]:
    """Return the facial names of the pairs that both the skull and the photograph have."""
    return [pair.facial for pair in PAIRS if pair.cranial in skull.landmarks_mm and pair.facial in photo.landmarks_px]


def check_usable(skull: SkullLandmarks, photo: Photo) -> None:
    """Refuse a photograph whose landmarks cannot fix a camera.

    Raises
    ------
    NasionError
        Fewer than four shared landmarks; a coordinate that is no number; all on one line or in one plane.

    """
    names = shared_pairs(skull, photo)
    if len(names) < FEWEST:
        raise NasionError(
            f"{photo.name}: {len(names)} landmarks are shared with the skull, {FEWEST} are needed; place more landmarks"
        )
    partner = {pair.facial: pair.cranial for pair in PAIRS}
    points = np.array([skull.landmarks_mm[partner[name]] for name in names])
    pixels = np.array([photo.landmarks_px[name] for name in names])
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False) / np.sqrt(len(points))
    if spread[1] < THINNEST_MM:
        raise NasionError(
            f"{photo.name}: the shared landmarks lie on one line; add landmarks at other heights and sides"
        )
    if spread[2] < THINNEST_MM:
        raise NasionError(
            f"{photo.name}: the shared landmarks lie in one plane; add one off it (e.g. an eye's corner to the midline)"
        )
    flat = np.linalg.svd(pixels - pixels.mean(axis=0), compute_uv=False)
    if flat[1] < 0.01 * flat[0]:
        raise NasionError(f"{photo.name}: the landmarks lie on one line in the picture; check their coordinates")


def check_skull_sides(skull: SkullLandmarks, name: str = "the skull") -> None:
    """Refuse a skull whose left and right landmarks are exchanged (or whose mesh is a mirror image).

    The reference skull is fitted by rotation and scale to the landmarks as named and with the sides exchanged; the
    better fit tells. A skull of midline landmarks only passes.

    Raises
    ------
    NasionError
        The exchanged names fit clearly better.

    """
    given = {n: p for n, p in skull.landmarks_mm.items() if n in reference_skull()}
    if not any(side(n) for n in given) or len(given) < FEWEST:
        return
    as_named, exchanged = _misfit(given), _misfit({mirrored(n): p for n, p in given.items()})
    if exchanged < 0.7 * as_named:
        raise NasionError(
            f"{name}: left and right landmarks are exchanged or the mesh is a mirror image (left is the subject's); "
            "rename them, or accept the sides as they are with --accept-sides"
        )


def check_skull_helpers(skull: SkullLandmarks, name: str = "the skull") -> None:
    """Refuse porion and orbitale that contradict the other cranial landmarks.

    Raises
    ------
    NasionError
        The Frankfurt axes by the helpers and by a fit of the reference skull differ by more than 30 degrees.

    """
    by_helpers = head_frame(skull.landmarks_mm, skull.helpers_mm)
    if by_helpers.source != "frankfurt" or len(skull.landmarks_mm) < ENOUGH_FOR_AXES:
        return
    by_fit = head_frame(skull.landmarks_mm)
    turn = np.degrees(Rotation.from_matrix(by_fit.rotation @ by_helpers.rotation.T).magnitude())
    if turn > FARTHEST_TURN_DEG:
        raise NasionError(
            f"{name}: porion and orbitale disagree with the other cranial landmarks by {turn:.0f} degrees; "
            "place the four of them again or leave them out"
        )


def _misfit(points_mm: Mapping[str, FloatArray]) -> float:
    names = sorted(points_mm)
    source = np.array([reference_skull()[n] for n in names])
    target = np.array([points_mm[n] for n in names])
    source, target = source - source.mean(axis=0), target - target.mean(axis=0)
    source *= np.linalg.norm(target) / np.linalg.norm(source)
    _, distance = Rotation.align_vectors(target, source)
    return float(distance)
