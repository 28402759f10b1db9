"""The reconstruction experiment by makers and eyes whose result is known: perfect, mean, random, permuted, failing."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cli.command import nasion
from nasion.errors import NasionError
from nasion.experiments.reconstruction import Eyes, ReconstructionExperiment, run_reconstruction_experiment
from nasion.experiments.reconstruction_folds import Fold, MadeFace, folds_of
from nasion.experiments.reconstruction_people import SOURCE_ITSELF
from nasion.experiments.reconstruction_retrieval import CENTRED, centred_scores, retrieval
from nasion.matching.datasets import read_cuhk
from nasion.matching.samples import MatchPair, MatchPicture
from nasion.reconstruction.scores.networks import Seen

PEOPLE = 12
SIDE = 32
VIEW = "frontal"


def person(seed: int) -> np.ndarray:
    """Return a 250 x 200 picture of coloured patches, as only one person has them."""
    patches = np.random.default_rng([7, seed]).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    return np.kron(patches, np.ones((50, 50, 1), np.uint8))


def write_set(folder: Path, people: int = PEOPLE, test: int = 0) -> Path:
    (folder / "pictures").mkdir(parents=True)
    rows = []
    for k in range(people):
        picture = person(k)
        drawn = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
        names = (f"pictures/photo{k:02d}.png", f"pictures/sketch{k:02d}.png")
        Image.fromarray(picture).save(folder / names[0])
        Image.fromarray(drawn).save(folder / names[1])
        rows.append(("test" if k >= people - test else "train", f"s{k:02d}", *names))
    with (folder / "pairs.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("split", "subject", "photo", "sketch"), *rows])
    return folder


class Patches:
    """Sees the colours of a coarse grid: the same for equal pictures, whatever their size."""

    name = "patches"

    def describe(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        small = [np.asarray(Image.fromarray(own).resize((8, 8), Image.Resampling.BOX), float) for own in pictures]
        return np.array(small).reshape(len(pictures), 192)

    def look(self, pictures: Sequence[np.ndarray]) -> Seen:
        features = (self.describe(pictures)[:, :5] / 255).astype(np.float32)
        return Seen(features, features)


class Blind(Patches):
    """Cannot describe pictures that are bright on the whole, and sees nothing but chance in others."""

    name = "random"

    def __init__(self, lost_above: float = 256.0) -> None:
        self.rng = np.random.default_rng(5)
        self.lost_above = lost_above

    def describe(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        vectors = self.rng.standard_normal((len(pictures), 4))
        vectors[[own.mean() > self.lost_above for own in pictures]] = np.nan
        return vectors


class Perfect:
    """Knows the truth; counts its folds and may stop in one of them."""

    name = "perfect"
    taught_by = ""

    def settings(self) -> dict[str, Any]:
        return {"name": self.name}

    def __init__(self, stop_in: int | None = None) -> None:
        self.folds: list[tuple[set[str], set[str]]] = []
        self.stop_in = stop_in

    def face(self, pairs: Sequence, k: int) -> np.ndarray:
        return pairs[k].target

    def make(self, training: Sequence, tests: Sequence, folder: Path) -> list[MadeFace]:
        if len(self.folds) == self.stop_in:
            raise KeyboardInterrupt
        self.folds.append(({pair.person for pair in training}, {pair.person for pair in tests}))
        return [MadeFace(self.face(tests, k), self.face(tests, k)) for k in range(len(tests))]


class Neighbour(Perfect):
    """Gives everybody the face of the next person of the fold."""

    name = "neighbour"

    def face(self, pairs: Sequence, k: int) -> np.ndarray:
        return pairs[(k + 1) % len(pairs)].target


EYES = Eyes(Patches(), (Patches(),))


def run(data: Path, makers: Sequence, out: Path, eyes: Eyes = EYES, folds: int | None = 3, **more) -> dict:
    experiment = ReconstructionExperiment("cuhk", data, side_px=SIDE, folds=folds, preset="tiny")
    return run_reconstruction_experiment(experiment, makers, eyes, out, **more)


def test_what_scripts_rely_on(tmp_path: Path) -> None:
    table = run(write_set(tmp_path / "data"), [Perfect(), Neighbour()], tmp_path / "out")
    assert json.loads((tmp_path / "out" / "table.json").read_text()) == json.loads(json.dumps(table))
    assert list(table["table1"][VIEW]) == ["mean face", "perfect", "neighbour"]
    assert list(table["table2"][VIEW]["patches"]) == [SOURCE_ITSELF, "mean face", "perfect", "neighbour"]
    for name in ("sheet_frontal.png", "cmc_frontal.png"):
        assert min(Image.open(tmp_path / "out" / name).size) > 100
    text = (tmp_path / "out" / "table.md").read_text()
    assert "## Table 1, frontal" in text
    assert "## Table 2, frontal, 12 probes among as many faces" in text
    assert "| chance | 8.3 % |" in text


def test_a_perfect_generator_is_perfect(tmp_path: Path) -> None:
    table = run(write_set(tmp_path / "data"), [Perfect()], tmp_path / "out")
    row, floor = (table["table1"][VIEW][name] for name in ("perfect", "mean face"))
    assert row["ssim"]["mean"] == pytest.approx(1.0)
    assert row["kid"]["value"] == pytest.approx(0.0, abs=1e-9)
    assert row["fid"]["value"] == pytest.approx(0.0, abs=1e-6)
    assert floor["kid"]["value"] > 0
    assert floor["ssim_above_floor"]["mean"] == 0
    assert row["ssim_above_floor"]["mean"] == pytest.approx(1 - floor["ssim"]["mean"])
    assert row["ssim_above_floor"]["interval95"][0] > 0
    found = table["table2"][VIEW]["patches"]["perfect"]
    assert found["recall"]["1"] == found["map"]["1"] == found["mrr"] == 1.0
    assert found["interval95"]["recall"]["1"] == [1.0, 1.0]


def test_faces_of_others_find_nobody(tmp_path: Path) -> None:
    found = run(write_set(tmp_path / "data"), [Neighbour()], tmp_path / "out")["table2"][VIEW]["patches"]
    assert found["neighbour"]["recall"]["1"] == 0.0


def test_the_mean_face_is_at_chance(tmp_path: Path) -> None:
    # one fold: everybody has the same mean face, so that exactly one of the six is "found"
    table = run(write_set(tmp_path / "data", test=6), [], tmp_path / "out", folds=None)
    for way in ("", CENTRED):
        found = table["table2"][VIEW]["patches" + way]["mean face"]
        assert found["n_queries"] == found["n_gallery"] == 6
        for kind in ("recall", "map"):
            assert found[kind] == pytest.approx(found["chance"][kind])
        assert found["mrr"] == pytest.approx(found["chance"]["mrr"])


def test_a_constant_description_is_at_chance() -> None:
    class Constant(Patches):
        def describe(self, pictures):
            return np.ones((len(pictures), 3))

    pictures = [person(k) for k in range(10)]
    people = [str(k) for k in range(10)]
    for rows in retrieval(Constant(), {"any": pictures}, pictures, people, [0] * 10, 0).values():
        own = rows["any"].figures
        assert own.recall[1] == pytest.approx(0.1)
        assert own.mrr == pytest.approx(own.chance["mrr"])


def test_random_features_and_permuted_labels_are_at_chance() -> None:
    pictures = [person(k) for k in range(40)]
    people = [f"p{k}" for k in range(40)]
    blind = Blind()
    rng = np.random.default_rng(3)
    random = [retrieval(blind, {"any": pictures}, pictures, people, [0] * 40, 0) for _ in range(5)]
    orders = [rng.permutation(40) for _ in range(5)]
    moved = [
        retrieval(Patches(), {"any": [pictures[k] for k in order]}, pictures, people, [0] * 40, 0) for order in orders
    ]
    for tables, way in product((random, moved), ("", CENTRED)):
        own = [next(rows["any"].figures for name, rows in table.items() if name.endswith(way)) for table in tables]
        hits = sum(round(40 * figures.recall[10]) for figures in own)
        assert 30 <= hits <= 70  # binomial, 200 trials of 1/4: 50, SD 6.1
        assert np.mean([figures.mrr for figures in own]) < 2 * own[0].chance["mrr"]


def test_centring_takes_off_what_all_probes_share() -> None:
    rng = np.random.default_rng(11)
    faces = rng.standard_normal((30, 8))
    # of every second fold other drawings: a shift of its own, and all of them nearer to their mean than photographs
    folds = [k % 2 for k in range(30)]
    probes = 0.3 * faces + np.array([[4.0] * 8, [-9.0] * 8])[folds] + 0.02 * rng.standard_normal((30, 8))
    plain = np.linalg.norm(probes[:, None] - faces, axis=2).argmin(axis=1)
    assert (plain == np.arange(30)).mean() < 0.2
    assert (centred_scores(probes, faces, folds).argmax(axis=1) == np.arange(30)).mean() > 0.9
    # by hand: two probes and faces on a line have cosines of 1 and -1
    pair = np.array([[1.0], [3.0]])
    assert np.array_equal(centred_scores(pair + 100, pair, [0, 0]), [[1, -1], [-1, 1]])


def test_a_probe_without_others_tells_nothing_when_centred() -> None:
    faces = np.eye(3)
    assert np.array_equal(centred_scores(faces, faces, [0, 1, 2]), np.zeros((3, 3)))
    lost = faces.copy()
    lost[1] = np.nan
    scores = centred_scores(lost, faces, [0, 0, 0])
    assert np.isnan(scores[1]).all() and np.isfinite(scores[[0, 2]]).all()
    assert np.isnan(centred_scores(faces, lost, [0, 0, 0])[:, 1]).all()


def test_pictures_that_cannot_be_described_are_not_found() -> None:
    pictures = [np.full((20, 20, 3), 10 * k, np.uint8) for k in range(6)]

    class Lossy(Patches):
        def describe(self, pictures):
            vectors = super().describe(pictures)
            vectors[[own.mean() == 30 for own in pictures]] = np.nan
            return vectors

    found = retrieval(Lossy(), {"any": [*pictures[:5], None]}, pictures, list("abcdef"), [0] * 6, 0)
    assert found["patches" + CENTRED]["any"].probes_lost == 2 and found["patches" + CENTRED]["any"].faces_lost == 1
    own = found["patches"]["any"]
    assert (own.probes_lost, own.faces_lost) == (2, 1)
    assert own.figures.queries == own.figures.gallery == 6
    assert own.figures.recall[1] == pytest.approx(4 / 6)
    # a lost probe's right face is last
    assert own.figures.mrr == pytest.approx((4 + 2 / 6) / 6)


def test_an_unreadable_picture_counts_as_not_found(tmp_path: Path) -> None:
    data = write_set(tmp_path / "data")
    (data / "pictures" / "photo03.png").write_bytes(b"no picture")
    table = run(data, [Perfect()], tmp_path / "out")
    found = table["table2"][VIEW]["patches"]["perfect"]
    assert (found["n_queries"], found["probes_lost"], found["faces_lost"]) == (12, 1, 1)
    assert found["recall"]["1"] == pytest.approx(11 / 12)
    assert table["table1"][VIEW]["perfect"]["pictures"] == 11
    assert [Path(path).name for path in table["failures"]] == ["photo03.png"]


def test_nobody_is_on_both_sides(tmp_path: Path) -> None:
    maker = Perfect()
    run(write_set(tmp_path / "data"), [maker], tmp_path / "out")
    assert len(maker.folds) == 3
    tested: list[str] = []
    for training, tests in maker.folds:
        assert not training & tests
        assert len(training | tests) == PEOPLE
        tested += tests
    assert sorted(tested) == [f"s{k:02d}" for k in range(PEOPLE)]
    with pytest.raises(NasionError, match="split by person"):
        Fold(frozenset("ab"), frozenset("bc"))


def test_views_of_a_person_stay_together() -> None:
    pairs = [
        MatchPair(
            MatchPicture(Path("x"), f"p{k // 2}", ("frontal", "lateral")[k % 2], "xray"),
            MatchPicture(Path("y"), f"p{k // 2}", ("frontal", "lateral")[k % 2], "face"),
            "train" if k < 12 else "test",
        )
        for k in range(20)
    ]
    (official,) = folds_of(pairs, None, 0)
    assert official.tests == {f"p{k}" for k in range(6, 10)}
    crossed = folds_of(pairs, 4, 0)
    assert sorted(who for fold in crossed for who in fold.tests) == sorted(f"p{k}" for k in range(10))
    assert len(folds_of(pairs[:12], None, 0)) == 5


def test_a_stopped_run_goes_on_and_takes_further_models(tmp_path: Path) -> None:
    data, out = write_set(tmp_path / "data"), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(data, [Perfect(stop_in=2)], out)
    second = Perfect()
    table = run(data, [second], out)
    assert len(second.folds) == 1
    third, other = Perfect(), Neighbour()
    more = run(data, [third, other], out)
    assert (len(third.folds), len(other.folds)) == (0, 3)
    assert more["table1"][VIEW]["perfect"] == table["table1"][VIEW]["perfect"]
    (out / "models" / "perfect" / "fold0" / "faces.npz").write_bytes(b"damaged")
    with pytest.raises(NasionError, match=r"faces\.npz: is damaged"):
        run(data, [Perfect()], out)
    with pytest.raises(NasionError, match="reconstruction experiment of other settings"):
        run(data, [Perfect()], out, folds=4)


def test_faces_of_other_data_or_settings_are_not_taken_for_these(tmp_path: Path) -> None:
    data, out = write_set(tmp_path / "data"), tmp_path / "out"
    run(data, [Perfect()], out)
    head, *rows = (data / "pairs.csv").read_text().splitlines()
    (data / "pairs.csv").write_text("\n".join([head, *rows[::-1]]) + "\n")
    with pytest.raises(NasionError, match=r"faces\.npz: was made from other data or settings"):
        run(data, [Perfect()], out)
    (data / "pairs.csv").write_text("\n".join([head, *rows]) + "\n")

    class Longer(Perfect):
        def settings(self) -> dict[str, Any]:
            return {"minutes": 5}

    with pytest.raises(NasionError, match=r"faces\.npz: was made from other data or settings"):
        run(data, [Longer()], out)
    run(data, [Perfect()], out)


def test_too_few_people_are_told_before_anything_is_learnt(tmp_path: Path) -> None:
    maker = Perfect()
    with pytest.raises(NasionError, match="3 usable frontal pairs are too few to judge"):
        run(write_set(tmp_path / "data", test=3), [maker], tmp_path / "out", folds=None)
    assert not maker.folds


def test_who_learnt_by_the_extractor_is_told(tmp_path: Path) -> None:
    class Taught(Perfect):
        taught_by = "patches"

    run(write_set(tmp_path / "data"), [Taught()], tmp_path / "out")
    assert "perfect learnt by this network's features" in (tmp_path / "out" / "table.md").read_text()


def test_no_two_faces_share_their_noise() -> None:
    pytest.importorskip("torch")
    from nasion.experiments.reconstruction_generators import own_seed
    from reconstruction.generators.small import drawn_pair

    seeds = {own_seed(0, drawn_pair(k, view)) for k in range(20) for view in ("frontal", "lateral")}
    assert len(seeds) == 40 and own_seed(0, drawn_pair(3)) == own_seed(0, drawn_pair(3)) != own_seed(1, drawn_pair(3))


def test_the_gain_over_the_source_is_told(tmp_path: Path) -> None:
    found = run(write_set(tmp_path / "data"), [Perfect()], tmp_path / "out")["table2"][VIEW]["patches"]
    source = found[SOURCE_ITSELF]["recall"]["1"]
    assert 0 < source <= 1
    assert found["perfect"]["recall1_over_source"] == pytest.approx(1 / source)


def test_too_few_pictures_for_fid_are_told(tmp_path: Path) -> None:
    class Wide(Patches):
        def look(self, pictures):
            return Seen(self.describe(pictures).astype(np.float32) / 255, np.ones((len(pictures), 3), np.float32))

    data = write_set(tmp_path / "data")
    table = run(data, [Perfect()], tmp_path / "wide", Eyes(Wide(), (Patches(),)))
    assert table["table1"][VIEW]["perfect"]["fid"]["meaningless"]
    assert "FID of 12 pictures with 192 features is meaningless" in (tmp_path / "wide" / "table.md").read_text()
    assert not run(data, [], tmp_path / "narrow")["table1"][VIEW]["mean face"]["fid"]["meaningless"]


@pytest.mark.parametrize("view", ["frontal", "lateral"])
def test_a_descriptor_of_frontal_faces_sees_no_other(
    view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = read_cuhk(write_set(tmp_path / "data"))
    shown = [MatchPair(*(replace(own, view=view) for own in (pair.probe, pair.face))) for pair in pairs]
    monkeypatch.setattr("nasion.experiments.reconstruction.read_pairs", lambda *given: shown)
    eyes = Eyes(Patches(), (Patches(), Blind()), frozenset({"random"}), {"vgg16": "not here"})
    table = run(tmp_path / "data", [], tmp_path / "out", eyes)
    text = (tmp_path / "out" / "table.md").read_text()
    seeing = ["patches", "random"] if view == "frontal" else ["patches"]
    assert list(table["table2"][view]) == [name + way for name in seeing for way in ("", CENTRED)]
    assert "* vgg16: not here" in text
    assert ("* random, lateral: it finds frontal faces only" in text) == (view == "lateral")


def test_a_generator_learns_in_each_fold(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from nasion.experiments.reconstruction_generators import GeneratorMaker

    maker = GeneratorMaker("pix2pix", "tiny", "cuhk", "xray", minutes=0.02)
    data = write_set(tmp_path / "data")
    experiment = ReconstructionExperiment("cuhk", data, side_px=64, folds=2, preset="tiny", minutes=0.02)
    table = run_reconstruction_experiment(experiment, [maker], EYES, tmp_path / "out")
    assert table["table1"][VIEW]["pix2pix"]["pictures"] == PEOPLE
    assert (tmp_path / "out" / "models" / "pix2pix" / "fold1" / "run" / "checkpoint.pt").is_file()
    # a stopped or finished experiment does not learn again
    with np.load(tmp_path / "out" / "models" / "pix2pix" / "fold0" / "faces.npz") as kept:
        assert kept["best"].shape == (6, 64, 64, 3)
        assert (kept["best"] != kept["drawn"]).any()


def test_the_command_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    data, out = write_set(tmp_path / "data"), tmp_path / "out"
    told = nasion(
        "experiment", "reconstruction", "--dataset", "cuhk", "--data", data, "--models", "dcgan", "--out", out
    )
    assert (told.code, "dcgan" in told.err) == (2, True)
    told = nasion(
        "experiment", "reconstruction", "--dataset", "cuhk", "--data", data, "--models", "shape", "--out", out
    )
    assert (told.code, "population" in told.err) == (2, True)
    assert not out.exists()
