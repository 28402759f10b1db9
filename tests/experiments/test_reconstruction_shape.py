"""Shape-true faces against photographs: the right skull fits best, and other people than meant are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.experiments.reconstruction_shape import ShapeScorer
from nasion.geometry.camera import Camera, pose_rotation
from nasion.matching.samples import MatchPair, MatchPicture
from nasion.population.folder import person_of, subject_name
from nasion.population.template_source import BUILTIN, load_template
from nasion.readers.files import write_json
from nasion.readers.landmarks import LandmarkFile, write_landmarks

PEOPLE = 4
SEED = 11


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[MatchPair]]:
    """Photographs' landmarks of some people, without pictures, in a folder as 'nasion population --matching' has it."""
    folder = tmp_path_factory.mktemp("people")
    write_json(folder / "matching.json", {"settings": {"seed": SEED, "template": BUILTIN}})
    template, rng = load_template(BUILTIN), np.random.default_rng(0)
    pairs = []
    for k in range(PEOPLE):
        person, name = person_of(template, SEED, k), subject_name(k)
        turned = pose_rotation(*rng.normal(0, 6, 3))
        camera = Camera(turned, np.array([0.0, 0.0, rng.uniform(900, 2500)]), 1800.0, (127.5, 127.5), (256, 256))
        points = dict(zip(person.facial, camera.project(np.array(list(person.facial.values()))), strict=True))
        path = folder / name / "frontal_photo.png"
        truth = {"camera": camera.to_dict(), "landmarks_px": {key: point.tolist() for key, point in points.items()}}
        write_json(path.parent / "truth.json", {"frontal_photo": truth})
        marks = path.with_name("frontal_photo.landmarks.json")
        write_landmarks(marks, LandmarkFile("facial20", "px", points, image_size_px=(256, 256)))
        probe = MatchPicture(path, name, "frontal", "xray")
        pairs.append(MatchPair(probe, MatchPicture(path, name, "frontal", "face", marks)))
    return folder, pairs


def test_the_right_skull_fits_best(population: tuple[Path, list[MatchPair]], tmp_path: Path) -> None:
    folder, pairs = population
    told: list[int] = []
    scores = ShapeScorer(folder, tmp_path / "kept").scores(pairs, lambda done, total: told.append(done))
    assert scores.shape == (PEOPLE, PEOPLE)
    assert told == [1, 2, 3, 4]
    # by chance one of four skulls would be nearest to its own photograph
    assert (scores.argmax(axis=1) == np.arange(PEOPLE)).sum() >= 3
    own = np.diag(scores)
    assert own.mean() > (scores.sum() - own.sum()) / (PEOPLE * (PEOPLE - 1))
    # finished rows are kept: nothing is computed again
    (kept,) = (tmp_path / "kept" / "frontal").glob("*/subject_000.npy")
    np.save(kept, np.full(PEOPLE, 7.0))
    again = ShapeScorer(folder, tmp_path / "kept").scores(pairs, lambda done, total: None)
    assert (again[0] == 7).all()
    # in another order of the photographs they would be somebody else's
    turned = ShapeScorer(folder, tmp_path / "kept").scores(pairs[::-1], lambda done, total: None)
    assert turned[::-1, ::-1] == pytest.approx(scores)
    assert (again[1:] == scores[1:]).all()


def test_other_people_are_refused(population: tuple[Path, list[MatchPair]], tmp_path: Path) -> None:
    folder, pairs = population
    write_json(tmp_path / "matching.json", {"settings": {"seed": SEED + 1, "template": BUILTIN}})
    with pytest.raises(NasionError, match="cannot be made again"):
        ShapeScorer(tmp_path, tmp_path / "kept").scores(pairs[:1], lambda done, total: None)
    with pytest.raises(NasionError, match="population --matching"):
        ShapeScorer(tmp_path / "elsewhere", tmp_path / "kept").scores(pairs[:1], lambda done, total: None)
    strange = MatchPicture(pairs[0].face.path, "anna", "frontal", "face", pairs[0].face.landmarks)
    pair = MatchPair(MatchPicture(strange.path, "anna", "frontal", "xray"), strange)
    with pytest.raises(NasionError, match="no name of a virtual person"):
        ShapeScorer(folder, tmp_path / "kept").scores([pair], lambda done, total: None)
