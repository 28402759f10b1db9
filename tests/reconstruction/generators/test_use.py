"""The exported model: the same faces as PyTorch's, samples by seed, cards, folders, commands."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from cli.command import nasion  # noqa: E402
from matching.small import write_set  # noqa: E402
from nasion.errors import NasionError  # noqa: E402
from nasion.matching.point_schemes import point_scheme, shapes  # noqa: E402
from nasion.matching.samples import MatchPicture  # noqa: E402
from nasion.networks.model_folder import MODEL_FILE  # noqa: E402
from nasion.reconstruction.generators.card import ModelFolder, write_model  # noqa: E402
from nasion.reconstruction.generators.pairs import PairSet, load  # noqa: E402
from nasion.reconstruction.generators.predict import Generator, generator_of, open_generator  # noqa: E402
from nasion.reconstruction.generators.reconstruct import NOTICE, shown_view, source_pixels  # noqa: E402
from nasion.reconstruction.generators.settings import GeneratorSettings  # noqa: E402
from nasion.reconstruction.generators.tensors import pictures_of, tensor_of  # noqa: E402
from nasion.reconstruction.generators.train import Trained  # noqa: E402
from nasion.reconstruction.generators.training_run import packed_model  # noqa: E402
from nasion.reconstruction.generators.translator import FaceGenerator, new_generator  # noqa: E402
from reconstruction.generators.small import drawn_pair, drawn_pairs, small_settings  # noqa: E402

BOTH = PairSet((*drawn_pairs(2), drawn_pair(2, "lateral")), {})


def untrained(model: str, dropout: float = 0.5) -> tuple[FaceGenerator, GeneratorSettings, ModelFolder]:
    """A model with PyTorch's own start; what it learnt does not matter here."""
    torch.manual_seed(0)
    settings = small_settings(model)
    settings = replace(settings, network=replace(settings.network, dropout=dropout, by_view=True))
    generator = new_generator(settings.network).eval()
    packed = packed_model(Trained(generator, ()), settings, BOTH, "ibug68", "sketch", "drawings")
    return generator, settings, packed


@pytest.fixture(scope="module")
def ready() -> Generator:
    return generator_of(untrained("pix2pix")[2])


@pytest.mark.parametrize("model", ["cyclegan", "pix2pix", "cut"])
def test_onnx_gives_what_pytorch_gives(model: str) -> None:
    generator, _, packed = untrained(model)
    found = generator_of(packed)
    source = drawn_pair(5).source
    for view, number in (("frontal", -1.0), ("lateral", 1.0)):
        faces = found.reconstruct(source, view, 2, seed=3).samples
        noise = [np.random.default_rng([3, k]).random(generator.noise_size, np.float32) for k in range(2)]
        with torch.no_grad():
            made = generator(tensor_of([source, source]), torch.full((2,), number), torch.from_numpy(np.stack(noise)))
        # stored in half precision
        assert np.abs(faces.astype(int) - pictures_of(made).astype(int)).max() <= 2
        assert faces.std() > 5


def test_samples_follow_from_the_seed(ready: Generator) -> None:
    source = drawn_pair(5).source
    one = ready.reconstruct(source, "frontal", 3, seed=1)
    assert np.array_equal(one.samples, ready.reconstruct(source, "frontal", 3, seed=1).samples)
    assert np.array_equal(one.samples[:2], ready.reconstruct(source, "frontal", 2, seed=1).samples)
    other = ready.reconstruct(source, "frontal", 3, seed=2)
    faces = [*one.samples, *other.samples]
    assert all(not np.array_equal(a, b) for k, a in enumerate(faces) for b in faces[:k])


def test_mean_and_disagreement_by_hand(ready: Generator) -> None:
    found = replace(
        ready.reconstruct(drawn_pair(5).source, "frontal", 2),
        samples=np.stack([np.full((2, 2, 3), 10, np.uint8), np.full((2, 2, 3), 16, np.uint8)]),
    )
    assert (found.mean == 13).all()
    assert found.spread == pytest.approx(np.full((2, 2), np.sqrt(18)))
    assert (replace(found, samples=found.samples[:1]).spread == 0).all()


def test_without_dropout_all_samples_are_one_face() -> None:
    found = generator_of(untrained("cut", dropout=0.0)[2]).reconstruct(drawn_pair(5).source, "frontal", 3)
    assert (found.spread == 0).all()


def test_a_picture_is_laid_into_the_frame(ready: Generator) -> None:
    """The whole way from a picture and its points is that from the frame."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (250, 200, 3)).astype(np.uint8)
    from nasion.matching.point_schemes import point_scheme
    from nasion.matching.points import aligned_set_points

    points = aligned_set_points(point_scheme("ibug68")).find(picture)
    faces = ready.samples(picture, points, "frontal", 2, 7)
    assert np.array_equal(faces, ready.reconstruct(ready.frame(picture, points), "frontal", 2, 7).samples)


def test_what_a_generator_refuses(ready: Generator) -> None:
    source = drawn_pair(5).source
    with pytest.raises(NasionError, match="knows frontal, lateral pictures, not 'oblique'"):
        ready.reconstruct(source, "oblique")
    with pytest.raises(NasionError, match="32 x 32"):
        ready.reconstruct(source[:16, :16])
    with pytest.raises(NasionError, match="0 samples"):
        ready.reconstruct(source, "frontal", 0)
    with pytest.raises(NasionError, match="too few landmarks"):
        ready.samples(source, np.full((68, 2), np.nan))


def test_a_model_comes_back_from_its_folder(tmp_path: Path) -> None:
    _, settings, packed = untrained("cut")
    write_model(tmp_path / "model", packed)
    found = open_generator(tmp_path / "model")
    assert open_generator(tmp_path) is found  # a training run's folder stands for its model
    assert found.card.model_dump_json() == packed.card.model_dump_json()
    assert found.card.generator_settings() == settings
    assert found.card.views == ("frontal", "lateral") and found.card.training_people == 3
    assert found.card.learnt_from == tuple(sorted(mark for pair in BOTH.pairs for mark in pair.marks))
    (tmp_path / "model" / MODEL_FILE).write_bytes(packed.onnx[:-1] + b"x")
    with pytest.raises(NasionError, match="SHA-256 differs"):
        open_generator(tmp_path / "model")
    with pytest.raises(NasionError, match="no trained model"):
        open_generator(tmp_path / "elsewhere")


def test_from_files_to_faces(tmp_path: Path) -> None:
    """Both commands on a set laid out like CUHK's, its own test people, and a sketch with its landmarks beside it."""
    write_set(tmp_path / "set", 12, ("train", "train", "test"), landmarks=True)
    train = ["train", "reconstruction", "--model", "pix2pix", "--dataset", "cuhk", "--data", tmp_path / "set"]
    train += ["--preset", "tiny", "--minutes", "0.05", "--jobs", "1", "--out", tmp_path / "run"]
    told = nasion(*train)
    assert told.code == 0, told.err
    assert "test: 4 pairs of 4 people, SSIM" in told.out and "held out: 2 pairs of 2 people" in told.out
    assert nasion(*train).out == told.out  # a finished run is told again, not made again
    card = open_generator(tmp_path / "run" / "model").card
    assert card.training_people == 6 and card.settings["network"]["by_view"] is False
    marks = {mark for pair in load("cuhk", tmp_path / "set", 16).pairs if pair.split == "test" for mark in pair.marks}
    assert len(card.learnt_from) == 12 and not marks & set(card.learnt_from)

    sketch = tmp_path / "set" / "sketch" / "2.png"
    use = ["reconstruct", sketch, "--model", tmp_path / "run" / "model", "--samples", "3", "--seed", "4"]
    made = nasion(*use, "--out", tmp_path / "faces")
    assert made.code == 0, made.err
    assert "no photograph" in made.out
    result = json.loads((tmp_path / "faces" / "result.json").read_text())
    assert result["notice"] == NOTICE and "one of many possible faces" in NOTICE
    assert result["samples"] == ["sample_01.png", "sample_02.png", "sample_03.png"]
    assert (result["seed"], result["input"]["file"]) == (4, "2.png")
    names = {path.name for path in (tmp_path / "faces").iterdir()}
    assert names == {*result["samples"], "source.png", "mean.png", "disagreement.png", "overview.png", "result.json"}
    again = nasion(*use, "--out", tmp_path / "faces")
    assert again.code == 2 and "--force" in again.err
    nasion(*use, "--out", tmp_path / "more")
    for name in result["samples"]:
        assert (tmp_path / "faces" / name).read_bytes() == (tmp_path / "more" / name).read_bytes()
    wrong = nasion(*use, "--view", "lateral", "--out", tmp_path / "no")
    assert wrong.code == 2 and "show a frontal head, not a lateral one" in wrong.err
    assert result["input"]["view"] == "frontal"
    own = tmp_path / "marks" / "2.json"
    own.parent.mkdir()
    own.write_bytes((tmp_path / "set" / "sketch" / "2.landmarks.json").read_bytes())
    taken = nasion(*use, "--landmarks", own, "--out", own.parent, "--force")
    assert taken.code == 2 and "holds the input" in taken.err and own.is_file()
    assert not (tmp_path / "no").exists()


def test_a_negative_of_a_film_is_turned_back(tmp_path: Path) -> None:
    film = np.full((240, 200), 12, np.uint8)
    cv2.ellipse(film, (100, 110), (70, 90), 0, 0, 360, 150, -1)
    cv2.ellipse(film, (100, 110), (70, 90), 0, 0, 360, 240, 8)
    pixels = []
    for name, own in (("film", film), ("negative", 255 - film)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), own)
        picture = MatchPicture(tmp_path / f"{name}.png", name, "frontal", "xray")
        found, notes = source_pixels(picture)
        assert len(notes) == (name == "negative") and all("turned back" in note for note in notes)
        pixels.append(found)
    assert np.array_equal(*pixels) and np.array_equal(pixels[0][..., 1], film)
    as_sketch, _ = source_pixels(MatchPicture(tmp_path / "negative.png", "s", "frontal", "sketch"))
    assert np.array_equal(as_sketch[..., 0], 255 - film)


def test_the_landmarks_tell_the_view() -> None:
    scheme = point_scheme("pairs20")
    for name, shape in shapes(scheme.name).items():
        points, shown = shape * 1.5 + 90, name.split("_")[0]
        assert shown_view("", points, scheme) == shown_view(shown, points, scheme) == shown
        with pytest.raises(NasionError, match=f"show a {shown} head, not a oblique one"):
            shown_view("oblique", points, scheme)


def test_commands_refuse_in_one_line(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 8)
    base = ["train", "reconstruction", "--dataset", "cuhk", "--data", tmp_path / "set", "--out", tmp_path / "run"]
    for extra, told in (
        (["--model", "vae"], "no model 'vae'"),
        (["--model", "cut", "--preset", "huge"], "no preset 'huge'"),
        (["--model", "cut", "--minutes", "0"], "0.0 minutes"),
        (["--model", "cut", "--dataset", "celeba"], "no dataset 'celeba'"),
    ):
        found = nasion(*base, *extra)
        assert found.code == 2 and told in found.err and found.err.count("\n") == 1
    picture = tmp_path / "set" / "sketch" / "0.png"
    lost = nasion("reconstruct", picture, "--model", tmp_path, "--out", tmp_path / "o")
    assert lost.code == 2 and "no trained model" in lost.err
