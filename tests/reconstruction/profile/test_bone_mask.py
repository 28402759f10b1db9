"""What methods are given tells nothing of the skin."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasion.reconstruction.profile.bone_mask import bone_polygon, stripped_film
from nasion.reconstruction.profile.samples import hard_points, soft_points
from reconstruction.profile.skulls import MEAN_HARD_MM, MM_PER_PX, SIZE_PX, people, picture


def whole_mask(film):
    mask = np.zeros(SIZE_PX, bool)
    x, y = film.corner_px
    mask[y : y + film.mask.shape[0], x : x + film.mask.shape[1]] = film.mask
    return mask


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_pixels_outside_the_bone_change_nothing(seed):
    hard = MEAN_HARD_MM + np.random.default_rng(seed).normal(0, 2, (15, 2))
    image = picture(hard)
    plain = stripped_film(image, hard, MM_PER_PX)
    noise = np.random.default_rng(seed + 1).integers(0, 256, SIZE_PX).astype(np.uint8)
    other = stripped_film(np.where(whole_mask(plain), image, noise), hard, MM_PER_PX)
    np.testing.assert_array_equal(other.image, plain.image)
    np.testing.assert_array_equal(other.mask, plain.mask)
    assert other.corner_px == plain.corner_px
    assert not plain.image[~plain.mask].any()


def test_the_bone_is_kept():
    hard = MEAN_HARD_MM
    film = stripped_film(picture(hard), hard, MM_PER_PX)
    mask = whole_mask(film)
    inner = hard[[4, 5, 10, 12, 14]] / MM_PER_PX
    assert all(mask[round(y), round(x)] for x, y in inner)
    assert film.image[film.mask].max() > 100


def test_polygon_turns_with_the_skull():
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    np.testing.assert_allclose(bone_polygon(MEAN_HARD_MM @ turn.T + 7), bone_polygon(MEAN_HARD_MM) @ turn.T + 7)


def test_a_film_that_is_cut_keeps_what_is_there():
    hard = MEAN_HARD_MM + np.array([60.0, 0.0])  # the chin leaves the picture
    film = stripped_film(picture(hard), hard, MM_PER_PX)
    assert film.mask.any() and film.corner_px[0] + film.mask.shape[1] <= SIZE_PX[1]


def test_soft_landmarks_move_freely_without_a_trace():
    plain, moved = people(2, seed=3, noise_mm=0), people(2, seed=3, noise_mm=0)
    for one, other in zip(plain, moved, strict=True):
        other.soft_mm[:] += 30
        np.testing.assert_array_equal(one.film.image, other.film.image)


@pytest.mark.parametrize("clearance_mm", [2.0])
def test_all_soft_landmarks_of_real_films_lie_well_outside(shared_data, clearance_mm):
    import cv2

    with (shared_data / "xray" / "cephalograms" / "landmarks.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    away = []
    for row in rows:
        points = 0.25 * np.array([[float(row[f"l{k}_x"]), float(row[f"l{k}_y"])] for k in range(1, 20)])
        polygon = bone_polygon(hard_points(points)).astype(np.float32)
        away += [-cv2.pointPolygonTest(polygon, (float(x), float(y)), True) for x, y in soft_points(points)]
    assert len(away) == 1200
    assert min(away) > clearance_mm
