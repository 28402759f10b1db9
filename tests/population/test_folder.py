"""The folder: complete, true to the people, the same from any number of processes, resumable."""

import hashlib
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasion.anatomy.landmarks import PAIRS
from nasion.errors import NasionError
from nasion.geometry.raster import silhouette_of
from nasion.population.folder import (
    PopulationSettings,
    generate_population,
    person_of,
    photograph_rng,
    read_camera,
    subject_name,
)
from nasion.population.photograph import PhotographSettings, take_photograph
from nasion.population.template import Template
from nasion.readers.landmarks import read_landmarks
from nasion.readers.meshes import read_mesh

SETTINGS = PopulationSettings(
    subjects=2, frontal=1, lateral=1, seed=5, photographs=PhotographSettings(image_height_px=(240, 320))
)
PER_PHOTO = ("png", "landmarks.json", "camera.json", "truth.json", "mask.png", "contours.json")


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("population") / "people"
    seen: list[tuple[int, int]] = []
    generate_population(SETTINGS, out, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2), (2, 2)]
    return out


def test_the_folder_holds_what_the_documentation_says(folder: Path) -> None:
    found = set(digests(folder))
    expected = {"population.json"}
    for k in range(2):
        files = ["skull.ply", "face.ply", "cranial.landmarks.json", "facial.landmarks.json", "tissue.json"]
        photos = [f"photos/{view}_00.{ending}" for view in ("frontal", "lateral") for ending in PER_PHOTO]
        expected |= {f"{subject_name(k)}/{name}" for name in files + photos}
    assert found == expected
    record = json.loads((folder / "population.json").read_text())
    assert record["settings"]["seed"] == 5
    assert record["settings"]["subjects"] == 2
    assert record["nasion"]


def test_the_people_come_back(folder: Path, builtin: Template) -> None:
    for k in range(2):
        person, where = person_of(builtin, SETTINGS.seed, k), folder / subject_name(k)
        for name, mesh in (("skull", person.skull), ("face", person.face)):
            stored = read_mesh(where / f"{name}.ply", name).mesh
            assert np.array_equal(stored.faces, mesh.faces)
            assert stored.vertices == pytest.approx(mesh.vertices, abs=2e-5)  # 32-bit numbers in the file
        cranial = read_landmarks(where / "cranial.landmarks.json", "cranial", 3)
        facial = read_landmarks(where / "facial.landmarks.json", "facial", 3)
        tissue = json.loads((where / "tissue.json").read_text())
        assert tissue["build_factor"] == person.build_factor
        assert set(cranial.helpers) == set(person.cranial_helpers)
        for pair in PAIRS:
            tip = cranial.landmarks[pair.cranial] + np.array(tissue["vectors_mm"][pair.facial])
            assert tip == pytest.approx(facial.landmarks[pair.facial], abs=2e-6)
            assert facial.landmarks[pair.facial] == pytest.approx(person.facial[pair.facial], abs=1e-6)


def test_stored_image_points_are_projections_of_stored_landmarks(folder: Path) -> None:
    for k in range(2):
        facial = read_landmarks(folder / subject_name(k) / "facial.landmarks.json", "facial", 3)
        points = {**facial.landmarks, **facial.helpers}
        for view in ("frontal", "lateral"):
            stem = folder / subject_name(k) / "photos" / f"{view}_00"
            camera = read_camera(stem.with_name(f"{view}_00.camera.json"))
            truth = json.loads(stem.with_name(f"{view}_00.truth.json").read_text())
            for name, point in points.items():
                assert truth["landmarks_px"][name] == pytest.approx(camera.project(point[None])[0], abs=1e-4)
            seen = read_landmarks(stem.with_name(f"{view}_00.landmarks.json"), "facial", 2)
            assert seen.image_size_px == camera.image_size_px
            assert set(seen.landmarks) | set(seen.helpers) == set(truth["visible"])
            for name, point in {**seen.landmarks, **seen.helpers}.items():
                assert point == pytest.approx(truth["landmarks_px"][name], abs=1e-9)


def test_stored_pictures_are_the_photographs(folder: Path, builtin: Template) -> None:
    person = person_of(builtin, SETTINGS.seed, 1)
    photo = take_photograph(person, "frontal", photograph_rng(SETTINGS.seed, 1, "frontal", 0), SETTINGS.photographs)
    stem = folder / subject_name(1) / "photos" / "frontal_00"
    assert np.array_equal(np.asarray(Image.open(stem.with_suffix(".png"))), photo.image)
    mask = np.asarray(Image.open(stem.with_name("frontal_00.mask.png"))) > 127
    assert np.array_equal(mask, silhouette_of(person.face, photo.shot.camera))
    contours = json.loads(stem.with_name("frontal_00.contours.json").read_text())
    assert set(contours) == set(photo.contours)


def test_two_processes_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        generate_population(SETTINGS, out, executor)
    assert digests(out) == digests(folder)


def test_people_do_not_depend_on_how_many_there_are(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "one"
    generate_population(replace(SETTINGS, subjects=1, lateral=0), out)
    again, whole = digests(out), digests(folder)
    assert all(whole[name] == digest for name, digest in again.items() if name != "population.json")


def test_a_stopped_run_goes_on(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "stopped"

    def stop(done: int, _: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_population(SETTINGS, out, progress=stop)
    (out / f".unfinished_{subject_name(1)}").mkdir()  # as a killed process leaves it
    kept = (out / subject_name(0) / "face.ply").stat().st_mtime_ns
    generate_population(SETTINGS, out)
    assert (out / subject_name(0) / "face.ply").stat().st_mtime_ns == kept
    assert digests(out) == digests(folder)


def test_other_settings_and_other_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NasionError, match="other settings"):
        generate_population(replace(SETTINGS, seed=6), folder)
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(NasionError, match="is no population"):
        generate_population(SETTINGS, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("wrong", [{"subjects": 0}, {"frontal": 0, "lateral": 0}, {"frontal": -1}, {"seed": -1}])
def test_impossible_numbers_are_refused_before_anything_is_written(wrong: dict[str, int], tmp_path: Path) -> None:
    out = tmp_path / "new"
    with pytest.raises(NasionError):
        generate_population(replace(SETTINGS, **wrong), out)
    assert not out.exists()


def test_a_template_that_cannot_be_used_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "new"
    with pytest.raises(NasionError, match="no such folder"):
        generate_population(replace(SETTINGS, template=str(tmp_path / "absent")), out)
    assert not out.exists()


def test_random_numbers_of_different_purpose_differ() -> None:
    """Streams keyed by fewer numbers must not be those of longer keys: NumPy pads plain seeds with zeros."""
    from nasion.experiments.protocol import NOISE_STREAM, stream

    firsts = [photograph_rng(0, 0, "frontal", k).random() for k in range(3)]
    firsts += [photograph_rng(0, k, "lateral", 0).random() for k in range(3)]
    firsts += [stream(0, NOISE_STREAM, 0, k).random() for k in range(3)]
    firsts += [stream(0, NOISE_STREAM, k).random() for k in range(3)]
    assert len(set(firsts)) == len(firsts)
