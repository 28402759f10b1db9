"""Photographs without landmark files: found in the picture, said in the report, weighed by their SDs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.command import nasion
from landmarks.image.handmade import mean_shape, write_constant_model
from nasion.casework.identify import identify_gallery
from nasion.casework.inputs import load_photograph
from nasion.casework.records import PhotoFiles, SkullFiles
from nasion.casework.result_file import result_dict
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.shading import render
from nasion.landmarks.image import find
from nasion.population.folder import person_of
from nasion.population.person import Person
from nasion.population.template_source import load_template
from nasion.readers.landmarks import LandmarkFile, read_landmarks, write_landmarks

SIZE = (360, 420)
TRUE, PEOPLE = 1, 3


@dataclass(frozen=True)
class Bare:
    """A skull with landmarks, and a gallery of pictures alone."""

    root: Path

    @property
    def gallery(self) -> Path:
        return self.root / "gallery"

    @property
    def skull(self) -> Path:
        return self.root / "cranial.landmarks.json"

    def photo(self, number: int = TRUE) -> Path:
        return self.gallery / f"person_{number}" / "frontal.png"


def write_photo(path: Path, one: Person) -> None:
    path.parent.mkdir(parents=True)
    turn = pose_rotation(5.0, 0.0, 0.0)
    middle = (one.facial["bregma"] + one.facial["gnathion"]) / 2
    camera = Camera(turn, np.array([0.0, 0.0, 1500.0]) - turn @ middle, 1500.0, image_center_px(SIZE), SIZE)
    Image.fromarray(render(one.face, camera, albedo=one.face_albedo).image).save(path)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    case = Bare(tmp_path_factory.mktemp("bare"))
    people = [person_of(load_template("builtin"), 31, number) for number in range(PEOPLE)]
    for number, one in enumerate(people):
        write_photo(case.photo(number), one)
    write_landmarks(case.skull, LandmarkFile("cranial20", "mm", people[TRUE].cranial, people[TRUE].cranial_helpers))
    (case.gallery / "wall").mkdir()
    Image.new("RGB", SIZE, (140, 150, 140)).save(case.gallery / "wall" / "frontal.png")
    size, margin = (128, 128), 1.3
    write_constant_model(case.root / "weights" / "ibug68", "ibug68", mean_shape(size, margin), size, margin)
    return case


@pytest.fixture(autouse=True)
def handmade_weights(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "_WEIGHTS", bare.root / "weights")
    monkeypatch.setattr(find, "_NONCOMMERCIAL", bare.root / "none")


def find_name(bare: Bare) -> str:
    sha256 = json.loads((bare.root / "weights" / "ibug68" / "card.json").read_text())["model_sha256"]
    return f"nasion ibug68 {sha256[:12]}"


def test_a_photograph_without_landmarks_brings_its_own(bare: Bare) -> None:
    photograph = load_photograph(PhotoFiles("p", bare.photo(), None))
    (automatic,) = photograph.automatic
    assert automatic.path == str(bare.photo())
    assert not automatic.given and automatic.file.found_by == find_name(bare)
    assert dict(photograph.photo.landmarks_px) == dict(automatic.file.landmarks)
    # the SDs are those of the finder, and the solver gets them
    assert dict(photograph.photo.sigma_px) == dict(automatic.file.sigma)
    assert set(photograph.photo.landmarks_px) <= set(photograph.photo.sigma_px)
    assert "cheilion_left" in photograph.helpers_px
    assert f"landmarks were found automatically ({find_name(bare)}), median SD" in photograph.notes[-1]
    assert [file.path for file in photograph.inputs] == [str(bare.photo())]


def test_a_gallery_without_landmark_files(bare: Bare) -> None:
    case = identify_gallery(SkullFiles("s", bare.skull), bare.gallery)
    assert {candidate.id for candidate in case.candidates if candidate.solution is not None} == {
        f"person_{number}" for number in range(PEOPLE)
    }
    (problem,) = case.problems
    assert (problem.id, problem.photo) == ("wall", "frontal.png")
    assert "no face is found" in problem.reason and "\n" not in problem.reason
    found = result_dict(case)["automatic_landmarks"]
    assert sorted(entry["path"] for entry in found) == [str(bare.photo(number)) for number in range(PEOPLE)]
    assert all(entry["units"] == "px" and entry["sigma"] and "bregma" in entry["missing"] for entry in found)


def test_the_commands_write_landmarks_for_correction(bare: Bare, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = nasion("overlay", "--skull-landmarks", bare.skull, "--photo", bare.photo(), "--out", out)
    assert ended.code == 0, ended
    assert "Landmarks that the program found" in (out / "report.html").read_text()
    (written,) = (out / "landmarks").glob("*.landmarks.json")
    assert json.loads(written.read_text())["image_size_px"] == list(SIZE)
    assert read_landmarks(written, "facial", 2).sigma
    again = nasion(
        *("overlay", "--skull-landmarks", bare.skull, "--photo", bare.photo(), "--photo-landmarks", written),
        *("--out", tmp_path / "again"),
    )
    assert again.code == 0, again
    first, second = (json.loads((folder / "result.json").read_text()) for folder in (out, tmp_path / "again"))
    # the same points and SDs, and still nobody's own
    (before,), (said,) = first["automatic_landmarks"], second["automatic_landmarks"]
    assert (said["path"], said["given"], said["found_by"]) == (str(written), True, find_name(bare))
    assert said["sigma"] == before["sigma"] and said["added_sd"] == 0
    assert find_name(bare) in (tmp_path / "again" / "report.html").read_text()
    scores = [result["candidates"][0]["score"] for result in (first, second)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


def test_a_photograph_without_a_face_is_refused(bare: Bare) -> None:
    with pytest.raises(NasionError, match=r"frontal\.png: no face is found in it"):
        load_photograph(PhotoFiles("p", bare.gallery / "wall" / "frontal.png", None))
