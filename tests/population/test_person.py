"""Virtual people: exact tissue, skull in skin, variety, repeatability."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasion.anatomy.landmarks import CRANIAL_HELPERS, PAIRS, SCHEMES
from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.distance import closest_points, signed_distance
from nasion.geometry.raster import silhouette_of
from nasion.population.craniometry import measure_points, published_craniometry
from nasion.population.person import Person, PersonSampler, PersonSettings, sample_person
from nasion.population.template import Template
from nasion.population.template_folder import write_template_folder
from nasion.population.template_source import load_template
from nasion.population.tissue_sampling import TissueDraw


def assert_exact_truth(people: list[Person]) -> None:
    for person in people:
        assert set(person.cranial) == set(SCHEMES["cranial20"])
        assert set(person.facial) == set(SCHEMES["facial20"])
        for pair in PAIRS:
            tip = person.cranial[pair.cranial] + person.tissue[pair.facial]
            assert tip == pytest.approx(person.facial[pair.facial], abs=1e-9)
        gap = closest_points(person.face, np.array(list(person.facial.values())))[1]
        assert gap.max() < 1e-6


def assert_inside_every_outline(people: list[Person]) -> None:
    """The skull's silhouette lies in the face's from all around: a check that knows nothing of the repair."""
    for person in people:
        for yaw in range(0, 180, 20):
            for pitch in (-30, 0, 30):
                rotation = pose_rotation(yaw, pitch, 0.0)
                offset = np.array([0.0, 0.0, 5000.0]) - rotation @ np.array([0.0, 0.0, 10.0])
                camera = Camera(rotation, offset, 5000.0, image_center_px((400, 480)), (400, 480))
                bone, skin = silhouette_of(person.skull, camera), silhouette_of(person.face, camera)
                assert not (bone & ~skin).any(), (person.seed, person.build_factor, yaw, pitch)


def test_facial_landmarks_are_skull_plus_tissue_and_lie_on_the_face(people: list[Person]) -> None:
    assert_exact_truth(people)


def test_the_same_with_a_ct_skull_and_a_face_model(phantom_people: list[Person]) -> None:
    assert_exact_truth(phantom_people)


def test_no_bone_leaves_the_outline(people: list[Person]) -> None:
    assert_inside_every_outline(people)


def test_no_bone_leaves_the_outline_with_a_ct_skull(phantom_people: list[Person]) -> None:
    assert_inside_every_outline(phantom_people)


def test_every_skull_vertex_lies_under_the_skin(people: list[Person]) -> None:
    """The built-in head is closed, so that the general signed distance holds for it."""
    for person in people:
        assert signed_distance(person.face, person.skull.vertices).max() < -0.9


def test_skull_vertices_lie_under_the_skin_with_a_ct_skull(phantom: Template, phantom_people: list[Person]) -> None:
    container = PersonSampler(phantom)._container
    for person in phantom_people:
        assert container.clearance_mm(person.face.vertices, person.skull.vertices).min() > 0.9


def test_a_table_without_spread_gives_its_means(builtin: Template) -> None:
    table = TissueTable.load()
    still = replace(table, covariance_mm2=np.tile(1e-8 * np.eye(3), (20, 1, 1)))
    draw = TissueDraw(still, build_range=(1.0, 1.0))
    person = PersonSampler(builtin, PersonSettings(tissue=draw)).sample(3)
    found = np.array([person.tissue[pair.facial] for pair in PAIRS])
    assert np.linalg.norm(found - table.mean_mm, axis=1).max() < 0.5


class Recorded(TissueDraw):
    """A draw that remembers its vectors."""

    def sample(self, rng: np.random.Generator) -> tuple[float, np.ndarray]:
        build, vectors = super().sample(rng)
        object.__setattr__(self, "last", vectors)
        return build, vectors


def test_people_get_the_vectors_that_were_drawn(builtin: Template) -> None:
    draw = Recorded(TissueTable.load())
    sampler = PersonSampler(builtin, PersonSettings(tissue=draw))
    off = []
    for seed in range(5):
        person = sampler.sample(seed)
        off.append(np.linalg.norm([person.tissue[p.facial] - draw.last[k] for k, p in enumerate(PAIRS)], axis=1))
    # The lift off the bone and the containment may change a few of them.
    assert np.median(off) < 0.05
    assert (np.array(off) > 1.0).mean() < 0.05


def test_skulls_measure_what_the_person_says(people: list[Person]) -> None:
    for person in people:
        points = {**person.cranial, **person.cranial_helpers}
        names = tuple(points)
        measures = published_craniometry().available(names).measures
        values, _ = measure_points(measures, names, np.array(list(points.values())))
        assert values == pytest.approx([person.measures_mm[m.key] for m in measures], abs=0.02)


def test_landmarks_stay_on_the_skull(builtin: Template, people: list[Person]) -> None:
    before = closest_points(builtin.skull, np.array([builtin.cranial[p.cranial] for p in PAIRS]))[1]
    for person in people:
        after = closest_points(person.skull, np.array([person.cranial[p.cranial] for p in PAIRS]))[1]
        assert np.abs(after - before).max() < 0.3


def test_obese_faces_are_fuller_than_thin_ones_on_the_same_skull(people: list[Person]) -> None:
    for thin, obese in zip(people[2:4], people[4:6], strict=True):
        assert np.array_equal(thin.skull.vertices, obese.skull.vertices)
        volumes = []
        for person in (thin, obese):
            a, b, c = (person.face.vertices[person.face.faces[:, k]] for k in range(3))
            volumes.append(float((a * np.cross(b, c)).sum()) / 6)
        assert volumes[1] > 1.1 * volumes[0]


def test_a_seed_is_a_person(builtin: Template) -> None:
    again, other = sample_person(builtin, 1), sample_person(builtin, 7)
    first = PersonSampler(builtin).sample(1)
    assert np.array_equal(first.face.vertices, again.face.vertices)
    assert np.array_equal(first.skull.vertices, again.skull.vertices)
    assert np.abs(first.skull.vertices - other.skull.vertices).max() > 3.0


def test_identity_modes_vary_the_face_alone(phantom: Template) -> None:
    with_modes = PersonSampler(phantom).sample(4)
    without = PersonSampler(phantom, PersonSettings(identity_sd=0.0)).sample(4)
    assert np.array_equal(with_modes.skull.vertices, without.skull.vertices)
    assert np.linalg.norm(with_modes.face.vertices - without.face.vertices, axis=1).max() > 3.0
    for pair in PAIRS:
        # The landmarks are the skull's and the tissue's, whatever the modes; the repair may shift them a little.
        assert with_modes.facial[pair.facial] == pytest.approx(without.facial[pair.facial], abs=2.0)


def test_a_template_without_a_landmark_is_named(builtin: Template) -> None:
    lacking = {name: point for name, point in builtin.cranial.items() if name != "gonion_left"}
    with pytest.raises(NasionError, match="gonion_left"):
        replace(builtin, cranial=lacking).checked()
    with pytest.raises(NasionError, match="porion_left"):
        replace(builtin, cranial_helpers={}).checked()
    with pytest.raises(NasionError, match="face_albedo"):
        replace(builtin, face_albedo=builtin.face_albedo[1:]).checked()


def test_a_template_folder_gives_the_same_people(builtin: Template, tmp_path: Path) -> None:
    straight = builtin.canonicalised()
    folder = tmp_path / "own"
    turned = straight.moved(np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]), np.array([5.0, -7.0, 30.0]))
    write_template_folder(folder, turned)
    read = load_template(folder)
    assert set(read.cranial_helpers) >= set(CRANIAL_HELPERS[:4])
    assert read.face_albedo == pytest.approx(straight.face_albedo, abs=1e-6)
    for name, point in straight.facial.items():
        assert read.facial[name] == pytest.approx(point, abs=1e-4)
    own, original = sample_person(read, 2), sample_person(straight, 2)
    assert np.abs(own.skull.vertices - original.skull.vertices).max() < 0.05
    assert np.abs(own.face.vertices - original.face.vertices).max() < 0.2


def test_faults_of_template_folders_are_named(builtin: Template, tmp_path: Path) -> None:
    with pytest.raises(NasionError, match="no such folder"):
        load_template(tmp_path / "absent")
    folder = tmp_path / "own"
    write_template_folder(folder, builtin)
    (folder / "face_albedo.npz").write_bytes(b"no archive")
    with pytest.raises(NasionError, match=r"face_albedo\.npz"):
        load_template(folder)
    (folder / "skull.ply").unlink()
    with pytest.raises(NasionError, match="no skull mesh"):
        load_template(folder)
