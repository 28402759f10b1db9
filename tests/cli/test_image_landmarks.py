"""``nasion landmarks image`` and ``nasion train image-landmarks``, from pictures to landmark files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from casework.bare import PEOPLE, SIZE, Bare
from cli.command import Outcome, nasion
from nasion.landmarks.image.completion import TARGETS
from nasion.readers.landmarks import read_landmarks
from readers.films import dicom

# --- use ---


@pytest.fixture(scope="module")
def photos(bare: Bare, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photographs by name, with files that are none and one without a face."""
    folder = tmp_path_factory.mktemp("use") / "photos"
    folder.mkdir()
    for number in range(PEOPLE):
        shutil.copy(bare.photo(number), folder / f"person {number}.png")
    Image.new("RGB", SIZE, (140, 150, 140)).save(folder / "wall.jpg")
    Image.new("L", SIZE, 255).save(folder / "person 0.mask.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.mark.usefixtures("handmade_weights")
def test_a_folder_gives_a_landmark_file_of_each(bare: Bare, photos: Path, tmp_path: Path) -> None:
    out, pictures = tmp_path / "out", tmp_path / "pictures"
    ended = nasion("landmarks", "image", photos, "--scheme", "facial20", "--out", out, "--picture", pictures)
    assert ended.code == 3, ended
    names = [f"person {number}" for number in range(PEOPLE)]
    assert sorted(path.name for path in out.iterdir()) == [f"{name}.landmarks.json" for name in names]
    assert sorted(path.name for path in pictures.iterdir()) == [f"{name}.png" for name in names]
    (line,) = ended.err.splitlines()
    assert line.startswith(f"nasion: not used: {photos / 'wall.jpg'}: no face is found in it; ")
    assert ended.out.count("landmarks of facial20, median SD") == PEOPLE
    for name in names:
        written = json.loads((out / f"{name}.landmarks.json").read_text())
        assert (written["scheme"], written["units"], written["image_size_px"]) == ("facial20", "px", list(SIZE))
        assert written["found_by"] == bare.model_name
        there = {**written["landmarks"], **written["helpers"]}
        assert set(there) | set(written["missing"]) == set(TARGETS) and not set(there) & set(written["missing"])
        assert set(written["sigma_px"]) == set(there) and min(written["sigma_px"].values()) > 0
        assert "hair" in written["missing"]["bregma"]
        assert read_landmarks(out / f"{name}.landmarks.json", "facial", 2).found_by == bare.model_name


@pytest.mark.usefixtures("handmade_weights")
def test_what_is_refused_leaves_nothing(bare: Bare, photos: Path, tmp_path: Path) -> None:
    empty, walls = tmp_path / "empty", tmp_path / "walls"
    empty.mkdir()
    walls.mkdir()
    shutil.copy(photos / "wall.jpg", walls)
    out = tmp_path / "out"
    for given, scheme, name, says in (
        (empty, "facial20", "out", "holds no pictures; give a folder with .jpg"),
        (walls, "facial20", "out", "the landmarks of none of its 1 pictures were found; nothing was written"),
        (bare.photo(), "facial21", "out.json", "there is no scheme 'facial21' for images; use one of ibug68"),
        (bare.photo(), "cephalo19", "out.json", "no weights for cephalo19; train them (nasion train image-landmarks"),
        (bare.photo(), "facial20", "out.csv", "give a name that ends with .json"),
        (tmp_path / "absent.jpg", "facial20", "out.json", "absent.jpg: no such file; check the path"),
        (tmp_path / "empty" / "a.dcm", "facial20", "out.json", "is a DICOM file; faces are looked for in photographs"),
    ):
        ended = nasion("landmarks", "image", given, "--scheme", scheme, "--out", tmp_path / name)
        assert ended.code == 2, (given, ended)
        assert says in ended.err.splitlines()[-1]
        assert all(line.startswith("nasion: ") for line in ended.err.splitlines())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "walls"]
    assert not out.exists()


# --- training ---

EPOCHS = 100
DISCS = ((28, 28, 255), (70, 40, 200), (42, 52, 150), (52, 76, 110))
"""Place and grey level of the films' landmarks, before they are moved at random."""


def film(seed: int) -> tuple[NDArray[np.uint8], list[list[float]]]:
    rng = np.random.default_rng(seed)
    points = np.array([disc[:2] for disc in DISCS]) + rng.uniform(-5, 5, (len(DISCS), 2))
    image = rng.integers(0, 60, (96, 96)).astype(np.uint8)
    for (x, y), (_, _, grey) in zip(points, DISCS, strict=True):
        cv2.circle(image, (round(x * 16), round(y * 16)), 4 * 16, grey, -1, cv2.LINE_AA, 4)
    return image, points.tolist()


@dataclass(frozen=True)
class Trained:
    data: Path
    run: Path
    ended: Outcome
    log_when_stopped: list[str]


def train(data: Path, out: Path, *more: object) -> Outcome:
    arguments = ("--scheme", "films4", "--data", data, "--out", out, "--epochs", EPOCHS, "--jobs", 1)
    return nasion("train", "image-landmarks", *arguments, *more)


@pytest.fixture(scope="module")
def films() -> Iterator[None]:
    """A scheme of four points and a preset that learns them in seconds."""
    pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")
    from landmarks.image.discs import NET, STILL
    from nasion.landmarks.image import schemes, training_plan
    from nasion.landmarks.image.settings import LossSettings, TrainSettings

    scheme = schemes.ImageScheme("films4", ("1", "2", "3", "4"), (0, 1, 2, 3), "cephalogram", None, ("3", "4"))
    learning = TrainSettings(
        epochs=1,
        batch=5,
        heat_rate=1e-2,
        graph_rate=5e-3,
        final_share=0.05,
        patience=1000,
        loss=LossSettings(start_weight=1.0),
        augment=replace(STILL, shift=0.1, far=0.3),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(schemes.SCHEMES, "films4", scheme)
        patch.setattr(training_plan, "network_preset", lambda preset, subject: NET)
        patch.setattr(training_plan, "learning_preset", lambda preset, subject: learning)
        yield


@pytest.fixture(scope="module")
def trained(films: None, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run on 24 people that was stopped after two epochs and taken up by the command."""
    from nasion.landmarks.image.train import Progress
    from nasion.landmarks.image.training_plan import TrainingPlan
    from nasion.landmarks.image.training_run import train_image_landmarks

    root = tmp_path_factory.mktemp("films")
    data, run = root / "data", root / "run"
    data.mkdir()
    for person in range(24):
        image, points = film(person)
        Image.fromarray(image).save(data / f"p{person}.png")
        named = {str(k + 1): point for k, point in enumerate(points)}
        (data / f"p{person}.landmarks.json").write_text(json.dumps({"scheme": "films4", "landmarks": named}))

    class StoppedError(Exception):
        pass

    def stop(at: Progress) -> None:
        if at.epoch == 2 and at.record is not None:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_image_landmarks(TrainingPlan("films4", (str(data.resolve()),), epochs=EPOCHS), run, learnt=stop)
    log = (run / "run" / "log.csv").read_text().splitlines()
    return Trained(data, run, train(data, run), log)


def test_a_stopped_run_goes_on(trained: Trained) -> None:
    assert trained.ended.code == 0, trained.ended
    log = (trained.run / "run" / "log.csv").read_text().splitlines()
    assert len(trained.log_when_stopped) == 3 and log[:3] == trained.log_when_stopped
    assert [line.split(",")[0] for line in log[1:]] == [str(epoch) for epoch in range(1, EPOCHS + 1)]
    assert float(log[-1].split(",")[1]) < 0.3 * float(log[1].split(",")[1])
    assert f"epoch {EPOCHS}: loss" in trained.ended.err and "epoch 2:" not in trained.ended.err


def test_a_finished_run_says_what_it_is(trained: Trained) -> None:
    before = {path.name: path.read_bytes() for path in (trained.run / "model").iterdir()}
    again = train(trained.data, trained.run)
    assert (again.code, again.out, again.err) == (0, trained.ended.out, "")
    assert {path.name: path.read_bytes() for path in (trained.run / "model").iterdir()} == before
    assert set(before) == {"model.onnx", "card.json"}
    card = json.loads(before["card.json"])
    assert card["scheme"] == "films4" and set(card["tests"]) == {"test", "test, parts hidden"}
    assert "test: 5 images of 5 people; nme_box" in again.out


def test_the_trained_model_finds_points_in_new_pictures(trained: Trained, tmp_path: Path) -> None:
    pictures, out = tmp_path / "films", tmp_path / "out"
    pictures.mkdir()
    truth = {}
    for seed in range(100, 104):
        image, truth[f"p{seed}"] = film(seed)
        Image.fromarray(image).save(pictures / f"p{seed}.png")
    ended = nasion("landmarks", "image", pictures, "--scheme", "films4", "--out", out, "--model", trained.run / "model")
    assert ended.code == 0, ended
    errors, spreads = [], []
    for name, points in truth.items():
        written = json.loads((out / f"{name}.landmarks.json").read_text())
        for place, point in written["landmarks"].items():
            errors.append(np.subtract(point, points[int(place) - 1]))
            spreads.append(written["sigma_px"][place])
    assert len(errors) >= 14
    # in pictures of 96 pixels, with discs of 4; the SDs are of the errors' size
    rms = float(np.sqrt(np.mean(np.square(errors))))
    assert rms < 1.5
    assert 0.3 < rms / float(np.mean(spreads)) < 3.0


def test_a_dicom_film_of_either_kind_gives_the_points_of_its_picture(trained: Trained, tmp_path: Path) -> None:
    image, points = film(100)
    levels = image.astype(np.uint16) * 16
    films = tmp_path / "films"
    films.mkdir()
    dicom(films / "two.dcm", levels, "MONOCHROME2")
    dicom(films / "one.dcm", np.uint16(4095) - levels, "MONOCHROME1")
    out = tmp_path / "out"
    ended = nasion("landmarks", "image", films, "--scheme", "films4", "--out", out, "--model", trained.run / "model")
    assert ended.code == 0, ended
    (note,) = ended.err.splitlines()
    assert "one.dcm: it is a DICOM picture of type MONOCHROME1 (0 is white); it was inverted" in note
    one, two = (json.loads((out / f"{name}.landmarks.json").read_text()) for name in ("one", "two"))
    assert one == two and len(two["landmarks"]) >= 3
    # pydicom's levels are stretched by a few per cent; the points stay on their discs
    for name, point in two["landmarks"].items():
        assert np.hypot(*np.subtract(point, points[int(name) - 1])) < 4


def test_another_run_in_the_same_folder_is_refused(trained: Trained) -> None:
    ended = train(trained.data, trained.run, "--seed", 1)
    assert ended.code == 2
    assert "holds a training of other settings" in ended.err


def test_a_run_begins_with_another_ones_weights_but_never_judges_people_learnt_there(
    trained: Trained, tmp_path: Path
) -> None:
    begun = train(trained.data, tmp_path / "same", "--epochs", 1, "--begin-with", trained.run)
    assert begun.code == 0, begun
    first = (trained.run / "run" / "log.csv").read_text().splitlines()[1]
    loss = (tmp_path / "same" / "run" / "log.csv").read_text().splitlines()[1]
    assert float(loss.split(",")[3]) < 0.5 * float(first.split(",")[3])  # heat maps
    other = train(trained.data, tmp_path / "other", "--seed", 1, "--begin-with", trained.run)
    assert other.code == 2 and "is held out or tested on here; begin with a run of the same sets and seed" in other.err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("absent", "no such folder; give the folder of the images with landmarks"),
        ("empty", "is in no known format (see docs/image_landmarks.md); for own images use NAME.jpg and"),
        ("scheme", "is of the scheme facial20, but films4 is wanted"),
        ("name", "names 'chin', but films4 is wanted"),
        ("image", "there is no image a{"),
        ("space", "has points in space; give points of the image, in pixels"),
        ("few", "images of 1 people are too few to learn from; give at least 20"),
    ],
)
def test_a_folder_that_cannot_be_learnt_from(films: None, tmp_path: Path, content: str, says: str) -> None:
    data = tmp_path / "data"
    if content != "absent":
        data.mkdir()
    if content in ("scheme", "name", "image", "space", "few"):
        point = [5.0, 5.0, 5.0] if content == "space" else [5.0, 5.0]
        file = {
            "scheme": "facial20" if content == "scheme" else "films4",
            "landmarks": {"chin" if content == "name" else "1": point, "2": [9.0, 9.0]},
        }
        (data / "a.landmarks.json").write_text(json.dumps(file))
        if content != "image":
            Image.new("L", (20, 20), 9).save(data / "a.png")
    ended = train(data, tmp_path / "run")
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith("nasion: ") and says in line
    assert not (tmp_path / "run").exists()


def test_several_sets_and_a_test_set(trained: Trained, tmp_path: Path) -> None:
    """A second set of other people, and a set only to be tested on, under its own name."""
    other, only_test, run = tmp_path / "other", tmp_path / "only_test", tmp_path / "run"
    for folder, first, count in ((other, 50, 20), (only_test, 80, 6)):
        folder.mkdir()
        for person in range(first, first + count):
            image, points = film(person)
            Image.fromarray(image).save(folder / f"p{person}.png")
            named = {str(k + 1): point for k, point in enumerate(points)}
            (folder / f"p{person}.landmarks.json").write_text(json.dumps({"landmarks": named}))
    arguments = ("--scheme", "films4", "--data", trained.data, "--data", other, "--test", only_test)
    ended = nasion("train", "image-landmarks", *arguments, "--out", run, "--epochs", 1, "--jobs", 1)
    assert ended.code == 0, ended
    card = json.loads((run / "model" / "card.json").read_text())
    parts = ("test of data", "test of other", "only_test")
    assert set(card["tests"]) == {name + more for name in parts for more in ("", ", parts hidden")}
    assert card["tests"]["only_test"]["people"] == 6
    assert "images of data, " in card["data"] and "images of other; " in card["data"] and "only_test" in card["data"]
    assert card["terms"] == "data: own data; other: own data"
    plan = json.loads((run / "training.json").read_text())["plan"]
    assert [Path(folder).name for folder in plan["data"]] == ["data", "other"]
    twice = nasion("train", "image-landmarks", *arguments, "--data", other, "--out", tmp_path / "no", "--epochs", 1)
    assert twice.code == 2 and "other: is given twice" in twice.err


def test_rendered_faces(shared_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "faces"
    ended = nasion("train", "rendered-faces", "--data", shared_data, "--out", out, "--count", 1)
    assert ended.code == 0 and ended.out.strip() == f"{out}: 1 pictures, 1 of them new"
    again = nasion("train", "rendered-faces", "--data", shared_data, "--out", out, "--count", 1)
    assert again.out.strip().endswith("1 pictures, 0 of them new")
    other = nasion("train", "rendered-faces", "--data", shared_data, "--out", out, "--count", 2)
    assert other.code == 2 and "rendered faces of other settings" in other.err
