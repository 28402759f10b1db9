"""Landmarks of X-rays as the outlines' models name them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from nasion.anatomy.landmarks import side
from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.population.photograph import View
from nasion.readers.files import read_text
from nasion.readers.landmarks import check_picture_size, read_landmarks
from nasion.reconstruction.profile.samples import HARD

CEPHALO: Final = "cephalo19"
_NAMED: Final = ("nasion", "orbitale", "porion", "subspinale", "pogonion", "gnathion", "gonion")
_SURE: Final = 0.025
"""Largest median SD, of the distance from nasion to menton. Seen: 0.006 to 0.007 in cephalograms, 0.018 in the X-ray of
a CT, 0.036 and more in virtual X-rays and in photographs, whose landmarks come out wrong."""
_ON_OUTLINE: Final = (
    "nasion",
    "anterior_nasal_spine",
    "subspinale",
    "incision_superius",
    "incision_inferius",
    "supramentale",
    "pogonion",
    "gnathion",
    "menton",
)


@dataclass(frozen=True, eq=False)
class XrayLandmarks:
    """Landmarks of an X-ray: name to (2,) px; (n, 2) further points on the skull's outline; None: any view."""

    points_px: Mapping[str, FloatArray]
    on_outline_px: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))
    view: View | None = None


def of_cephalogram(points: Mapping[str, FloatArray]) -> XrayLandmarks:
    """Return the landmarks of a cephalogram by the numbers of the ISBI 2015 challenge (``cephalo19``)."""
    hard = {name: points[str(number)] for name, number in HARD.items() if str(number) in points}
    outline = [hard[name] for name in _ON_OUTLINE if name in hard]
    return XrayLandmarks(
        {name: hard[name] for name in _NAMED if name in hard}, np.array(outline).reshape(-1, 2), "lateral"
    )


def of_found(points: Mapping[str, FloatArray], sigma_px: FloatArray) -> XrayLandmarks:
    """Return the landmarks that a network found in a cephalogram.

    Parameters
    ----------
    points
        By the challenge's numbers.
    sigma_px
        (19,) their SDs, NaN where missing.

    Raises
    ------
    NasionError
        They are too unsure to go by, as in pictures that are no cephalograms.

    """
    if "2" in points and "8" in points:
        height = float(np.linalg.norm(points["2"] - points["8"]))
        if np.nanmedian(sigma_px) <= _SURE * height:
            return of_cephalogram(points)
    raise NasionError("its landmarks are found too unsurely to go by; place them by hand and give --landmarks")


def read_xray_landmarks(path: Path, size_px: tuple[int, int]) -> XrayLandmarks:
    """Read a landmark file of an X-ray: cranial landmarks, or those of ``cephalo19`` as Nasion writes them.

    Parameters
    ----------
    path
        The file.
    size_px
        Width and height of the X-ray.

    Raises
    ------
    NasionError
        The file cannot be read, holds other landmarks, or was made for a picture of another size.

    """
    if path.suffix.lower() == ".json" and (points := _cephalo(path, size_px)) is not None:
        return of_cephalogram(points)
    file = read_landmarks(path, "cranial", 2)
    check_picture_size(path, file.image_size_px, size_px)
    return XrayLandmarks({**file.landmarks, **file.helpers})


def _cephalo(path: Path, size_px: tuple[int, int]) -> dict[str, FloatArray] | None:
    """Return the points of a file whose scheme is ``cephalo19``, None where it is another or no JSON of ours."""
    try:
        content = json.loads(read_text(path))
    except ValueError:
        return None
    if not isinstance(content, dict) or content.get("scheme") != CEPHALO:
        return None
    own = content.get("image_size_px")
    check_picture_size(path, own if isinstance(own, list) else None, size_px)
    try:
        points = {str(name): np.array([float(v) for v in point]) for name, point in content["landmarks"].items()}
    except (KeyError, AttributeError, TypeError, ValueError):
        raise NasionError(f"{path}: its landmarks are no points by number; find or place them again") from None
    if not all(point.shape == (2,) and np.isfinite(point).all() for point in points.values()):
        raise NasionError(f"{path}: a landmark is no point (u, v) in pixels; correct it")
    return points


def of_view(points: Mapping[str, FloatArray], view: View) -> dict[str, FloatArray]:
    """Return landmarks as a view's model names them: from the side, the mean of left and right without side."""
    if view == "frontal":
        return {name: np.asarray(point, dtype=np.float64) for name, point in points.items()}
    sides: dict[str, list[FloatArray]] = {}
    for name, point in points.items():
        sides.setdefault(name.removesuffix(f"_{side(name)}"), []).append(np.asarray(point, dtype=np.float64))
    return {name: np.asarray(np.mean(both, axis=0), dtype=np.float64) for name, both in sides.items()}
