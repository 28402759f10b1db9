"""The standard frame and the cloud in it."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from nasion.errors import NasionError
from nasion.geometry.distance import closest_points
from nasion.geometry.surface import Mesh
from nasion.landmarks.surface.cloud import Frame, bounding_frame, finite_part, make_cloud

SPHERE = trimesh.creation.icosphere(3)
MESH = Mesh(SPHERE.vertices * [60.0, 80.0, 70.0] + [10.0, 20.0, -5.0], SPHERE.faces)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999), scale=st.floats(1e-3, 1e3))
def test_to_standard_and_back(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    frame = Frame(Rotation.random(rng=rng).as_matrix(), rng.normal(size=3) * 100, scale)
    points = rng.normal(size=(5, 3)) * 100
    assert np.allclose(frame.to_mesh_mm(frame.to_standard(points)), points)
    assert np.allclose(frame.to_standard(frame.center_mm), 0.0)
    by_hand = frame.rotation @ (points[2] - frame.center_mm) / scale
    assert np.allclose(frame.to_standard(points)[2], by_hand)


def test_the_box_fills_the_cube_in_its_longest_direction() -> None:
    rotation = Rotation.from_euler("z", 90, degrees=True).as_matrix()
    frame = bounding_frame(MESH, rotation)
    assert np.allclose(frame.center_mm, [10.0, 20.0, -5.0])
    assert frame.scale_mm == pytest.approx(80.0)
    standard = frame.to_standard(MESH.vertices)
    assert np.allclose(np.abs(standard).max(axis=0), [80 / 80, 60 / 80, 70 / 80])


def test_a_cloud_lies_on_the_surface_in_the_cube_with_outward_normals() -> None:
    cloud = make_cloud(Mesh(MESH.vertices, MESH.faces[:, ::-1]), bounding_frame(MESH), 500)
    assert cloud.points.shape == cloud.normals.shape == (500, 3)
    assert np.abs(cloud.points).max() <= 1.0
    assert closest_points(MESH, cloud.to_mesh_mm(cloud.points))[1].max() < 1e-6
    assert np.allclose(np.linalg.norm(cloud.normals, axis=1), 1.0)
    assert ((cloud.normals * cloud.points).sum(axis=1) > 0).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 9999))
def test_a_moved_mesh_with_its_own_frame_gives_the_same_cloud(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rotation, shift = Rotation.random(rng=rng).as_matrix(), rng.normal(size=3) * 50
    moved = MESH.transformed(rotation, shift)
    frame = bounding_frame(MESH)
    along = Frame(frame.rotation @ rotation.T, rotation @ frame.center_mm + shift, frame.scale_mm)
    here, there = make_cloud(MESH, frame, 200), make_cloud(moved, along, 200)
    assert np.allclose(here.points, there.points, atol=1e-9)
    assert np.allclose(here.normals, there.normals, atol=1e-9)


def test_what_lies_outside_the_cube_is_left_out() -> None:
    frame = Frame(np.eye(3), np.array([10.0, 100.0, -5.0]), 30.0)
    cloud = make_cloud(MESH, frame, 300)
    assert np.abs(cloud.points).max() <= 1.0
    assert cloud.to_mesh_mm(cloud.points)[:, 1].min() >= 70.0


def test_vertices_that_are_not_finite_go_with_their_triangles() -> None:
    vertices = MESH.vertices.copy()
    vertices[[3, 200]] = [[np.nan, 0, 0], [0, np.inf, 0]]
    part = finite_part(Mesh(vertices, MESH.faces))
    touched = np.isin(MESH.faces, [3, 200]).any(axis=1)
    assert len(part.faces) == (~touched).sum()
    assert len(part.vertices) == len(MESH.vertices) - 2
    assert np.array_equal(part.vertices[part.faces], MESH.vertices[MESH.faces[~touched]])
    assert finite_part(MESH) is MESH


@pytest.mark.parametrize(
    ("vertices", "faces", "message"),
    [
        (np.empty((0, 3)), np.empty((0, 3)), "no triangles with finite corners"),
        (np.full((3, 3), np.nan), [[0, 1, 2]], "no triangles with finite corners"),
        (np.zeros((3, 3)), [[0, 1, 3]], "do not exist"),
        (np.zeros((3, 3)), [[0, 1, 2]], "no surface"),
    ],
)
def test_meshes_without_a_surface_are_refused(vertices: np.ndarray, faces: object, message: str) -> None:
    mesh = Mesh(vertices, np.asarray(faces))
    with pytest.raises(NasionError, match=message):
        make_cloud(mesh, Frame(np.eye(3), np.zeros(3), 100.0), 10)
