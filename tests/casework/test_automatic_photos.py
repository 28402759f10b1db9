"""Photographs without landmark files: found in the picture, said in the report, weighed by their SDs."""

from __future__ import annotations

import html
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from casework.bare import PEOPLE, SIZE, Bare
from cli.command import nasion
from nasion.casework.identify import identify_gallery
from nasion.casework.inputs import load_photograph
from nasion.casework.records import PhotoFiles, SkullFiles
from nasion.landmarks.image import find
from nasion.readers.landmarks import read_landmarks
from nasion.report.folder import write_case

pytestmark = pytest.mark.usefixtures("handmade_weights")


def test_a_photograph_without_landmarks_brings_its_own(bare: Bare) -> None:
    photograph = load_photograph(PhotoFiles("p", bare.photo(), None))
    (automatic,) = photograph.automatic
    assert automatic.path == str(bare.photo())
    assert not automatic.given and automatic.file.found_by == bare.model_name
    assert dict(photograph.photo.landmarks_px) == dict(automatic.file.landmarks)
    # the SDs are those of the finder, and the solver gets them
    assert dict(photograph.photo.sigma_px) == dict(automatic.file.sigma)
    assert set(photograph.photo.landmarks_px) <= set(photograph.photo.sigma_px)
    assert "cheilion_left" in photograph.helpers_px
    assert f"landmarks were found automatically ({bare.model_name}), median SD" in photograph.notes[-1]
    assert [file.path for file in photograph.inputs] == [str(bare.photo())]


FAULTS = {
    "wall.png": "no face is found in it",
    "tiny.png": "pixels large, at least 30 are needed",
    "pixel.png": "no face is found in it",
    "cut.png": "the picture is damaged or cut off",
    "text.jpg": "is no picture that can be read",
    "empty.jpg": "is empty",
    "phone.heic": "is no picture that can be read",
    "real.tif": "its pixels are real numbers",
}
"""Photographs that cannot be used, and what is said of them."""


@pytest.fixture(scope="module")
def faulty(bare: Bare, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gallery with a person of whom nothing can be used, one of whom one picture can, and one among others."""
    gallery = tmp_path_factory.mktemp("faulty") / "gallery"
    shutil.copytree(bare.gallery, gallery)
    whole = Image.open(bare.photo(0))
    faults, crowd = gallery / "faults", gallery / "crowd"
    faults.mkdir()
    crowd.mkdir()
    Image.new("RGB", SIZE, (140, 150, 140)).save(faults / "wall.png")
    Image.new("RGB", (1, 1)).save(faults / "pixel.png")
    # the face is about 130 of the picture's 420 pixels high
    whole.resize((SIZE[0] // 6, SIZE[1] // 6), Image.Resampling.LANCZOS).save(faults / "tiny.png")
    (faults / "cut.png").write_bytes(bare.photo(0).read_bytes()[:2000])
    (faults / "text.jpg").write_text("no picture")
    (faults / "empty.jpg").touch()
    (faults / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    Image.fromarray(np.zeros((80, 80), np.float32)).save(faults / "real.tif")
    shutil.copy(faults / "cut.png", gallery / "person_2" / "cut.png")
    both = Image.new("RGB", (2 * SIZE[0], SIZE[1]), "white")
    both.paste(whole, (0, 0))
    both.paste(Image.open(bare.photo(2)).resize((SIZE[0] // 2, SIZE[1] // 2)), (SIZE[0] + 40, 100))
    both.save(crowd / "two.webp", lossless=True)
    return gallery


def test_a_skull_and_a_gallery_without_any_landmark_file(bare: Bare, faulty: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = nasion("identify", "--skull", bare.mesh, "--gallery", faulty, "--jobs", 1, "--out", out)
    assert ended.code == 3, ended
    result, page = json.loads((out / "result.json").read_text()), (out / "report.html").read_text()

    # each fault is one line, and hinders nobody else
    reasons = {(problem["id"], problem["photo"]): problem["reason"] for problem in result["problems"]}
    assert set(reasons) == {("person_2", "cut.png"), *(("faults", name) for name in FAULTS)}
    for name, says in FAULTS.items():
        reason = reasons["faults", name]
        assert says in reason and str(faulty / "faults" / name) in reason and "\n" not in reason
    told = [line for line in ended.err.splitlines() if line.startswith("nasion: not used: ")]
    assert sorted(told) == sorted(f"nasion: not used: {reason}" for reason in reasons.values())
    assert "Traceback" not in ended.err
    for reason in reasons.values():
        assert reason in html.unescape(page)
    compared = {candidate["id"] for candidate in result["candidates"] if candidate["score"] is not None}
    assert compared == {"crowd", *(f"person_{number}" for number in range(PEOPLE))}
    assert result["candidates"][-1]["id"] == "faults"

    # what was found is named, with its model, and shown
    found = {Path(entry["path"]): entry for entry in result["automatic_landmarks"]}
    photos = {faulty / "crowd" / "two.webp", *(faulty / f"person_{n}" / "frontal.png" for n in range(PEOPLE))}
    assert set(found) == {bare.mesh, *photos}
    assert all(found[photo]["found_by"] == bare.model_name and not found[photo]["given"] for photo in photos)
    assert found[bare.mesh]["found_by"].startswith("nasion cranial20 ")
    written = [path.name for path in (out / "landmarks").iterdir()]
    assert sum(name.endswith(".landmarks.json") for name in written) == len(found)
    assert sum(name.endswith(".jpg") for name in written) == len(photos)
    assert any(name.endswith("_crowd_two.jpg") for name in written) and "01_views.png" in written
    assert page.count('alt="photograph with the landmarks found in it"') == len(photos)
    assert "lies under the hair" in page and "further photographs" not in page

    # of two faces the larger one was taken, which lies in the left half
    assert any("two.webp: 2 faces are in it; the largest was taken" in note for note in result["notes"])
    assert found[faulty / "crowd" / "two.webp"]["found"]["nasion"][0] < SIZE[0]


def test_only_so_many_photographs_are_drawn(bare: Bare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nasion.report.found.MOST_PHOTOS", 1)
    case = identify_gallery(SkullFiles("s", bare.skull), bare.gallery)
    write_case(case, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert page.count('alt="photograph with the landmarks found in it"') == 1
    assert f"<h3>{case.best.id}, frontal.png</h3>" in page
    assert f"{PEOPLE - 1} further photographs have landmarks in the folder" in page
    assert len(list((tmp_path / "landmarks").glob("*.landmarks.json"))) == PEOPLE


def test_without_weights_the_way_out_is_told(bare: Bare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "_WEIGHTS", tmp_path / "none")
    arguments = ("--skull-landmarks", bare.skull, "--gallery", bare.gallery, "--jobs", 1, "--out", tmp_path / "out")
    ended = nasion("identify", *arguments)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert "none of the 3 candidates could be used" in line and "nasion train image-landmarks" in line
    assert not (tmp_path / "out").exists()


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
    assert (said["path"], said["given"], said["found_by"]) == (str(written), True, bare.model_name)
    assert said["sigma"] == before["sigma"] and said["added_sd"] == 0
    assert bare.model_name in (tmp_path / "again" / "report.html").read_text()
    scores = [result["candidates"][0]["score"] for result in (first, second)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)
