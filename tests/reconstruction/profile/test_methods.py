"""Methods against known rules, invariances and hand-computed depths."""

from dataclasses import replace

import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.reconstruction.profile.bone_mask import stripped_film
from nasion.reconstruction.profile.kernels import Features, KernelSettings, kernel
from nasion.reconstruction.profile.methods import METHODS
from nasion.reconstruction.profile.plane import PlaneSimilarity, mean_shape
from nasion.reconstruction.profile.regression import Regression
from nasion.reconstruction.profile.samples import SOFT, hard_row
from nasion.reconstruction.profile.tissue_depths import T_TABLE_MM
from reconstruction.profile.skulls import MEAN_HARD_MM, MM_PER_PX, errors_mm, people, picture

TURN = np.array([[0.8, -0.6], [0.6, 0.8]])


def films(samples):
    return [sample.film for sample in samples]


def moved_film(film, scale):
    hard = scale * film.hard_mm @ TURN.T + np.array([120.0, -60.0])
    return replace(film, hard_mm=hard)


def test_a_known_similarity_is_found_and_undone():
    target = 1.7 * MEAN_HARD_MM @ TURN.T + np.array([3.0, -4.0])
    found = PlaneSimilarity.between(MEAN_HARD_MM, target)
    np.testing.assert_allclose(found.apply(MEAN_HARD_MM), target)
    np.testing.assert_allclose(found.back(target), MEAN_HARD_MM)
    # the covariance of x is R diag(...) R^T / scale^2
    np.testing.assert_allclose(
        found.covariance_back(np.diag([4.0, 1.0])[None])[0], TURN.T @ np.diag([4.0, 1.0]) @ TURN / 1.7**2
    )


def test_mean_shape_of_copies_is_the_shape():
    copies = [MEAN_HARD_MM, MEAN_HARD_MM @ TURN.T + 5, MEAN_HARD_MM - 3]
    mean = mean_shape(copies)
    fit = PlaneSimilarity.between(mean, MEAN_HARD_MM)
    assert fit.scale == pytest.approx(1)
    np.testing.assert_allclose(fit.apply(mean), MEAN_HARD_MM, atol=1e-8)


@pytest.mark.parametrize("name", ["mean-shape", "mean-offset", "regression"])
def test_a_turned_and_enlarged_skull_gives_a_turned_and_enlarged_profile(name):
    method = METHODS[name](people(14))
    film = people(1, seed=9)[0].film
    plain, moved = method.profiles([film, moved_film(film, 1.3)])
    expected = 1.3 * plain.points_mm @ TURN.T + np.array([120.0, -60.0])
    np.testing.assert_allclose(moved.points_mm, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["t-table", "tissue-table"])
def test_depths_turn_with_the_skull_and_keep_their_millimetres(name):
    method = METHODS[name]([])
    film = people(1, seed=9)[0].film
    plain, moved = method.profiles([film, replace(film, hard_mm=film.hard_mm @ TURN.T)])
    np.testing.assert_allclose(moved.points_mm, plain.points_mm @ TURN.T, atol=1e-9)


def test_t_table_on_a_straight_upright_outline():
    # all of the outline on a vertical line: normals point straight to the front
    hard = MEAN_HARD_MM.copy()
    for name in ("anterior_nasal_spine", "subspinale", "incision_superius", "incision_inferius", "supramentale"):
        hard[hard_row(name), 0] = 140.0
    hard[hard_row("pogonion"), 0] = hard[hard_row("gnathion"), 0] = 140.0
    film = stripped_film(picture(hard), hard, MM_PER_PX)
    told = METHODS["t-table"]([]).profiles([film])[0].points_mm
    np.testing.assert_allclose(told[:, 0] - 140.0, list(T_TABLE_MM.values()))
    at = dict(zip(SOFT, told, strict=True))
    assert at["soft_pogonion"][1] == pytest.approx(hard[hard_row("pogonion"), 1])
    assert at["subnasale"][1] == pytest.approx(hard[hard_row("subspinale"), 1])
    assert at["labrale_superius"][1] == pytest.approx(hard[hard_row("incision_superius"), 1] - 5.0)
    assert at["labrale_inferius"][1] == pytest.approx(hard[hard_row("incision_inferius"), 1] + 9.0)


def test_tissue_table_lays_its_vectors_along_the_frankfurt_axes():
    hard = MEAN_HARD_MM.copy()
    hard[hard_row("orbitale"), 1] = hard[hard_row("porion"), 1]  # the film's axes are the head's
    film = stripped_film(picture(hard), hard, MM_PER_PX)
    told = METHODS["tissue-table"]([]).profiles([film])[0].points_mm
    offset = told[list(SOFT).index("soft_pogonion")] - hard[hard_row("pogonion")]
    np.testing.assert_allclose(offset, [11.0, -2.0])  # docs/tissue.md: 11 mm to the front, 2 mm up


def test_regression_learns_the_rule_and_beats_the_mean():
    learnt, judged = people(80), people(30, seed=1)
    floor = errors_mm(METHODS["mean-shape"](learnt).profiles(films(judged)), judged).mean()
    told = errors_mm(METHODS["regression"](learnt).profiles(films(judged)), judged).mean()
    assert told < 0.65 * floor


def test_regression_knows_how_sure_it_is():
    learnt, judged = people(80, noise_mm=2.0), people(60, seed=1, noise_mm=2.0)
    told = METHODS["regression"](learnt).profiles(films(judged))
    squares = [
        off @ np.linalg.solve(covariance, off)
        for profile, sample in zip(told, judged, strict=True)
        for off, covariance in zip(profile.points_mm - sample.soft_mm, profile.covariance_mm2, strict=True)
    ]
    assert 0.83 < np.mean(np.array(squares) < 4.605) < 0.96


def test_without_information_the_noise_is_the_spread():
    learnt = people(60, noise_mm=3.0)
    rng = np.random.default_rng(7)
    for sample in learnt:  # profiles that follow from nothing but chance
        sample.soft_mm[:] = rng.normal([150.0, 180.0], 3.0, (4, 2))
    told = METHODS["regression"](learnt).profiles(films(people(5, seed=2)))
    sd = np.sqrt([np.trace(c) / 2 for profile in told for c in profile.covariance_mm2])
    assert 2.2 < sd.mean() < 4.2


def test_leaving_one_out_by_formula_equals_doing_it():
    learnt = people(20, noise_mm=1.0)
    fitted = Regression.fitted(learnt)
    frame, known = fitted.reader.frame, fitted.known
    target = frame.aligned_soft(learnt).reshape(20, 8)
    every = kernel(known, known, fitted.settings) + fitted.settings.noise * np.eye(20)
    own = np.diag(every)
    squares = np.zeros((8, 8))
    for k in range(20):
        rest = np.delete(np.arange(20), k)
        inner = np.linalg.inv(every[np.ix_(rest, rest)])
        left = target[k] - fitted.mean - every[k, rest] @ inner @ (target[rest] - fitted.mean)
        squares += np.outer(left, left) / (own[k] - every[k, rest] @ inner @ every[rest, k])
    np.testing.assert_allclose(fitted.residual_mm2, squares / 20)


def test_linear_kernel_is_ridge_regression():
    rng = np.random.default_rng(0)
    x, y, new = rng.normal(size=(30, 5)), rng.normal(size=(30, 8)), rng.normal(size=(4, 5))
    empty = np.zeros((30, 0))
    settings = KernelSettings(noise=0.7)
    k = kernel(Features(x, empty), Features(x, empty), settings)
    across = kernel(Features(new, empty[:4]), Features(x, empty), settings)
    ridge = new @ np.linalg.solve(x.T @ x + 0.7 * np.eye(5), x.T @ y)
    np.testing.assert_allclose(across @ np.linalg.solve(k + 0.7 * np.eye(30), y), ridge)


def test_image_sees_what_the_landmarks_do_not():
    learnt, judged = people(60, look=3.0), people(20, seed=1, look=3.0)
    blind = errors_mm(METHODS["regression"](learnt).profiles(films(judged)), judged).mean()
    seeing = errors_mm(METHODS["image"](learnt).profiles(films(judged)), judged).mean()
    assert seeing < 0.75 * blind


def test_image_is_blind_for_what_was_stripped():
    method = METHODS["image"](people(14, look=3.0))
    sample = people(1, seed=4)[0]
    hard = sample.film.hard_mm
    image = picture(hard, 1.0)
    plain = stripped_film(image, hard, MM_PER_PX)
    kept = np.zeros(image.shape, bool)
    x, y = plain.corner_px
    kept[y : y + plain.mask.shape[0], x : x + plain.mask.shape[1]] = plain.mask
    one, other = method.profiles([plain, stripped_film(np.where(kept, image, 200).astype(np.uint8), hard, MM_PER_PX)])
    np.testing.assert_array_equal(one.points_mm, other.points_mm)


def test_few_people_are_refused():
    with pytest.raises(NasionError, match="too few"):
        METHODS["regression"](people(9))


def test_a_mirrored_skull_is_not_turned_into_the_plain_one():
    mirrored = MEAN_HARD_MM * (-1, 1)
    off = PlaneSimilarity.between(mirrored, MEAN_HARD_MM).apply(mirrored) - MEAN_HARD_MM
    assert np.linalg.norm(off, axis=1).mean() > 15
