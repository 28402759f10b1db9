"""Faces from a skull: known answers, invariances, the bone stays inside, the spread holds the truth."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nasion.anatomy.landmarks import PAIRS
from nasion.errors import NasionError
from nasion.geometry.distance import closest_points
from nasion.geometry.surface import Mesh
from nasion.population.clearance import Skin
from nasion.population.containment import LEAST_CLEARANCE_MM
from nasion.population.folder import person_of
from nasion.population.person import Person
from nasion.population.template import Template
from nasion.reconstruction.shape.judging import (
    face_region,
    landmark_coverage,
    landmark_distance_mm,
    surface_distance_mm,
    vertex_coverage,
)
from nasion.reconstruction.shape.registration import BareSkull
from nasion.reconstruction.shape.sampler import FaceSampler, face_sampler
from nasion.reconstruction.shape.settings import ShapeSettings
from nasion.reconstruction.shape.surface_fit import outer_shell
from reconstruction.shape.small import bare, exact_tissue


def tissue_of(template: Template) -> dict[str, NDArray[np.float64]]:
    return {pair.facial: template.facial[pair.facial] - template.cranial[pair.cranial] for pair in PAIRS}


def test_noise_free_tissue_on_the_templates_skull_gives_the_templates_skin_back(template: Template) -> None:
    own = BareSkull(template.skull, template.cranial, template.cranial_helpers)
    settings = ShapeSettings(exact_tissue(tissue_of(template)), placement_sd_mm=0.0, draws=3)
    sampler = face_sampler(template, own, settings)
    for face in (sampler.mean(), sampler.sample(0)):
        assert np.abs(face.mesh.vertices - template.face.vertices).max() < 0.01
        for name, point in template.facial.items():
            assert np.linalg.norm(face.landmarks_mm[name] - point) < 0.01


def test_a_known_persons_tissue_gives_that_persons_face(template: Template, person: Person) -> None:
    settings = ShapeSettings(exact_tissue(person.tissue), placement_sd_mm=0.0, draws=3)
    face = face_sampler(template, bare(person), settings).mean()
    assert landmark_distance_mm(face.landmarks_mm, person.facial) < 0.3
    region = face_region(template)
    near = surface_distance_mm(face.mesh, person.face.vertices[region])
    stranger = person_of(template, 77, 5)
    assert near < 2.0
    assert near < 0.5 * surface_distance_mm(face.mesh, stranger.face.vertices[region])


def test_the_mean_of_many_samples_tends_to_the_mean_face(sampler: FaceSampler) -> None:
    names, draws = sampler.landmark_draws()
    many = face_sampler_again(sampler, seed=11).landmark_draws()[1]
    standard_error = draws.std(axis=0) * np.sqrt(2 / len(draws))
    z = (draws.mean(axis=0) - many.mean(axis=0)) / standard_error
    assert names[0] == PAIRS[0].facial
    assert np.abs(z).max() < 4.5
    mean = sampler.mean()
    found = np.array([mean.landmarks_mm[name] for name in names])
    # only the push off the bone lies between them
    assert np.abs(found - draws.mean(axis=0)).max() < 0.5


def face_sampler_again(sampler: FaceSampler, seed: int) -> FaceSampler:
    return FaceSampler(sampler.fit, sampler.settings, seed)


def test_written_samples_are_draws_of_the_same_distribution(sampler: FaceSampler) -> None:
    names, draws = sampler.landmark_draws()
    samples = [sampler.sample(k) for k in range(6)]
    points = np.array([[face.landmarks_mm[name] for name in names] for face in samples])
    z = (points - draws.mean(axis=0)) / draws.std(axis=0)
    assert 0.3 < np.sqrt((z**2).mean()) < 2.0
    assert len({round(face.build, 6) for face in samples}) == len(samples)


def test_a_moved_skull_moves_its_faces_with_it(template: Template, skull: BareSkull, sampler: FaceSampler) -> None:
    rotation = Rotation.from_rotvec([0.7, -1.1, 2.0]).as_matrix()
    shift = np.array([140.0, -33.0, 900.0])
    moved = face_sampler(template, skull.moved(rotation, shift), sampler.settings, sampler.seed)
    for here, there in ((sampler.mean(), moved.mean()), (sampler.sample(1), moved.sample(1))):
        expected = here.mesh.vertices @ rotation.T + shift
        assert np.abs(there.mesh.vertices - expected).max() < 1e-3
    turned = rotation @ sampler.covariance_mm2() @ rotation.T
    assert np.abs(moved.covariance_mm2() - turned).max() < 1e-3


def test_the_same_seed_gives_the_same_faces_and_another_seed_others(sampler: FaceSampler) -> None:
    again, other = face_sampler_again(sampler, sampler.seed), face_sampler_again(sampler, sampler.seed + 1)
    assert np.array_equal(sampler.sample(2).mesh.vertices, again.sample(2).mesh.vertices)
    assert np.array_equal(sampler.mean().mesh.vertices, again.mean().mesh.vertices)
    assert not np.allclose(sampler.sample(2).mesh.vertices, other.sample(2).mesh.vertices, atol=0.5)


def test_the_skin_never_enters_the_bone(template: Template, skull: BareSkull, sampler: FaceSampler) -> None:
    shell = outer_shell(template)
    thin = sampler.at_build(0.45)
    for face in (sampler.mean(), sampler.sample(0), sampler.sample(3), thin.mean(), thin.sample(0)):
        depth = Skin(shell, face.mesh.vertices).nearest(skull.mesh.vertices).depth_mm
        assert depth.min() >= LEAST_CLEARANCE_MM - 1e-6


def test_a_heavier_build_has_more_tissue_everywhere(template: Template, skull: BareSkull, sampler: FaceSampler) -> None:
    region = face_region(template)
    depth = [
        closest_points(skull.mesh, sampler.at_build(build).mean().mesh.vertices[region])[1].mean()
        for build in (0.7, 1.0, 1.5)
    ]
    assert depth[0] < depth[1] < depth[2]


def test_a_known_build_narrows_the_spread(sampler: FaceSampler) -> None:
    free, known = (np.trace(own.covariance_mm2(), axis1=1, axis2=2) for own in (sampler, sampler.at_build(1.0)))
    assert np.sqrt(known.mean()) < 0.7 * np.sqrt(free.mean())


def test_the_spread_holds_the_truth_as_often_as_it_says(template: Template) -> None:
    region = face_region(template)
    skin, landmarks, near, floor = [], [], [], []
    for index in range(8):
        person = person_of(template, 991, index)
        sampler = face_sampler(template, bare(person), ShapeSettings(placement_sd_mm=0.0, draws=80))
        # with the build known, people are independent draws; with it free, one factor decides for a whole face
        own = sampler.at_build(person.build_factor)
        mean = own.mean()
        skin.append(vertex_coverage(mean.mesh, own.covariance_mm2(), region, person.face.vertices))
        true = {**person.facial_helpers, **person.facial}
        landmarks.append(landmark_coverage(*own.landmark_draws(), true))
        near.append(surface_distance_mm(mean.mesh, person.face.vertices[region]))
        floor.append(surface_distance_mm(sampler.at_build(1.0).mean().mesh, person.face.vertices[region]))
    assert 0.82 < np.mean(skin) < 0.98
    assert 0.82 < np.mean(landmarks) < 0.97
    assert np.mean(near) < np.mean(floor)


def test_an_absent_landmark_is_expected_near_its_place_and_less_surely(
    template: Template, person: Person, skull: BareSkull, sampler: FaceSampler
) -> None:
    kept = {name: point for name, point in skull.landmarks_mm.items() if name != "gonion_left"}
    without = face_sampler(template, replace(skull, landmarks_mm=kept), sampler.settings, sampler.seed)
    row = [pair.cranial for pair in PAIRS].index("gonion_left")
    placed = without.fit.placed
    expected = placed.to_given(placed.cranial_mm)[row]
    assert np.linalg.norm(expected - person.cranial["gonion_left"]) < 10.0
    sd = [np.linalg.norm(own.fit.placed.factor[3 * row : 3 * row + 3]) for own in (sampler, without)]
    assert sd[1] > 1.5 * sd[0]


def test_bones_of_another_body_part_are_left_out(template: Template, skull: BareSkull, sampler: FaceSampler) -> None:
    table = skull.mesh.vertices[:400] * 0.2 + np.array([0.0, -20.0, -220.0])
    surface = Mesh(np.concatenate([skull.mesh.vertices, table]), skull.mesh.faces)
    cluttered = face_sampler(template, replace(skull, mesh=surface), sampler.settings, sampler.seed)
    assert cluttered.fit.left_out_share == pytest.approx(400 / len(surface.vertices))
    assert np.abs(cluttered.mean().mesh.vertices - sampler.mean().mesh.vertices).max() < 1e-9


def test_too_few_landmarks_are_refused_in_one_line(template: Template, skull: BareSkull) -> None:
    few = dict(list(skull.landmarks_mm.items())[:5])
    with pytest.raises(NasionError, match="5 of the 20 cranial landmarks are too few") as fault:
        face_sampler(template, replace(skull, landmarks_mm=few))
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("build", [0.1, 5.0, float("nan")])
def test_an_impossible_build_is_refused(build: float) -> None:
    with pytest.raises(NasionError, match="build factor"):
        ShapeSettings(build=build)
