"""A model that was trained in seconds, judged, kept in a gallery and used: the parts fit together."""

import json
from pathlib import Path

import numpy as np
import pytest

from cli.command import nasion

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from matching.small import write_set  # noqa: E402
from nasion.matching.card import picture_mark, read_model  # noqa: E402
from nasion.matching.datasets import read_cuhk  # noqa: E402
from nasion.matching.point_schemes import point_scheme  # noqa: E402
from nasion.matching.points import aligned_set_points  # noqa: E402
from nasion.matching.training_plan import TrainingPlan  # noqa: E402
from nasion.matching.training_run import MODEL, train_matching  # noqa: E402

FINDER = aligned_set_points(point_scheme("ibug68"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with ``set`` (12 people to learn from, 4 to test) and ``run/model``."""
    folder = tmp_path_factory.mktemp("matching")
    write_set(folder / "set", 16, ("train", "train", "train", "test"))
    train_matching(TrainingPlan("cuhk", str(folder / "set"), minutes=0.001), folder / "run", FINDER)
    return folder


@pytest.fixture(autouse=True)
def average_points(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("retrieval.describing", "experiments.matching_features"):
        monkeypatch.setattr(f"nasion.{module}.finder_of", lambda scheme, modality: FINDER)


def test_the_card_names_the_people_of_learning(trained: Path) -> None:
    pairs = read_cuhk(trained / "set")
    learnt = [pair for pair in pairs if pair.split == "train"]
    marks = {picture_mark(picture.path) for pair in learnt for picture in (pair.probe, pair.face)}
    assert set(read_model(trained / "run" / MODEL).card.learnt_from) == marks
    assert len(marks) == 24


def judge(trained: Path, out: Path, *more: str) -> dict:
    options = ("--dataset", "cuhk", "--data", trained / "set", "--model", trained / "run" / MODEL, "--out", out)
    ended = nasion("experiment", "matching", *options, *more)
    assert (ended.code, ended.err) == (0, "")
    return json.loads((out / "table.json").read_text())


def test_a_model_is_judged_on_the_test_part(trained: Path, tmp_path: Path) -> None:
    table = judge(trained, tmp_path / "out")
    assert (table["n_queries"], table["n_gallery"], table["seen_people"]) == (4, 4, 0)
    # the scores are those of the training run's own test
    own = read_model(trained / "run" / MODEL).card.tests["test"]
    assert table["recall"]["1"] == pytest.approx(own.recall["1"])
    assert set(table["modality_gap"]) == {"before training", "after training"}
    assert judge(trained, tmp_path / "out") == table
    hidden = judge(trained, tmp_path / "hidden", "--hide-hair")
    assert hidden["n_queries"] == 4
    assert "Hair is hidden" in hidden["protocol"]


def test_people_of_learning_are_not_passed_over(trained: Path, tmp_path: Path) -> None:
    # the same pictures under a table that names no parts: 12 of the 16 were learnt from
    table = trained / "set" / "pairs.csv"
    before = table.read_text()
    table.write_text(before.replace("train,", ",").replace("test,", ","))
    try:
        judged = judge(trained, tmp_path / "out")
    finally:
        table.write_text(before)
    assert (judged["seen_people"], judged["n_queries"], judged["n_gallery"]) == (12, 4, 16)
    assert judged["including_seen"]["n_queries"] == 16
    assert "learnt from 12 of these people" in judged["warning"]


def test_gallery_and_match(trained: Path, tmp_path: Path) -> None:
    model, gallery, probe = trained / "run" / MODEL, tmp_path / "gallery", read_cuhk(trained / "set")[3].probe
    added = nasion("gallery", "add", gallery, trained / "set" / "photo", "--model", model)
    assert added.out == f"{gallery}: 16 pictures added\n"
    options = ("--probe", probe.path, "--kind", "sketch", "--model", model)
    for name, place in (("one", gallery), ("two", trained / "set" / "photo")):
        assert nasion("match", *options, "--gallery", place, "--out", tmp_path / name).code == 0
    one, two = (json.loads((tmp_path / name / "result.json").read_text()) for name in ("one", "two"))
    assert [own["person"] for own in one["candidates"]] == [own["person"] for own in two["candidates"]]
    np.testing.assert_allclose(
        [own["score"] for own in one["candidates"]], [own["score"] for own in two["candidates"]], atol=1e-6
    )
    assert one["model"]["preset"] == "contours"
    assert nasion("gallery", "verify", gallery, "--model", model).code == 0
