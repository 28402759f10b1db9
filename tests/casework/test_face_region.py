"""The face region of a photograph: drawn, found, or none; what the user is told of it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasion.casework.candidates import solve_files
from nasion.casework.folders import gallery_people
from nasion.casework.inputs import face_region_of, load_photograph, load_skull
from nasion.casework.records import PhotoFiles, SkullFiles
from nasion.casework.settings import CaseSettings
from nasion.errors import NasionError
from nasion.overlay.face_region import Place
from overlay.faces import draw

from .case_folder import CaseFolder, write_json


def files_of(folder: Path, view: str = "lateral") -> PhotoFiles:
    """Write a drawn head with its landmarks and return its files."""
    drawn = draw(view)
    Image.fromarray(drawn.image).save(folder / "p.png")
    points = {name: list(point) for name, point in drawn.photo.landmarks_px.items()}
    size = list(drawn.photo.image_size_px)
    write_json(
        folder / "p.landmarks.json", {"scheme": "facial20", "units": "px", "image_size_px": size, "landmarks": points}
    )
    return PhotoFiles("p.png", folder / "p.png", folder / "p.landmarks.json")


def test_a_found_face_is_told_and_comes_back_exactly(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    assert face_region_of(load_photograph(files)) is None
    photograph = load_photograph(replace(files, find_face=True))
    region = face_region_of(photograph)
    assert region is not None
    head = draw("lateral").head
    assert (region.outside & head).sum() < 0.01 * head.sum()
    assert any("mask: automatic, from the landmarks" in note for note in photograph.notes)
    # the drawn profile is straight from glabella to metopion: its border is the contour
    assert list(region.contours) == ["forehead"]


def test_a_drawn_mask_goes_before_a_found_one(tmp_path: Path) -> None:
    mask = np.full((560, 480), 255, dtype=np.uint8)
    mask[:, :10] = 0
    Image.fromarray(mask).save(tmp_path / "p.mask.png")
    photograph = load_photograph(replace(files_of(tmp_path), mask=tmp_path / "p.mask.png", find_face=True))
    region = face_region_of(photograph)
    assert region is not None
    np.testing.assert_array_equal(region.mask, mask > 0)
    assert not any("automatic" in note for note in photograph.notes)
    assert str(tmp_path / "p.mask.png") in {file.path for file in photograph.inputs}


def test_no_face_is_told_and_leaves_the_landmarks_alone(tmp_path: Path) -> None:
    files = files_of(tmp_path, "frontal")
    Image.fromarray(np.full((560, 480, 3), 120, dtype=np.uint8)).save(files.image)
    photograph = load_photograph(replace(files, find_face=True))
    assert face_region_of(photograph) is None
    assert any("no automatic mask" in note for note in photograph.notes)


def test_polygons_and_contours_of_files(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    curve = [[300, 200], [310, 150]]
    polygon = {"place": "face", "points_px": [[100, 100], [400, 100], [250, 450]]}
    write_json(tmp_path / "p.face.json", {"image_size_px": [480, 560], "polygons": [polygon]})
    write_json(tmp_path / "p.contours.json", {"forehead": curve})
    drawn = replace(files, mask=tmp_path / "p.face.json", contours=tmp_path / "p.contours.json")
    region = face_region_of(load_photograph(drawn))
    assert region is not None
    assert region.mask[200, 250] == Place.FACE
    assert region.mask[50, 50] == Place.OUTSIDE
    np.testing.assert_array_equal(region.contours["forehead"], curve)
    alone = face_region_of(load_photograph(replace(files, contours=tmp_path / "p.contours.json")))
    assert alone is not None
    assert (alone.mask == Place.UNKNOWN).all()
    np.testing.assert_array_equal(alone.contours["forehead"], curve)


def test_a_gallery_finds_drawn_faces(tmp_path: Path) -> None:
    person = tmp_path / "gallery" / "someone"
    person.mkdir(parents=True)
    files_of(person)
    (person / "p.face.json").write_text("{}")
    (person / "p.contours.json").write_text("{}")
    (photos, problems) = gallery_people(tmp_path / "gallery")["someone"]
    assert not problems
    assert (photos[0].mask, photos[0].contours) == (person / "p.face.json", person / "p.contours.json")
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(person / "p.mask.png")
    (photos, problems) = gallery_people(tmp_path / "gallery")["someone"]
    assert not photos
    assert "keep one face mask" in problems[0].reason


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    (tmp_path / "p.face.json").write_text(json.dumps({"image_size_px": [1, 2], "polygons": []}))
    with pytest.raises(NasionError, match="1 x 2 pixels, but its photograph is 480 x 560"):
        load_photograph(replace(files, mask=tmp_path / "p.face.json"))


def test_auto_reaches_the_people_of_a_gallery(case_folder: CaseFolder, tmp_path: Path) -> None:
    from nasion.anatomy.tissue import TissueTable

    skull = load_skull(SkullFiles("s", case_folder.cranial, case_folder.mesh))
    item = ("someone", (files_of(tmp_path),), ())
    for mask, measured in (("files", False), ("auto", True)):
        candidate = solve_files(item, skull, CaseSettings(mask=mask), TissueTable.load())
        assert (candidate.measures[0].outside_face_fraction is not None) == measured
        assert any("automatic" in note for note in candidate.photographs[0].notes) == measured
    assert CaseSettings(mask="auto").to_dict()["mask"] == "auto"
    with pytest.raises(NasionError, match="--mask: 'guess' is unknown; choose files or auto"):
        CaseSettings(mask="guess")
