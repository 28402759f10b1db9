"""Light on the pixels of a head: a main light with the head's own shadows, ambient light, reflections."""

from __future__ import annotations

import math
from typing import Any, Final

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from nasion.geometry.camera import Camera
from nasion.geometry.interpolation import FloatImage
from nasion.geometry.raster import BoolImage, depth_map
from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.image.rendered.scene import Light

_SHADOW_PX: Final = 256
_SHADOW_BIAS_MM: Final = 5.0
_FAR_MM: Final = 1e5
"""Of the light, so that its rays are all but parallel."""
_SKIN_SHINE: Final = 0.25
_WET_SHINE: Final = 0.9


def shaded(
    colours: FloatImage,
    normals: FloatImage,
    places_mm: FloatImage,
    front: BoolImage,
    wet: BoolImage,
    light: Light,
    mesh: Mesh,
    camera: Camera,
) -> FloatImage:
    """Return the (p, 3) linear light that pixels send to the camera.

    Parameters
    ----------
    colours, normals, places_mm
        (p, 3); the latter two in camera axes, normals of any length.
    front, wet
        (p,) whether the outside is seen, which the normal points to, and whether reflections are sharp (eyes, teeth).
    light
        The lights.
    mesh
        What throws shadows.
    camera
        Of the picture.

    """
    made = np.empty_like(colours)
    lit = 1 - _shadow(places_mm, light, mesh, camera)
    lights = np.stack([light.key, light.ground, light.sky, light.fill])
    _shade(colours, normals, places_mm, front, wet, lit, light.key_direction, lights, light.wrap, light.shine, made)
    return made


@njit(cache=True, nogil=True, fastmath=True)
def _shade(
    colours: Any,
    normals: Any,
    places: Any,
    front: Any,
    wet: Any,
    lit: Any,
    direction: Any,
    lights: Any,
    wrap: float,
    shine: float,
    made: Any,
) -> None:
    for p in range(len(colours)):
        nx, ny, nz = normals[p, 0], normals[p, 1], normals[p, 2]
        sign = 1.0 if front[p] else -1.0
        length = sign / (math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9)
        nx, ny, nz = nx * length, ny * length, nz * length
        key = nx * direction[0] + ny * direction[1] + nz * direction[2]
        key = min(max((key + wrap) / (1.0 + wrap), 0.0), 1.0) * lit[p]
        up, toward = 0.5 - 0.5 * ny, max(-nz, 0.0)
        x, y, z = places[p, 0], places[p, 1], places[p, 2]
        away = math.sqrt(x * x + y * y + z * z)
        hx, hy, hz = direction[0] - x / away, direction[1] - y / away, direction[2] - z / away
        half = math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
        cosine = max((nx * hx + ny * hy + nz * hz) / half, 0.0)
        mirror = _WET_SHINE * cosine**250 if wet[p] else _SKIN_SHINE * shine * cosine**12 * lit[p]
        for c in range(3):
            falling = key * lights[0, c] + (1.0 - up) * lights[1, c] + up * lights[2, c] + toward * lights[3, c]
            made[p, c] = colours[p, c] * falling + mirror * lights[0, c]


def _shadow(places_mm: FloatImage, light: Light, mesh: Mesh, camera: Camera) -> NDArray[np.float32]:
    """Return (p,) share of the main light that the head itself keeps away."""
    turn = _light_axes(light.key_direction)
    vertices = camera.to_camera(mesh.vertices) @ turn.T
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    scale = (_SHADOW_PX - 1) / float((high - low)[:2].max())
    flat = (vertices[:, :2] - low[:2]) * scale
    far = vertices[:, 2] - low[2] + _FAR_MM
    nearest = depth_map(flat, far, mesh.faces, (_SHADOW_PX, _SHADOW_PX))[0] - np.float32(_FAR_MM)
    own = (places_mm @ turn.T.astype(np.float32) - low.astype(np.float32)).T
    column, row = (np.clip(own[k] * np.float32(scale) + 0.5, 0, _SHADOW_PX - 1).astype(np.int32) for k in (0, 1))
    at = row * _SHADOW_PX + column
    hidden = own[2] > nearest.ravel()[at] + _SHADOW_BIAS_MM
    # softened where it falls, in the picture that the light sees
    counts = np.bincount(at, minlength=_SHADOW_PX**2)
    sums = np.bincount(at[hidden], minlength=_SHADOW_PX**2)
    both = np.stack([sums, counts], axis=1).reshape(_SHADOW_PX, _SHADOW_PX, 2).astype(np.float32)
    soft = cv2.GaussianBlur(both, (0, 0), 0.5 * light.shadow_px).reshape(-1, 2)
    return np.asarray((soft[:, 0] / np.maximum(soft[:, 1], 1e-6))[at], np.float32)


def _light_axes(direction: FloatArray) -> FloatArray:
    """Return (3, 3): camera axes to those of a light, whose third runs along its rays."""
    axis = -direction
    side = np.cross([0.0, 1.0, 0.0], axis)
    side /= np.linalg.norm(side)
    return np.stack([side, np.cross(axis, side), axis])
