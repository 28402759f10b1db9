"""``nasion experiment surface-landmarks``: the paper's ablations on the same scans, people and a template apart."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cli.command import Outcome, nasion
from nasion.landmarks.surface import training_plan
from nasion.landmarks.surface.settings import PRESETS, LocalSettings, SurfaceNetSettings, TrainSettings
from nasion.landmarks.surface.stored_samples import StoredSamples
from nasion.population.template_folder import write_template_folder
from nasion.population.template_source import load_template

pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from nasion.experiments.surface_landmarks import METHODS, NEAREST

TINY = SurfaceNetSettings(points=400, neighbours=8, depth=2, width=16, residual="block", heat_sigma=0.15, top_points=8)
LEARNING = TrainSettings(epochs=3, batch=2, learning_rate=1e-2, final_learning_rate=1e-3)


@pytest.fixture(scope="module", autouse=True)
def small_preset() -> Iterator[None]:
    """Make the small preset tiny, one scan of each person."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "small", TINY)
        patch.setitem(training_plan._LEARNING, "small", LEARNING)
        patch.setattr(training_plan, "_LOCAL", LocalSettings(points=20, steps=5, batch=2))
        for part in training_plan.SCANS:
            patch.setitem(training_plan.SCANS, part, 1)
        yield


def run(out: Path, other: Path, *more: object) -> Outcome:
    numbers = ("--people", 12, "--jobs", 1, "--other", other)
    return nasion("experiment", "surface-landmarks", "--scheme", "cranial20", "--out", out, *numbers, *more)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template of another name, so that its people are others."""
    folder = tmp_path_factory.mktemp("template") / "stranger"
    write_template_folder(folder, load_template("builtin"))
    return folder


def test_every_method_is_judged_on_the_same_scans(tmp_path: Path, other: Path) -> None:
    out = tmp_path / "run"
    ended = run(out, other)
    assert ended.code == 0, ended
    table = json.loads((out / "table.json").read_text())
    conditions = ["clean", "raw", "stranger, clean", "stranger, raw"]
    assert [(row["method"], row["condition"]) for row in table["rows"]] == [
        (method, condition) for condition in conditions for method in [NEAREST, *METHODS]
    ]
    people = {
        folder: {sample.person for sample in StoredSamples.of(out / folder, ())}
        for folder in ("samples/training", "samples/held_out", "samples/clean", "other_1/clean")
    }
    assert all(people.values())
    assert len(set.union(*people.values())) == sum(map(len, people.values()))
    for condition in conditions:
        rows = [row for row in table["rows"] if row["condition"] == condition]
        assert len({row["scans"] for row in rows}) == 1
        assert rows[0]["scans"] + table["refused"][condition] == table["test_people"]
        assert all(row["interval95"][0] - 1e-9 <= row["mean_mm"] <= row["interval95"][1] + 1e-9 for row in rows)
        assert all(row["mean_mm"] >= 0 and np.isfinite(row["p95_mm"]) for row in rows)
    assert (out / "table.md").read_text() in ended.out
    again = run(out, other)
    assert json.loads((out / "table.json").read_text()) == table
    assert again.out == ended.out
    assert "other settings" in run(out, other, "--seed", 3).err
