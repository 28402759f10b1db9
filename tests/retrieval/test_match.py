"""``nasion match`` and ``nasion gallery`` from end to end, by a matcher that needs no weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.command import Outcome, nasion
from nasion.matching.samples import MatchPicture
from nasion.retrieval.match import match
from nasion.retrieval.two_stage import two_stage_scores
from retrieval.stand_in import NAMES, ColorMatcher, write_people, write_picture

MODEL = ColorMatcher()


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the folder's name be the model's hash."""
    monkeypatch.setattr("nasion.matching.predict.load_matcher", lambda folder: ColorMatcher(folder.name * 8))


def probe_of(folder: Path, seed: int) -> MatchPicture:
    path = write_picture(folder / "probe.png", seed, noise=12)
    return MatchPicture(path, "probe", "frontal", "sketch", path.with_name("probe.landmarks.json"))


def run(tmp_path: Path, gallery: Path, *more: object, model: str = "model-aa", out: str = "out") -> Outcome:
    probe = probe_of(tmp_path / "case", 3).path
    options = ("--probe", probe, "--gallery", gallery, "--model", model, "--kind", "sketch", "--out", tmp_path / out)
    return nasion("match", *options, *more)


def result(tmp_path: Path, out: str = "out") -> dict:
    return json.loads((tmp_path / out / "result.json").read_text())


def test_folder_and_gallery_give_the_same_result(tmp_path):
    faces, gallery = write_people(tmp_path / "faces", range(12)), tmp_path / "gallery"
    assert nasion("gallery", "add", gallery, faces, "--model", "model-aa").code == 0
    assert run(tmp_path, faces, out="one").code == 0
    assert run(tmp_path, gallery, out="two").code == 0
    one, two = result(tmp_path, "one"), result(tmp_path, "two")
    assert one["candidates"] == two["candidates"]
    assert one["candidates"][0]["person"] == "p03"
    assert (one["compared"], one["re_ranked"], one["other_views"]) == (12, 12, 0)
    scores = [candidate["score"] for candidate in one["candidates"]]
    assert scores == sorted(scores, reverse=True)
    assert [candidate["rank"] for candidate in one["candidates"]] == list(range(1, 13))
    assert "no probability" in one["score_caveat"]
    assert one["model"]["sha256"] == "model-aa" * 8
    assert one["model"]["data"] == "nobody"
    width, height = Image.open(tmp_path / "one" / "contact_sheet.png").size
    assert width > height
    # what a folder of the gallery and its table mean is the same
    assert run(tmp_path, gallery / "gallery.sqlite", out="three").code == 0
    assert result(tmp_path, "three")["candidates"] == two["candidates"]


def test_shortlist(tmp_path):
    faces = write_people(tmp_path / "faces", range(12))
    probe = probe_of(tmp_path / "case", 3)
    everything = match(probe, faces, MODEL)
    few = match(probe, faces, MODEL, shortlist=4)
    assert (everything.re_ranked, few.re_ranked) == (12, 4)
    by_similarity = sorted((own.faces[0] for own in everything.candidates), key=lambda face: -face.similarity)
    nearest = {face.face.id for face in by_similarity[:4]}
    assert {own.person for own in few.candidates[:4]} == nearest
    assert [own.person for own in few.candidates[:4]] == [
        own.person for own in everything.candidates if own.person in nearest
    ]
    assert [own.faces[0].face.id for own in few.candidates[4:]] == [face.face.id for face in by_similarity[4:]]
    assert all(own.score is None for own in few.candidates[4:])
    # the experiments' two stages are the same
    scores = np.array([[own.faces[0].score for own in everything.candidates]])
    similarity = np.array([[own.faces[0].similarity for own in everything.candidates]])
    order = np.argsort(-two_stage_scores(similarity, scores, 4)[0])
    people = [own.person for own in everything.candidates]
    assert [people[k] for k in order] == [own.person for own in few.candidates]


def test_a_person_ranks_by_the_best_picture(tmp_path):
    faces = write_people(tmp_path / "faces", [1, 2])
    write_picture(faces / "anna" / "far.png", 8)
    write_picture(faces / "anna" / "near.png", 3)
    found = match(probe_of(tmp_path / "case", 3), faces, MODEL)
    first = found.candidates[0]
    assert (first.rank, first.person) == (1, "anna")
    assert [own.face.id for own in first.faces] == ["anna/near", "anna/far"]


def test_faces_that_cannot_be_used_are_told_and_rank_last(tmp_path):
    faces = write_people(tmp_path / "faces", range(6))
    (faces / "p03.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    write_picture(faces / "p04.png", 4, names=NAMES[:3])
    ended = run(tmp_path, faces)
    assert ended.code == 3
    assert ended.err.count("nasion: not used:") == 2
    found = result(tmp_path)
    assert {problem["id"] for problem in found["problems"]} == {"p03", "p04"}
    assert [(own["rank"], own["person"], own["score"]) for own in found["candidates"][-2:]] == [
        (5, "p03", None),
        (5, "p04", None),
    ]


def test_bad_input_is_one_line(tmp_path):
    faces, gallery = write_people(tmp_path / "faces", range(3)), tmp_path / "gallery"
    nasion("gallery", "add", gallery, faces, "--model", "model-aa")

    def fault(ended: Outcome) -> str:
        assert ended.code == 2
        assert not (tmp_path / "out").exists()
        (line,) = ended.err.splitlines()
        return line

    assert "made by the model model-aamode" in fault(run(tmp_path, gallery, model="model-bb"))
    assert "give another --view" in fault(run(tmp_path, gallery, "--view", "lateral"))
    probe = write_picture(tmp_path / "bare" / "probe.png", 3, names=NAMES[:2])
    options = ("--model", "model-aa", "--kind", "sketch", "--out", tmp_path / "out")
    told = fault(nasion("match", "--probe", probe, "--gallery", gallery, *options))
    assert "probe.png: only 2 landmarks are there; at least 4 are needed" in told
    assert "neither xray nor sketch" in fault(run(tmp_path, gallery, "--kind", "photo"))
    (tmp_path / "nobody").mkdir()
    assert "holds no pictures" in fault(run(tmp_path, tmp_path / "nobody"))
    assert "no such file or folder" in fault(run(tmp_path, tmp_path / "absent"))
    nasion("gallery", "remove", gallery, "p00", "p01", "p02")
    assert "gallery is empty" in fault(run(tmp_path, gallery))


def test_gallery_commands(tmp_path):
    faces, gallery = write_people(tmp_path / "faces", range(3)), tmp_path / "gallery"
    (faces / "p01.png").write_bytes(b"nothing")
    added = nasion("gallery", "add", gallery, faces, "--model", "model-aa")
    assert added.code == 3
    assert added.out == f"{gallery}: 2 pictures added, 1 not used\n"
    assert "p01.png" in added.err
    listed = nasion("gallery", "list", gallery).out.splitlines()
    assert [line.split("\t")[:4] for line in listed[1:]] == [
        ["p00", "p00", "frontal", "file"],
        ["p02", "p02", "frontal", "file"],
    ]
    assert nasion("gallery", "verify", gallery, "--model", "model-aa").code == 0
    other = nasion("gallery", "verify", gallery, "--model", "model-bb")
    assert (other.code, other.err.count("not used")) == (3, 2)
    shutil.copy(faces / "p00.png", faces / "p02.png")
    changed = nasion("gallery", "verify", gallery)
    assert (changed.code, changed.err.count("changed since it was added")) == (3, 1)
    assert nasion("gallery", "remove", gallery, "p02").out == f"{gallery}: 1 picture removed: p02\n"
    assert nasion("gallery", "remove", gallery, "p02").code == 2
    assert nasion("gallery", "list", tmp_path / "absent").code == 2
