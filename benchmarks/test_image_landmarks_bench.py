"""Speed of landmarks in images: a photograph and a radiograph, from pixels to landmarks, with the shipped weights."""

import os
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from nasion.landmarks.image.face_finder import one_face
from nasion.landmarks.image.find import find_image_landmarks
from nasion.landmarks.image.pictures import read_picture
from nasion.landmarks.image.schemes import Subject

DATA = Path(os.environ.get("NASION_DATA", Path(__file__).parents[2] / "shared" / "data"))
PHOTOGRAPH = DATA / "photos/london/neutral_front/001_03.jpg"
RADIOGRAPH = DATA / "xray/cephalograms/images/151.jpg"


def pixels(path: Path, subject: Subject):  # type: ignore[no-untyped-def]
    if not path.exists():
        pytest.skip(f"{path} is not here; set NASION_DATA to the folder of real data")
    return read_picture(path, subject).image


@pytest.mark.parametrize("scheme", ["ibug68", "facial20"])
def test_photograph_of_512_pixels(benchmark: BenchmarkFixture, scheme: str) -> None:
    image = pixels(PHOTOGRAPH, "face")
    find_image_landmarks(image, scheme)
    found = benchmark(find_image_landmarks, image, scheme)
    assert len(found.result.found()) > 20


def test_of_which_the_face_finder(benchmark: BenchmarkFixture) -> None:
    benchmark(one_face, pixels(PHOTOGRAPH, "face"))


def test_radiograph(benchmark: BenchmarkFixture) -> None:
    image = pixels(RADIOGRAPH, "cephalogram")
    find_image_landmarks(image, "cephalo19")
    found = benchmark(find_image_landmarks, image, "cephalo19")
    assert len(found.result.found()) > 15
