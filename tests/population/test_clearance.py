"""Depth under a skin against spheres, the outer shell against heads with holes."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from nasion.geometry.surface import Mesh
from nasion.population.clearance import Skin, barycentric_weights
from nasion.population.containment import LEAST_CLEARANCE_MM, Container
from nasion.population.skin_shell import SkinShell, largest_part, rims

RADIUS = 90.0


def ball(radius: float = RADIUS, subdivisions: int = 4) -> Mesh:
    sphere = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    return Mesh(sphere.vertices, sphere.faces)


def with_slit() -> Mesh:
    """Return a ball with a slit in front, and a small ball (an eyeball) that hangs free inside."""
    skin, eye = ball(), ball(12.0, 2)
    middle = skin.vertices[skin.faces].mean(axis=1)
    slit = (middle[:, 2] > 0) & (np.abs(middle[:, 0]) < 25) & (np.abs(middle[:, 1]) < 6)
    vertices = np.concatenate([skin.vertices, eye.vertices + np.array([0.0, 0.0, 60.0])])
    return Mesh(vertices, np.concatenate([skin.faces[~slit], eye.faces + len(skin.vertices)]))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100_000))
def test_depth_in_a_ball_is_radius_minus_distance(seed: int) -> None:
    mesh = ball()
    rng = np.random.default_rng(seed)
    direction = rng.standard_normal((20, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    distance = rng.uniform(40, 130, 20)
    found = Skin(SkinShell.outer(mesh), mesh.vertices).nearest(direction * distance[:, None])
    assert found.depth_mm == pytest.approx(RADIUS - distance, abs=0.35)  # the triangles' sagitta is 0.3 mm
    assert (found.normal * direction).sum(axis=1) == pytest.approx(1.0, abs=0.01)


def test_a_closed_skin_is_taken_whole() -> None:
    shell = SkinShell.outer(ball())
    assert len(shell.faces) == 20 * 4**4
    assert shell.patches.shape[0] == 0
    assert (shell.neighbours >= 0).all()


def test_holes_are_patched_and_free_parts_left_out() -> None:
    mesh = with_slit()
    shell = SkinShell.outer(mesh)
    assert rims(shell.faces) == []
    eye_vertices = np.arange(len(ball().vertices), len(mesh.vertices))
    assert not np.isin(shell.faces, eye_vertices).any()
    found = Skin(shell, mesh.vertices).nearest(np.array([[0, 0, 70.0], [0, 0, 60.0], [20, 0, 75.0], [0, 0, 100.0]]))
    assert (found.depth_mm[:3] > 8).all()
    assert found.depth_mm[3] < -8


def test_the_rim_of_an_open_hemisphere_is_one_loop() -> None:
    mesh = ball()
    below = mesh.vertices[mesh.faces].mean(axis=1)[:, 1] < 0
    faces = mesh.faces[~below]
    (loop,) = rims(faces)
    assert len(set(loop.tolist())) == len(loop)
    assert np.abs(mesh.vertices[loop, 1]).max() < 8


def test_the_largest_part_is_found() -> None:
    mesh = with_slit()
    assert largest_part(mesh).max() < len(ball().vertices)


@settings(max_examples=30)
@given(st.integers(0, 100_000))
def test_barycentric_weights_give_the_point_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.normal(0, 10, (5, 3, 3))
    weights = rng.dirichlet(np.ones(3), 5)
    points = np.einsum("nk,nkd->nd", weights, corners)
    again = np.einsum("nk,nkd->nd", barycentric_weights(points, corners), corners)
    assert again == pytest.approx(points, abs=1e-4)


def test_bone_that_pierces_the_skin_is_covered_and_a_guarded_place_stays() -> None:
    face, skull = ball(), ball(80.0)
    container = Container(face, skull)
    bump = np.exp(-0.5 * (np.linalg.norm(skull.vertices - [0, 0, 80.0], axis=1) / 15.0) ** 2)
    bone = skull.vertices * (1.0 + 0.18 * bump[:, None])  # reaches 94.4 mm, the skin lies at 90
    assert container.clearance_mm(face.vertices, bone).min() < -4
    guarded = face.vertices[[np.argmax(face.vertices[:, 0])]]
    covered = container.contained(face.vertices, bone, guarded)
    assert covered is not None
    assert container.clearance_mm(covered, bone).min() >= LEAST_CLEARANCE_MM
    moved = np.linalg.norm(covered - face.vertices, axis=1)
    assert moved[np.argmax(face.vertices[:, 0])] < 0.01
    assert moved[face.vertices[:, 2] < 0].max() < 0.01
    # No spike: neighbours move alike.
    steps = np.linalg.norm(np.diff((covered - face.vertices)[face.faces], axis=1), axis=2)
    assert steps.max() < 3.0


def test_a_skin_that_holds_its_skull_is_not_touched() -> None:
    face, skull = ball(), ball(80.0)
    kept = Container(face, skull).contained(face.vertices, skull.vertices, face.vertices[:1])
    assert kept is not None
    assert np.array_equal(kept, face.vertices)
