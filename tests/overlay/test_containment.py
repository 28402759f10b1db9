"""The last step into the face: no pixel outside where a small movement suffices, and none where none is needed."""

from dataclasses import replace

import numpy as np
import pytest

from nasion.anatomy.planes import head_frame
from nasion.geometry.raster import silhouette_of
from nasion.geometry.surface import Mesh
from nasion.overlay.containment import slip_inside
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.outline import SkullOutline, View
from nasion.overlay.posterior import PosteriorSolver
from overlay.scene import make_head, make_photo


def ball(radius=(75.0, 100.0, 95.0)) -> Mesh:
    import trimesh

    sphere = trimesh.creation.icosphere(subdivisions=5)
    return Mesh(sphere.vertices * np.array(radius) + np.array([0.0, 40.0, 20.0]), sphere.faces)


@pytest.fixture
def scene(rng, tissue):
    """A skull in a skin of 1.5 mm, its true view, and the principal point."""
    head = make_head(rng, tissue)
    camera, _, _ = make_photo(head, rng, (70, 3, -5))
    frame = head_frame(head.skull.landmarks_mm, head.skull.helpers_mm)
    mask = silhouette_of(ball((76.5, 101.5, 96.5)), camera)
    rotation = camera.rotation @ frame.rotation.T
    center = camera.rotation @ frame.origin_mm + camera.translation_mm
    scale = camera.focal_px / center[2]
    theta = np.array([0, 0, 0, *(scale * center[:2]), np.log(scale), np.log(camera.focal_px), 0.0])
    outline = SkullOutline(ball(), frame, {})
    return outline, FaceRegion(mask.astype(np.uint8)), np.array(camera.principal_point_px), rotation, theta


PRECISION = np.diag([1e6, 1e6, 1e6, 0.25, 0.25, 1e6, 100.0, 100.0])
"""Tenths of degrees, 2 px, a thousandth of scale."""


def moved(scene, shift_px):
    outline, face, principal, rotation, theta = scene
    start = theta.copy()
    start[3:5] += shift_px
    turned, found = slip_inside(outline, [face], principal[None], PRECISION, rotation[None], start)
    return start, turned[0], found


def protrusion(scene, rotation, theta):
    outline, face, principal, *_ = scene
    uv, _ = View.of(rotation, theta).project(outline.vertices)
    pixel = np.rint(uv + principal).astype(int)
    return float(face.distance_px[pixel[:, 1], pixel[:, 0]].max())


def test_the_test_sees_the_true_view(scene):
    # a skin of 1.5 mm at the view's scale
    scale = float(np.exp(scene[4][5]))
    assert protrusion(scene, scene[3], scene[4]) == pytest.approx(-1.5 * scale, abs=1.5)


def test_what_is_inside_stays_to_the_last_bit(scene):
    start, turned, found = moved(scene, (0.0, 0.0))
    np.testing.assert_array_equal(found, start)
    np.testing.assert_array_equal(turned, scene[3])


def test_a_skull_that_protrudes_slips_in_and_moves_no_more_than_it_must(scene):
    scale = float(np.exp(scene[4][5]))
    shift = np.array([3.0 * scale, 0.0])
    start, turned, found = moved(scene, shift)
    assert protrusion(scene, scene[3], start) > 0
    assert protrusion(scene, turned, found) < 0
    # it needs to come back by the protrusion (3 - 1.5 mm) and the margin, not to where it truly was
    assert 0.9 * scale < start[3] - found[3] < 3.0 * scale


def test_another_skull_is_left_alone(scene):
    scale = float(np.exp(scene[4][5]))
    start, _, found = moved(scene, (20.0 * scale, 0.0))
    np.testing.assert_array_equal(found, start)


def test_true_pairs_have_no_pixel_outside(tissue):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        head = make_head(rng, tissue)
        camera, _, photo = make_photo(head, rng, (70, 3, -5), 0.01)
        mask = np.where(silhouette_of(ball((77.5, 102.5, 97.5)), camera), Place.FACE, Place.OUTSIDE).astype(np.uint8)
        solver = PosteriorSolver(head.skull, tissue, mesh=ball())
        found = solver.solve([replace(photo, face=FaceRegion(mask))]).photos[0].camera
        assert not (silhouette_of(ball(), found) & (mask == Place.OUTSIDE)).any()
