"""Paths through solids: boxes by hand, spheres by formula, volumes kept, holes mended; depths on a grid."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from nasion.geometry.camera import FRONTAL, Camera, pose_rotation
from nasion.geometry.paths import path_lengths
from nasion.geometry.surface import Mesh
from nasion.geometry.voxels import DepthGrid


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Mesh:
    made = trimesh.creation.box(bounds=[low, high])
    return Mesh(made.vertices, made.faces)


def sphere(radius: float) -> Mesh:
    made = trimesh.creation.icosphere(subdivisions=5, radius=radius)
    return Mesh(made.vertices, made.faces)


def joined(a: Mesh, b: Mesh) -> Mesh:
    return Mesh(np.concatenate([a.vertices, b.vertices]), np.concatenate([a.faces, b.faces + len(a.vertices)]))


def inside_out(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices, mesh.faces[:, ::-1])


CAMERA = Camera(FRONTAL, np.array([0.0, 0.0, 1000.0]), 500.0, (20.0, 20.0), (41, 41))


def test_a_box_on_the_axis_by_hand() -> None:
    """Rays at integer pixels meet edges and diagonals of the box exactly; none is counted twice."""
    paths = path_lengths(box((-10, -10, -30), (10, 10, 30)), CAMERA)
    assert paths[20, 20] == pytest.approx(60.0)
    # 3 px beside the axis the ray is longer by the root of 1 + (3 / 500)^2 and stays within the box
    assert paths[20, 23] == pytest.approx(60.0 * np.hypot(1, 3 / 500), rel=1e-5)
    assert paths[23, 23] == pytest.approx(60.0 * np.sqrt(1 + 2 * (3 / 500) ** 2), rel=1e-5)
    # the front face, at 970 mm, ends at 500 * 10 / 970 = 5.15 px, the rear one, at 1030 mm, at 4.85 px:
    # the ray of 5 px leaves through the side at z = 1000
    assert paths[20, 25] == pytest.approx(30.0 * np.hypot(1, 5 / 500), rel=1e-5)
    assert paths[20, 26] == 0.0


def test_solids_add_up_and_cavities_are_taken_away() -> None:
    near, far = box((-8, -8, 20), (8, 8, 40)), box((-8, -8, -40), (8, 8, -30))
    both = path_lengths(joined(near, far), CAMERA)
    assert np.allclose(both, path_lengths(near, CAMERA) + path_lengths(far, CAMERA), atol=1e-4)
    shell = joined(box((-10, -10, -30), (10, 10, 30)), inside_out(box((-4, -4, -20), (4, 4, 20))))
    assert path_lengths(shell, CAMERA)[20, 20] == pytest.approx(20.0)


def test_chords_of_a_sphere() -> None:
    radius = 60.0
    camera = Camera(FRONTAL, np.array([0.0, 0.0, 900.0]), 900.0, (99.5, 99.5), (200, 200))
    u, v = np.meshgrid(np.arange(200), np.arange(200))
    rays = camera.rays(np.stack([u, v], -1).reshape(-1, 2))
    towards = -camera.center_mm
    apart2 = (towards**2).sum() - (rays @ towards) ** 2
    chord = 2 * np.sqrt(np.maximum(radius**2 - apart2, 0)).reshape(200, 200)
    deep = chord > 30
    assert np.abs(path_lengths(sphere(radius), camera) - chord)[deep].max() < 0.3


@settings(max_examples=15, deadline=None)
@given(st.floats(-180, 180), st.floats(-80, 80), st.floats(-180, 180))
def test_volume_is_kept_from_all_sides(yaw: float, pitch: float, roll: float) -> None:
    """From very far rays are parallel: paths times the pixel's area are the volume."""
    solid = box((-30, -20, -10), (30, 20, 10))
    camera = Camera(pose_rotation(yaw, pitch, roll), np.array([0.0, 0.0, 1e6]), 2e6, (99.5, 99.5), (200, 200))
    assert path_lengths(solid, camera).sum() * 0.25 == pytest.approx(48_000, rel=0.01)


def test_seen_from_behind_through_a_mirror() -> None:
    """A reflected camera sees the mirror image of what its proper partner sees."""
    solid = joined(box((5, -10, -30), (15, 20, 30)), box((-20, -10, 0), (-10, -5, 30)))
    proper = Camera(pose_rotation(180, 0, 0), np.array([0.0, 0.0, 1000.0]), 500.0, (20.0, 20.0), (41, 41))
    mirrored = Camera(np.diag([-1.0, 1.0, 1.0]) @ proper.rotation, proper.translation_mm, 500.0, (20.0, 20.0), (41, 41))
    # 40 - 20 = 20: the principal column stays; half-open columns may differ where a ray grazes a side
    assert np.allclose(path_lengths(solid, mirrored), path_lengths(solid, proper)[:, ::-1], atol=1e-3)


def test_rays_through_a_hole_take_their_neighbours_value() -> None:
    whole = sphere(15.0)
    camera = Camera(FRONTAL, np.array([0.0, 0.0, 1000.0]), 800.0, (20.0, 20.0), (41, 41))
    middle = whole.vertices[whole.faces].mean(axis=1)
    pole = middle[:, 2] > 14.9
    torn = Mesh(whole.vertices, whole.faces[~pole])
    expected = path_lengths(whole, camera)
    assert pole.any()
    assert np.abs(path_lengths(torn, camera) - expected).max() < 1.0
    assert path_lengths(torn, camera)[20, 20] == pytest.approx(30.0, abs=0.5)


def test_what_reaches_behind_the_camera_is_left_out() -> None:
    assert path_lengths(box((-10, -10, -30), (10, 10, 2000)), CAMERA)[20, 20] <= 60.0
    assert not path_lengths(box((-10, -10, 1500), (10, 10, 2000)), CAMERA).any()


def test_depths_in_a_box() -> None:
    grid = DepthGrid.of(box((-10, -20, -30), (10, 20, 30)), 1.0)
    points = grid.points()
    truth = np.min([10 - np.abs(points[..., 0]), 20 - np.abs(points[..., 1]), 30 - np.abs(points[..., 2])], axis=0)
    clear = np.abs(truth) > 1.0
    assert ((grid.depth_mm > 0) == (truth > 0))[clear].all()
    inside = truth > 1.0
    assert np.abs(grid.depth_mm - truth)[inside].max() < 1.01


def test_the_level_set_of_a_sphere_is_a_smaller_sphere() -> None:
    grid = DepthGrid.of(sphere(30.0), 1.0)
    core = grid.solid(grid.depth_mm - 10.03, 50_000)
    assert core is not None
    made = trimesh.Trimesh(core.vertices, core.faces)
    assert made.is_watertight
    assert made.volume == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.06)  # above 0: the outside is outside
    assert grid.solid(grid.depth_mm - 40.0, 5000) is None
