"""The shipped networks: what their cards promise, and what they do on real pictures that taught nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.landmarks.image import find
from nasion.landmarks.image.card import read_model
from nasion.landmarks.image.find import find_image_landmarks
from nasion.landmarks.image.metrics import face_size, point_errors
from nasion.landmarks.image.pictures import read_picture
from nasion.landmarks.image.published.folder import read_published
from nasion.landmarks.image.samples import ImageSample
from nasion.landmarks.image.schemes import image_scheme

FREE, RESTRICTED = (Path(find.__file__).parent / name for name in ("weights", "weights_noncommercial"))


@pytest.fixture(autouse=True)
def all_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(find.FREE_ONLY, raising=False)


def part_of(folder: Path, scheme: str, part: str, count: int) -> list[ImageSample]:
    made = read_published(folder, image_scheme(scheme))
    learnt = {own.person for own in made.samples if own.part == "train"}
    others = [own for own in made.samples if own.part == part and own.person not in learnt]
    return others[:: len(others) // count][:count]


def found_points(sample: ImageSample, scheme: str) -> NDArray[np.float64]:
    return find_image_landmarks(sample.pixels(), scheme).result.points_px


def test_cards_hold_what_is_asked_and_name_their_terms() -> None:
    faces = read_model(RESTRICTED / "ibug68").card
    films = read_model(FREE / "cephalo19").card
    assert faces.tests["afw"].images == 337 and faces.tests["afw"].mean["nme_inter_ocular"].value < 0.0455
    assert films.tests["test1"].mean["mean_radial_error_mm"].value <= 1.5
    assert "non-commercial" in faces.terms and "no licence stated" in films.terms
    for card in (faces, films):
        for test in card.tests.values():
            assert test.gain.low > 0, "the graph lowers the heat maps' error, beyond chance"
    for folder in (RESTRICTED / "ibug68", FREE / "cephalo19"):
        assert (folder / "model.onnx").stat().st_size <= 6e6


def test_photographs_from_finding_the_face_on(shared_data: Path) -> None:
    """AFW, nobody of whom was learnt from: some crops hold a second, larger face, so the median is judged, too."""
    samples = part_of(shared_data / "photos/helen_afw", "ibug68", "afw", 30)
    errors = []
    for sample in samples:
        try:
            off = point_errors(found_points(sample, "ibug68")[None], sample.points_px[None])
        except NasionError:
            continue
        errors.append(float(np.nanmean(off) / face_size(sample.points_px[None], image_scheme("ibug68"))[0]))
    assert len(errors) >= 28
    assert np.median(errors) < 0.05 and np.mean(np.array(errors) < 0.1) >= 0.9


def test_left_stays_left_in_the_mirror(shared_data: Path) -> None:
    image = read_picture(shared_data / "photos/london/neutral_front/001_03.jpg", "face").image
    plain = find_image_landmarks(image, "facial20").result
    other = find_image_landmarks(np.ascontiguousarray(image[:, ::-1]), "facial20").result
    from nasion.anatomy.landmarks import mirrored

    turned = [plain.names.index(mirrored(name)) for name in plain.names]
    expected = plain.points_px[turned] * (-1, 1) + (image.shape[1] - 1, 0)
    there = np.isfinite(expected).all(axis=1) & np.isfinite(other.points_px).all(axis=1)
    assert there.sum() >= 20
    # the eyes are 112 pixels apart
    assert np.linalg.norm(other.points_px - expected, axis=1)[there].max() < 4
    left = plain.points_px[plain.names.index("exocanthion_left")]
    assert left[0] > plain.points_px[plain.names.index("exocanthion_right")][0]


@pytest.mark.parametrize("turned", [False, True])
def test_radiographs_of_either_side(shared_data: Path, turned: bool) -> None:
    samples = part_of(shared_data / "xray/cephalograms", "cephalo19", "test1", 6)
    errors = []
    for sample in samples:
        image, truth = sample.pixels(), sample.points_px
        if turned:
            image, truth = np.ascontiguousarray(image[:, ::-1]), truth * (-1, 1) + (image.shape[1] - 1, 0)
        found = find_image_landmarks(image, "cephalo19")
        assert any("looks to the left" in note for note in found.warnings) == turned
        errors.append(point_errors(found.result.points_px[None], truth[None])[0] * (sample.mm_per_px or np.nan))
    assert np.nanmean(errors) < 2.0
