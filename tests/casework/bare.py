"""A case without landmark files: a skull, pictures of virtual people, a network that says the same of every face."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from landmarks.image.handmade import mean_shape, write_constant_model
from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.shading import render
from nasion.landmarks.image import find
from nasion.population.folder import person_of
from nasion.population.person import Person
from nasion.population.template_source import load_template
from nasion.readers.landmarks import LandmarkFile, write_landmarks
from nasion.readers.meshes import write_mesh

SIZE = (360, 420)
TRUE, PEOPLE = 1, 3
_SEED = 31


@dataclass(frozen=True)
class Bare:
    """Where its parts lie: the skull's mesh and its landmarks, and a gallery of pictures alone."""

    root: Path

    @property
    def gallery(self) -> Path:
        return self.root / "gallery"

    @property
    def mesh(self) -> Path:
        return self.root / "skull.ply"

    @property
    def skull(self) -> Path:
        return self.root / "cranial.landmarks.json"

    @property
    def weights(self) -> Path:
        return self.root / "weights"

    @property
    def model_name(self) -> str:
        """What landmark files call the hand-made network."""
        sha256 = json.loads((self.weights / "ibug68" / "card.json").read_text())["model_sha256"]
        return f"nasion ibug68 {sha256[:12]}"

    def photo(self, number: int = TRUE) -> Path:
        return self.gallery / f"person_{number}" / "frontal.png"


def write_photo(path: Path, one: Person) -> None:
    path.parent.mkdir(parents=True)
    turn = pose_rotation(5.0, 0.0, 0.0)
    middle = (one.facial["bregma"] + one.facial["gnathion"]) / 2
    camera = Camera(turn, np.array([0.0, 0.0, 1500.0]) - turn @ middle, 1500.0, image_center_px(SIZE), SIZE)
    Image.fromarray(render(one.face, camera, albedo=one.face_albedo).image).save(path)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """A case to read only."""
    case = Bare(tmp_path_factory.mktemp("bare"))
    people = [person_of(load_template("builtin"), _SEED, number) for number in range(PEOPLE)]
    for number, one in enumerate(people):
        write_photo(case.photo(number), one)
    write_mesh(case.mesh, people[TRUE].skull)
    write_landmarks(case.skull, LandmarkFile("cranial20", "mm", people[TRUE].cranial, people[TRUE].cranial_helpers))
    size, margin = (128, 128), 1.3
    write_constant_model(case.weights / "ibug68", "ibug68", mean_shape(size, margin), size, margin)
    return case


@pytest.fixture
def handmade_weights(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the hand-made network for the package's own."""
    monkeypatch.setattr(find, "_WEIGHTS", bare.weights)
    monkeypatch.setattr(find, "_NONCOMMERCIAL", bare.root / "none")
