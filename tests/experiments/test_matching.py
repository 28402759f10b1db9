"""The matching experiment by matchers whose result is known: perfect, constant, random, failing, already taught."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from PIL import Image

from cli.command import nasion
from nasion.errors import NasionError
from nasion.experiments.matching import MatchingExperiment, run_matching_experiment
from nasion.experiments.matching_features import people_learnt_from
from nasion.experiments.matching_scores import ViewScores
from nasion.experiments.matching_tables import shortlist_rows, summarise, together
from nasion.matching.card import Card, picture_mark
from nasion.matching.predict import Matcher
from nasion.matching.samples import MatchPair, MatchPicture
from nasion.matching.tokens import Tokens
from nasion.readers.radiographs import bone_contrast
from nasion.retrieval.describing import describe
from nasion.retrieval.figures import retrieval_figures
from retrieval.stand_in import NAMES, ColorMatcher, person_picture, write_picture


def cuhk_like(folder: Path, people: int, unmarked: Sequence[int] = ()) -> Path:
    rows = []
    for k in range(people):
        write_picture(folder / "photo" / f"s{k:02d}.png", k)
        write_picture(folder / "sketch" / f"s{k:02d}.png", k, 10, NAMES[:1] if k in unmarked else NAMES)
        rows.append(("train", f"s{k:02d}", f"photo/s{k:02d}.png", f"sketch/s{k:02d}.png"))
    with (folder / "pairs.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("split", "subject", "photo", "sketch"), *rows])
    return folder


def looks_like_bone(picture: np.ndarray) -> bool:
    return bone_contrast(picture.astype(np.float32).mean(axis=2)) > 30


def population_like(folder: Path, people: int, lost: Sequence[int] = ()) -> Path:
    rows = []
    # radiographs lose their colours, and dark ones are turned: people whose pictures are bright in the middle
    seeds = iter([seed for seed in range(1000) if looks_like_bone(person_picture(seed))])
    for k in range(people):
        for view in ("frontal", "lateral"):
            names = (f"{view}/photo{k:02d}.png", f"{view}/xray{k:02d}.png")
            seed = next(seeds)
            write_picture(folder / names[0], seed)
            marked = NAMES[:1] if k in lost and view == "lateral" else NAMES
            write_picture(folder / names[1], seed, 2, marked)
            rows.append(("test" if k % 2 else "train", f"s{k:02d}", view, *names))
    with (folder / "pairs.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("split", "subject", "view", "photo", "xray"), *rows])
    return folder


class CountingMatcher(ColorMatcher):
    """Counts its work, and stops after some of it."""

    def __init__(self, stop_after: int | None = None) -> None:
        super().__init__()
        self.scored = 0
        self.stop_after = stop_after

    def score(self, probe, faces):
        if self.scored == self.stop_after:
            raise KeyboardInterrupt
        self.scored += 1
        return super().score(probe, faces)


class RandomMatcher(ColorMatcher):
    """Independent random features of every picture: must be at chance, or there is a leak."""

    def __init__(self, seed: int) -> None:
        super().__init__(f"{seed:064x}")
        self.rng = np.random.default_rng(seed)

    def features(self, picture, points_px, modality):
        whole = self.rng.standard_normal(8).astype(np.float32)
        tokens = self.rng.standard_normal((len(NAMES), 3)).astype(np.float32)
        return Tokens(tokens, whole / np.linalg.norm(whole), np.ones(len(NAMES), bool))


class ConstantMatcher(ColorMatcher):
    def score(self, probe, faces):
        return np.zeros(len(faces))


def run(data: Path, model: ColorMatcher, out: Path, dataset: str = "cuhk", **more) -> dict:
    def features(picture: MatchPicture) -> tuple[Tokens, np.ndarray]:
        tokens = describe(picture, model).tokens
        return tokens, tokens.tokens.mean(axis=0)

    return run_matching_experiment(MatchingExperiment(dataset, data), model, features, out, **more)


def test_what_scripts_rely_on(tmp_path):
    table = run(cuhk_like(tmp_path / "data", 12), ColorMatcher(), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "table.json").read_text()) == json.loads(json.dumps(table))
    assert (table["n_queries"], table["n_gallery"], table["seen_people"]) == (12, 12, 0)
    for kind in ("recall", "map"):
        assert list(table[kind]) == ["1", "5", "10", "20"]
        assert list(table["interval95"][kind]) == ["1", "5", "10", "20"]
    # noisy pictures of the same colours: each finds its own
    assert table["recall"]["1"] == table["map"]["1"] == table["mrr"] == 1.0
    assert table["chance"]["recall"] == pytest.approx({"1": 1 / 12, "5": 5 / 12, "10": 10 / 12, "20": 1})
    assert table["failures"] == {"probes": 0, "faces": 0, "pictures": []}
    for name in ("cmc.png", "contact_sheet.png", "embeddings.png"):
        assert min(Image.open(tmp_path / "out" / name).size) > 100
    text = (tmp_path / "out" / "table.md").read_text()
    assert "| every pair scored | 100.0 %" in text
    assert "| chance | 8.3 % |" in text


def test_a_constant_matcher_is_at_chance(tmp_path):
    table = run(cuhk_like(tmp_path / "data", 12), ConstantMatcher(), tmp_path / "out")
    assert table["recall"] == pytest.approx(table["chance"]["recall"])
    assert table["map"] == pytest.approx(table["chance"]["map"])


def test_independent_random_features_are_at_chance(tmp_path):
    # Cranio-ID's evaluation finds the right face with such features; here 5 runs of 30 probes give 5 / 30 on average
    data = cuhk_like(tmp_path / "data", 30)
    tables = [run(data, RandomMatcher(seed), tmp_path / f"out{seed}") for seed in range(5)]
    hits = sum(round(30 * table["recall"]["5"]) for table in tables)
    # binomial, 150 trials of 1/6: 25, SD 4.6
    assert 8 <= hits <= 43
    assert np.mean([table["mrr"] for table in tables]) < 2 * tables[0]["chance"]["mrr"]
    assert np.mean([table["embedding_alone"]["mrr"] for table in tables]) < 2 * tables[0]["chance"]["mrr"]


def test_wrong_names_are_seen(tmp_path):
    data = cuhk_like(tmp_path / "data", 12)
    lines = (data / "pairs.csv").read_text().splitlines()
    cells = [line.split(",") for line in lines[1:]]
    moved = [[split, who, photo, cells[k - 1][3]] for k, (split, who, photo, _) in enumerate(cells)]
    (data / "pairs.csv").write_text("\n".join([lines[0], *(",".join(own) for own in moved)]) + "\n")
    assert run(data, ColorMatcher(), tmp_path / "out")["recall"]["1"] == 0


def test_failures_rank_last(tmp_path):
    data = cuhk_like(tmp_path / "data", 10, unmarked=[3])
    (data / "photo" / "s07.png").write_bytes(b"no picture")
    table = run(data, ColorMatcher(), tmp_path / "out")
    assert (table["failures"]["probes"], table["failures"]["faces"]) == (1, 1)
    reasons = [own["reason"] for own in table["failures"]["pictures"]]
    assert "only 1 landmarks" in reasons[0]
    assert "s07.png" in reasons[1]
    assert table["n_queries"] == 10
    # the probe of s03 and the face of s07 are lost, all others found
    assert table["recall"]["1"] == pytest.approx(0.8)
    assert table["mrr"] == pytest.approx(0.8 + 0.2 / 10)


def test_a_stopped_run_goes_on(tmp_path):
    data = cuhk_like(tmp_path / "data", 8)
    with pytest.raises(KeyboardInterrupt):
        run(data, CountingMatcher(stop_after=3), tmp_path / "out")
    second = CountingMatcher()
    table = run(data, second, tmp_path / "out")
    assert second.scored == 8 - 3
    third = CountingMatcher()
    assert run(data, third, tmp_path / "out") == table
    assert third.scored == 0
    # a probe that was changed is scored anew; a face that was changed is scored anew with all probes
    write_picture(data / "sketch" / "s02.png", 2, 30)
    fourth = CountingMatcher()
    run(data, fourth, tmp_path / "out")
    assert fourth.scored == 1
    write_picture(data / "photo" / "s02.png", 2, 30)
    fifth = CountingMatcher()
    run(data, fifth, tmp_path / "out")
    assert fifth.scored == 8
    with pytest.raises(NasionError, match="matching experiment of other settings"):
        run(data, ColorMatcher("b" * 64), tmp_path / "out")


def test_people_that_the_model_learnt_from(tmp_path):
    data = cuhk_like(tmp_path / "data", 10, unmarked=[0, 1])
    some = run(data, ColorMatcher(), tmp_path / "some", learnt_from=lambda pairs: {"s00", "s01", "s02", "elsewhere"})
    assert (some["seen_people"], some["n_queries"], some["n_gallery"]) == (3, 7, 10)
    assert some["recall"]["1"] == 1.0
    assert some["including_seen"]["n_queries"] == 10
    assert some["including_seen"]["recall"]["1"] == pytest.approx(0.8)
    assert "learnt from 3 of these people" in some["warning"]
    everyone = run(
        data, ColorMatcher(), tmp_path / "all", learnt_from=lambda pairs: {pair.probe.person for pair in pairs}
    )
    assert (everyone["seen_people"], everyone["n_queries"]) == (10, 10)
    assert "learnt from all of these people" in everyone["warning"]
    assert "**The model has learnt from all" in (tmp_path / "all" / "table.md").read_text()


def test_views_of_a_person_together(tmp_path):
    data = population_like(tmp_path / "data", 12, lost=[3])
    table = run(data, ColorMatcher(), tmp_path / "out", "population")
    # only the set's test part: six people, two views each
    assert (table["view"], table["n_queries"], table["n_gallery"]) == ("views together", 6, 6)
    assert {view: own["n_queries"] for view, own in table["views"].items()} == {"frontal": 6, "lateral": 6}
    assert table["views"]["lateral"]["recall"]["1"] == pytest.approx(5 / 6)
    # the frontal view of s03 is enough
    assert table["recall"]["1"] == 1.0


def view_scores(name: str, scores: np.ndarray, similarity: np.ndarray | None = None) -> ViewScores:
    def picture(k: int, modality: str) -> MatchPicture:
        return MatchPicture(Path(f"{k}.png"), f"p{k}", name, modality)

    pairs = tuple(MatchPair(picture(k, "xray"), picture(k, "face")) for k in range(len(scores)))
    return ViewScores(name, pairs, np.asarray(scores, float), similarity)


def test_together_by_hand():
    nan = np.nan
    front = view_scores("frontal", [[1, 3], [nan, nan]])
    side = view_scores("lateral", [[5, nan], [2, 4]])
    np.testing.assert_array_equal(together([front, side]).scores, [[3, 3], [2, 4]])


def test_a_shortlist_loses_what_lies_outside_it():
    rng = np.random.default_rng(0)
    n = 40
    scores = rng.standard_normal((n, n)) + 9 * np.eye(n)
    similarity = rng.uniform(-1, 1, (n, n))
    view = view_scores("frontal", scores, similarity)
    whole = retrieval_figures(scores, np.eye(n, dtype=bool), np.arange(n))
    rows = {row["shortlist"]: row for row in shortlist_rows(view, whole)}
    assert sorted(rows) == [10, 20]
    for length, row in rows.items():
        # a perfect pair model finds whatever is in the shortlist, and nothing else at rank 1
        inside = np.mean([(similarity[k] > similarity[k, k]).sum() < length for k in range(n)])
        assert row["right_face_in_it"] == pytest.approx(inside)
        assert row["recall"]["1"] == pytest.approx(inside)
        assert row["lost"]["1"] == pytest.approx(1 - inside)


def test_figures_without_embeddings():
    table = summarise([view_scores("frontal", np.eye(5))], set())
    assert table["recall"]["1"] == 1.0
    assert "embedding_alone" not in table


def test_unknown_dataset(tmp_path):
    with pytest.raises(NasionError, match="--dataset: 'imagenet' is not one of cuhk"):
        run(tmp_path, ColorMatcher(), tmp_path / "out", "imagenet")


def test_whom_a_card_names(tmp_path):
    pairs = MatchingExperiment("cuhk", cuhk_like(tmp_path / "data", 5)).pairs()
    marks = (picture_mark(pairs[1].probe.path), picture_mark(pairs[3].face.path), "0" * 16)
    matcher = SimpleNamespace(card=Card.model_construct(learnt_from=marks))
    assert people_learnt_from(cast("Matcher", matcher), pairs) == {"s01", "s03"}


def test_cross_validation_is_judged_the_same_way(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    data = cuhk_like(tmp_path / "data", 6)
    scores = np.eye(6)
    scores[2] = np.nan

    def scored(pairs, settings, folds, seed, **more):
        assert (len(pairs), folds, seed) == (6, 3, 7)
        assert settings.learning.hide_hair
        return scores

    monkeypatch.setattr("nasion.matching.cross_validation.cross_validated_scores", scored)
    options = ("--dataset", "cuhk", "--data", data, "--out", tmp_path / "out", "--hide-hair", "--seed", 7)
    ended = nasion("experiment", "matching", *options, "--cross-validate", 3)
    assert (ended.code, ended.err) == (0, "")
    table = json.loads((tmp_path / "out" / "table.json").read_text())
    assert table["recall"]["1"] == pytest.approx(5 / 6)
    assert (table["failures"]["probes"], table["seen_people"]) == (1, 0)
    assert "3 models, each judged on people whom it has not met" in table["protocol"]
    assert "Hair is hidden" in ended.out


@pytest.mark.parametrize("options", [(), ("--model", "m", "--cross-validate", "3")])
def test_a_model_or_cross_validation(tmp_path, options):
    ended = nasion("experiment", "matching", "--dataset", "cuhk", "--data", tmp_path, "--out", tmp_path / "o", *options)
    assert (ended.code, ended.err) == (2, "nasion: give either --model or --cross-validate\n")
