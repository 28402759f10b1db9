"""Contours of masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.camera import Camera
from nasion.geometry.contours import (
    chin_jaw_contour,
    enclosed_area_px,
    forehead_contour,
    mask_border,
    outer_contour,
    signed_distance_px,
    silhouette_contour,
)
from nasion.geometry.surface import Mesh

BoolImage = NDArray[np.bool_]


def disc(radius: float, center: tuple[float, float] = (60.0, 50.0), size: tuple[int, int] = (120, 100)) -> BoolImage:
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    mask: BoolImage = np.hypot(x - center[0], y - center[1]) <= radius
    return mask


def test_a_rectangle_s_border_lies_between_the_pixels() -> None:
    mask = np.zeros((10, 12), dtype=bool)
    mask[2:5, 3:9] = True
    (border,) = mask_border(mask)
    assert_array_equal(border[0], border[-1])
    assert_allclose([border.min(axis=0), border.max(axis=0)], [[2.5, 1.5], [8.5, 4.5]])
    # The corners are cut at 45 degrees: 4 triangles of 1/8 px^2 are missing from 6 x 3.
    assert abs(enclosed_area_px(border)) == pytest.approx(17.5)


def test_a_mask_that_fills_the_image_has_a_closed_border() -> None:
    border = outer_contour(np.ones((4, 6), dtype=bool))
    assert_allclose([border.min(axis=0), border.max(axis=0)], [[-0.5, -0.5], [5.5, 3.5]])


def test_the_outer_contour_ignores_holes_and_islands() -> None:
    mask = disc(40) & ~disc(30)
    mask[0:3, 0:3] = True
    assert len(mask_border(mask)) == 3
    contour = outer_contour(mask)
    assert_allclose(np.linalg.norm(contour - [60, 50], axis=1), 40, atol=0.8)
    assert abs(enclosed_area_px(contour)) == pytest.approx(np.pi * 40**2, rel=0.02)


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(NasionError, match="empty"):
        outer_contour(np.zeros((5, 5), dtype=bool))


def test_area_is_positive_clockwise_in_the_picture() -> None:
    assert enclosed_area_px([[0, 0], [2, 0], [2, 3], [0, 3], [0, 0]]) == pytest.approx(6)


@settings(max_examples=40, deadline=None)
@given(arrays(np.bool_, (9, 11)))
def test_signed_distance_agrees_with_search(mask: BoolImage) -> None:
    distance = signed_distance_px(mask)
    pixels = np.argwhere(np.ones_like(mask))
    inside = mask.ravel()
    if inside.all() or not inside.any():
        assert_array_equal(distance, -np.inf if inside.all() else np.inf)
        return
    gaps = np.linalg.norm(pixels[:, None] - pixels[None], axis=2)
    to_inside = gaps[:, inside].min(axis=1) - 0.5
    to_outside = 0.5 - gaps[:, ~inside].min(axis=1)
    assert_allclose(distance.ravel(), np.where(inside, to_outside, to_inside), atol=1e-4)


def test_signed_distance_of_a_disc() -> None:
    x, y = np.meshgrid(np.arange(120), np.arange(100))
    assert_allclose(signed_distance_px(disc(30)), np.hypot(x - 60, y - 50) - 30, atol=1.0)


def test_the_contour_of_a_sphere_lies_on_its_cone(sphere: Mesh, camera: Camera) -> None:
    rays = camera.rays(silhouette_contour(sphere, camera))
    gap = np.linalg.norm(np.cross(-camera.center_mm, rays), axis=1)
    assert_allclose(gap, 50, atol=600 / 900)


@pytest.mark.parametrize("turn", [-30.0, 0.0, 45.0])
def test_chin_is_the_lower_arc_between_the_corners_of_the_mouth(turn: float) -> None:
    angle = np.radians(turn)
    across, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    center = np.array([60.0, 50.0])
    right, left = center - 20 * across + 10 * down, center + 20 * across + 10 * down
    chin = chin_jaw_contour(disc(40), right, left)
    lateral, below = (chin - center) @ across, (chin - center) @ down
    assert_allclose(np.hypot(lateral, below), 40, atol=0.8)
    assert (below > 10).all()
    assert lateral[0] == pytest.approx(-20, abs=1.5)
    assert lateral[-1] == pytest.approx(20, abs=1.5)
    assert np.linalg.norm(np.diff(chin, axis=0), axis=1).max() <= 1.01


@pytest.mark.parametrize("facing", [-1, 1])
def test_forehead_is_the_front_arc_between_two_levels(facing: int) -> None:
    glabella, metopion = [60 + facing * 38.0, 45.0], [60 + facing * 30.0, 25.0]
    forehead = forehead_contour(disc(40), glabella, metopion, (0.0, -2.0))
    assert_allclose(np.linalg.norm(forehead - [60, 50], axis=1), 40, atol=0.8)
    assert (facing * (forehead[:, 0] - 60) > 0).all()
    assert_allclose(forehead[[0, -1], 1], [45, 25], atol=1)


def test_a_mask_without_chin_or_forehead_is_refused() -> None:
    with pytest.raises(NasionError, match="no border below"):
        chin_jaw_contour(disc(20), [40.0, 90.0], [80.0, 90.0])
    with pytest.raises(NasionError, match="same place"):
        chin_jaw_contour(disc(20), [40.0, 90.0], [40.0, 90.0])
    with pytest.raises(NasionError, match="no border between"):
        forehead_contour(disc(20), [60.0, 20.0], [60.0, 10.0], (0.0, -1.0))
    with pytest.raises(NasionError, match="above glabella"):
        forehead_contour(disc(20), [60.0, 20.0], [60.0, 40.0], (0.0, -1.0))
