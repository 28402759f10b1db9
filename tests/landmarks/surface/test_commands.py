"""``nasion train surface-landmarks`` and ``nasion landmarks surface``, from people to landmark files."""

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from cli.command import Outcome, nasion
from nasion.errors import NasionError
from nasion.geometry.distance import closest_points
from nasion.geometry.surface import Mesh
from nasion.landmarks.surface import find, training_plan
from nasion.landmarks.surface.card import read_model
from nasion.landmarks.surface.heads import NAMES, PopulationHeads
from nasion.landmarks.surface.picture import level_color, views_png
from nasion.landmarks.surface.scans import CLEAN, simulate_scan
from nasion.landmarks.surface.settings import PRESETS, LocalSettings, SurfaceNetSettings, TrainSettings
from nasion.landmarks.surface.stored_samples import StoredSamples
from nasion.landmarks.surface.training_plan import TrainingPlan
from nasion.population.template_source import load_template
from nasion.readers.landmarks import read_landmarks
from nasion.readers.meshes import read_mesh, write_mesh

pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from nasion.landmarks.surface.train import Progress
from nasion.landmarks.surface.training_run import train_surface_landmarks

TINY = SurfaceNetSettings(points=500, neighbours=8, depth=3, width=24, residual="block", heat_sigma=0.15, top_points=8)
LEARNING = TrainSettings(epochs=30, batch=2, learning_rate=1e-2, final_learning_rate=1e-3)
PLAN = TrainingPlan("cranial20", people=12, epochs=30)


class _StoppedError(Exception):
    pass


@dataclass(frozen=True)
class Trained:
    folder: Path
    ended: Outcome
    log_when_stopped: list[str]
    samples_when_stopped: dict[Path, int]

    @property
    def model(self) -> Path:
        return self.folder / "model"


@pytest.fixture(scope="module", autouse=True)
def small_preset() -> Iterator[None]:
    """Make the small preset tiny, one scan of each person."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "small", TINY)
        patch.setitem(training_plan._LEARNING, "small", LEARNING)
        patch.setattr(training_plan, "_LOCAL", LocalSettings(points=30, steps=60, batch=4))
        for part in training_plan.SCANS:
            patch.setitem(training_plan.SCANS, part, 1)
        yield


def train(out: Path, *more: object) -> Outcome:
    numbers = ("--people", 12, "--epochs", 30, "--jobs", 1)
    return nasion("train", "surface-landmarks", "--scheme", "cranial20", "--out", out, *numbers, *more)


def sample_times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (folder / "samples").glob("*/*.npz")}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run that was stopped after two epochs and taken up by the command."""
    out = tmp_path_factory.mktemp("trained") / "run"

    def stop(at: Progress) -> None:
        if at.epoch == 3:
            raise _StoppedError

    with pytest.raises(_StoppedError):
        train_surface_landmarks(PLAN, out, learnt=stop)
    log, times = (out / "run" / "log.csv").read_text().splitlines(), sample_times(out)
    return Trained(out, train(out), log, times)


def test_a_stopped_run_goes_on(trained: Trained) -> None:
    assert trained.ended.code == 0, trained.ended
    log = (trained.folder / "run" / "log.csv").read_text().splitlines()
    assert len(trained.log_when_stopped) == 3
    assert log[:3] == trained.log_when_stopped
    assert [line.split(",")[0] for line in log[1:]] == [str(k) for k in range(1, 31)]
    assert sample_times(trained.folder) == trained.samples_when_stopped
    assert float(log[-1].split(",")[1]) < 0.5 * float(log[1].split(",")[1])


def test_a_finished_run_says_what_it_is(trained: Trained) -> None:
    before = (trained.model / "card.json").read_bytes()
    again = train(trained.folder)
    assert (again.code, again.out) == (0, trained.ended.out)
    assert (trained.model / "card.json").read_bytes() == before
    card = read_model(trained.model).card
    assert set(card.conditions) == {"clean", "raw"}
    assert card.names == NAMES["cranial20"]
    for condition in card.conditions.values():
        assert f"{condition.error_mm.mean_mm:.2f} mm" in again.out
    assert card.test_samples + sum(c.refused for c in card.conditions.values()) == 2 * len(PLAN.people_of("raw"))


def test_other_settings_in_the_same_folder_are_refused(trained: Trained) -> None:
    ended = train(trained.folder, "--seed", 1)
    assert ended.code == 2
    assert "holds a training of other settings" in ended.err


def test_nobody_is_on_two_sides(trained: Trained) -> None:
    people = {
        part: {sample.person for sample in StoredSamples.of(trained.folder / "samples" / part, PLAN.names)}
        for part in ("training", "held_out", "clean")
    }
    assert len(people["held_out"]) >= 5
    assert len(set.union(*people.values())) == sum(map(len, people.values())) == 12


@dataclass(frozen=True)
class Raw:
    path: Path
    mesh: Mesh
    truth: dict[str, np.ndarray]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Raw:
    """A skull of a person whom the network has not seen, turned and moved, as a file."""
    head = PopulationHeads(load_template("builtin"), "cranial20", 0).head(
        PLAN.people_of("raw")[0], np.random.default_rng()
    )
    scan = simulate_scan(head.mesh, head.points, "cranial", np.random.default_rng(3), CLEAN)
    path = tmp_path_factory.mktemp("raw") / "Schädel 1.ply"
    write_mesh(path, scan.mesh)
    return Raw(path, read_mesh(path).mesh, dict(scan.points))


def landmarks(mesh: Path, out: Path, trained: Trained, *more: object) -> Outcome:
    return nasion("landmarks", "surface", mesh, "--scheme", "cranial20", "--out", out, "--model", trained.model, *more)


def test_the_file_is_read_by_the_reader_and_lies_on_the_mesh(trained: Trained, raw: Raw, tmp_path: Path) -> None:
    out, views = tmp_path / "new" / "skull.landmarks.json", tmp_path / "views.png"
    ended = landmarks(raw.path, out, trained, "--picture", views)
    assert ended.code == 0, ended
    file = read_landmarks(out, "cranial", 3)
    points = {**file.landmarks, **file.helpers}
    assert set(points) | set(file.missing) == set(NAMES["cranial20"])
    assert not set(points) & set(file.missing)
    assert len(points) > 14
    assert set(file.sigma) == set(points)
    assert closest_points(raw.mesh, np.array(list(points.values())))[1].max() < 0.01
    away = [np.linalg.norm(points[name] - raw.truth[name]) for name in points]
    # learnt for seconds from six people: far from good, but of the right region
    assert np.median(away) < 20
    plain = json.loads(out.read_text())
    assert plain["units"] == "mm"
    assert set(plain["sigma_mm"]) == set(points)
    with Image.open(views) as picture:
        assert picture.format == "PNG"
        assert picture.width == 3 * 620
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["skull.landmarks.json", "views.png"]


def test_units_of_the_mesh_are_the_units_of_the_file(trained: Trained, raw: Raw, tmp_path: Path) -> None:
    metres = tmp_path / "metres.ply"
    write_mesh(metres, raw.mesh.moved(raw.mesh.vertices / 1000))
    ended = landmarks(metres, tmp_path / "m.json", trained)
    assert ended.code == 2
    assert "--units m" in ended.err
    assert landmarks(metres, tmp_path / "m.json", trained, "--units", "m").code == 0
    assert landmarks(raw.path, tmp_path / "mm.json", trained).code == 0
    in_m, in_mm = (read_landmarks(tmp_path / name, "cranial", 3) for name in ("m.json", "mm.json"))
    assert json.loads((tmp_path / "m.json").read_text())["units"] == "m"
    # as the commands read it that are given the mesh's unit
    assert read_landmarks(tmp_path / "m.json", "cranial", 3, units="m").sigma == in_m.sigma
    common = set(in_m.landmarks) & set(in_mm.landmarks)
    assert len(common) >= len(in_mm.landmarks) - 1
    for name in common:
        # the numbers of the file are rounded differently, so that the cloud may be another one
        assert in_m.landmarks[name] == pytest.approx(in_mm.landmarks[name], abs=8.0)
        assert in_m.sigma[name] == pytest.approx(in_mm.sigma[name], rel=0.5)
    vertices = read_mesh(metres, units="m").mesh
    assert closest_points(vertices, np.array([in_m.landmarks[name] for name in common]))[1].max() < 0.01


def test_a_mirrored_mesh_is_refused(trained: Trained, raw: Raw, tmp_path: Path) -> None:
    mirrored = tmp_path / "mirrored.ply"
    write_mesh(mirrored, raw.mesh.moved(raw.mesh.vertices * [-1, 1, 1]))
    ended = landmarks(mirrored, tmp_path / "out.json", trained)
    assert ended.code == 2
    assert "mirrored.ply: the triangles face inward" in ended.err
    assert not (tmp_path / "out.json").exists()
    accepted = landmarks(mirrored, tmp_path / "out.json", trained, "--accept-sides")
    assert accepted.code == 0
    assert "note:" in accepted.err
    assert "face inward" in accepted.err


def bad_mesh(kind: str, folder: Path) -> Path:
    path = folder / f"{kind}.ply"
    if kind == "empty":
        path.touch()
    elif kind == "NaN":
        ball = trimesh.creation.icosphere(2, 90.0)
        vertices = np.array(ball.vertices)
        vertices[5] = np.nan
        write_mesh(path, Mesh(vertices, np.asarray(ball.faces)))
    else:
        shape = trimesh.creation.box((150, 160, 170)) if kind == "cube" else trimesh.creation.icosphere(4, 90.0)
        write_mesh(path, Mesh(np.asarray(shape.vertices), np.asarray(shape.faces)))
    return path


@pytest.mark.parametrize(
    ("kind", "says"),
    [("cube", "score"), ("sphere", "score"), ("NaN", "not finite"), ("empty", "is empty"), ("absent", "no such file")],
)
def test_what_is_no_head_is_refused_in_one_line(trained: Trained, tmp_path: Path, kind: str, says: str) -> None:
    path = tmp_path / "absent.ply" if kind == "absent" else bad_mesh(kind, tmp_path)
    ended = landmarks(path, tmp_path / "out.json", trained, "--picture", tmp_path / "views.png")
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert str(path) in line
    assert says in line
    assert not (tmp_path / "out.json").exists()
    assert not (tmp_path / "views.png").exists()


def test_a_folder_with_one_that_cannot_be_used(trained: Trained, raw: Raw, tmp_path: Path) -> None:
    meshes, out, views = tmp_path / "meshes", tmp_path / "out", tmp_path / "views"
    meshes.mkdir()
    shutil.copy(raw.path, meshes)
    bad_mesh("cube", meshes)
    (meshes / "notes.txt").write_text("not a mesh")
    ended = landmarks(meshes, out, trained, "--picture", views)
    assert ended.code == 3, ended
    assert "not used" in ended.err
    assert [path.name for path in out.iterdir()] == [f"{raw.path.stem}.landmarks.json"]
    assert [path.name for path in views.iterdir()] == [f"{raw.path.stem}.png"]
    assert landmarks(meshes, out, trained).code == 2
    (meshes / raw.path.name).unlink()
    ended = landmarks(meshes, tmp_path / "none", trained)
    assert ended.code == 2
    assert not (tmp_path / "none").exists()


def test_without_weights_the_message_says_what_to_do(raw: Raw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "_WEIGHTS", tmp_path)
    ended = nasion("landmarks", "surface", raw.path, "--scheme", "cranial20", "--out", tmp_path / "out.json")
    assert ended.code == 2
    assert "nasion train surface-landmarks" in ended.err
    assert "--model" in ended.err


def test_a_model_of_another_scheme_is_refused(trained: Trained, raw: Raw, tmp_path: Path) -> None:
    ended = nasion(
        "landmarks", "surface", raw.path, "--scheme", "facial20", "--out", tmp_path / "o.json", "--model", trained.model
    )
    assert ended.code == 2
    assert "is a model of cranial20, not of facial20" in ended.err


def test_existing_files_and_other_names_are_refused(trained: Trained, raw: Raw, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("mine")
    for name, says in (("mine.json", "exists already"), ("a.csv", ".json"), ("a.mrk.json", "Slicer")):
        ended = landmarks(raw.path, tmp_path / name, trained)
        assert ended.code == 2
        assert says in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]


def test_points_stand_in_the_picture_where_they_project(trained: Trained, raw: Raw) -> None:
    found = find.find_landmarks(raw.mesh, "cranial20", trained.model)
    with Image.open(io.BytesIO(views_png(found))) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    colors = {level_color(float(sigma)) for sigma in found.result.sigma_mm if np.isfinite(sigma)}
    near = min(
        np.abs(pixels[:620, 620 * view : 620 * (view + 1)] - np.array(color)).sum(axis=2).min()
        for view in range(3)
        for color in colors
    )
    assert near < 10


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--scheme", "cranial20", "--people", 3), "too few"),
        (("--scheme", "cranial20", "--preset", "huge"), "unknown preset"),
        (("--scheme", "cranial20", "--minutes", 0), "above 0"),
        (("--scheme", "cranial20", "--template", "builtin", "--template", "builtin"), "no two the same"),
        (("--scheme", "cranial20", "--face-model", "absent"), "no skull"),
        (("--scheme", "ibug68"), "--face-model"),
        (("--scheme", "ibug68", "--face-model", "absent"), "no such file"),
        (("--scheme", "skull20"), "unknown landmark scheme"),
        (("--scheme", "cranial20", "--template", "absent"), "absent"),
        (("--scheme", "cranial20", "--device", "gpu"), "give cpu or cuda"),
    ],
)
def test_plans_that_cannot_be_trained(tmp_path: Path, more: tuple[object, ...], says: str) -> None:
    ended = nasion("train", "surface-landmarks", "--out", tmp_path / "run", "--jobs", 1, *more)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert says in line
    assert not list(tmp_path.iterdir())


def test_the_split_keeps_enough_people_for_calibration() -> None:
    for people in (12, 40, 300):
        plan = TrainingPlan("facial20", people=people)
        parts = [plan.people_of(part) for part in ("training", "held_out", "clean")]
        assert sorted(number for part in parts for number in part) == list(range(people))
        assert len(parts[1]) >= 5
        assert plan.people_of("raw") == parts[2]
    with pytest.raises(NasionError, match="too few"):
        TrainingPlan("facial20", people=11)
