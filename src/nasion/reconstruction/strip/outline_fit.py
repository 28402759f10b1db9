"""The silhouette of a skull in an X-ray, from landmarks first and then from where the film falls from bone to softness.

The landmarks give a first outline. Across it the film is searched for its steepest fall outwards, near ones before far
ones, and what is found draws the outline within what skulls look like; so four times, in ever narrower bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray
from nasion.reconstruction.profile.plane import PlaneSimilarity
from nasion.reconstruction.strip.outline_model import CORNER_MM, SIDE, STEP_MM, OutlineModel

LANDMARK_SD_MM: Final = 1.5
_ROUNDS: Final = 4
_BAND_MM: Final = 14.0
_NEAR_MM: Final = 7.0
_NARROWER: Final = 0.2
"""Share of band and nearness that each round loses."""
_LEAST_FALL: Final = 6.0
"""Grey levels over ``_FALL_MM`` that count as an edge."""
_FALL_MM: Final = 3.0
_SAMPLE_MM: Final = 0.5
_BLUR_MM: Final = 0.8
_EDGE_SD_MM: Final = 1.0
_ALIKE: Final = 30
"""So many edges tell as much as one alone: neighbours err alike."""
_DOUBT_MM: Final = 3.0
"""An edge that lies so far from the outline counts half (Cauchy's weights)."""


@dataclass(frozen=True, eq=False)
class Outline:
    """A fitted outline: coefficients of the model, and the similarity from the picture's pixels to its frame."""

    coefficients: FloatArray
    to_frame: PlaneSimilarity

    def mask(self, model: OutlineModel, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the (h, w) silhouette in the picture."""
        from scipy.ndimage import map_coordinates

        y, x = np.mgrid[: shape[0], : shape[1]]
        places = self.to_frame.apply(np.stack([x.ravel(), y.ravel()], axis=1))
        at = (places - CORNER_MM) / STEP_MM
        grid = model.distances(self.coefficients)
        inside = map_coordinates(grid, [at[:, 1], at[:, 0]], order=1, mode="nearest") < 0
        on_grid = ((at >= 0) & (at <= SIDE - 1)).all(axis=1)
        return np.asarray((inside & on_grid).reshape(shape), dtype=np.bool_)


def fit_outline(
    model: OutlineModel,
    image: NDArray[np.uint8],
    rows: Sequence[int],
    landmarks_px: FloatArray,
    on_outline_px: FloatArray,
) -> Outline:
    """Return the outline in an X-ray.

    Parameters
    ----------
    model
        Of the view.
    image
        (h, w) grey, bone bright.
    rows, landmarks_px
        Which of the model's landmarks are known, and their (r, 2) places.
    on_outline_px
        (n, 2) further points that lie on the outline; n may be 0.

    """
    to_frame = PlaneSimilarity.between(landmarks_px, model.frame_mm[list(rows)])
    landmarks, known = to_frame.apply(landmarks_px), to_frame.apply(on_outline_px.reshape(-1, 2))
    known_sd = np.full(len(known), LANDMARK_SD_MM)
    found = model.coefficients(rows, landmarks, LANDMARK_SD_MM, known, known_sd)
    smooth = _smooth(image, to_frame)
    for number in range(_ROUNDS):
        edges = _edges(model.distances(found), smooth, to_frame, 1 - _NARROWER * number)
        away = model.distance_at(edges, found)
        sd = _EDGE_SD_MM * np.sqrt(max(len(edges), 1) / _ALIKE) * np.sqrt(1 + (away / _DOUBT_MM) ** 2)
        found = model.coefficients(
            rows, landmarks, LANDMARK_SD_MM, np.concatenate([known, edges]), np.concatenate([known_sd, sd])
        )
    return Outline(found, to_frame)


def _smooth(image: NDArray[np.uint8], to_frame: PlaneSimilarity) -> FloatArray:
    from scipy.ndimage import gaussian_filter

    sigma = max(_BLUR_MM / to_frame.scale, 0.3)
    return np.asarray(gaussian_filter(image.astype(np.float64), sigma), dtype=np.float64)


def _edges(distances: FloatArray, image: FloatArray, to_frame: PlaneSimilarity, share: float) -> FloatArray:
    """Return (n, 2) places in the frame where the film falls steeply outwards near the outline."""
    from scipy.ndimage import gaussian_filter, map_coordinates
    from skimage.measure import find_contours

    contours = find_contours(distances, 0.0)  # type: ignore[no-untyped-call]
    if not contours:
        return np.zeros((0, 2))
    at = max(contours, key=len)
    slope = gaussian_filter(distances, 0.75, order=(0, 1)), gaussian_filter(distances, 0.75, order=(1, 0))
    normal = np.stack([map_coordinates(part, at.T, order=1) for part in slope], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    points = at[:, ::-1] * STEP_MM + CORNER_MM
    band, near = _BAND_MM * share, _NEAR_MM * share
    reach = band + _FALL_MM / 2
    along = np.arange(-reach, reach + _SAMPLE_MM / 2, _SAMPLE_MM)
    places = to_frame.back((points[:, None] + along[:, None] * normal[:, None]).reshape(-1, 2))
    size = np.array(image.shape[::-1]) - 1
    within = ((places >= 0) & (places <= size)).all(axis=1).reshape(len(points), -1).all(axis=1)
    values = map_coordinates(image, places[:, ::-1].T, order=1, mode="nearest").reshape(len(points), -1)
    lag = round(_FALL_MM / _SAMPLE_MM)
    fall, middle = values[:, :-lag] - values[:, lag:], along[:-lag] + _FALL_MM / 2
    best = (fall * np.exp(-((middle / near) ** 2) / 2)).argmax(axis=1)
    every = np.arange(len(points))
    chosen = within & (fall[every, best] > _LEAST_FALL) & (abs(middle[best]) < band)
    edges: FloatArray = (points + middle[best][:, None] * normal)[chosen]
    return edges
