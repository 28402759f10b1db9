"""Crops: to and fro, what a frame shows, upright turns."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasion.errors import NasionError
from nasion.landmarks.image.crops import Frame, cut, frame_of_box, frame_of_picture, frame_of_points, roll_deg

SIZE = (64, 96)
frames = st.builds(
    Frame,
    st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    st.floats(0.1, 20),
    st.floats(-180, 180),
)


@settings(deadline=None)
@given(frames, st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=5))
def test_points_come_back(frame: Frame, points: list[tuple[float, float]]) -> None:
    own = np.array(points)
    assert frame.to_image(frame.to_crop(own, SIZE), SIZE) == pytest.approx(own, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.floats(-180, 180), st.floats(0.5, 4), st.integers(0, 10**6))
def test_frame_holds_the_box_of_the_points(angle: float, margin_more: float, seed: int) -> None:
    points = np.random.default_rng(seed).uniform(0, 300, (7, 2))
    margin = 1 + margin_more
    inside = frame_of_points(points, SIZE, margin, angle).to_crop(points, SIZE)
    half = (np.array(SIZE) - 1) / 2
    reach = np.abs(inside - half) / half
    # the box is centred, and its tighter side takes 1 / margin of the crop
    assert inside.max(axis=0) + inside.min(axis=0) == pytest.approx(2 * half, abs=1e-6)
    assert reach.max() == pytest.approx(1 / margin, abs=1e-9)


def test_cut_shows_what_lies_at_a_point() -> None:
    for scale in (0.5, 1.3, 2.0, 6.0):
        image = np.zeros((400, 400, 3), np.uint8)
        place = np.rint(np.array([200, 190]) + np.array([12, -9]) * scale).astype(int)
        cv2.circle(image, place.tolist(), round(5 * scale), (255, 255, 255), -1)
        frame = Frame((200.0, 190.0), scale, 25.0)
        crop = cut(image, frame, SIZE).astype(float)[..., 0]
        ys, xs = np.mgrid[: SIZE[1], : SIZE[0]]
        seen = np.array([(crop * xs).sum(), (crop * ys).sum()]) / crop.sum()
        assert seen == pytest.approx(frame.to_crop(place.astype(float), SIZE), abs=0.2)


@settings(deadline=None)
@given(st.floats(-179, 179), st.floats(0.1, 10), st.integers(0, 1000))
def test_roll_is_the_turn(angle: float, scale: float, seed: int) -> None:
    shape = np.random.default_rng(seed).normal(size=(6, 2))
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turned = scale * shape @ np.array([[c, -s], [s, c]]).T + (5, 7)
    assert roll_deg(turned, shape) == pytest.approx(angle, abs=1e-6)
    turned[2] = np.nan
    assert roll_deg(turned, shape) == pytest.approx(angle, abs=1e-6)


def test_a_head_that_is_turned_stands_upright_in_its_frame() -> None:
    shape = np.array([[-1, -1], [1, -1], [0, 0.5], [0, 1.5]], float) * 30
    c, s = np.cos(np.radians(40)), np.sin(np.radians(40))
    turned = shape @ np.array([[c, -s], [s, c]]).T + 200
    frame = frame_of_points(turned, SIZE, 1.5, roll_deg(turned, shape))
    inside = frame.to_crop(turned, SIZE)
    assert inside[0, 1] == pytest.approx(inside[1, 1]) and inside[0, 0] < inside[1, 0]


def test_whole_picture() -> None:
    image = np.zeros((960, 774, 3), np.uint8)
    frame = frame_of_picture(image, (512, 640))
    corners = frame.to_crop(np.array([[-0.5, -0.5], [773.5, 959.5]]), (512, 640))
    assert corners[:, 0].min() >= -0.5 and corners[:, 1].max() <= 639.5
    assert corners.mean(axis=0) == pytest.approx([255.5, 319.5])


def test_faults() -> None:
    with pytest.raises(NasionError, match="is empty"):
        frame_of_box((5, 5, 5, 9), SIZE, 1.2)
    with pytest.raises(NasionError, match="two different points"):
        frame_of_points(np.array([[1.0, 2.0], [np.nan, 3.0]]), SIZE, 1.2)
