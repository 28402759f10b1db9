"""From picture files to landmark files: what is found, what is said, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cli.command import nasion
from landmarks.image.handmade import mean_shape, write_color_model, write_constant_model
from nasion.errors import NasionError
from nasion.landmarks.image import find
from nasion.landmarks.image.completion import TARGETS
from nasion.landmarks.image.face_finder import one_face
from nasion.landmarks.image.find import FREE_ONLY, find_image_landmarks, find_in_file, model_folder
from nasion.landmarks.image.hair import COVERED
from nasion.readers.landmarks import read_landmarks

SIZE, MARGIN = (128, 128), 1.3


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that puts a mean face where the face's box is."""
    folder = tmp_path_factory.mktemp("models") / "ibug68"
    write_constant_model(folder, "ibug68", mean_shape(SIZE, MARGIN), SIZE, MARGIN)
    return folder


@pytest.fixture(scope="module")
def portrait_path(shared_data: Path) -> Path:
    return sorted((shared_data / "photos/london/neutral_front").glob("*.jpg"))[5]


@pytest.fixture(scope="module")
def portrait(portrait_path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(portrait_path).convert("RGB"))


def test_a_portrait_gives_a_landmark_file(portrait_path: Path, model: Path, tmp_path: Path) -> None:
    found = find_in_file(portrait_path, "facial20", tmp_path / "p.json", model)
    assert found.warnings == ()
    written = json.loads((tmp_path / "p.json").read_text())
    assert written["scheme"] == "facial20" and written["units"] == "px" and written["image_size_px"] == [512, 512]
    there = {**written["landmarks"], **written["helpers"]}
    assert set(written["sigma_px"]) == set(there)
    assert set(there) | set(written["missing"]) == set(TARGETS)
    assert "hair" in written["missing"]["bregma"]
    # left is the subject's: in the picture it lies to the right
    for name in ("exocanthion", "endocanthion", "alare", "zygion", "gonion"):
        assert there[f"{name}_left"][0] > there[f"{name}_right"][0] + 10
    assert there["glabella"][1] < there["nasion"][1] < there["subnasale"][1] < there["gnathion"][1]
    again = read_landmarks(tmp_path / "p.json", "facial", 2)
    assert dict(again.sigma) == {name: pytest.approx(value) for name, value in written["sigma_px"].items()}


def test_the_68_points_are_numbered_from_1(portrait: NDArray[np.uint8], model: Path) -> None:
    file = find_image_landmarks(portrait, "ibug68", model).landmark_file()
    assert list(file.landmarks) == [str(k) for k in range(1, 69)]
    assert file.helpers == {} and file.missing == {}


def test_what_the_user_should_know(portrait: NDArray[np.uint8], model: Path) -> None:
    def notes(image: NDArray[np.uint8]) -> str:
        return " | ".join(find_image_landmarks(np.ascontiguousarray(image), "facial20", model).warnings)

    assert "the head is on its side" in notes(np.rot90(portrait))
    assert "2 faces are in it" in notes(np.concatenate([portrait, portrait], axis=1))


def test_a_100_megapixel_photograph_is_reduced(portrait: NDArray[np.uint8], model: Path) -> None:
    large = np.asarray(cv2.resize(portrait, (10_000, 10_000), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    found = find_image_landmarks(large, "ibug68", model)
    expected = find_image_landmarks(portrait, "ibug68", model).result.scaled(10_000 / 512)
    assert found.warnings[0].startswith("it has 100 megapixels; it was searched at 63% of its size")
    assert found.image_size_px == (10_000, 10_000)
    face = 10_000 / 512 * one_face(portrait)[0].size_px
    np.testing.assert_allclose(found.result.points_px, expected.points_px, atol=0.05 * face)


def test_a_sketch_is_told(shared_data: Path, model: Path, tmp_path: Path) -> None:
    sketches = sorted((shared_data / "sketches/cuhk").glob("*sketch*/*"))[::22]
    for path in sketches:
        found = find_in_file(path, "facial20", tmp_path / "s.json", model)
        assert any(note.startswith("it looks like a drawing") for note in found.warnings), path.name
    for path in sorted((shared_data / "photos/london/neutral_front").glob("*.jpg"))[::34]:
        Image.open(path).convert("L").save(tmp_path / "grey.png")
        assert not find_in_file(tmp_path / "grey.png", "facial20", tmp_path / "g.json", model).warnings


def test_a_fringe_hides_metopion(portrait: NDArray[np.uint8], model: Path) -> None:
    bare = find_image_landmarks(portrait, "facial20", model)
    assert "metopion" not in bare.result.missing
    u, v = (round(float(x)) for x in bare.result.found()["metopion"])
    fringed = portrait.copy()
    rng = np.random.default_rng(0)
    fringe = rng.normal(35, 12, (60, 140, 1)).clip(0, 255).astype(np.uint8)
    fringed[v - 45 : v + 15, u - 70 : u + 70] = fringe
    assert find_image_landmarks(fringed, "facial20", model).result.missing["metopion"] == COVERED


@pytest.mark.parametrize("form", ["cmyk", "grey16", "alpha", "animated"])
def test_pictures_of_other_forms(portrait: NDArray[np.uint8], model: Path, tmp_path: Path, form: str) -> None:
    whole = Image.fromarray(portrait)
    path = tmp_path / {"cmyk": "p.jpg", "grey16": "p.tif", "alpha": "p.png", "animated": "p.gif"}[form]
    if form == "cmyk":
        whole.convert("CMYK").save(path, quality=95)
    elif form == "grey16":
        Image.fromarray(np.asarray(whole.convert("L")).astype(np.uint16) * 257).save(path)
    elif form == "alpha":
        whole.putalpha(255)
        whole.save(path)
    else:
        whole.save(path, save_all=True, append_images=[Image.new("RGB", (512, 512))])
    found = find_in_file(path, "ibug68", tmp_path / "p.json", model)
    expected = find_image_landmarks(portrait, "ibug68", model)
    np.testing.assert_allclose(found.result.points_px, expected.result.points_px, atol=12)
    told = {"cmyk": "CMYK", "grey16": "8 bits", "alpha": "", "animated": "the first is used"}[form]
    assert told in " ".join(found.warnings) and len(found.warnings) == (form != "alpha")


def test_faces_that_are_refused(portrait: NDArray[np.uint8], model: Path, tmp_path: Path) -> None:
    tiny = cv2.resize(portrait, (54, 54), interpolation=cv2.INTER_AREA)
    Image.fromarray(np.asarray(tiny, dtype=np.uint8)).save(tmp_path / "tiny.png")
    Image.new("RGB", (300, 300), (90, 120, 90)).save(tmp_path / "none.png")
    with pytest.raises(NasionError, match=r"tiny\.png: the face is \d+ pixels large"):
        find_in_file(tmp_path / "tiny.png", "facial20", tmp_path / "o.json", model)
    with pytest.raises(NasionError, match=r"none\.png: no face is found"):
        find_in_file(tmp_path / "none.png", "facial20", tmp_path / "o.json", model)
    assert not (tmp_path / "o.json").exists()


def test_a_radiograph_needs_no_face(tmp_path: Path) -> None:
    size = (80, 100)
    shape = np.stack([np.linspace(10, 70, 19), np.linspace(20, 90, 19)], axis=1)
    write_color_model(tmp_path / "m", "cephalo19", size, 1.5, shape)
    image = np.zeros((250, 200, 3), np.uint8)
    for channel, (x, y) in enumerate(((120, 80), (150, 150), (140, 200))):
        image[y - 4 : y + 5, x - 4 : x + 5, channel] = 250
    found = find_image_landmarks(image, "cephalo19", tmp_path / "m")
    assert found.face is None and found.warnings == ()
    np.testing.assert_allclose(found.result.points_px[0], (120, 80), atol=1)


def test_which_weights_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free, bound = tmp_path / "weights", tmp_path / "weights_noncommercial"
    monkeypatch.setattr(find, "_WEIGHTS", free)
    monkeypatch.setattr(find, "_NONCOMMERCIAL", bound)
    monkeypatch.delenv(FREE_ONLY, raising=False)
    with pytest.raises(NasionError, match="no weights for ibug68; train them"):
        model_folder("facial20")
    (free / "ibug68").mkdir(parents=True)
    assert model_folder("facial20") == free / "ibug68"
    (bound / "ibug68").mkdir(parents=True)
    assert model_folder("ibug68") == bound / "ibug68"
    monkeypatch.setenv(FREE_ONLY, "1")
    assert model_folder("ibug68") == free / "ibug68"
    with pytest.raises(NasionError, match="there is no scheme 'facial21'"):
        model_folder("facial21")


def test_a_model_of_another_scheme_is_refused(portrait: NDArray[np.uint8], model: Path) -> None:
    with pytest.raises(NasionError, match="is a model of ibug68, not of cephalo19"):
        find_image_landmarks(portrait, "cephalo19", model)


def test_command(portrait_path: Path, model: Path, tmp_path: Path) -> None:
    out, picture = tmp_path / "p.json", tmp_path / "p.png"
    arguments = ("--scheme", "facial20", "--model", model)
    ended = nasion("landmarks", "image", portrait_path, *arguments, "--out", out, "--picture", picture)
    assert ended.code == 0, ended
    assert "of 27 landmarks of facial20, median SD" in ended.out and "missing: bregma" in ended.out
    drawn = Image.open(picture)
    assert drawn.size[0] == 1000 and drawn.size[1] > 1000
    assert nasion("landmarks", "image", portrait_path, *arguments, "--out", out).code == 2


def test_command_on_a_folder(portrait_path: Path, model: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(portrait_path.read_bytes())
    Image.new("RGB", (300, 300), (90, 120, 90)).save(photos / "b.png")
    Image.new("L", (300, 300), 255).save(photos / "a.mask.png")
    out, pictures = tmp_path / "out", tmp_path / "pictures"
    arguments = ("--scheme", "ibug68", "--model", model, "--out", out, "--picture", pictures)
    ended = nasion("landmarks", "image", photos, *arguments)
    assert ended.code == 3, ended
    assert [path.name for path in out.iterdir()] == ["a.landmarks.json"]
    assert [path.name for path in pictures.iterdir()] == ["a.png"]
    assert ended.err.strip() == f"nasion: not used: {photos / 'b.png'}: no face is found in it; " + (
        "give a photograph of a face, or place the landmarks by hand"
    )
