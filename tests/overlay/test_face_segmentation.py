"""The face found by the landmarks: drawn heads with known borders, hidden borders, refusals, invariances."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from nasion.overlay.face_contours import contours_of
from nasion.overlay.face_region import Place
from nasion.overlay.face_segmentation import Segmented, segment_face
from nasion.overlay.head_pose import head_pose
from nasion.overlay.problem import Photo

from .faces import Drawn, draw

DARK = (45, 35, 30)


def found(drawn: Drawn) -> Segmented:
    pose = head_pose(drawn.photo)
    assert pose is not None
    return segment_face(drawn.image, drawn.photo.landmarks_px, pose)


def above_chin(drawn: Drawn) -> np.ndarray:
    """Where the head's border may be sure: the found level of the chin follows the landmarks' own noise by 5 px."""
    row = np.arange(len(drawn.image))[:, None] * np.ones(drawn.image.shape[:2])
    return row < drawn.photo.landmarks_px["gnathion"][1] - 60


@pytest.mark.parametrize("view", ["frontal", "lateral"])
def test_a_bare_head_before_a_plain_wall(view: str) -> None:
    drawn = draw(view)
    result = found(drawn)
    assert result.region is not None
    place = result.region.mask
    upper = above_chin(drawn)
    face = (place == Place.FACE) & upper
    head = drawn.head & upper
    # a border off by one pixel of the millimetre raster: perimeter 600 px x 1.3 px of 60,000 px, so 0.97
    assert (face & head).sum() / (face | head).sum() > 0.97
    assert ((place == Place.OUTSIDE) & cv2.erode(drawn.head.astype(np.uint8), np.ones((7, 7))).astype(bool)).sum() == 0
    assert result.quality > 0.8
    assert "automatic" in result.note


def test_hair_is_no_face_and_no_outside() -> None:
    drawn = draw(hair=DARK)
    result = found(drawn)
    assert result.region is not None
    place = result.region.mask
    row = np.arange(len(place))[:, None]
    hair = drawn.head & (row < drawn.photo.landmarks_px["metopion"][1])
    assert (place[hair] == Place.UNKNOWN).mean() > 0.9
    assert (place[hair] == Place.OUTSIDE).sum() == 0
    # the wall above the hair is outside all the same: it bounds the skull
    assert (place[:20] == Place.OUTSIDE).all()


def test_a_beard_makes_chin_and_jaw_unknown() -> None:
    drawn = draw(beard=DARK)
    result = found(drawn)
    assert result.region is not None
    pose = head_pose(drawn.photo)
    assert pose is not None
    place = result.region.mask
    row = np.arange(len(place))[:, None] * np.ones(place.shape)
    low = row > drawn.photo.landmarks_px["labiale_superius"][1] + 20
    assert (place[low & drawn.head] == Place.UNKNOWN).mean() > 0.95
    near = cv2.dilate(drawn.head.astype(np.uint8), np.ones((81, 81))) > 0
    assert (place[low & near] != Place.OUTSIDE).all()
    assert contours_of(place, drawn.photo.landmarks_px, pose) == {}


def test_hair_like_the_wall_is_never_outside() -> None:
    drawn = draw(hair=(60, 50, 45), background=(58, 52, 47))
    result = found(drawn)
    if result.region is not None:
        row = np.arange(len(drawn.head))[:, None]
        hidden = drawn.head & (row < drawn.photo.landmarks_px["metopion"][1])
        assert (result.region.mask[hidden] == Place.OUTSIDE).mean() < 0.01


def test_a_wall_of_the_skins_color_is_refused() -> None:
    result = found(draw(background=(205, 160, 135)))
    assert result.region is None
    assert result.note.startswith("no automatic mask: ")
    assert "\n" not in result.note


def test_a_picture_cut_at_the_eyes_is_refused() -> None:
    drawn = draw()
    top = int(drawn.photo.landmarks_px["exocanthion_left"][1])
    landmarks = {n: p - [0, top] for n, p in drawn.photo.landmarks_px.items() if p[1] > top}
    cut = drawn.image[top:]
    photo = Photo("cut", landmarks, (cut.shape[1], cut.shape[0]))
    assert found(replace(drawn, image=cut, photo=photo)).region is None


def test_the_same_mask_after_a_shift() -> None:
    drawn = draw("lateral", hair=DARK)
    dx, dy = 24, 16
    moved = cv2.copyMakeBorder(drawn.image, dy, 0, dx, 0, cv2.BORDER_REPLICATE)
    by = np.array([dx, dy])
    landmarks = {n: p + by for n, p in drawn.photo.landmarks_px.items()}
    # the principal point goes along, so that the head's pose is the same
    prior = replace(drawn.photo.prior, principal_point_px=(239.5 + dx, 279.5 + dy), focal_px=(2600.0, 26.0))
    fixed = replace(drawn.photo.prior, principal_point_px=(239.5, 279.5), focal_px=(2600.0, 26.0))
    before = found(replace(drawn, photo=replace(drawn.photo, prior=fixed)))
    after = found(
        replace(drawn, image=moved, photo=Photo("moved", landmarks, (480 + dx, 560 + dy), prior=prior)),
    )
    assert before.region is not None
    assert after.region is not None
    # the raster of a millimetre falls elsewhere: some border pixels change
    assert (before.region.mask == after.region.mask[dy:, dx:]).mean() > 0.995


def test_a_larger_picture_gives_the_same_mask() -> None:
    small, large = draw("frontal"), draw("frontal", scale=2.6)
    a, b = found(small).region, found(large).region
    assert a is not None
    assert b is not None
    halved = cv2.resize(b.mask, a.image_size_px, interpolation=cv2.INTER_NEAREST)
    assert (a.mask == halved).mean() > 0.98


def test_repeatable() -> None:
    drawn = draw(hair=DARK)
    first, second = found(drawn), found(drawn)
    assert first.region is not None
    assert second.region is not None
    np.testing.assert_array_equal(first.region.mask, second.region.mask)
