"""Samples of people: landmarks on the surface, the same for the same seed, one person on one side."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasion.errors import NasionError
from nasion.geometry.distance import closest_points
from nasion.landmarks.surface import heads
from nasion.landmarks.surface.heads import (
    IBUG68,
    NAMES,
    FaceModelHeads,
    HeadSource,
    PopulationHeads,
    face_model,
    kind_of,
    mean_heads,
)
from nasion.landmarks.surface.orientation_template import standard_frame
from nasion.landmarks.surface.people import PeopleSamples, SampleSettings, split_people
from nasion.landmarks.surface.scans import CLEAN
from nasion.population.folder import person_of
from nasion.population.phantom_ict import phantom_ict_template
from nasion.population.template import Template

SETTINGS = SampleSettings(points=600)


@pytest.fixture(scope="module")
def phantom(shared_data: Path) -> Template:
    return phantom_ict_template(shared_data)


def _checked(sources: list[HeadSource], scheme: str, people: list[int]) -> None:
    samples = PeopleSamples(sources, people, scheme, SampleSettings(points=600, scan=CLEAN), seed=4)
    assert len(samples) == len(sources) * len(people)
    for sample in samples:
        assert sample.cloud.points.shape == (600, 3)
        assert np.abs(sample.cloud.points).max() <= 1.0
        assert sample.landmarks.shape == (len(NAMES[scheme]), 3)
        there = np.isfinite(sample.landmarks[:, 0])
        assert there.mean() > 0.95
        assert sample.mesh is not None
        on_mesh = closest_points(sample.mesh, sample.cloud.to_mesh_mm(sample.landmarks[there]))[1]
        assert np.abs(on_mesh).max() < 3.5
        # head axes but for the error of orientation: the landmarks lie to the front, up is up
        assert np.nanmean(sample.landmarks[:, 2]) > 0.1


@pytest.mark.parametrize("scheme", ["cranial20", "facial20"])
def test_people_of_the_builtin_template(builtin: Template, scheme: str) -> None:
    _checked([PopulationHeads(builtin, scheme, 2)], scheme, [0, 7])


@pytest.mark.parametrize("scheme", ["cranial20", "facial20", "ibug68"])
def test_people_of_the_other_template_and_the_face_model(phantom: Template, shared_data: Path, scheme: str) -> None:
    model, _ = face_model(shared_data)
    sources: list[HeadSource] = [PopulationHeads(phantom, scheme, 2, model.ibug68)]
    if scheme != "cranial20":
        sources.append(FaceModelHeads(shared_data, phantom, scheme, 2))
    _checked(sources, scheme, [3])


def test_the_face_model_lies_where_the_template_lies_and_has_expressions(phantom: Template, shared_data: Path) -> None:
    heads = FaceModelHeads(shared_data, phantom, "ibug68", 0, neutral=0.5)
    faces = [heads.head(1, np.random.default_rng(k)) for k in range(8)]
    assert len({face.person for face in faces}) == 1
    mouths = {round(float(face.points["ibug62"][1] - face.points["ibug66"][1]), 3) for face in faces}
    assert len(mouths) > 2
    points = faces[0].points
    assert np.linalg.norm(points["nasion"] - phantom.facial["nasion"]) < 20
    # iBUG: 0 is on the subject's right, 16 on the left; 30 is the nose's tip, 8 the chin
    assert points["ibug00"][0] < -40 < 40 < points["ibug16"][0]
    assert points["ibug30"][2] > points["ibug27"][2]
    assert points["ibug08"][1] < points["ibug57"][1]


def test_what_varies_and_what_does_not(builtin: Template) -> None:
    source = [PopulationHeads(builtin, "facial20", 2)]
    first = PeopleSamples(source, [0, 1], "facial20", SETTINGS, seed=1, repetitions=2)
    again = PeopleSamples(source, [0, 1], "facial20", SETTINGS, seed=1, repetitions=2)
    later = PeopleSamples(source, [0, 1], "facial20", SETTINGS, seed=1, epoch=1, repetitions=2)
    assert len(first) == 4
    assert np.array_equal(first[2].cloud.points, again[2].cloud.points)
    assert first[2].person == later[2].person
    assert not np.array_equal(first[2].cloud.points, later[2].cloud.points)
    assert [sample.person for sample in first] == [f"builtin_2_{k}" for k in (0, 1, 0, 1)]
    with pytest.raises(IndexError):
        first[4]


def test_samples_can_go_to_other_processes(builtin: Template) -> None:
    samples = PeopleSamples([PopulationHeads(builtin, "facial20", 2)], [0], "facial20", SETTINGS)
    there = pickle.loads(pickle.dumps(samples))
    assert np.array_equal(there[0].cloud.points, samples[0].cloud.points)


@settings(max_examples=60, deadline=None)
@given(count=st.integers(4, 400), seed=st.integers(0, 99), first=st.floats(0.05, 0.8))
def test_a_split_is_complete_and_nobody_is_on_two_sides(count: int, seed: int, first: float) -> None:
    parts = split_people(count, (first, 0.1, 0.9 - first), seed)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(count))
    assert min(map(len, parts)) >= 1
    assert abs(len(parts[0]) - first * count) <= 1.5


def test_mean_heads_are_the_mean(builtin: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "_MEAN_OF", 2)
    template = mean_heads([builtin], "cranial20", seed=3)
    assert template.what == "skull"
    source = PopulationHeads(builtin, "cranial20", 3)
    rng = np.random.default_rng(0)
    one, two = (source.head(k, rng).mesh for k in (0, 1))
    mean = one.moved((one.vertices + two.vertices) / 2)
    off = closest_points(mean, standard_frame().to_mesh_mm(template.tables[0].points))[1]
    assert np.abs(off).max() < 1e-6


def test_faces_have_a_heavy_mean_head_as_well(builtin: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "_MEAN_OF", 4)
    monkeypatch.setattr(heads, "_HEAVIEST", 1)
    template = mean_heads([builtin], "facial20", seed=3)
    people = [person_of(builtin, 3, index) for index in range(4)]
    heaviest = max(people, key=lambda person: person.build_factor)
    assert len(template.tables) == 2
    off = closest_points(heaviest.face, standard_frame().to_mesh_mm(template.tables[1].points))[1]
    assert np.abs(off).max() < 1e-6


def test_what_cannot_be_had_is_told(builtin: Template, tmp_path: Path) -> None:
    with pytest.raises(NasionError, match="template builtin has no ibug68 points"):
        PopulationHeads(builtin, "ibug68", 0)
    with pytest.raises(NasionError, match="unknown landmark scheme"):
        kind_of("ibug300")
    with pytest.raises(NasionError, match="no such file"):
        face_model(tmp_path)
    with pytest.raises(NasionError, match="has no skull"):
        FaceModelHeads(tmp_path, builtin, "cranial20", 0)
    with pytest.raises(NasionError, match="add up to 1"):
        split_people(10, (0.5, 0.4), 0)
    with pytest.raises(NasionError, match="more people"):
        split_people(2, (0.5, 0.25, 0.25), 0)
    with pytest.raises(NasionError, match="at least one source"):
        PeopleSamples([], [1], "facial20")


def test_the_schemes_have_their_points() -> None:
    assert len(NAMES["cranial20"]) == 28
    assert len(NAMES["facial20"]) == 27
    assert IBUG68[0] == "ibug00"
    assert len(set(IBUG68)) == 68
