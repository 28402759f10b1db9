"""Winding is made consistent and outward, whatever it was."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from nasion.geometry.surface import Mesh
from nasion.geometry.winding import oriented_outward

SPHERE = trimesh.creation.icosphere(3)


def _cap(height: float) -> Mesh:
    """Return the part of the unit sphere above a height: an open scan."""
    centers = SPHERE.vertices[SPHERE.faces].mean(axis=1)
    return Mesh(SPHERE.vertices, SPHERE.faces[centers[:, 2] > height])


def _face_normals(mesh: Mesh) -> np.ndarray:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


@settings(max_examples=25, deadline=None)
@given(share=st.floats(0.0, 1.0), seed=st.integers(0, 999), height=st.sampled_from([-2.0, -0.5, 0.0, 0.6, 0.9]))
def test_any_mixture_of_windings_becomes_outward(share: float, seed: int, height: float) -> None:
    mesh = _cap(height)
    rng = np.random.default_rng(seed)
    turned = rng.random(len(mesh.faces)) < share
    faces = np.where(turned[:, None], mesh.faces[:, ::-1], mesh.faces)
    faces = np.array([np.roll(face, k) for face, k in zip(faces, rng.integers(0, 3, len(faces)), strict=True)])
    result = oriented_outward(Mesh(mesh.vertices, faces))
    centers = mesh.vertices[mesh.faces].mean(axis=1)
    assert ((_face_normals(result) * centers).sum(axis=1) > 0).all()
    assert np.array_equal(np.sort(result.faces, axis=1), np.sort(mesh.faces, axis=1))


def test_an_outward_mesh_is_returned_as_it_is() -> None:
    mesh = Mesh(SPHERE.vertices, SPHERE.faces)
    assert oriented_outward(mesh) is mesh


@pytest.mark.parametrize("inner_first", [False, True])
def test_a_cavity_keeps_facing_its_hollow_and_a_neighbour_is_turned(inner_first: bool) -> None:
    n = len(SPHERE.vertices)
    inner, outer = (0.9 * SPHERE.vertices, SPHERE.faces[:, ::-1]), (SPHERE.vertices, SPHERE.faces)
    neighbor = (0.5 * SPHERE.vertices + [3.0, 0, 0], SPHERE.faces[:, ::-1])
    parts = [inner, outer, neighbor] if inner_first else [outer, neighbor, inner]
    mesh = Mesh(np.concatenate([v for v, _ in parts]), np.concatenate([f + k * n for k, (_, f) in enumerate(parts)]))
    result = oriented_outward(mesh)
    centers, normals = mesh.vertices[mesh.faces].mean(axis=1), _face_normals(result)
    radius = np.linalg.norm(centers, axis=1)
    is_inner, is_far = radius < 0.95, radius > 2
    assert ((normals * centers).sum(axis=1)[is_inner] < 0).all()
    assert ((normals * centers).sum(axis=1)[~is_inner & ~is_far] > 0).all()
    assert ((normals * (centers - [3.0, 0, 0])).sum(axis=1)[is_far] > 0).all()


def test_edges_of_three_triangles_and_an_empty_mesh_do_no_harm() -> None:
    fan = Mesh(
        np.array([[0.0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0]]), np.array([[0, 1, k] for k in (2, 3, 4)])
    )
    assert len(oriented_outward(fan).faces) == 3
    empty = Mesh(np.empty((0, 3)), np.empty((0, 3)))
    assert oriented_outward(empty) is empty


def test_separate_triangles_have_no_inside_and_stay() -> None:
    rng = np.random.default_rng(0)
    soup = Mesh(rng.normal(size=(90_000, 3)), np.arange(90_000).reshape(-1, 3))
    assert oriented_outward(soup) is soup
