"""Networks in use: crops to and fro, both sides of a radiograph, calibrated lengths."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from landmarks.image.handmade import SIGMA_CROP_PX, mean_shape, write_color_model, write_constant_model
from nasion.errors import NasionError
from nasion.landmarks.image.crops import Frame
from nasion.landmarks.image.face_finder import FaceBox
from nasion.landmarks.image.passes import look
from nasion.landmarks.image.predict import load_image_landmarker

SIZE, MARGIN = (64, 64), 1.5


def dots(places: dict[int, tuple[float, float]], shape: tuple[int, int] = (300, 400)) -> NDArray[np.uint8]:
    """Return a black picture with a soft dot of one colour channel at each place."""
    v, u = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros((*shape, 3), np.uint8)
    for channel, (x, y) in places.items():
        image[..., channel] = np.rint(250 * np.exp(-((u - x) ** 2 + (v - y) ** 2) / 2 / 5.0**2)).astype(np.uint8)
    return image


PLACES = {0: (170.0, 120.5), 1: (231.3, 130.0), 2: (196.0, 190.2)}


@pytest.mark.parametrize("roll", [0, 90, 180, -90])
def test_points_come_back_to_the_image(tmp_path: Path, roll: int) -> None:
    write_color_model(tmp_path / "m", "ibug68", SIZE, MARGIN, mean_shape(SIZE, MARGIN))
    face = FaceBox(150, 90, 110, 120, 0.9, roll)
    found = load_image_landmarker(tmp_path / "m").find(dots(PLACES), face)
    for k in range(68):
        np.testing.assert_allclose(found.points_px[k], PLACES[k % 3], atol=0.6)
    assert found.missing == {}


def test_a_large_picture_gives_the_same_points(tmp_path: Path) -> None:
    write_color_model(tmp_path / "m", "ibug68", SIZE, MARGIN, mean_shape(SIZE, MARGIN))
    landmarker = load_image_landmarker(tmp_path / "m")
    small = dots(PLACES)
    large = np.asarray(cv2.resize(small, (2400, 1800), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    face = FaceBox(150, 90, 110, 120)
    one, other = landmarker.find(small, face), landmarker.find(large, face.scaled(6.0))
    np.testing.assert_allclose(other.points_px, one.scaled(6.0).points_px, atol=4.0)
    np.testing.assert_allclose(other.sigma_px, one.scaled(6.0).sigma_px, rtol=0.02)


def test_the_first_crop_lies_where_the_points_are_expected(tmp_path: Path) -> None:
    shape = mean_shape((128, 128), 1.3)
    write_constant_model(tmp_path / "m", "ibug68", shape, (128, 128), 1.3)
    landmarker = load_image_landmarker(tmp_path / "m")
    for roll, down in ((0, (0, 1)), (90, (-1, 0)), (180, (0, -1)), (-90, (1, 0))):
        found = landmarker.find(np.zeros((400, 400, 3), np.uint8), FaceBox(100, 100, 200, 200, 0.9, roll))
        middle = (found.points_px.min(axis=0) + found.points_px.max(axis=0)) / 2
        np.testing.assert_allclose(middle, (200 + 30 * down[0], 200 + 30 * down[1]), atol=2)
        assert np.ptp(found.points_px, axis=0).max() == pytest.approx(0.92 * 200, rel=0.02)
        chin, brow = found.points_px[8], found.points_px[27]
        assert (chin - brow) @ down > 60


def test_stated_lengths_follow_the_crop(tmp_path: Path) -> None:
    shape = mean_shape((128, 128), 1.3)
    write_constant_model(tmp_path / "m", "ibug68", shape, (128, 128), 1.3)
    landmarker = load_image_landmarker(tmp_path / "m")
    for side in (100.0, 300.0):
        found = landmarker.find(np.zeros((400, 400, 3), np.uint8), FaceBox(50, 50, side, side))
        scale = np.ptp(found.points_px, axis=0).max() / np.ptp(shape, axis=0).max()
        np.testing.assert_allclose(found.sigma_px, SIGMA_CROP_PX * scale, rtol=1e-3)
        np.testing.assert_allclose(found.radius90_px, 2 * found.sigma_px)


@pytest.mark.parametrize("looks_left", [False, True])
def test_a_radiograph_may_look_to_either_side(tmp_path: Path, looks_left: bool) -> None:
    """The model's peaks are higher where the dots lie to the right."""
    size = (80, 100)
    shape = np.stack([np.linspace(10, 70, 19), np.linspace(20, 90, 19)], axis=1)
    write_color_model(tmp_path / "m", "cephalo19", size, 1.5, shape)
    places = {0: (120.0, 80.0), 1: (150.0, 150.0), 2: (140.0, 200.0)}
    if looks_left:
        places = {channel: (199 - x, y) for channel, (x, y) in places.items()}
    found, mirrored = load_image_landmarker(tmp_path / "m").find_either_side(dots(places, (250, 200)))
    assert mirrored == looks_left
    for k in range(19):
        np.testing.assert_allclose(found.points_px[k], places[k % 3], atol=0.8)


def test_faults(tmp_path: Path) -> None:
    with pytest.raises(NasionError, match="holds no trained model"):
        load_image_landmarker(tmp_path)
    write_constant_model(tmp_path / "m", "ibug68", mean_shape(SIZE, MARGIN), SIZE, MARGIN)
    content = bytearray((tmp_path / "m" / "model.onnx").read_bytes())
    content[100] ^= 1
    (tmp_path / "m" / "model.onnx").write_bytes(bytes(content))
    with pytest.raises(NasionError, match="is not the file of its card"):
        load_image_landmarker(tmp_path / "m")


class _Echo:
    """A network that finds the brightest place of each half of a crop: 'right' is the half on the image's left."""

    def run(self, outputs: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        del outputs
        batch = inputs["image"][:, 0]
        half = batch.shape[2] // 2
        found = []
        for crop in batch:
            places = []
            for part, left in ((crop[:, :half], 0), (crop[:, half:], half)):
                row, column = np.unravel_index(part.argmax(), part.shape)
                places.append((column + left, row))
            found.append(places)
        points = np.array(found, np.float32)
        peak = np.stack([batch[:, :, :half].max(axis=(1, 2)), batch[:, :, half:].max(axis=(1, 2))], axis=1)
        return [points, points, peak, peak]


def test_mirrored_look_gives_the_same_points_of_the_same_sides() -> None:
    """What the mirrored crop shows is mapped back: left stays left, to the pixel."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[20, 10], image[30, 50] = 100, 200
    frame = Frame((31.5, 31.5), 1.0)
    plain = look(_Echo(), image, frame, (64, 64))
    both = look(_Echo(), image, frame, (64, 64), np.array([1, 0]))
    assert plain.points_px == pytest.approx(np.array([[10, 20], [50, 30]]))
    assert both.points_px == pytest.approx(plain.points_px)
    assert both.peak == pytest.approx([100, 200])
