"""What the tests of surface landmarks share: a network trained for a few seconds on hand-made heads; virtual heads."""

from pathlib import Path

import numpy as np
import pytest

from landmarks.surface.bumpy import NAMES, TINY, sample
from nasion.landmarks.surface.card import Card
from nasion.landmarks.surface.cloud import Sample
from nasion.landmarks.surface.heads import Head, PopulationHeads
from nasion.landmarks.surface.orientation_template import OrientationTemplate
from nasion.landmarks.surface.settings import TrainSettings
from nasion.population.template import Template
from nasion.population.template_source import load_template

TEST_PEOPLE = range(300, 306)


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Card]:
    """The folder of a small released model and its card."""
    pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")
    from nasion.landmarks.surface.release import TestSet, release
    from nasion.landmarks.surface.train import train

    folder = tmp_path_factory.mktemp("net")

    def people(epoch: int) -> list[Sample]:
        return [sample(k, absent=[0] if k % 4 == 0 else [], cut=k % 4 == 0) for k in range(12)]

    learning = TrainSettings(epochs=60, learning_rate=5e-3, final_learning_rate=1e-4)
    trained = train(folder / "run", NAMES, people, [sample(100), sample(101)], TINY, learning)
    held = [sample(k, absent=[0] if k % 3 == 0 else [], cut=k % 3 == 0) for k in range(200, 218)]
    test = [sample(k, absent=[0] if k == 300 else [], cut=k == 300) for k in TEST_PEOPLE]
    card = release(
        trained, folder / "model", "bumpy5", NAMES, held, {"whole": TestSet(test, 2)}, data="hand-made heads"
    )
    return folder / "model", card


@pytest.fixture(scope="session")
def builtin() -> Template:
    return load_template("builtin")


@pytest.fixture(scope="session")
def face(builtin: Template) -> Head:
    return PopulationHeads(builtin, "facial20", 11).head(0, np.random.default_rng(0))


@pytest.fixture(scope="session")
def skull(builtin: Template) -> Head:
    return PopulationHeads(builtin, "cranial20", 11).head(0, np.random.default_rng(0))


@pytest.fixture(scope="session")
def faces(builtin: Template) -> OrientationTemplate:
    return OrientationTemplate.of("face", [builtin.face])


@pytest.fixture(scope="session")
def skulls(builtin: Template) -> OrientationTemplate:
    return OrientationTemplate.of("skull", [builtin.skull])
