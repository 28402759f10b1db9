"""Regions between planes and their visible curves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from nasion.errors import NasionError
from nasion.geometry.camera import FRONTAL, Camera, image_center_px, pose_rotation
from nasion.geometry.contours import chin_jaw_contour
from nasion.geometry.raster import silhouette_of
from nasion.geometry.regions import (
    chin_jaw_region,
    clip,
    region_between_planes,
    visible_chin_jaw_contour,
    visible_forehead_contour,
)
from nasion.geometry.surface import Mesh

FRONT = Camera(FRONTAL, np.array([0.0, 0.0, 800.0]), 1200.0, image_center_px((301, 301)), (301, 301))


def area(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def joined(*meshes: Mesh) -> Mesh:
    starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]),
    )


def cylinder(radius: float, top: float, bottom: float, z: float) -> Mesh:
    angle = np.linspace(0, 2 * np.pi, 97)
    ring = np.stack([radius * np.sin(angle), np.zeros(97), z + radius * np.cos(angle)], axis=1)
    a = np.arange(96)
    return Mesh(
        np.concatenate([ring + np.array([0, top, 0]), ring + np.array([0, bottom, 0])]),
        np.concatenate([np.stack([a, a + 97, a + 98], 1), np.stack([a, a + 98, a + 1], 1)]),
    )


def test_a_zone_of_a_sphere_has_archimedes_area(sphere: Mesh) -> None:
    # The zone between two planes at distance h has the area 2 pi r h, wherever it is cut.
    for low, high in ((-10.0, 15.0), (20.0, 45.0)):
        zone = region_between_planes(sphere, [0, low, 0], [7, high, 3], [0, 1, 0])
        assert area(zone) == pytest.approx(2 * np.pi * 50 * (high - low), rel=2e-3)
        assert zone.vertices[:, 1].min() == pytest.approx(low)
        assert zone.vertices[:, 1].max() == pytest.approx(high)


def test_the_planes_come_in_either_order_and_direction(sphere: Mesh) -> None:
    reference = area(region_between_planes(sphere, [0, -10, 0], [0, 20, 0], [0, 1, 0]))
    assert area(region_between_planes(sphere, [0, 20, 0], [0, -10, 0], [0, 3, 0])) == pytest.approx(reference)
    assert area(region_between_planes(sphere, [0, -10, 0], [0, 20, 0], [0, -1, 0])) == pytest.approx(reference)


def test_clipping_keeps_the_orientation(sphere: Mesh) -> None:
    half = clip(sphere, [0, 0, 0], [0, 0, 2])
    a, b, c = (half.vertices[half.faces[:, k]] for k in range(3))
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), a + b + c) > 0).all()
    assert area(half) == pytest.approx(area(sphere) / 2)


def test_a_plane_without_direction_is_refused(sphere: Mesh) -> None:
    with pytest.raises(NasionError, match="no direction"):
        clip(sphere, [0, 0, 0], [0, 0, 0])


def test_the_jaw_lies_below_the_level_and_between_the_sides(sphere: Mesh) -> None:
    jaw = chin_jaw_region(sphere, [0, -20, 40], [-15, -25, 40], [15, -28, 40])
    assert jaw.vertices[:, 1].max() == pytest.approx(-20)
    assert_allclose([jaw.vertices[:, 0].min(), jaw.vertices[:, 0].max()], [-15, 15], atol=1e-9)


@pytest.fixture
def jaw(sphere: Mesh) -> Mesh:
    """A flattened ball: its outline lies 20 mm behind its foremost point."""
    return sphere.moved(sphere.vertices * [1.0, 1.0, 0.4])


def test_the_chin_of_a_head_alone_is_the_mask_s(jaw: Mesh) -> None:
    right, left = np.array([-20.0, -10.0, 18.0]), np.array([20.0, -10.0, 18.0])
    chin = visible_chin_jaw_contour(jaw, FRONT, (right + left) / 2, right, left)
    from_mask = chin_jaw_contour(silhouette_of(jaw, FRONT), *FRONT.project([right, left]))
    expected = np.interp(chin[:, 0], from_mask[:, 0], from_mask[:, 1])
    assert_allclose(chin[:, 1], expected, atol=1.5)
    assert chin[0, 0] < chin[-1, 0]


@pytest.mark.parametrize("roll", [0.0, 25.0])
def test_the_chin_is_found_against_a_neck(jaw: Mesh, roll: float) -> None:
    right, left = np.array([-20.0, -10.0, 18.0]), np.array([20.0, -10.0, 18.0])
    camera = replace(FRONT, rotation=pose_rotation(0, 0, roll))
    with_neck = joined(jaw, cylinder(30.0, 0.0, -120.0, -70.0))
    level = (right + left) / 2
    alone = visible_chin_jaw_contour(jaw, camera, level, right, left)
    chin = visible_chin_jaw_contour(with_neck, camera, level, right, left)
    assert_allclose(chin, alone, atol=2.5)


def test_no_chin_where_the_surface_runs_on() -> None:
    pillar = cylinder(40.0, 100.0, -200.0, 0.0)
    with pytest.raises(NasionError, match="no lower edge"):
        visible_chin_jaw_contour(pillar, FRONT, [0, 0, 40], [-20, 0, 34], [20, 0, 34])
    with pytest.raises(NasionError, match="not in the image"):
        visible_chin_jaw_contour(pillar, FRONT, [0, -300, 40], [-20, 0, 34], [20, 0, 34])


def test_the_forehead_of_a_sphere_in_profile(sphere: Mesh) -> None:
    camera = replace(FRONT, rotation=pose_rotation(90, 0, 0))
    glabella, metopion = np.array([0.0, 10.0, 49.0]), np.array([0.0, 30.0, 40.0])
    forehead = visible_forehead_contour(sphere, camera, glabella, metopion)
    gap = np.linalg.norm(np.cross(-camera.center_mm, camera.rays(forehead)), axis=1)
    assert_allclose(gap, 50, atol=1.0)
    assert (forehead[:, 0] > camera.project([[0, 0, 0]])[0, 0]).all()
    assert_allclose(forehead[[0, -1]], camera.project([glabella, metopion]), atol=2.0)


def test_the_chin_of_a_real_face(shared_data: Path) -> None:
    import json

    folder = shared_data / "face_models"
    head = np.load(folder / "ict_facekit_head.npz")
    index = json.loads((folder / "ict_facial_landmarks.json").read_text())["vertex"]
    mesh = Mesh(head["mean"], head["faces"])
    point = {name: mesh.vertices[vertex] for name, vertex in index.items()}
    center = mesh.vertices.mean(axis=0)
    rotation = pose_rotation(0, 0, 0)
    camera = Camera(
        rotation, np.array([0, 0, 1200.0]) - rotation @ center, 1800.0, image_center_px((512, 512)), (512, 512)
    )
    right, left = point["cheilion_right"], point["cheilion_left"]
    chin = visible_chin_jaw_contour(mesh, camera, (right + left) / 2, right, left)
    pogonion, gnathion = camera.project([point["pogonion"], point["gnathion"]])
    middle = chin[np.argmin(np.abs(chin[:, 0] - gnathion[0]))]
    mm_per_px = 1200 / 1800
    # The visible edge lies below pogonion and within a few millimetres of gnathion.
    assert middle[1] > pogonion[1]
    assert abs(middle[1] - gnathion[1]) * mm_per_px < 6
    # A symmetric head seen from the front has a symmetric chin.
    assert_allclose(chin[:, 1], chin[::-1, 1], atol=3)
