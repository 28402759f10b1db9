"""The outline model on ellipses, where everything is known."""

import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.reconstruction.strip.outline_fit import fit_outline
from nasion.reconstruction.strip.outline_model import OutlineModel, Silhouette

SIZE = 160
MM = 1.5


def ellipse(rng):
    """Return a silhouette, its film with a soft rim, and the half axes in mm: four landmarks, one of them free."""
    a, b = rng.normal(70, 8), rng.normal(55, 8)
    middle = SIZE * MM / 2 + rng.normal(0, 4, 2)
    y, x = np.mgrid[:SIZE, :SIZE] * MM
    mask = ((x - middle[0]) / a) ** 2 + ((y - middle[1]) / b) ** 2 < 1
    skin = ((x - middle[0]) / (a + 9)) ** 2 + ((y - middle[1]) / (b + 9)) ** 2 < 1
    film = np.where(mask, 190, np.where(skin, 70, 10)) + rng.normal(0, 3, mask.shape)
    points = middle + np.array([(a, 0), (-a, 0), (0, b), (0.5 * a, 0.3 * b), (-20, 10)])
    return Silhouette(mask, points / MM, MM), np.clip(film, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    return OutlineModel.learnt(tuple("abcde"), [ellipse(rng)[0] for _ in range(50)], 8)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_landmarks_and_film_give_the_silhouette_of_ellipses_unseen(model):
    rng = np.random.default_rng(1)
    for _ in range(6):
        own, film = ellipse(rng)
        mask = fit_outline(model, film, range(5), own.landmarks_px, np.zeros((0, 2))).mask(model, film.shape)
        assert dice(mask, own.mask) > 0.98


def test_the_film_tells_what_few_landmarks_leave_open(model):
    rng = np.random.default_rng(2)
    blind, seeing = [], []
    rows = [0, 1, 4]  # nothing about the height
    for _ in range(8):
        own, film = ellipse(rng)
        for image, scores in ((np.full_like(film, 90), blind), (film, seeing)):
            outline = fit_outline(model, image, rows, own.landmarks_px[rows], np.zeros((0, 2)))
            scores.append(dice(outline.mask(model, film.shape), own.mask))
    assert np.mean(seeing) > np.mean(blind) + 0.01
    assert np.median(seeing) > 0.96


def test_points_on_the_outline_draw_it(model):
    own, film = ellipse(np.random.default_rng(5))
    blank = np.full_like(film, 90)
    top = own.landmarks_px[:2].mean(axis=0) - (0, own.landmarks_px[2, 1] - own.landmarks_px[0, 1])
    rows = [0, 1, 4]
    free = fit_outline(model, blank, rows, own.landmarks_px[rows], np.zeros((0, 2)))
    held = fit_outline(model, blank, rows, own.landmarks_px[rows], np.array([own.landmarks_px[2], top]))
    at = held.to_frame.apply(np.array([own.landmarks_px[2], top]))
    left, before = (np.abs(model.distance_at(at, own.coefficients)).mean() for own in (held, free))
    assert left < 0.6 * before and left < 2.5


def test_a_larger_turned_picture_gives_the_same_silhouette(model):
    own, film = ellipse(np.random.default_rng(3))
    plain = fit_outline(model, film, range(5), own.landmarks_px, np.zeros((0, 2))).mask(model, film.shape)
    turned_points = np.stack([own.landmarks_px[:, 1], SIZE - 1 - own.landmarks_px[:, 0]], axis=1)
    turned = fit_outline(model, np.rot90(film), range(5), turned_points, np.zeros((0, 2)))
    assert dice(np.rot90(plain), turned.mask(model, film.shape)) > 0.995


def test_mean_of_no_information_is_the_mean(model):
    free = model.coefficients([], np.zeros((0, 2)), 1.0, np.zeros((0, 2)), np.zeros(0))
    np.testing.assert_allclose(free, 0)


def test_archive_returns_the_model_in_half_precision(model):
    again = OutlineModel.from_bytes(model.to_bytes())
    assert again.names == model.names
    np.testing.assert_allclose(again.basis, model.basis, atol=0.02)
    with pytest.raises(NasionError, match="damaged"):
        OutlineModel.from_bytes(b"nothing")
