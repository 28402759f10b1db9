"""The picture of found landmarks: points where they are, circles as large as they should be, what is missing."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nasion.landmarks.image.face_finder import FaceBox
from nasion.landmarks.image.find import FoundImageLandmarks
from nasion.landmarks.image.picture import legend, level_color, points_picture, points_png
from nasion.landmarks.image.predict import ImageLandmarks

SIZE = (500, 250)
GREY = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)


def found(points: NDArray[np.float64], sigma: list[float], face: FaceBox | None = None) -> FoundImageLandmarks:
    """Points of ``cephalo19``; those that are NaN are missing. The 90 % radius is twice the SD."""
    count = 19
    all_points, all_sigma = np.full((count, 2), np.nan), np.full(count, np.nan)
    all_points[: len(points)], all_sigma[: len(sigma)] = points, sigma
    names = tuple(str(k + 1) for k in range(count))
    missing = {name: f"reason {name}" for name, point in zip(names, all_points, strict=True) if np.isnan(point[0])}
    result = ImageLandmarks(names, all_points, all_sigma, 2 * all_sigma, missing)
    return FoundImageLandmarks("cephalo19", SIZE, face, result, (), "m")


def colored(picture: NDArray[np.uint8], color: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return the places (n, 2) of pixels of nearly that colour."""
    near = np.abs(picture.astype(int) - np.array(color)).max(axis=2) < 24
    return np.argwhere(near)[:, ::-1].astype(float)


def test_points_and_circles_are_where_they_should_be() -> None:
    # 500 pixels become 1000; the unit of SDs is a tenth of the height, 25 px: 0.4 px is sure, 0.8 less, 3 not
    points = np.array([[100.0, 60.0], [300.0, 120.0], [400.0, 200.0]])
    shown = points_picture(GREY, found(points, [0.4, 0.8, 10.0]))
    assert shown.shape == (500, 1000, 3)
    for point, share in zip(points, (0.016, 0.032, 0.4), strict=True):
        at = 2 * (point + 0.5) - 0.5
        marked = colored(shown, level_color(share))
        assert np.linalg.norm(marked - at, axis=1).min() < 1.5
    # the circle of 20 px round the third: 40 of the picture's
    far = np.linalg.norm(colored(shown, level_color(0.4)) - (2 * (points[2] + 0.5) - 0.5), axis=1)
    assert 38 < far.max() < 42
    assert not ((far > 6) & (far < 37)).any()


def test_the_crop_holds_the_face_and_every_circle() -> None:
    face = FaceBox(220, 90, 60, 70)
    points = np.array([[250.0, 120.0], [60.0, 125.0]])
    near, wide = (points_picture(GREY, found(points[:n], [1.0, 8.0][:n], face)) for n in (1, 2))
    # alone: 1.6 times the face's 70 px; with the far point and its 16 px about it, 262 px from 44 to 306
    assert near.shape[:2] == (1000, 1000)
    assert wide.shape[1] == 1000 and abs(wide.shape[0] - 1000 * 112 / 264) < 12
    ring = colored(wide, level_color(8 / (face.size_px / 2)))
    assert ring[:, 0].min() < 8


def test_a_heavier_pen_draws_larger_points() -> None:
    one = found(np.array([[250.0, 125.0]]), [0.2])
    dots = [len(colored(points_picture(GREY, one, pen), level_color(0.008))) for pen in (1.0, 2.0)]
    assert dots[1] > 2 * dots[0]


def test_the_legend_tells_sds_and_reasons() -> None:
    rows = legend(found(np.array([[100.0, 60.0], [np.nan, np.nan], [90.0, 9.0]]), [0.4, np.nan, 0.8]))
    assert [row.number for row in rows] == list(range(1, 20))
    assert [(row.sigma_px, row.reason) for row in rows[:3]] == [(0.4, ""), (None, "reason 2"), (0.8, "")]
    assert rows[0].color == level_color(0.016) and rows[2].color == level_color(0.032)


def test_the_file_has_the_picture_above_its_table() -> None:
    one = found(np.array([[100.0, 60.0]]), [0.4])
    with Image.open(io.BytesIO(points_png(GREY, one))) as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    assert (pixels[:500] == points_picture(GREY, one)).all()
    assert pixels.shape[0] > 560 and (pixels[500:].min(axis=2) < 100).any()
