"""The folder for matching: complete, the same by seed and number, resumable; no nuisance is shared between pictures."""

import csv
import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nasion.errors import NasionError
from nasion.geometry.camera import Camera
from nasion.geometry.surface import Mesh
from nasion.population.folder import person_of, subject_name
from nasion.population.person import Person
from nasion.population.photograph import VIEWS
from nasion.population.pictures.film import Exposure
from nasion.population.pictures.folder import (
    KINDS,
    Kind,
    MatchingSettings,
    generate_matching,
    picture_rng,
)
from nasion.population.pictures.hair import HairStyle
from nasion.population.pictures.portrait import PortraitSettings, sample_look, sample_portrait_shot
from nasion.population.pictures.sketch import Hand
from nasion.population.pictures.xray import XraySettings, sample_xray_shot
from nasion.population.template import Template
from nasion.readers.landmarks import read_landmarks

SETTINGS = MatchingSettings(
    subjects=3, test=1, seed=4, portraits=PortraitSettings(size_px=96), xrays=XraySettings(size_px=112)
)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("matching") / "people"
    seen: list[tuple[int, int]] = []
    generate_matching(SETTINGS, out, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    return out


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "pairs.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_folder_holds_what_the_documentation_says(folder: Path) -> None:
    expected = {"matching.json", "pairs.csv"}
    for k in range(3):
        names = [f"{view}_{kind}" for view in VIEWS for kind in KINDS]
        expected |= {f"{subject_name(k)}/{n}.{end}" for n in names for end in ("png", "landmarks.json")}
        expected.add(f"{subject_name(k)}/truth.json")
    assert set(digests(folder)) == expected
    assert json.loads((folder / "matching.json").read_text())["settings"]["seed"] == 4


def test_pairs_name_every_picture_once(folder: Path) -> None:
    table = rows(folder)
    assert list(table[0]) == ["split", "subject", "view", *KINDS]
    assert [(row["subject"], row["view"]) for row in table] == [(subject_name(k), v) for k in range(3) for v in VIEWS]
    paths = [row[kind] for row in table for kind in KINDS]
    assert len(set(paths)) == len(paths) == 30
    for row in table:
        for kind in KINDS:
            with Image.open(folder / row[kind]) as picture:
                assert picture.size == ((112, 112) if kind.startswith("xray") else (96, 96))
                assert picture.mode == ("RGB" if kind.startswith("photo") else "L")


def test_a_person_is_in_one_split(folder: Path) -> None:
    splits = {
        row["subject"]: {r["split"] for r in rows(folder) if r["subject"] == row["subject"]} for row in rows(folder)
    }
    assert splits == {"subject_000": {"train"}, "subject_001": {"train"}, "subject_002": {"test"}}
    assert {replace(SETTINGS, test=0).split(k) for k in range(3)} == {""}


def test_landmarks_are_projections_of_the_persons(folder: Path, builtin: Template) -> None:
    for k in range(3):
        person = person_of(builtin, SETTINGS.seed, k)
        truth = json.loads((folder / subject_name(k) / "truth.json").read_text())
        for view in VIEWS:
            for kind in KINDS:
                side: Any = "cranial" if kind.startswith("xray") else "facial"
                own = {**getattr(person, side), **getattr(person, f"{side}_helpers")}
                stored = read_landmarks(folder / subject_name(k) / f"{view}_{kind}.landmarks.json", side, 2)
                camera = Camera.from_dict(truth[f"{view}_{kind}"]["camera"])
                assert stored.image_size_px == camera.image_size_px
                points = {**stored.landmarks, **stored.helpers}
                for name, point in points.items():
                    assert point == pytest.approx(camera.project(own[name][None])[0], abs=6e-4)
                assert set(truth[f"{view}_{kind}"]["landmarks_px"]) == set(own)
                if side == "cranial":
                    assert set(points) == set(own)
                else:
                    assert len(points) >= (10 if view == "lateral" else 18)


def test_two_processes_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        generate_matching(SETTINGS, out, executor)
    assert digests(out) == digests(folder)


def test_people_do_not_depend_on_how_many_there_are(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "one"
    generate_matching(replace(SETTINGS, subjects=1, test=0), out)
    whole = digests(folder)
    assert all(whole[n] == d for n, d in digests(out).items() if n not in ("matching.json", "pairs.csv"))


def test_a_stopped_run_goes_on(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "stopped"

    def stop(done: int, _: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_matching(SETTINGS, out, progress=stop)
    assert not (out / "pairs.csv").exists()  # where it stands, the folder is whole
    (out / f".unfinished_{subject_name(1)}").mkdir()  # as a killed process leaves it
    kept = (out / subject_name(0) / "truth.json").stat().st_mtime_ns
    generate_matching(SETTINGS, out)
    assert (out / subject_name(0) / "truth.json").stat().st_mtime_ns == kept
    assert digests(out) == digests(folder)


def test_other_settings_and_other_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NasionError, match="other settings"):
        generate_matching(replace(SETTINGS, seed=6), folder)
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(NasionError, match="is no folder for matching"):
        generate_matching(SETTINGS, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"subjects": 0, "test": 0},
        {"test": 3},
        {"test": -1},
        {"seed": -1},
        {"portraits": PortraitSettings(size_px=8)},
        {"xrays": XraySettings(size_px=100_000)},
    ],
)
def test_impossible_settings_are_refused_before_anything_is_written(wrong: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "new"
    with pytest.raises(NasionError):
        generate_matching(replace(SETTINGS, **wrong), out)
    assert not out.exists()


def numbers(value: Any) -> Iterator[float]:
    """Yield all numbers of a nested record."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, int | float):
        yield float(value)


def nuisances(person: Person, seed: int, index: int, kind: Kind) -> list[float]:
    """Return all that a picture draws besides the person's shape, in the order in which it is drawn."""
    rng = picture_rng(seed, index, "frontal", kind)
    if kind.startswith("xray"):
        setup = (
            []
            if kind == "xray_bone"
            else [asdict(sample_xray_shot(person.skull.vertices.mean(axis=0), "frontal", rng, SETTINGS.xrays))]
        )
        for one in setup:
            del one["camera"]
        return list(numbers([*setup, asdict(Exposure.drawn(rng, SETTINGS.xrays.film)), *rng.standard_normal(4)]))
    shot = sample_portrait_shot(person, "frontal", rng, SETTINGS.portraits)
    drawn: list[Any] = [list(shot.pose_deg), shot.distance_mm, shot.camera.focal_px, *shot.camera.translation_mm[:2]]
    if kind == "sketch":
        return list(numbers([*drawn, asdict(Hand.drawn(rng))]))
    drawn.append(asdict(sample_look(rng, SETTINGS.portraits)))
    if kind == "photo_hair":
        drawn.append(asdict(HairStyle.drawn(rng)))
    return list(numbers(drawn))


PEOPLE = 600


def boxed(person: Person) -> Person:
    """Return a person with a skull of two vertices: its box is all that set-ups look at."""
    skull = person.skull.vertices
    return replace(person, skull=Mesh(np.array([skull.min(axis=0), skull.max(axis=0)]), np.zeros((0, 3))))


@pytest.fixture(scope="module")
def drawn(people: list[Person]) -> dict[Kind, np.ndarray]:
    """Return the nuisances of many subjects that all have the same shape, (people, numbers) by kind."""
    person = boxed(people[0])
    return {kind: np.array([nuisances(person, 4, k, kind) for k in range(PEOPLE)]) for kind in KINDS}


def strongest_correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = (values[:, values.std(axis=0) > 1e-9] for values in (a, b))
    joint = np.corrcoef(a, b, rowvar=False)[: a.shape[1], a.shape[1] :]
    return float(np.abs(joint).max())


def limit(a: np.ndarray, b: np.ndarray) -> float:
    """Return what the strongest of independent correlations passes once in ten thousand times."""
    from scipy.stats import norm

    return float(norm.isf(1e-4 / 2 / (a.shape[1] * b.shape[1])) / np.sqrt(PEOPLE))


@pytest.mark.parametrize("one", KINDS)
@pytest.mark.parametrize("two", KINDS)
def test_pictures_of_a_person_share_no_nuisance(one: Kind, two: Kind, drawn: dict[Kind, np.ndarray]) -> None:
    if one >= two:
        return
    assert strongest_correlation(drawn[one], drawn[two]) < limit(drawn[one], drawn[two])


def test_a_shared_stream_would_be_found(people: list[Person], drawn: dict[Kind, np.ndarray]) -> None:
    """The alarm itself: were pose and light drawn from the X-ray's numbers, the correlations would say so."""
    shared = []
    for k in range(PEOPLE):
        rng = picture_rng(4, k, "frontal", "xray")
        shot = sample_portrait_shot(boxed(people[0]), "frontal", rng, SETTINGS.portraits)
        shared.append([*shot.pose_deg, *numbers(asdict(sample_look(rng, SETTINGS.portraits)))])
    leaky = np.array(shared)
    assert strongest_correlation(leaky, drawn["xray"]) > 2 * limit(leaky, drawn["xray"])


def test_another_photograph_has_other_nuisances(drawn: dict[Kind, np.ndarray]) -> None:
    """No number of the second photograph is that of the first."""
    width = drawn["photo"].shape[1]
    first, second = drawn["photo"], drawn["photo_hair"][:, :width]
    varied = first.std(axis=0) > 0
    continuous = varied & (np.array([len(np.unique(column)) for column in first.T]) > PEOPLE * 0.9)
    assert continuous.sum() > 15
    assert not (first == second)[:, continuous].any()


def test_the_folder_says_what_was_drawn(folder: Path, builtin: Template) -> None:
    """The numbers whose independence is shown above are those of the folder's pictures."""
    person = person_of(builtin, SETTINGS.seed, 1)
    truth = json.loads((folder / subject_name(1) / "truth.json").read_text())
    rng = picture_rng(SETTINGS.seed, 1, "frontal", "xray")
    shot = sample_xray_shot(np.zeros(3), "frontal", rng, SETTINGS.xrays)
    stored = truth["frontal_xray"]["nuisance"]
    assert stored["turn_deg"] == pytest.approx(shot.turn_deg)
    assert stored["exposure"] == pytest.approx(asdict(Exposure.drawn(rng, SETTINGS.xrays.film)))
    bone = truth["frontal_xray_bone"]["nuisance"]
    assert bone["turn_deg"] == stored["turn_deg"]  # the same X-ray with the soft tissue taken out,
    rng = picture_rng(SETTINGS.seed, 1, "frontal", "xray_bone")
    assert bone["exposure"] == pytest.approx(asdict(Exposure.drawn(rng, SETTINGS.xrays.film)))  # on another film
    rng = picture_rng(SETTINGS.seed, 1, "frontal", "photo")
    portrait = sample_portrait_shot(person, "frontal", rng, SETTINGS.portraits)
    assert truth["frontal_photo"]["nuisance"]["pose_deg"] == pytest.approx(portrait.pose_deg)
    assert truth["frontal_photo"]["nuisance"]["look"]["seed"] == sample_look(rng, SETTINGS.portraits).seed
