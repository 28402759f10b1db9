"""Augmentation: points stay with what they mark."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landmarks.image.discs import COLORS, SCHEME, STILL, sample
from nasion.landmarks.image.augmentation import Crop, mirrored, varied, varied_frame, with_patches
from nasion.landmarks.image.crops import frame_of_points
from nasion.landmarks.image.settings import AugmentSettings

SIZE = (96, 96)


def colors_at(crop: Crop) -> list[int]:
    """Which disc lies under each point."""
    seen = []
    for x, y in np.rint(crop.points).astype(int):
        distance = np.abs(np.array(COLORS) - crop.image[y, x].astype(int)).sum(axis=1)
        seen.append(int(distance.argmin()) if distance.min() < 150 else -1)
    return seen


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_points_lie_on_their_discs_after_any_geometry(seed: int) -> None:
    own = sample(seed)
    geometry = AugmentSettings(mirrored=0, colour=0, tint=0)
    frame = frame_of_points(own.points_px, SIZE, 1.6)
    crop = varied(own.pixels(), own.points_px, frame, SIZE, SCHEME.flip_index, geometry, np.random.default_rng(seed))
    inside = ((crop.points > 1) & (crop.points < 94)).all(axis=1)
    assert inside.sum() >= 3
    assert all(color == k for k, color in enumerate(colors_at(crop)) if inside[k])


def test_mirroring_twice_is_nothing_and_once_exchanges_sides() -> None:
    own = sample(3)
    crop = Crop(own.pixels(), own.points_px)
    once = mirrored(crop, SCHEME.flip_index)
    twice = mirrored(once, SCHEME.flip_index)
    assert np.array_equal(twice.image, crop.image)
    assert twice.points == pytest.approx(crop.points)
    # the image's left stays the subject's right: point a_right lies left in both
    assert once.points[0, 0] < once.points[1, 0]
    assert colors_at(once) == [1, 0, 2, 3]


def test_a_wrong_mirror_map_is_seen() -> None:
    """With a map that exchanges nothing, a_right would lie on the other side: left would not stay left."""
    own = sample(4)
    wrong = mirrored(Crop(own.pixels(), own.points_px), np.arange(4))
    assert wrong.points[0, 0] > wrong.points[1, 0]


def test_frames_vary_as_told() -> None:
    frame = frame_of_points(sample(0).points_px, SIZE, 1.5)
    rng = np.random.default_rng(0)
    told = AugmentSettings()
    drawn = [varied_frame(frame, SIZE, told, rng) for _ in range(2000)]
    angles = np.array([own.angle_deg for own in drawn])
    factors = frame.scale / np.array([own.scale for own in drawn])
    assert abs(angles).max() <= 30 and angles.std() == pytest.approx(30 / np.sqrt(3), rel=0.05)
    assert factors.min() >= 0.8 and factors.max() <= 1.2 and np.ptp(factors) > 0.38
    peaked = [varied_frame(frame, SIZE, replace(told, peaked=True), rng).angle_deg for _ in range(2000)]
    assert np.std(peaked) == pytest.approx(30 / np.sqrt(6), rel=0.06)


def test_same_seed_same_crop() -> None:
    own, told = sample(1), AugmentSettings(patches=1, blurred=1)
    frame = frame_of_points(own.points_px, SIZE, 1.5)
    a, b, c = (
        varied(own.pixels(), own.points_px, frame, SIZE, SCHEME.flip_index, told, np.random.default_rng(seed))
        for seed in (5, 5, 6)
    )
    assert np.array_equal(a.image, b.image) and np.array_equal(a.points, b.points)
    assert not np.array_equal(a.image, c.image)


def test_no_variation_is_the_plain_crop() -> None:
    own = sample(2)
    frame = frame_of_points(own.points_px, SIZE, 1.5)
    crop = varied(own.pixels(), own.points_px, frame, SIZE, SCHEME.flip_index, STILL, np.random.default_rng(0))
    assert crop.points == pytest.approx(frame.to_crop(own.points_px, SIZE))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_patches_hide_a_part_near_the_region(seed: int) -> None:
    image = sample(seed).pixels()
    before = image.copy()
    made = with_patches(image, (20, 20, 60, 60), np.random.default_rng(seed))
    assert np.array_equal(image, before)
    ys, xs = np.nonzero((made != image).any(axis=2))
    assert 0 < len(xs) <= 3 * 16 * 16
    assert xs.min() >= 20 - 8 and xs.max() < 60 + 8 and ys.min() >= 20 - 8 and ys.max() < 60 + 8
