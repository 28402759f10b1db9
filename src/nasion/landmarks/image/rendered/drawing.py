"""A head drawn in colour and light, at twice the picture's size; the points that an annotator would mark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from nasion.geometry.camera import Camera
from nasion.geometry.interpolation import FloatImage, carried_to_pixels
from nasion.geometry.raster import BoolImage, depth_map, project_with_depth
from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.image.completion_heads import outline_points, outward_of
from nasion.landmarks.image.rendered.colours import CHANNELS, Cover, colours, of_vertices
from nasion.landmarks.image.rendered.head import FIRST_EYEBALL, HeadModel
from nasion.landmarks.image.rendered.lighting import shaded
from nasion.landmarks.image.rendered.sampling import Rng
from nasion.landmarks.image.rendered.scene import Scene
from nasion.landmarks.image.rendered.skin import Skin

FINE: Final = 2
"""Samples of a pixel in each direction."""
_JAW: Final = 17


@dataclass(frozen=True, eq=False)
class DrawnHead:
    """A head at ``FINE`` times the picture's size.

    Attributes
    ----------
    light
        (h, w, 3) linear.
    mask
        (h, w) pixels of the head.
    camera
        Of the fine picture.

    """

    light: FloatImage
    mask: BoolImage
    camera: Camera


def marked_points(head: HeadModel, vertices: FloatArray, camera: Camera, roll_deg: float) -> FloatArray:
    """Return (68, 2) points as an annotator marks them: the jaw's slide along the head to the visible outline."""
    points = camera.project(vertices[head.landmarks])
    ways = camera.project(vertices[head.paths].reshape(-1, 3)).reshape(1, _JAW, -1, 2)
    c, s = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    outward = outward_of(vertices[head.landmarks][None]) @ np.array([[c, s], [-s, c]])
    points[:_JAW] = outline_points(ways, outward)[0]
    return points


def draw_head(
    head: HeadModel, skin: Skin, cover: Cover, scene: Scene, vertices: FloatArray, camera: Camera, rng: Rng
) -> DrawnHead:
    """Draw a head's pixels.

    Parameters
    ----------
    head, skin, cover, scene
        See there.
    vertices
        (n, 3) mm of the head model without hair.
    camera
        Of the picture at its own size.
    rng
        Of the colours of the eyes.

    """
    fine = _fine(camera)
    lift = Mesh(vertices, head.faces).vertex_normals() * head.with_teeth(cover.rise_mm(head))[:, None]
    mesh = Mesh(vertices + lift, head.faces)
    points_px, depth_mm = project_with_depth(mesh, fine)
    triangle = depth_map(points_px, depth_mm, mesh.faces, fine.image_size_px)[1]
    attributes = [
        of_vertices(head, skin, cover),
        mesh.vertex_normals() @ fine.rotation.T,
        fine.to_camera(mesh.vertices),
    ]
    values, outside = carried_to_pixels(np.concatenate(attributes, axis=1), points_px, depth_mm, mesh.faces, triangle)
    mask = triangle >= 0
    own, front, part = values[mask], outside[mask], head.part[triangle[mask]]
    normals, places = own[:, CHANNELS : CHANNELS + 3], own[:, CHANNELS + 3 :]
    flat = colours(own, part, front, skin, cover, scene, rng)
    light = np.zeros((*mask.shape, 3), np.float32)
    light[mask] = shaded(flat, normals, places, front, part >= FIRST_EYEBALL, scene.light, mesh, fine)
    return DrawnHead(light, mask, fine)


def _fine(camera: Camera) -> Camera:
    cx, cy = camera.principal_point_px
    shift = (FINE - 1) / 2
    width, height = camera.image_size_px
    return replace(
        camera,
        focal_px=FINE * camera.focal_px,
        principal_point_px=(FINE * cx + shift, FINE * cy + shift),
        image_size_px=(FINE * width, FINE * height),
    )
