"""X-rays stripped of their soft tissue: everything outside the skull's silhouette becomes black."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.population.photograph import VIEWS, View
from nasion.reconstruction.profile.plane import PlaneSimilarity
from nasion.reconstruction.strip.landmarks import XrayLandmarks, of_view
from nasion.reconstruction.strip.outline_fit import fit_outline
from nasion.reconstruction.strip.outline_model import OutlineModel

FEWEST: Final = 4
_LARGEST_MISFIT_MM: Final = 15.0
"""Root mean square distance of landmarks to the mean skull's. Seen: at most 6 in virtual people, 8 in real heads."""


@dataclass(frozen=True, eq=False)
class StrippedXray:
    """A stripped X-ray.

    Attributes
    ----------
    image
        (h, w) uint8; 0 outside the mask.
    mask
        (h, w) bool: the skull's silhouette.
    view
        From which side.
    notes
        What the user should know, one line each.

    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    view: View
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Start:
    """How landmarks fit a view's model, the picture as it is or mirrored."""

    view: View
    mirrored: bool
    rows: tuple[int, ...]
    points_px: FloatArray
    misfit_mm: float


def strip_xray(image: NDArray[np.uint8], landmarks: XrayLandmarks, view: View | None = None) -> StrippedXray:
    """Return an X-ray without its soft tissue.

    What lies over the bone, cheeks before the jaw and brain in the vault, cannot be taken out of a single X-ray and
    stays, as when it is done by hand (FCR, section 3).

    Parameters
    ----------
    image
        (h, w) grey, bone bright.
    landmarks
        Of the skull in it.
    view
        None takes the one that the landmarks fit better.

    Raises
    ------
    NasionError
        There are too few landmarks, or they form no skull seen from this side.

    """
    _refuse_elsewhere(landmarks, image.shape)
    view = view or landmarks.view
    starts = [
        start
        for own in ([view] if view else VIEWS)
        for mirrored in (False, True)
        if (start := _start(own, landmarks.points_px, mirrored, image.shape[1])) is not None
    ]
    if not starts:
        raise NasionError(f"fewer than {FEWEST} landmarks of the skull are known in it; place more")
    best = min(starts, key=lambda start: start.misfit_mm)
    if best.misfit_mm > _LARGEST_MISFIT_MM:
        raise NasionError(
            f"its landmarks form no skull in {best.view} view (they are off by {best.misfit_mm:.0f} mm); check them"
        )
    outline = np.asarray(landmarks.on_outline_px, dtype=np.float64)
    if best.mirrored:
        outline = _mirrored(outline, image.shape[1])
    model = outline_models()[best.view]
    seen = image[:, ::-1] if best.mirrored else image
    mask = _whole(fit_outline(model, seen, best.rows, best.points_px, outline).mask(model, image.shape), best.view)
    mask = mask[:, ::-1] if best.mirrored else mask
    notes = ("left and right are exchanged in it: its mirror image was searched",) if best.mirrored else ()
    return StrippedXray(np.where(mask, image, 0).astype(np.uint8), mask, best.view, notes)


def _start(view: View, points: Mapping[str, FloatArray], mirrored: bool, width: int) -> _Start | None:
    model = outline_models()[view]
    known = of_view(points, view)
    rows = tuple(row for row, name in enumerate(model.names) if name in known)
    if len(rows) < FEWEST:
        return None
    places = np.array([known[model.names[row]] for row in rows])
    if mirrored:
        places = _mirrored(places, width)
    fit = PlaneSimilarity.between(places, model.frame_mm[list(rows)])
    off = fit.apply(places) - model.frame_mm[list(rows)]
    return _Start(view, mirrored, rows, places, float(np.sqrt((off**2).sum(axis=1).mean())))


def _refuse_elsewhere(landmarks: XrayLandmarks, shape: tuple[int, ...]) -> None:
    """Raise NasionError where most landmarks lie outside the picture: then they belong to another, or to its crop."""
    points = np.array(list(landmarks.points_px.values())).reshape(-1, 2)
    inside = ((points >= 0) & (points <= np.array(shape[1::-1]) - 1)).all(axis=1)
    if len(points) and inside.mean() < 0.5:
        raise NasionError("most of its landmarks lie outside the picture; give those that were placed on it")


def _mirrored(points: FloatArray, width: int) -> FloatArray:
    return points * (-1.0, 1.0) + (width - 1.0, 0.0)


def _whole(mask: NDArray[np.bool_], view: View) -> NDArray[np.bool_]:
    """Return the largest piece; from the side without holes (from the front there are some behind the jaw's rami)."""
    from scipy.ndimage import binary_fill_holes, label

    pieces, count = label(mask)
    if count > 1:
        mask = pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()
    return np.asarray(binary_fill_holes(mask) if view == "lateral" else mask, dtype=np.bool_)


@cache
def outline_models() -> dict[View, OutlineModel]:
    """Return the package's models of skull outlines."""
    data = resources.files(__package__).joinpath("data")
    return {view: OutlineModel.from_bytes(data.joinpath(f"{view}.npz").read_bytes()) for view in VIEWS}
