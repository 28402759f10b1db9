"""Radiographs in identify: parts, fusion, views and sides; with a stand-in for the trained network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from casework.case_folder import TRUE_PERSON, CaseFolder
from nasion.casework.films import load_films
from nasion.casework.identify import identify_gallery
from nasion.casework.inputs import skull_files
from nasion.casework.records import FilmFiles
from nasion.casework.result_file import result_dict
from nasion.errors import NasionError
from nasion.evidence.fusion import FusionRule, PartRule
from nasion.matching.point_schemes import point_scheme, shapes
from nasion.matching.tokens import Tokens
from nasion.report.folder import write_case

SCHEME = point_scheme("pairs20")
OTHER = "person_1"


class MeanColor:
    """Finds pictures of the same mean colour alike."""

    scheme = "pairs20"

    def __init__(self, sha256: str = "m" * 64) -> None:
        self.sha256 = sha256

    def features(self, picture: NDArray[np.uint8], points_px: NDArray[np.float64], modality: str) -> Tokens:
        whole = picture.reshape(-1, 3).mean(axis=0).astype(np.float32)
        there = np.isfinite(points_px).all(axis=1)
        return Tokens(np.zeros((len(there), 1), np.float32), whole, there)

    def score(self, probe: Tokens, faces: Sequence[Tokens]) -> NDArray[np.float64]:
        return np.array([-np.abs(probe.whole - face.whole).mean() for face in faces], np.float64)


@pytest.fixture
def matcher(monkeypatch: pytest.MonkeyPatch) -> MeanColor:
    own = MeanColor()
    monkeypatch.setattr("nasion.matching.predict.load_matcher", lambda folder: own)
    return own


def recolored(case: CaseFolder) -> None:
    """Give each person's photographs a colour of their own."""
    for number, person in enumerate(sorted(path for path in case.gallery.iterdir() if path.is_dir())):
        for path in person.glob("*.[jp][pn]g"):
            if ".mask." not in path.name:
                size = Image.open(path).size
                Image.new("RGB", size, (20 * number, 90, 30)).save(path)


def film_of(case: CaseFolder, person: str, view: str = "frontal", mirror: bool = False) -> FilmFiles:
    """Return a "radiograph" in the colour of a person's photographs, its landmarks those of an average head."""
    number = sorted(path.name for path in case.gallery.iterdir() if path.is_dir()).index(person)
    path = case.root / f"{person}_{view}.png"
    Image.new("RGB", (200, 250), (20 * number, 90, 30)).save(path)
    name = next(name for name in shapes("pairs20") if name.startswith(view))
    points = shapes("pairs20")[name] * 60 + 100
    named = {n: p.tolist() for n, p in zip(SCHEME.probe_names, points, strict=True) if np.isfinite(p).all()}
    text = json.dumps({"scheme": "cranial20", "units": "px", "landmarks": named})
    path.with_name(f"{path.stem}.landmarks.json").write_text(text)
    return FilmFiles(view, path)


def write_rule(folder: Path, sha256: str, weight: float) -> None:
    folder.mkdir(exist_ok=True)
    parts = {"overlay": PartRule(1, 0, 1.0), "xray_frontal": PartRule(1, 0, weight)}
    (folder / "fusion.json").write_text(FusionRule(parts, sha256, {"people": 99}).to_json())


def test_radiograph_alone_ranks_by_its_score(own_case: CaseFolder, matcher: MeanColor, tmp_path: Path) -> None:
    recolored(own_case)
    films = load_films([film_of(own_case, OTHER)], tmp_path, None, with_overlay=False)
    case = identify_gallery(None, own_case.gallery, films=films)
    assert case.best.id == OTHER
    assert case.best.score == pytest.approx(0, abs=0.5)
    assert case.skull is None and case.best.solution is None
    result = result_dict(case)["candidates"][0]
    assert result["parts"]["xray_frontal"]["photo"].startswith("frontal")
    assert result["photos"] == []


def test_parts_are_weighed(own_case: CaseFolder, matcher: MeanColor, tmp_path: Path) -> None:
    recolored(own_case)
    skull = skull_files(own_case.mesh, own_case.cranial)
    model = tmp_path / "model"
    best = {}
    for weight in (0.0, 1e4):
        write_rule(model, matcher.sha256, weight)
        films = load_films([film_of(own_case, OTHER)], model, None, with_overlay=True)
        case = identify_gallery(skull, own_case.gallery, films=films)
        best[weight] = case.best.id
        for candidate in case.candidates:
            own = candidate.comparison
            assert own is not None and candidate.solution is not None
            assert own.scores["overlay"] == candidate.solution.score
            assert own.fused == pytest.approx(own.scores["overlay"] + weight * own.scores["xray_frontal"])
            assert candidate.score == own.fused
    assert best == {0.0: TRUE_PERSON, 1e4: OTHER}


def test_report_and_result_show_each_part(own_case: CaseFolder, matcher: MeanColor, tmp_path: Path) -> None:
    recolored(own_case)
    model, out = tmp_path / "model", tmp_path / "out"
    write_rule(model, matcher.sha256, 2.0)
    films = load_films([film_of(own_case, OTHER)], model, None, with_overlay=True)
    case = identify_gallery(skull_files(own_case.mesh, own_case.cranial), own_case.gallery, films=films)
    out.mkdir()
    write_case(case, out, 1)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "frontal radiograph" in page and "fitted to 99 virtual people" in page
    own = case.best.comparison
    assert own is not None
    assert f"{own.shares['xray_frontal']:+.2f}" in page
    saved = json.loads((out / "result.json").read_text())
    hashed = {Path(file["path"]).name for file in saved["inputs"]}
    assert {f"{OTHER}_frontal.png", f"{OTHER}_frontal.landmarks.json"} <= hashed
    assert saved["settings"]["model_sha256"] == matcher.sha256


def test_a_person_without_the_view_is_neutral(own_case: CaseFolder, matcher: MeanColor, tmp_path: Path) -> None:
    recolored(own_case)
    for path in (own_case.gallery / OTHER).glob("frontal*"):
        path.unlink()
    model = tmp_path / "model"
    write_rule(model, matcher.sha256, 1.0)
    films = load_films([film_of(own_case, OTHER)], model, None, with_overlay=True)
    case = identify_gallery(skull_files(own_case.mesh, own_case.cranial), own_case.gallery, films=films)
    own = next(candidate for candidate in case.candidates if candidate.id == OTHER).comparison
    assert own is not None
    assert own.scores["xray_frontal"] is None and "xray_frontal" not in own.shares


def test_faults_name_what_to_do(own_case: CaseFolder, matcher: MeanColor, tmp_path: Path) -> None:
    film = film_of(own_case, OTHER)
    model = tmp_path / "model"
    with pytest.raises(NasionError, match=r"no fusion rule.*nasion train fusion"):
        load_films([film], model, None, with_overlay=True)
    write_rule(model, "another", 1.0)
    with pytest.raises(NasionError, match="another model"):
        load_films([film], model, None, with_overlay=True)
    write_rule(model, matcher.sha256, 1.0)
    with pytest.raises(NasionError, match="no part xray_lateral"):
        load_films([film, film_of(own_case, OTHER, "lateral")], model, None, with_overlay=True)
    bare = tmp_path / "bare.png"
    shutil.copyfile(film.image, bare)
    with pytest.raises(NasionError, match=r"bare.png: has no landmarks; place .* bare.landmarks.json"):
        load_films([FilmFiles("frontal", bare)], model, None, with_overlay=True)
    with pytest.raises(NasionError, match="no such radiograph"):
        load_films([FilmFiles("frontal", tmp_path / "none.png")], model, None, with_overlay=True)
    matcher.scheme = "ibug68"
    with pytest.raises(NasionError, match="by points of ibug68"):
        load_films([film], model, None, with_overlay=True)
