"""Frames, sets of pairs, and augmentation that keeps pairs one over the other."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from matching.small import face_picture, write_set
from nasion.errors import NasionError
from nasion.matching.frames import mirrored_picture
from nasion.matching.point_schemes import point_scheme, shapes
from nasion.matching.points import aligned_set_points
from nasion.matching.samples import MatchPicture
from nasion.reconstruction.generators.augmentation import (
    Change,
    augmented,
    bent,
    changed,
    drawn_change,
    drawn_shifts,
    toned,
)
from nasion.reconstruction.generators.frames import square_frame
from nasion.reconstruction.generators.pairs import framed_picture, load, view_number

IBUG = point_scheme("ibug68")
POINTS = aligned_set_points(IBUG).find(face_picture(0))


def mean_difference(one: np.ndarray, other: np.ndarray, rim: int = 0) -> float:
    inner = slice(rim, one.shape[0] - rim)
    return float(np.abs(one[inner, inner].astype(float) - other[inner, inner]).mean())


@settings(deadline=None, max_examples=20)
@given(st.floats(-25, 25), st.floats(0.7, 1.5), st.floats(-12, 12), st.floats(-12, 12))
def test_how_a_picture_was_taken_does_not_matter(angle: float, scale: float, right: float, down: float) -> None:
    """Turned, scaled and moved with its landmarks, a picture comes to lie in the same place."""
    picture = face_picture(3)
    matrix = cv2.getRotationMatrix2D((100, 125), angle, scale)
    matrix[:, 2] += 150 + right, 150 + down
    moved = cv2.warpAffine(picture, matrix, (500, 550), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    points = POINTS @ matrix[:, :2].T + matrix[:, 2]
    own, other = square_frame(picture, POINTS, IBUG, 64), square_frame(moved, points, IBUG, 64)
    assert mean_difference(own, other, rim=4) < 1.0


@pytest.mark.parametrize(
    ("scheme", "view"), [("ibug68", "frontal"), ("pairs20", "lateral_left"), ("pairs20", "frontal")]
)
def test_a_mirrored_picture_has_the_mirrored_frame(scheme: str, view: str) -> None:
    points = shapes(scheme)[view] * 84 + (100, 163)
    picture = face_picture(4)
    mirrored = mirrored_picture(picture, points, point_scheme(scheme))
    own = square_frame(picture, points, point_scheme(scheme), 64)
    other = square_frame(mirrored.image, mirrored.points_px, point_scheme(scheme), 64)
    # the mean skull of pairs20 is not quite symmetric: a third of a pixel
    assert mean_difference(own[:, ::-1], other) < 2.0
    assert mean_difference(own, other) > 20


def test_a_point_lies_where_the_window_says() -> None:
    """The window of 68 points is 208 units wide: the middle of the frame is 100, 118 of the average head's."""
    picture = np.zeros((250, 200, 3), np.uint8)
    points = shapes("ibug68")["frontal"] * 84 + (100, 163)
    picture[116:121, 98:103] = 255
    frame = square_frame(picture, points, IBUG, 208)[:, :, 0].astype(float)
    rows, columns = np.indices(frame.shape)
    middle = (rows * frame).sum() / frame.sum(), (columns * frame).sum() / frame.sum()
    assert middle == pytest.approx((103.5, 103.5), abs=0.05)


def test_a_set_without_published_places_keeps_its_pictures() -> None:
    picture = face_picture(5, (128, 64))
    frame = square_frame(picture, np.full((31, 2), np.nan), point_scheme("cranio31"), 64)
    assert mean_difference(frame[16:48], cv2.resize(picture, (64, 32), interpolation=cv2.INTER_AREA)) < 1.0


def test_a_set_is_read_once_a_pair_and_without_augmentation(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 5, ("train", "test"))
    found = load("cuhk", tmp_path / "set", 64)
    assert [pair.person for pair in found.pairs] == ["p0", "p1", "p2", "p3", "p4"]
    assert [pair.split for pair in found.pairs] == ["train", "test", "train", "test", "train"]
    assert not found.faults
    for pair in found.pairs:
        photo = MatchPicture(pair.files[1], pair.person, "frontal", "face")
        assert np.array_equal(pair.target, framed_picture(photo, IBUG, 64, aligned_set_points(IBUG)))
        # the set's sketch is the photograph turned round: source and target lie one over the other
        grey = 255 - pair.target.mean(axis=2)
        assert mean_difference(pair.source[:, :, 0], grey) < 2.0


def test_pictures_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 3)
    from PIL import Image

    bad = tmp_path / "set" / "sketch" / "1.png"
    Image.fromarray(face_picture(1, (90, 90))).save(bad)
    found = load("cuhk", tmp_path / "set", 64)
    assert [pair.person for pair in found.pairs] == ["p0", "p2"]
    assert list(found.faults) == [bad] and "200 x 250" in found.faults[bad]


def test_unknown_sets_and_sources() -> None:
    with pytest.raises(NasionError, match="no dataset 'mnist'; use one of cuhk, population, s2f"):
        load("mnist", Path(), 64)
    with pytest.raises(NasionError, match="no source 'ct'; use one of xray"):
        load("population", Path(), 64, source="ct")


def test_views_are_told() -> None:
    assert (view_number("frontal"), view_number("lateral")) == (-1.0, 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_augmentation_keeps_pairs_one_over_the_other(seed: int) -> None:
    picture = face_picture(seed)[:192, :192]
    change = drawn_change(np.random.default_rng(seed))
    source, target = changed(picture, picture, change)
    assert np.corrcoef(source.ravel(), target.ravel())[0, 1] > 0.999
    assert not np.array_equal(target, picture)


def test_augmentation_by_hand() -> None:
    picture = face_picture(1)[:64, :64]
    turn = Change(True, np.eye(2), np.zeros(2), 1.0, 0.0)
    assert np.array_equal(changed(picture, picture, turn)[0], picture[:, ::-1])
    right = Change(False, np.eye(2), np.array([0.125, 0.0]), 1.0, 0.0)
    assert np.array_equal(changed(picture, picture, right)[1][:, 8:], picture[:, :-8])
    brighter = Change(False, np.eye(2), np.zeros(2), 1.0, 0.1)
    source, target = changed(np.full((8, 8, 3), 100, np.uint8), picture[:8, :8], brighter)
    assert (source == 126).all() and np.array_equal(target, picture[:8, :8])


def test_half_of_the_pairs_are_mirrored_and_none_far_away() -> None:
    drawn = [drawn_change(np.random.default_rng([3, k])) for k in range(400)]
    assert np.mean([own.flip for own in drawn]) == pytest.approx(0.5, abs=0.08)
    angles = [np.degrees(np.arctan2(own.matrix[1, 0], own.matrix[0, 0])) for own in drawn]
    assert 4 < max(np.abs(angles)) <= 5
    assert max(np.abs(own.shift).max() for own in drawn) <= 0.03


@pytest.mark.parametrize("seed", range(3))
def test_strong_augmentation_bends_both_pictures_alike(seed: int) -> None:
    picture = face_picture(seed)[:192, :192]
    source, target = augmented(picture, picture, "strong", np.random.default_rng(seed))
    plain, _ = augmented(picture, picture, "published", np.random.default_rng(seed))
    soft, bent_target, straight = (cv2.GaussianBlur(own.mean(axis=2), (0, 0), 3.0) for own in (source, target, plain))
    blocks = [(slice(y, y + 64), slice(x, x + 64)) for y in (0, 64, 128) for x in (0, 64, 128)]
    window = cv2.createHanningWindow((64, 64), cv2.CV_64F)
    apart = [np.hypot(*cv2.phaseCorrelate(soft[own], bent_target[own], window)[0]) for own in blocks]
    moved = [np.hypot(*cv2.phaseCorrelate(straight[own], bent_target[own], window)[0]) for own in blocks]
    assert np.median(apart) < 0.3 and np.median(moved) > 5 * np.median(apart)
    same = augmented(picture, picture, "none", np.random.default_rng(seed))
    assert np.array_equal(same[0], picture) and np.array_equal(same[1], picture)


def test_bending_by_hand() -> None:
    picture = face_picture(2)[:64, :64]
    shifts = np.zeros((64, 64, 2), np.float32)
    shifts[..., 0] = 3
    for made in bent(picture, picture, shifts):
        assert np.array_equal(made[:, :-3], picture[:, 3:])
    drawn = np.array([drawn_shifts(np.random.default_rng(k), 64) for k in range(200)])
    assert np.abs(drawn.mean(axis=0)).max() < 1.0
    assert np.abs(np.diff(drawn, axis=1)).max() < 1.0  # smooth: nothing folds over


def test_tones_keep_order_and_place_of_grey() -> None:
    ramp = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    for seed in range(6):
        made = toned(ramp, np.random.default_rng(seed)).astype(float)
        assert (made[..., 0] == made[..., 2]).all()
        line = made.mean(axis=(0, 2))
        assert np.corrcoef(rankdata(line), np.arange(64))[0, 1] > 0.99
