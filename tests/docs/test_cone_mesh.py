"""The cones drawn in the docs are the cones that the solver searches."""

import math

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from figures.cone_mesh import ROUND, cone_mesh, joined
from nasion.overlay.lilium.cones import Cones, decode

APEX, HEIGHT, ANGLE = np.array([3.0, -2.0, 40.0]), 22.0, math.radians(45)


def _drawn(mirrored=False):
    axis, u, w = Rotation.from_rotvec([0.3, -0.8, 0.5]).as_matrix()
    w = -w if mirrored else w
    return axis, u, w, cone_mesh(APEX, axis, u, w, HEIGHT, ANGLE)


def test_apex_tip_and_rim_lie_where_the_settings_say():
    axis, _, _, mesh = _drawn()
    np.testing.assert_allclose(mesh.vertices[0], APEX)
    np.testing.assert_allclose(mesh.vertices[1], APEX + HEIGHT * axis)
    rim = mesh.vertices[-ROUND:] - APEX
    np.testing.assert_allclose(np.linalg.norm(rim, axis=1), HEIGHT)
    np.testing.assert_allclose(rim @ axis / HEIGHT, math.cos(math.radians(45)))


@pytest.mark.parametrize("mirrored", [False, True])
def test_is_a_closed_surface_whose_volume_is_the_spherical_sector(mirrored):
    mesh = _drawn(mirrored)[3]
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    assert solid.is_watertight
    sector = 2 * math.pi / 3 * HEIGHT**3 * (1 - math.cos(ANGLE))
    assert solid.volume == pytest.approx(sector, rel=0.01)  # positive: triangles face outwards


def test_holds_every_vector_that_genes_can_give():
    axis, u, w, mesh = _drawn()
    one = Cones(axis[None], u[None], w[None], np.array([HEIGHT]), ANGLE, np.array([-1]), 0.9)
    # the flat triangles lie a little inside the round surface, so points stay clear of it
    genes = np.random.default_rng(0).uniform([0.05, 0.0, 0.0], [0.98, 0.97, 1.0], (200, 3))
    vectors = np.empty((len(genes), 1, 3))
    for g, vector in zip(genes, vectors, strict=True):
        decode(g, one, vector)
    corner, second, third = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    outward = np.cross(second - corner, third - corner)
    height = np.einsum("pfd,fd->pf", APEX + vectors - corner, outward)
    assert (height < 0).all()  # a cone of 45 degrees is convex: inside is behind all its triangles


def test_joined_meshes_keep_their_volumes():
    _, _, _, mesh = _drawn()
    moved = mesh.moved(mesh.vertices + np.array([100.0, 0.0, 0.0]))
    both = joined([mesh, moved])
    volume = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).volume
    assert trimesh.Trimesh(both.vertices, both.faces, process=False).volume == pytest.approx(2 * volume)
