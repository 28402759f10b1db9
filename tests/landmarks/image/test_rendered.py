"""Rendered faces: the model laid on photographs, points, visibility, and the folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.camera import Camera
from nasion.geometry.surface import Mesh
from nasion.geometry.visibility import visible_points
from nasion.landmarks.image.published.folder import read_published
from nasion.landmarks.image.published.london import LondonFace, ibug68_of_template, read_london_faces
from nasion.landmarks.image.rendered.colours import Cover
from nasion.landmarks.image.rendered.drawing import FINE, DrawnHead, draw_head, marked_points
from nasion.landmarks.image.rendered.fitting import fit_face
from nasion.landmarks.image.rendered.head import HeadModel, head_model
from nasion.landmarks.image.rendered.making import FacesPlan, make_faces, painted, skin_and_shape
from nasion.landmarks.image.rendered.scene import PICTURE_PX, Scene, camera_of, drawn_scene
from nasion.landmarks.image.rendered.skin import Skin
from nasion.landmarks.image.schemes import SCHEMES
from nasion.landmarks.image.training_plan import TrainingPlan
from nasion.landmarks.image.training_split import split_of
from nasion.landmarks.surface.heads import face_model

FloatArray = NDArray[np.float64]
JAW = slice(0, 17)
FLIP = SCHEMES["ibug68"].flip_index


@pytest.fixture(scope="module")
def head(shared_data: Path) -> HeadModel:
    return head_model(face_model(shared_data)[0])


@pytest.fixture(scope="module")
def person(shared_data: Path) -> LondonFace:
    return read_london_faces(shared_data / "photos" / "london")[0]


@pytest.fixture(scope="module")
def skin(head: HeadModel, person: LondonFace) -> Skin:
    return skin_and_shape(head, person)[0]


def posed(head: HeadModel, yaw: float, pitch: float = 0.0, roll: float = 0.0, seed: int = 0) -> Scene:
    """Return a neutral scene of someone in a pose."""
    scene = drawn_scene(np.zeros(60), head.model.expressions, np.random.default_rng(seed))
    still = np.zeros(len(head.model.expressions))
    return replace(scene, expression=still, yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll, distance_mm=1500.0)


def bald(skin: Skin) -> Cover:
    return Cover(skin.hair, 400.0, 5.0, 0.0, 0.0, np.zeros((8, 8), np.float32), skin.hair, -400.0)


def drawn(head: HeadModel, skin: Skin, scene: Scene) -> tuple[FloatArray, Camera, FloatArray, DrawnHead]:
    vertices = head.vertices(scene.identity, scene.expression)
    camera = camera_of(scene, vertices[head.landmarks])
    points = marked_points(head, vertices, camera, scene.roll_deg)
    rng = np.random.default_rng(0)
    return vertices, camera, points, draw_head(head, skin, bald(skin), scene, vertices, camera, rng)


def test_a_known_face_is_found_again(head: HeadModel) -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(0, 0.7, 60)
    scene = posed(head, 4.0, -3.0, 2.0)
    vertices = head.vertices(truth, scene.expression)
    camera = camera_of(scene, vertices[head.landmarks])
    points = camera.project(vertices[head.landmarks])
    found = fit_face(head.model, head.landmarks, points, (PICTURE_PX, PICTURE_PX))
    error = np.linalg.norm(found.camera.project(found.vertices[head.landmarks]) - points, axis=1)
    assert error.mean() < 0.5 and error.max() < 2.5
    # the prior draws towards the mean face, and hidden directions stay unknown
    assert np.corrcoef(found.identity[:5], truth[:5])[0, 1] > 0.8


def test_the_photograph_is_laid_exactly_on_the_landmarks(head: HeadModel, person: LondonFace, skin: Skin) -> None:
    points = ibug68_of_template(person.template_px)
    assert skin.places_px[head.landmarks] == pytest.approx(points, abs=0.01)
    face = fit_face(head.model, head.landmarks, points, (512, 512))
    off = np.linalg.norm(face.camera.project(face.vertices[head.landmarks]) - points, axis=1)
    assert off[17:].mean() < 2.5 and off.max() < 12
    assert skin.trust[head.landmarks[[30, 33, 51]]].min() > 0.9  # nose and lip
    back = head.model.mean[:, 2] < -40
    assert skin.trust[back].max() == 0 and (skin.fill[back] > 0).all()


def test_jaw_points_are_evenly_spaced_and_symmetric(head: HeadModel) -> None:
    jaw = head.model.mean[head.landmarks[JAW]].astype(float)
    steps = np.linalg.norm(np.diff(jaw[:, :2], axis=0), axis=1)
    assert steps.max() < 1.3 * steps.min()
    own = head.model.mean[head.model.ibug68[JAW]].astype(float)
    steps_before = np.linalg.norm(np.diff(own[:, :2], axis=0), axis=1)
    assert steps_before.max() > 1.5 * steps_before.min()
    every = head.model.mean[head.landmarks].astype(float)
    assert every[FLIP] * (-1, 1, 1) == pytest.approx(every, abs=0.1)


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (35, 10, -20), (-70, -10, 15)])
def test_points_are_the_projected_vertices(head: HeadModel, yaw: float, pitch: float, roll: float) -> None:
    scene = posed(head, yaw, pitch, roll)
    vertices = head.vertices(scene.identity, scene.expression)
    camera = camera_of(scene, vertices[head.landmarks])
    points = marked_points(head, vertices, camera, roll)
    in_camera = vertices @ scene.rotation.T + camera.translation_mm
    pinhole = camera.focal_px * in_camera[:, :2] / in_camera[:, 2:] + camera.principal_point_px
    assert points[17:] == pytest.approx(pinhole[head.landmarks[17:]])
    for jaw, ways in zip(points[JAW], pinhole[head.paths], strict=True):
        assert np.linalg.norm(ways - jaw, axis=1).min() < 1e-6
    assert points.min() >= 0 and points.max() <= PICTURE_PX - 1


def test_all_points_are_seen_from_the_front(head: HeadModel) -> None:
    """But for the inner edges of closed lips, which touch."""
    scene = posed(head, 0.0)
    vertices = head.vertices(scene.identity, scene.expression)
    camera = camera_of(scene, vertices[head.landmarks])
    mesh = Mesh(vertices, head.faces)
    assert visible_points(vertices[head.landmarks], mesh, camera).sum() >= 64


@pytest.mark.parametrize("roll", [0.0, 25.0])
@pytest.mark.parametrize("yaw", [-40.0, -30.0, 25.0, 40.0])
def test_the_far_jaw_lies_on_the_outline_and_the_near_one_on_the_skin(
    head: HeadModel, skin: Skin, yaw: float, roll: float
) -> None:
    import cv2

    vertices, camera, points, picture = drawn(head, skin, posed(head, yaw, 0.0, roll))
    inside = cv2.distanceTransform(picture.mask.astype(np.uint8), cv2.DIST_L2, 5) / FINE
    places = np.rint(points * FINE + (FINE - 1) / 2).astype(int)
    depth_inside = inside[places[:, 1], places[:, 0]]
    far, near = (slice(12, 16), slice(1, 5)) if yaw > 0 else (slice(1, 5), slice(12, 16))
    size = np.ptp(points, axis=0).max()
    assert depth_inside[far].max() < 0.04 * size and depth_inside[near].min() > 0.1 * size
    mesh = Mesh(vertices, head.faces)
    assert visible_points(vertices[head.landmarks[near]], mesh, camera).all()


def test_the_photograph_comes_back(head: HeadModel, skin: Skin) -> None:
    """In flat light from the front the ridge of the nose has the photograph's own colours."""
    scene = posed(head, 0.0)
    light = replace(scene.light, key=np.zeros(3), sky=np.ones(3), ground=np.ones(3), fill=np.zeros(3), shine=0.0)
    vertices, camera, _, picture = drawn(head, skin, replace(scene, light=light, tone=1.0, tint=np.ones(3)))
    ridge = head.landmarks[27:31]
    column, row = np.rint(FINE * camera.project(vertices[ridge]) + (FINE - 1) / 2).astype(int).T
    x, y = np.rint(skin.places_px[ridge]).astype(int).T
    taken = skin.photograph[y, x] / skin.shade[ridge, None]
    assert picture.light[row, column] == pytest.approx(taken, rel=0.15, abs=0.02)


def test_a_picture_depends_on_its_number_only(head: HeadModel, skin: Skin) -> None:
    made = [painted(head, skin, np.zeros(60), np.random.default_rng([0, k])) for k in (5, 5, 6)]
    assert (made[0].image == made[1].image).all() and (made[0].points_px == made[1].points_px).all()
    assert (made[0].image != made[2].image).mean() > 0.5
    assert made[0].image.shape == (PICTURE_PX, PICTURE_PX, 3) and made[0].image.std() > 10


def test_a_folder_is_filled_up_with_the_same_pictures(shared_data: Path, tmp_path: Path) -> None:
    plan = FacesPlan(str(shared_data), 5, 7)

    class StoppedError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        assert total == 5
        if done == 2:
            raise StoppedError

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert make_faces(plan, whole) == 5
    with pytest.raises(StoppedError):
        make_faces(plan, stopped, stop)
    assert len(list(stopped.glob("*.landmarks.json"))) == 2
    assert make_faces(plan, stopped) == 3 and make_faces(plan, stopped) == 0
    files = {path.name: path.read_bytes() for path in whole.iterdir()}
    assert {path.name: path.read_bytes() for path in stopped.iterdir()} == files
    assert len(files) == 2 * 5 + 2
    with pytest.raises(NasionError, match="rendered faces of other settings"):
        make_faces(replace(plan, seed=8), whole)
    made = read_published(whole, SCHEMES["ibug68"])
    assert len(made.samples) == 5 and not np.isnan([own.points_px for own in made.samples]).any()
    assert "CC BY 4.0" in made.terms and "MIT" in made.terms


def test_whose_skin_is_drawn_is_the_photographs_person(shared_data: Path, tmp_path: Path) -> None:
    """Splits by person hold over photographs and pictures; the pictures are stood in for by files alone."""
    people = read_london_faces(shared_data / "photos" / "london")
    make_faces(FacesPlan(str(shared_data), 1), tmp_path / "faces")
    picture, landmarks = (next((tmp_path / "faces").glob(f"*{end}")) for end in (".jpg", ".landmarks.json"))
    for number, person in enumerate(people):
        for source in (picture, landmarks):
            name = f"{person.person}__{number + 100}{''.join(source.suffixes[-2:])}"
            (tmp_path / "faces" / name).write_bytes(source.read_bytes())
    london = str(shared_data / "photos" / "london")
    split = split_of(TrainingPlan("ibug68", (london, str(tmp_path / "faces"))))
    learnt = {own.person for own in split.training}
    held = {own.person for own in split.held_out}
    tested = {own.person for part in split.tests.values() for own in part}
    assert len(learnt | held | tested) == 102
    assert not learnt & held and not learnt & tested and not held & tested


def test_what_is_missing_is_said(tmp_path: Path, shared_data: Path) -> None:
    with pytest.raises(NasionError, match="no such file; give the folder of development data"):
        make_faces(FacesPlan(str(tmp_path)), tmp_path / "out")
    with pytest.raises(NasionError, match="0 pictures cannot be made"):
        FacesPlan(str(shared_data), 0)
    assert not (tmp_path / "out").exists()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "own.txt").write_text(json.dumps("mine"))
    with pytest.raises(NasionError, match="taken exists and is no set of rendered faces"):
        make_faces(FacesPlan(str(shared_data), 1), tmp_path / "taken")
