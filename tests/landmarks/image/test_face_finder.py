"""Faces in photographs: where they are, and what is refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.landmarks.image.face_finder import FaceBox, find_faces, one_face, upright


@pytest.fixture(scope="module")
def portrait(shared_data: Path) -> NDArray[np.uint8]:
    """A studio photograph, (512, 512, 3) RGB; its manual pupils are in the data's table."""
    path = sorted((shared_data / "photos/london/neutral_front").glob("*.jpg"))[0]
    return np.asarray(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), dtype=np.uint8)


def covered(box: FaceBox, other: FaceBox) -> float:
    """Return intersection over union."""
    low = np.maximum((box.x_px, box.y_px), (other.x_px, other.y_px))
    high = np.minimum(
        (box.x_px + box.width_px, box.y_px + box.height_px),
        (other.x_px + other.width_px, other.y_px + other.height_px),
    )
    common = float(np.prod(np.maximum(high - low, 0)))
    return common / (box.size_px**2 + other.size_px**2 - common)


def test_the_box_holds_the_marked_points(shared_data: Path) -> None:
    import csv

    folder = shared_data / "photos/helen_afw"
    with (folder / "landmarks68.csv").open() as stream:
        rows = list(csv.DictReader(stream))[::60]
    for row in rows:
        points = np.array([[float(row[f"{axis}{k}"]) for axis in "xy"] for k in range(68)])
        image = cv2.cvtColor(cv2.imread(str(folder / row["image"])), cv2.COLOR_BGR2RGB)
        box, _ = one_face(np.asarray(image, dtype=np.uint8))
        eyes_to_mouth = points[36:]
        inside = (eyes_to_mouth >= (box.x_px, box.y_px)) & (
            eyes_to_mouth <= (box.x_px + box.width_px, box.y_px + box.height_px)
        )
        assert inside.mean() > 0.95, row["image"]


def test_a_lying_picture_gives_the_same_box_and_its_turn(portrait: NDArray[np.uint8]) -> None:
    straight, notes = one_face(portrait)
    assert notes == () and straight.roll_deg == 0
    for roll in (90, -90, 180):
        lying = upright(portrait, -roll if abs(roll) == 90 else roll)
        box, notes = one_face(lying)
        assert box.roll_deg == roll
        assert "turn the picture" in notes[0]
        back = one_face(upright(lying, roll))[0]
        assert covered(back, straight) > 0.99


def test_a_tight_lying_face_is_found(portrait: NDArray[np.uint8]) -> None:
    box, _ = one_face(portrait)
    tight = portrait[int(box.y_px) : int(box.y_px + box.height_px), int(box.x_px) : int(box.x_px + box.width_px)]
    lying = one_face(upright(tight, -90))[0]
    assert lying.roll_deg == 90
    whole = FaceBox(0, 0, tight.shape[0], tight.shape[1])
    assert covered(lying, whole) > 0.6


def test_a_small_face_in_a_large_picture_is_found(portrait: NDArray[np.uint8]) -> None:
    small = cv2.resize(portrait, (110, 110), interpolation=cv2.INTER_AREA)
    large = np.full((2400, 3200, 3), 128, np.uint8)
    large[1500:1610, 2000:2110] = small
    box, _ = one_face(large)
    expected = one_face(portrait)[0].scaled(110 / 512)
    assert covered(FaceBox(box.x_px - 2000, box.y_px - 1500, box.width_px, box.height_px), expected) > 0.6


def test_the_largest_of_several_is_taken_and_said(portrait: NDArray[np.uint8]) -> None:
    both = np.full((512, 900, 3), 128, np.uint8)
    both[:, 388:] = portrait
    both[100:356, 20:276] = cv2.resize(portrait, (256, 256), interpolation=cv2.INTER_AREA)
    box, notes = one_face(both)
    assert box.center_px[0] > 388
    assert notes[0].startswith("2 faces are in it; the largest was taken")


@pytest.mark.parametrize("kind", ["even", "noise", "one pixel"])
def test_no_face_is_refused(kind: str) -> None:
    image = {
        "even": np.full((200, 300, 3), 90, np.uint8),
        "noise": np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8),
        "one pixel": np.zeros((1, 1, 3), np.uint8),
    }[kind]
    assert find_faces(image) == ()
    with pytest.raises(NasionError, match="no face is found in it; give a photograph of a face"):
        one_face(image)


def test_a_face_of_20_pixels_is_refused(portrait: NDArray[np.uint8]) -> None:
    size = round(512 * 20 / one_face(portrait)[0].size_px)
    small = cv2.resize(portrait, (size, size), interpolation=cv2.INTER_AREA)
    with pytest.raises(NasionError, match=r"the face is (19|2\d) pixels large, at least 30 are needed"):
        one_face(np.asarray(small, dtype=np.uint8))


def test_a_radiograph_is_no_sure_face(shared_data: Path) -> None:
    outcomes = {}
    # in all but the first the finder sees something, upright or on its side
    for number in ("001", "026", "050", "086", "164", "230"):
        (path,) = (shared_data / "xray/cephalograms").rglob(f"{number}.jpg")
        try:
            _, notes = one_face(np.asarray(cv2.imread(str(path)), dtype=np.uint8))
        except NasionError as fault:
            outcomes[number] = "refused"
            assert "no face is found in it" in str(fault)
        else:
            outcomes[number] = "noted"
            assert any("may be no face" in note for note in notes), number
    assert [number for number, outcome in outcomes.items() if outcome == "noted"] == ["050", "086"]


@pytest.mark.parametrize("roll", [90, -90])
def test_a_grey_head_on_its_side_is_a_face_all_the_same(portrait: NDArray[np.uint8], roll: int) -> None:
    grey = np.repeat(portrait.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    face, notes = one_face(upright(grey, -roll))
    assert face.roll_deg == roll and face.confidence > 0.86
    assert len(notes) == 1 and "on its side" in notes[0]
