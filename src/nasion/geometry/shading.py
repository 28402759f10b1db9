"""Shaded pictures of meshes, drawn by the rasteriser: no display and no graphics driver.

Smooth (interpolated) normals, a key light with a soft terminator, a fill light, a hemispheric ambient light, a mild
highlight (Blinn-Phong), ambient occlusion from the depth map (depth-buffer unsharp masking: Luft, Colditz & Deussen,
SIGGRAPH 2006) and 2 x 2 samples a pixel. Light is added in linear space and written as sRGB-like gamma 2.2. Surfaces
are two-sided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from nasion.errors import NasionError
from nasion.geometry.camera import Camera
from nasion.geometry.raster import BoolImage, DepthImage, depth_map, depth_of, project_with_depth
from nasion.geometry.surface import Mesh

FloatImage = NDArray[np.float32]
ColorImage = NDArray[np.uint8]

BONE: Final = (0.90, 0.84, 0.73)
SKIN: Final = (0.86, 0.68, 0.58)
STUDIO_GREY: Final = (0.93, 0.94, 0.95)

_GAMMA: Final = 2.2
_ENCODE_STEPS: Final = 4096


@dataclass(frozen=True)
class Lighting:
    """Lights of a picture. Directions point from the head to the light, in camera axes (x right, y down, z away).

    Attributes
    ----------
    key_direction, key
        The main light and its strength.
    fill_direction, fill
        The light that opens the shadows.
    sky, ground
        Ambient light from above and below.
    wrap
        How far the lights reach round the terminator: 0 is hard, 0.3 soft like skin.
    highlight
        Strength of the mirror-like reflection of the key light.
    occlusion
        How much hollows darken, 0 to 1.

    """

    key_direction: tuple[float, float, float] = (-0.5, -0.62, -0.6)
    key: float = 0.78
    fill_direction: tuple[float, float, float] = (0.75, -0.1, -0.65)
    fill: float = 0.22
    sky: float = 0.26
    ground: float = 0.10
    wrap: float = 0.2
    highlight: float = 0.10
    occlusion: float = 0.75


@dataclass(frozen=True)
class Rendered:
    """A picture with its truth.

    Attributes
    ----------
    image
        (height, width, 3) uint8 RGB.
    mask
        (height, width) bool: pixels whose centre the mesh covers.
    depth
        (height, width) float32 mm along the optical axis, infinite where empty.

    """

    image: ColorImage
    mask: BoolImage
    depth: DepthImage


def render(
    mesh: Mesh,
    camera: Camera,
    *,
    albedo: ArrayLike = BONE,
    lighting: Lighting | None = None,
    background: ArrayLike = STUDIO_GREY,
) -> Rendered:
    """Draw a mesh.

    Parameters
    ----------
    mesh
        What is drawn; triangles that reach behind the camera are left out.
    camera
        Its ``image_size_px`` sets the picture's size.
    albedo
        (3,) or per vertex (n, 3) sRGB colour, 0 to 1.
    lighting
        The lights; ``Lighting()`` by default.
    background
        (3,) sRGB colour, 0 to 1, or a (height, width, 3) uint8 picture.

    Raises
    ------
    NasionError
        Where the albedo or the background do not fit the mesh or the camera.

    """
    lights = lighting or Lighting()
    width, height = camera.image_size_px
    depth, triangle = depth_of(mesh, camera)
    mask = triangle >= 0
    points_px, fine_triangle = _fine_triangles(mesh, camera)
    z = mesh.vertices @ camera.rotation[2] + camera.translation_mm[2]
    image = np.empty((height, width, 3), dtype=np.uint8)
    _shade(
        fine_triangle,
        mesh.faces,
        points_px,
        np.divide(1.0, z, out=np.zeros_like(z), where=z > 0),
        (mesh.vertex_normals() @ camera.rotation.T).astype(np.float32),
        _vertex_colors(albedo, len(mesh.vertices)),
        _occlusion(depth, mask, camera.focal_px, lights.occlusion),
        _background_image(background, height, width),
        _light_table(lights),
        np.array([*camera.enlarged(2).principal_point_px, 2.0 * camera.focal_px]),
        _encode_table(),
        image,
    )
    return Rendered(image, mask, depth)


def _fine_triangles(mesh: Mesh, camera: Camera) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    fine = camera.enlarged(2)
    points_px, depth_mm = project_with_depth(mesh, fine)
    return points_px, depth_map(points_px, depth_mm, mesh.faces, fine.image_size_px)[1]


def _vertex_colors(albedo: ArrayLike, count: int) -> FloatImage:
    colors = np.asarray(albedo, dtype=np.float64)
    if colors.shape not in {(3,), (count, 3)}:
        raise NasionError(f"albedo has shape {colors.shape}; give (3,) or one colour per vertex, ({count}, 3)")
    linear = np.clip(colors, 0.0, 1.0) ** _GAMMA
    return np.ascontiguousarray(np.broadcast_to(linear, (count, 3)), dtype=np.float32)


def _background_image(background: ArrayLike, height: int, width: int) -> FloatImage:
    """Return the background in linear light."""
    picture = np.asarray(background)
    if picture.shape == (3,):
        linear = np.clip(picture.astype(np.float64), 0.0, 1.0) ** _GAMMA
        return np.ascontiguousarray(np.broadcast_to(linear, (height, width, 3)), dtype=np.float32)
    if picture.shape != (height, width, 3) or picture.dtype != np.uint8:
        raise NasionError(
            f"background is {picture.dtype} {picture.shape}; give one colour or a uint8 picture ({height}, {width}, 3)"
        )
    table: FloatImage = ((np.arange(256) / 255.0) ** _GAMMA).astype(np.float32)
    linear_picture: FloatImage = table[picture]
    return linear_picture


def _encode_table() -> NDArray[np.uint8]:
    linear = np.arange(_ENCODE_STEPS) / (_ENCODE_STEPS - 1)
    return np.rint(255.0 * linear ** (1.0 / _GAMMA)).astype(np.uint8)


def _light_table(lights: Lighting) -> FloatImage:
    key = np.asarray(lights.key_direction) / np.linalg.norm(lights.key_direction)
    fill = np.asarray(lights.fill_direction) / np.linalg.norm(lights.fill_direction)
    strengths = [lights.key, lights.fill, lights.sky, lights.ground, lights.wrap, lights.highlight]
    return np.concatenate([key, fill, strengths]).astype(np.float32)


def _occlusion(depth: DepthImage, mask: BoolImage, focal_px: float, strength: float) -> FloatImage:
    """Return the share of light that each pixel keeps: less where the surface lies behind its surroundings."""
    light = np.ones(depth.shape, dtype=np.float32)
    if strength <= 0 or not mask.any():
        return light
    filled = np.where(mask, depth, np.float32(0))
    weight = mask.astype(np.float32)
    px_per_mm = focal_px / float(np.median(depth[mask]))
    for radius_mm, share in ((5.0, 0.7), (14.0, 0.8)):
        size = 2 * max(1, round(radius_mm * px_per_mm)) + 1
        inside = _blurred(weight, size)
        behind_mm = filled - _blurred(filled, size) / np.maximum(inside, np.float32(1e-6))
        # Along the outline the neighbours lie on one side only, and a convex rim would look like a hollow.
        trust = np.clip(4.0 * inside - 3.0, 0.0, 1.0) ** 2
        light *= 1.0 - strength * share * trust * np.clip(behind_mm / radius_mm, 0.0, 1.0)
    return np.where(mask, np.maximum(light, 0.05), np.float32(1)).astype(np.float32)


def _blurred(image: FloatImage, size: int) -> FloatImage:
    """Return two passes of a box filter."""
    import cv2

    once = cv2.blur(image, (size, size), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.blur(once, (size, size), borderType=cv2.BORDER_REPLICATE), dtype=np.float32)


@njit(cache=True, nogil=True, fastmath=True)
def _shade(
    triangle: Any,
    faces: Any,
    points: Any,
    inverse_z: Any,
    normals: Any,
    colors: Any,
    occlusion: Any,
    background: Any,
    lights: Any,
    eye: Any,
    encode: Any,
    image: Any,
) -> None:
    height, width = occlusion.shape
    steps = len(encode) - 1
    for y in range(height):
        for x in range(width):
            red, green, blue, covered = 0.0, 0.0, 0.0, 0
            last = -1
            r, g, b = 0.0, 0.0, 0.0
            for sample in range(4):
                u, v = 2 * x + (sample & 1), 2 * y + (sample >> 1)
                face = triangle[v, u]
                if face < 0:
                    continue
                if face != last:
                    r, g, b = _light_at(face, u, v, faces, points, inverse_z, normals, colors, lights, eye)
                    last = face
                red, green, blue, covered = red + r, green + g, blue + b, covered + 1
            share = 0.25 * occlusion[y, x]
            empty = 1.0 - 0.25 * covered
            image[y, x, 0] = encode[int(steps * min(1.0, share * red + empty * background[y, x, 0]) + 0.5)]
            image[y, x, 1] = encode[int(steps * min(1.0, share * green + empty * background[y, x, 1]) + 0.5)]
            image[y, x, 2] = encode[int(steps * min(1.0, share * blue + empty * background[y, x, 2]) + 0.5)]


@njit(cache=True, nogil=True, fastmath=True)
def _light_at(
    face: int,
    u: int,
    v: int,
    faces: Any,
    points: Any,
    inverse_z: Any,
    normals: Any,
    colors: Any,
    lights: Any,
    eye: Any,
) -> tuple[float, float, float]:
    """Return the linear colour of a triangle at a fine pixel."""
    i, j, k = faces[face, 0], faces[face, 1], faces[face, 2]
    ax, ay = points[i, 0] - u, points[i, 1] - v
    bx, by = points[j, 0] - u, points[j, 1] - v
    cx, cy = points[k, 0] - u, points[k, 1] - v
    p, q, s = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
    side = 1.0 if p + q + s < 0.0 else -1.0
    # Rounding can turn the weights of a sliver negative or make them vanish; the offset keeps their sum above zero.
    tiny = 1e-30
    p = max(0.0, -side * p) * inverse_z[i] + tiny
    q = max(0.0, -side * q) * inverse_z[j] + tiny
    s = max(0.0, -side * s) * inverse_z[k] + tiny
    total = p + q + s
    p, q, s = p / total, q / total, s / total
    nx = side * (p * normals[i, 0] + q * normals[j, 0] + s * normals[k, 0])
    ny = side * (p * normals[i, 1] + q * normals[j, 1] + s * normals[k, 1])
    nz = side * (p * normals[i, 2] + q * normals[j, 2] + s * normals[k, 2])
    length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
    nx, ny, nz = nx / length, ny / length, nz / length
    wrap = lights[10]
    key = max(0.0, (nx * lights[0] + ny * lights[1] + nz * lights[2] + wrap) / (1.0 + wrap))
    fill = max(0.0, (nx * lights[3] + ny * lights[4] + nz * lights[5] + wrap) / (1.0 + wrap))
    ambient = lights[9] + (lights[8] - lights[9]) * (0.5 - 0.5 * ny)
    diffuse = lights[6] * key + lights[7] * fill + ambient
    wx, wy, wz = (eye[0] - u) / eye[2], (eye[1] - v) / eye[2], -1.0
    away = np.sqrt(wx * wx + wy * wy + wz * wz)
    hx, hy, hz = wx / away + lights[0], wy / away + lights[1], wz / away + lights[2]
    shine = max(0.0, (nx * hx + ny * hy + nz * hz) / np.sqrt(hx * hx + hy * hy + hz * hz))
    for _ in range(4):
        shine *= shine
    mirror = lights[11] * shine if key > 0.0 else 0.0
    red = p * colors[i, 0] + q * colors[j, 0] + s * colors[k, 0]
    green = p * colors[i, 1] + q * colors[j, 1] + s * colors[k, 1]
    blue = p * colors[i, 2] + q * colors[j, 2] + s * colors[k, 2]
    return red * diffuse + mirror, green * diffuse + mirror, blue * diffuse + mirror
