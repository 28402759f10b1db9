"""Face masks of three values: grey pictures, polygons of both JSON forms, contours, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from nasion.errors import NasionError
from nasion.overlay.face_region import Place
from nasion.readers import face_masks
from nasion.readers.face_masks import read_contours, read_face_mask

SIZE = (30, 20)
SQUARE = [[3, 4], [12, 4], [12, 9], [3, 9]]


def written(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data))
    return path


def own(path: Path, polygons: Any, contours: Any = None) -> Path:
    return written(path, {"image_size_px": list(SIZE), "polygons": polygons, "contours": contours or {}})


def test_values_are_those_of_the_overlay() -> None:
    assert (face_masks.OUTSIDE, face_masks.FACE, face_masks.UNKNOWN) == (Place.OUTSIDE, Place.FACE, Place.UNKNOWN)
    assert set(face_masks.WORDS.values()) == set(Place)


def test_black_white_and_mid_grey(tmp_path: Path) -> None:
    grey = np.zeros((20, 30), np.uint8)
    grey[5:15, 5:25], grey[5:9, 5:25] = 255, 128
    Image.fromarray(grey).save(tmp_path / "m.png")
    expected = np.select([grey == 255, grey == 128], [Place.FACE, Place.UNKNOWN], Place.OUTSIDE)
    np.testing.assert_array_equal(read_face_mask(tmp_path / "m.png", SIZE).places, expected)


def test_a_smooth_border_is_not_unknown(tmp_path: Path) -> None:
    # grey steps of two pixels between black and white, as drawing programs and scaling leave them
    grey = np.zeros((200, 300), np.uint8)
    grey[50:150, 80:220] = 255
    grey[50:150, 78], grey[50:150, 79] = 100, 150
    Image.fromarray(grey).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_face_mask(tmp_path / "m.png", (300, 200)).places, grey > 127)


def test_a_photograph_is_no_mask(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)).save(tmp_path / "p.png")
    with pytest.raises(NasionError, match="is no mask"):
        read_face_mask(tmp_path / "p.png", SIZE)


def test_labels_instead_of_greys_and_other_sizes(tmp_path: Path) -> None:
    Image.fromarray(np.ones((20, 30), np.uint8)).save(tmp_path / "labels.png")
    with pytest.raises(NasionError, match="empty"):
        read_face_mask(tmp_path / "labels.png", SIZE)
    with pytest.raises(NasionError, match="30 x 20 pixels, but its photograph is 20 x 30"):
        read_face_mask(tmp_path / "labels.png", (20, 30))


def test_polygons_are_painted_in_order(tmp_path: Path) -> None:
    hair = [[2.5, 3.5], [20, 3.5], [20, 5.5], [2.5, 5.5]]
    path = own(tmp_path / "p.face.json", [{"place": "face", "points_px": SQUARE}, {"place": "hair", "points_px": hair}])
    places = read_face_mask(path, SIZE).places
    # pixel centres inside: hair covers columns 3 to 20 (the edge at 20 counts by rounding) of rows 4 and 5
    assert (places[4:6, 3:20] == Place.UNKNOWN).all()
    assert (places[6:9, 4:12] == Place.FACE).all()
    assert (places[10:] == Place.OUTSIDE).all()
    assert (places[:, :3] == Place.OUTSIDE).all()
    swapped = own(
        tmp_path / "q.face.json", [{"place": "hair", "points_px": hair}, {"place": "Face", "points_px": SQUARE}]
    )
    assert (read_face_mask(swapped, SIZE).places[5, 4:12] == Place.FACE).all()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(0, 29), st.floats(0, 19)), min_size=3, max_size=3))
def test_a_triangle_holds_the_centres_inside(tmp_path: Path, corners: list[tuple[float, float]]) -> None:
    a, b, c = np.array(corners)
    area = float((b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0])
    if abs(area) < 4:
        return
    path = own(tmp_path / "t.face.json", [{"place": "head", "points_px": corners}])
    column, row = np.meshgrid(np.arange(30), np.arange(20))
    sides = [
        ((q - p)[0] * (row - p[1]) - (q - p)[1] * (column - p[0])) * np.sign(area) for p, q in ((a, b), (b, c), (c, a))
    ]
    inside, nowhere = np.all(np.array(sides) > 1e-6, axis=0), np.any(np.array(sides) < -1e-6, axis=0)
    if not inside.any():
        return
    places = read_face_mask(path, SIZE).places
    assert (places[inside] == Place.FACE).all()
    assert (places[nowhere] == Place.OUTSIDE).all()


def test_labelme(tmp_path: Path) -> None:
    shapes = [
        {"label": "face", "points": SQUARE, "shape_type": "polygon", "flags": {}, "group_id": None},
        {"label": "chin_jaw", "points": [[3, 8], [7, 9.5], [12, 8]], "shape_type": "linestrip"},
    ]
    data = {
        "version": "5.4.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": "p.jpg",
        "imageWidth": 30,
        "imageHeight": 20,
    }
    labelme = read_face_mask(written(tmp_path / "labelme.json", data), SIZE)
    drawn = [{"place": "face", "points_px": SQUARE}]
    same = read_face_mask(own(tmp_path / "own.json", drawn, {"chin_jaw": [[3, 8], [7, 9.5], [12, 8]]}), SIZE)
    np.testing.assert_array_equal(labelme.places, same.places)
    np.testing.assert_array_equal(labelme.contours["chin_jaw"], same.contours["chin_jaw"])


def test_contours_alone_leave_all_unknown(tmp_path: Path) -> None:
    path = own(tmp_path / "c.face.json", [], {"forehead": [[3, 8], [7, 2]]})
    read = read_face_mask(path, SIZE)
    assert (read.places == Place.UNKNOWN).all()
    np.testing.assert_array_equal(read.contours["forehead"], [[3, 8], [7, 2]])
    assert read_contours(written(tmp_path / "e.contours.json", {}), SIZE) == {}
    curve = read_contours(written(tmp_path / "f.contours.json", {"forehead": [[3, 8], [7, 2]]}), SIZE)
    np.testing.assert_array_equal(curve["forehead"], read.contours["forehead"])


FACE = {"place": "face", "points_px": SQUARE}
CIRCLE = {
    "shapes": [{"label": "face", "points": SQUARE, "shape_type": "circle"}],
    "imageWidth": 30,
    "imageHeight": 20,
}


def face_at(*points: list[Any]) -> dict[str, Any]:
    return {"image_size_px": [30, 20], "polygons": [{"place": "face", "points_px": list(points)}]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"image_size_px": [20, 30], "polygons": [FACE]}, "20 x 30 pixels, but its photograph is 30 x 20"),
        ({"image_size_px": [30, 20], "polygons": [{"place": "nose", "points_px": SQUARE}]}, "labelled 'nose'"),
        ({"image_size_px": [30, 20], "polygons": [{"place": "face", "points_px": SQUARE[:2]}]}, "points_px"),
        (face_at([1, 1], [2, 2], [3, 3]), "no area"),
        (face_at([1, 1], [2, 2], [3, "NaN"]), "finite"),
        (face_at([1, 1], [900, 2], [3, 9]), "far outside"),
        (face_at([-9, -9], [-3, -9], [-3, -2]), "no polygon"),
        ({"image_size_px": [30, 20], "polygons": [{"place": "outside", "points_px": SQUARE}]}, "no polygon of a face"),
        ({"image_size_px": [30, 20], "contours": {"nose": SQUARE}}, "no contour 'nose'"),
        ({"image_size_px": [30, 20], "contours": {"forehead": [[1, 1], [1, 1]]}}, "at least two points"),
        ({"polygons": [FACE]}, "image_size_px"),
        ({"image_size_px": [30, 20], "polygon": [FACE]}, "polygon: Extra"),
        (CIRCLE, "shape_type"),
        ([1, 2], "holds no face mask"),
    ],
)
def test_refused(tmp_path: Path, data: Any, message: str) -> None:
    path = written(tmp_path / "bad.face.json", data)
    with pytest.raises(NasionError, match=message) as caught:
        read_face_mask(path, SIZE)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [{"nose": SQUARE}, {"forehead": "line"}, {"forehead": [[1], [2, 3]]}, {"chin_jaw": 3}])
def test_refused_contours(tmp_path: Path, data: Any) -> None:
    with pytest.raises(NasionError, match=r"bad\.contours\.json: "):
        read_contours(written(tmp_path / "bad.contours.json", data), SIZE)
