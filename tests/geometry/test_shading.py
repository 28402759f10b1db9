"""Shaded pictures."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nasion.errors import NasionError
from nasion.geometry.camera import FRONTAL, Camera, image_center_px
from nasion.geometry.raster import depth_of, silhouette_of
from nasion.geometry.shading import Lighting, render
from nasion.geometry.surface import Mesh

FRONT = Camera(FRONTAL, np.array([0.0, 0.0, 500.0]), 900.0, image_center_px((240, 200)), (240, 200))
FLAT_LIGHT = Lighting(key=0, fill=0, sky=1, ground=1, highlight=0, occlusion=0)


def test_mask_and_depth_are_the_rasterisers(sphere: Mesh, camera: Camera) -> None:
    picture = render(sphere, camera)
    assert picture.image.shape == (200, 240, 3)
    assert_array_equal(picture.mask, silhouette_of(sphere, camera))
    assert_array_equal(picture.depth, depth_of(sphere, camera)[0])


def test_flat_light_shows_the_albedo_and_the_background(sphere: Mesh, camera: Camera) -> None:
    picture = render(sphere, camera, albedo=(0.8, 0.4, 0.2), lighting=FLAT_LIGHT, background=(0.0, 1.0, 0.5))
    assert_allclose(picture.image[100, 120], np.array([0.8, 0.4, 0.2]) * 255, atol=1)
    assert_allclose(picture.image[0, 0], np.array([0.0, 1.0, 0.5]) * 255, atol=1)


def test_a_background_picture_comes_back_unchanged(sphere: Mesh, camera: Camera) -> None:
    background = np.random.default_rng(0).integers(0, 256, (200, 240, 3), dtype=np.uint8)
    away = replace(camera, translation_mm=np.array([5000.0, 0.0, 500.0]))
    assert np.abs(render(sphere, away, background=background).image.astype(int) - background).max() <= 8
    bright = np.maximum(background, 40)
    assert np.abs(render(sphere, away, background=bright).image.astype(int) - bright).max() <= 1


def test_only_the_outline_mixes_with_the_background(sphere: Mesh) -> None:
    picture = render(sphere, FRONT, albedo=(1, 1, 1), lighting=FLAT_LIGHT, background=(0, 0, 0))
    brightness = picture.image[..., 0].astype(int)
    mixed = (brightness > 0) & (brightness < 254)
    circumference = 2 * np.pi * 50 / np.sqrt(500**2 - 50**2) * 900
    assert 0.5 * circumference < mixed.sum() < 2 * circumference
    # The mixed pixels keep the disc's area: a coverage of n quarters has the linear brightness n / 4.
    area = (np.clip(brightness / 255, 0, 1) ** 2.2).sum()
    assert area == pytest.approx(np.pi * (50 / np.sqrt(500**2 - 50**2) * 900) ** 2, rel=5e-3)


def test_colours_run_linearly_between_vertices() -> None:
    square = Mesh([[-50, -50, 0], [50, -50, 0], [50, 50, 0], [-50, 50, 0]], [[0, 1, 2], [0, 2, 3]])
    grey = np.array([0.25, 0.75, 0.75, 0.25])[:, None] ** (1 / 2.2) * [1, 1, 1]
    image = render(square, FRONT, albedo=grey, lighting=FLAT_LIGHT).image[100, :, 0] / 255
    # Head x of column u at z = 0 is (u - 119.5) * 500 / 900; light goes from 1/4 at -50 to 3/4 at 50.
    u = np.arange(40, 200)
    assert_allclose(image[u] ** 2.2, 0.5 + (u - 119.5) * 500 / 900 / 200, atol=0.006)


def test_light_from_the_left_brightens_the_left(sphere: Mesh) -> None:
    lights = Lighting(key_direction=(-1, 0, -1), fill=0, sky=0.1, ground=0.1, occlusion=0)
    image = render(sphere, FRONT, lighting=lights).image.astype(int)
    assert image[100, 60].sum() > image[100, 180].sum() + 100


def test_mirrored_scene_gives_mirrored_picture(box: Mesh) -> None:
    turned = Mesh(box.vertices * [1, 1, 1] + 12 * np.sin(box.vertices / 30), box.faces)
    mirrored = Mesh(turned.vertices * [-1, 1, 1], turned.faces[:, ::-1])
    lights = Lighting(key_direction=(0, -0.5, -1), fill=0)
    here = render(turned, FRONT, lighting=lights).image.astype(int)
    there = render(mirrored, FRONT, lighting=lights).image.astype(int)
    assert np.abs(here - there[:, ::-1]).max() <= 1


def test_both_windings_look_alike(sphere: Mesh) -> None:
    inside_out = Mesh(sphere.vertices, sphere.faces[:, ::-1])
    here, there = render(sphere, FRONT).image.astype(int), render(inside_out, FRONT).image.astype(int)
    assert np.abs(here - there).max() <= 1


def test_hollows_are_darker(sphere: Mesh) -> None:
    # A plate with a bowl: its floor faces the camera like the plate does, so only occlusion tells them apart.
    axis = np.linspace(-60, 60, 121)
    x, y = np.meshgrid(axis, axis)
    z = np.where(np.hypot(x, y) < 12, -30.0, 0.0)
    index = np.arange(121 * 121).reshape(121, 121)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, 1:].ravel(), index[1:, :-1].ravel()
    plate = Mesh(np.stack([x, y, z], axis=-1), np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]))
    open_light = render(plate, FRONT, lighting=Lighting(occlusion=0, highlight=0)).image.astype(int)
    occluded = render(plate, FRONT, lighting=Lighting(highlight=0)).image.astype(int)
    assert occluded[100, 120].sum() < 0.8 * open_light[100, 120].sum()
    assert_array_equal(occluded[100, 60], open_light[100, 60])


def test_nothing_in_view_gives_the_background(camera: Camera, sphere: Mesh) -> None:
    behind = replace(camera, translation_mm=np.array([0.0, 0.0, -500.0]))
    picture = render(sphere, behind, background=(1, 1, 1))
    assert (picture.image == 255).all()
    assert not picture.mask.any()


def test_wrong_shapes_are_refused(sphere: Mesh, camera: Camera) -> None:
    with pytest.raises(NasionError, match="albedo"):
        render(sphere, camera, albedo=np.ones((5, 3)))
    with pytest.raises(NasionError, match="background"):
        render(sphere, camera, background=np.zeros((10, 10, 3), dtype=np.uint8))


def test_slivers_keep_their_colour() -> None:
    # Needles a rounding error wide that run through the samples of many pixels: red between 0.4 and 0.6 at the corners
    # can be no more than 0.6 inside.
    rng = np.random.default_rng(0)
    ends = (np.rint(rng.uniform(10, 190, (2, 400, 2))) - [119.5, 99.5] + 0.25) * 500 / 900
    a, b = (np.column_stack([end, np.zeros(400)]) for end in ends)
    c = (a + b) / 2 + rng.normal(size=(400, 3)) * 1e-14
    soup = Mesh(np.stack([a, b, c], axis=1).reshape(-1, 3), np.arange(1200))
    albedo = np.tile([[0.4, 0, 0], [0.6, 0, 0], [0.5, 0, 0]], (400, 1))
    image = render(soup, FRONT, albedo=albedo, lighting=FLAT_LIGHT, background=(0, 0, 0)).image
    assert image[..., 0].any()
    assert image[..., 0].max() <= 0.6 * 255 + 1
    assert not image[..., 1:].any()
