"""Face masks on the command line: polygons in JSON, the automatic mask, and what the result tells of them."""

import json
from pathlib import Path

import pytest

from casework.case_folder import CaseFolder, read_json, write_json

from .command import Outcome, nasion


def overlay(case: CaseFolder, out: Path, *more: object) -> Outcome:
    files = ["--skull", case.mesh, "--skull-landmarks", case.cranial, "--photo", case.photo()]
    return nasion("overlay", *files, "--photo-landmarks", case.facial(), "--out", out, *more)


def test_polygons_as_mask(case_folder: CaseFolder, tmp_path: Path) -> None:
    drawn = tmp_path / "p.face.json"
    # the left half of the picture is no face: part of the skull lies there
    half = [[250, -1], [501, -1], [501, 601], [250, 601]]
    write_json(drawn, {"image_size_px": [500, 600], "polygons": [{"place": "face", "points_px": half}]})
    assert overlay(case_folder, tmp_path / "out", "--photo-mask", drawn).code == 0
    result = read_json(tmp_path / "out" / "result.json")
    assert 0.1 < result["candidates"][0]["photos"][0]["outside_face_fraction"] < 0.9
    assert str(drawn) in {file["path"] for file in result["inputs"]}
    hidden = [
        {"place": "face", "points_px": half},
        {"place": "hair", "points_px": [[-1, -1], [250, -1], [250, 601], [-1, 601]]},
    ]
    write_json(drawn, {"image_size_px": [500, 600], "polygons": hidden})
    assert overlay(case_folder, tmp_path / "hair", "--photo-mask", drawn).code == 0
    result = read_json(tmp_path / "hair" / "result.json")
    assert result["candidates"][0]["photos"][0]["outside_face_fraction"] == 0


def test_a_damaged_drawing_is_one_line(case_folder: CaseFolder, tmp_path: Path) -> None:
    drawn = tmp_path / "p.face.json"
    drawn.write_text(json.dumps({"image_size_px": [500, 600], "polygons": [{"place": "face", "points_px": [[1, 2]]}]}))
    ended = overlay(case_folder, tmp_path / "out", "--photo-mask", drawn)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert str(drawn) in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["overlay", "identify"])
def test_the_automatic_mask_is_told(case_folder: CaseFolder, tmp_path: Path, command: str) -> None:
    out = tmp_path / "out"
    if command == "overlay":
        ended = overlay(case_folder, out, "--mask", "auto")
    else:
        files = ["--photo", case_folder.photo(), "--photo-landmarks", case_folder.facial()]
        ended = nasion("identify", *files, "--skulls", case_folder.skulls, "--mask", "auto", "--jobs", 1, "--out", out)
    assert ended.code == 0
    result = read_json(out / "result.json")
    assert result["settings"]["mask"] == "auto"
    told = [note for note in result["notes"] if "automatic" in note]
    assert len(told) == 1
    assert told[0].split(": ", 1)[1] in (out / "report.html").read_text(encoding="utf-8")


def test_an_unknown_choice(case_folder: CaseFolder, tmp_path: Path) -> None:
    ended = overlay(case_folder, tmp_path / "out", "--mask", "maybe")
    assert ended.code == 2
    assert "choose files or auto" in ended.err
