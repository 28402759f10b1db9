"""YOLO keypoints: what is written is what the samples hold, and flips keep left left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.landmarks.image.published.yolo_set import read_yolo
from nasion.landmarks.image.samples import ImageSample
from nasion.landmarks.image.schemes import SCHEMES, image_scheme
from nasion.landmarks.image.yolo.dataset import label_line, write_yolo_set
from nasion.landmarks.image.yolo.train import YoloSettings, require_yolo, train_yolo


def samples(scheme: str, count: int = 6) -> list[ImageSample]:
    rng = np.random.default_rng(0)
    own = []
    for number in range(count):
        points = rng.uniform((5, 5), (70, 55), (len(image_scheme(scheme)), 2))
        points[number] = np.nan
        image = rng.integers(0, 256, (64, 80, 3), dtype=np.uint8)
        own.append(ImageSample(image, points, f"p{number}", part="train" if number else "test"))
    return own


def test_the_reader_gives_back_what_was_written(tmp_path: Path) -> None:
    scheme = image_scheme("cephalo19")
    given = samples("cephalo19")
    config = write_yolo_set(given, scheme, tmp_path / "set")
    read = read_yolo(config.parent, scheme).samples
    assert [sample.part for sample in read].count("train") == 5
    by_pixels = {sample.pixels().tobytes(): sample for sample in read}
    for sample in given:
        again = by_pixels[sample.pixels().tobytes()]
        np.testing.assert_allclose(again.points_px, sample.points_px, atol=1e-3)
        assert again.box_px is not None
        low, high = np.nanmin(sample.points_px, axis=0), np.nanmax(sample.points_px, axis=0)
        assert (np.array(again.box_px[:2]) < low).all() and (np.array(again.box_px[2:]) > high).all()


def test_a_label_counted_by_hand() -> None:
    points = np.full((19, 2), np.nan)
    points[0], points[1], points[2] = (9.5, 4.5), (29.5, 14.5), (200.0, 3.0)
    sample = ImageSample(np.zeros((20, 40, 3), np.uint8), points, "p", box_px=(-0.5, -0.5, 19.5, 9.5))
    words = label_line(sample, (40, 20)).split()
    assert [float(word) for word in words[:5]] == [0, 0.25, 0.25, 0.5, 0.5]
    assert [float(word) for word in words[5:14]] == [0.25, 0.25, 2, 0.75, 0.75, 2, 0, 0, 0]


@pytest.mark.parametrize("name", sorted(SCHEMES))
def test_flipping_twice_is_nothing_and_left_stays_left(name: str) -> None:
    scheme = image_scheme(name)
    flip = np.array(scheme.mirror)
    assert (flip[flip] == np.arange(len(scheme))).all()
    for own, other in zip(scheme.names, flip, strict=True):
        if own.endswith("_left"):
            assert scheme.names[other] == own.removesuffix("_left") + "_right"


def test_a_set_without_parts_is_split_by_person(tmp_path: Path) -> None:
    scheme = image_scheme("cephalo19")
    given = [ImageSample(s.image, s.points_px, f"p{k // 2}") for k, s in enumerate(samples("cephalo19"))]
    config = write_yolo_set(given, scheme, tmp_path / "set")
    assert len(list((config.parent / "val/images").iterdir())) == 2
    with pytest.raises(NasionError, match="at least two persons"):
        write_yolo_set(given[:2], scheme, tmp_path / "one")


def test_ultralytics_is_not_imported_by_the_rest() -> None:
    modules = "nasion.landmarks.image.find, nasion.landmarks.image.yolo.train"
    code = f"import sys, {modules}; print('ultralytics' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_unknown_variant() -> None:
    with pytest.raises(NasionError, match="use one of v8n, v11n"):
        require_yolo("v9")


def test_training_gives_scores(tmp_path: Path) -> None:
    pytest.importorskip("ultralytics")
    try:
        require_yolo("v8n")
    except NasionError as fault:
        pytest.skip(str(fault))
    scheme = image_scheme("cephalo19")
    config = write_yolo_set(samples("cephalo19"), scheme, tmp_path / "set")
    scores = train_yolo(config, tmp_path / "out", YoloSettings(epochs=1, image_px=64, batch=4))
    assert all(0 <= value <= 1 for value in vars(scores).values())
    assert (tmp_path / "out/scores.json").is_file() and (tmp_path / "out/run/weights/best.pt").is_file()
