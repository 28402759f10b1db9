"""What the command leaves behind, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

import nasion
from nasion.errors import NasionError
from nasion.population.person import Person
from nasion.population.template import Template
from nasion.readers.landmarks import LandmarkFile, read_landmarks, write_landmarks
from nasion.readers.meshes import read_mesh, write_mesh
from nasion.reconstruction.shape.folder import write_faces
from nasion.reconstruction.shape.made import MadeFaces, make_faces, sd_across_mm
from nasion.reconstruction.shape.overview import NOTICE
from nasion.reconstruction.shape.pictures import PAPER, Stage, map_colors, scale_end_mm
from nasion.reconstruction.shape.settings import ShapeSettings
from reconstruction.shape.small import bare


@pytest.fixture(scope="module")
def made(template: Template, person: Person) -> MadeFaces:
    return make_faces(template, bare(person), ShapeSettings(build=0.9, draws=60), samples=2, seed=1)


@pytest.fixture(scope="module")
def folder(made: MadeFaces, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("faces")
    write_faces(made, out, "skull.ply", {"skull.ply": "0" * 64}, ["a note"])
    return out


def test_the_folder_says_what_it_holds(folder: Path, made: MadeFaces) -> None:
    result = json.loads((folder / "result.json").read_text())
    assert result["notice"] == NOTICE
    assert "one of many possible faces and no photograph" in NOTICE
    assert result["notes"] == ["a note"]
    assert set(result["faces"]) == {"mean", "sample_01", "sample_02"}
    assert {face["build"] for face in result["faces"].values()} == {0.9}
    for stem in result["faces"]:
        assert (folder / f"{stem}.ply").is_file()
        assert (folder / f"{stem}_frontal.png").is_file()
        assert (folder / f"{stem}_lateral.png").is_file()
    assert (folder / "overview.png").stat().st_size > 10_000


def test_meshes_come_back_as_they_were_made_with_the_sd_of_each_vertex(folder: Path, made: MadeFaces) -> None:
    stored = trimesh.load(folder / "mean.ply", process=False)
    raw = stored.metadata["_ply_raw"]["vertex"]["data"]
    assert np.ravel(raw["sd_mm"]) == pytest.approx(made.sd_mm, abs=1e-4)
    assert np.asarray(stored.vertices) == pytest.approx(made.mean.mesh.vertices, abs=1e-3)
    assert np.array_equal(stored.faces, made.mean.mesh.faces)
    sample = read_mesh(folder / "sample_01.ply", "face").mesh
    assert sample.vertices == pytest.approx(made.samples[0].mesh.vertices, abs=1e-3)


def test_the_mean_faces_landmarks_read_as_facial_landmarks(folder: Path, made: MadeFaces) -> None:
    marks = read_landmarks(folder / "mean.landmarks.json", "facial", 3)
    assert len(marks.landmarks) == 20
    assert marks.landmarks["nasion"] == pytest.approx(made.mean.landmarks_mm["nasion"], abs=1e-3)


def test_the_sd_across_the_skin_is_no_more_than_the_points_own(made: MadeFaces) -> None:
    total = np.sqrt(np.trace(made.sampler.covariance_mm2(), axis1=1, axis2=2))
    assert (made.sd_mm <= total + 1e-9).all()
    assert made.sd_mm == pytest.approx(sd_across_mm(made.sampler, made.mean))
    assert made.sd_mm.min() >= 0


def test_pictures_show_the_whole_head_and_the_nose_points_right_from_the_side(made: MadeFaces) -> None:
    placed = made.sampler.fit.placed
    stage = Stage(placed.rotation, placed.translation_mm, 300)
    paper = np.rint(255 * np.array(PAPER)).astype(int)
    for view in ("frontal", "lateral"):
        picture = stage.face(made.mean.mesh, view)
        there = np.abs(picture.astype(int) - paper).max(axis=-1) > 12
        assert not there[0].any()
        assert not there[:, 0].any()
        assert not there[:, -1].any()
    camera = stage.camera("lateral")
    marks = made.mean.landmarks_mm
    assert camera.project(marks["pronasale"][None])[0, 0] > camera.project(marks["tragion_left"][None])[0, 0] + 60


def test_the_scale_reaches_what_is_shown() -> None:
    assert scale_end_mm(np.full(100, 2.4)) == 3.0
    colors = map_colors(np.array([0.0, 0.5, 1.0, 7.0]))
    assert colors[2] == pytest.approx(colors[3])
    # viridis runs from dark blue to yellow
    assert colors[0][2] > colors[0][1]
    assert colors[2][0] > 0.9
    assert colors[2][2] < 0.3


def test_an_incomplete_skull_is_told(template: Template, person: Person) -> None:
    whole = bare(person)
    kept = {name: point for name, point in whole.landmarks_mm.items() if not name.startswith("gonion")}
    made = make_faces(template, replace(whole, landmarks_mm=kept), ShapeSettings(build=1.0, draws=5), samples=1)
    assert any("gonion left, gonion right" in note for note in made.notes())


def test_the_number_of_samples_is_checked(template: Template, person: Person) -> None:
    with pytest.raises(NasionError, match="0 samples cannot be made"):
        make_faces(template, bare(person), samples=0)


def test_the_command_makes_faces_over_the_skulls_own_file(person: Person, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from nasion.cli.main import app

    skull, marks, out = tmp_path / "s.stl", tmp_path / "s.landmarks.json", tmp_path / "out"
    shift = np.array([300.0, 40.0, -70.0])
    write_mesh(skull, person.skull.transformed(np.eye(3), shift))
    landmarks, helpers = (
        {name: point + shift for name, point in points.items()} for points in (person.cranial, person.cranial_helpers)
    )
    write_landmarks(marks, LandmarkFile("cranial20", "mm", landmarks, helpers))
    arguments = ["reconstruct", str(skull), "--model", "shape", "--samples", "1", "--build", "1", "--out", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "no photograph" in done.output
    face = read_mesh(out / "mean.ply", "face").mesh
    assert 2.0 < np.linalg.norm(face.vertices - landmarks["nasion"], axis=1).min() < 12.0
    again = CliRunner().invoke(app, arguments)
    assert isinstance(again.exception, NasionError)
    own = nasion.read_skull(skull, marks)
    faces = nasion.possible_faces(own, samples=1, settings=ShapeSettings(build=1.0))
    assert nasion.write_possible_faces(faces, own, tmp_path / "api").is_file()
    results = [json.loads((folder / "result.json").read_text()) for folder in (out, tmp_path / "api")]
    assert results[0] == results[1]
    with pytest.raises(NasionError, match="exists already"):
        nasion.write_possible_faces(faces, own, out)


def test_options_of_the_shape_are_refused_for_other_models(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from nasion.cli.main import app

    arguments = ["reconstruct", "x.png", "--model", str(tmp_path), "--build", "1.2", "--out", str(tmp_path / "o")]
    fault = CliRunner().invoke(app, arguments).exception
    assert isinstance(fault, NasionError)
    assert "--build" in str(fault)
