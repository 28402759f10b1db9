"""Long hair, a fringe and glasses, drawn as lines in space over a drawn head; linear light at the fine size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from nasion.geometry.camera import Camera
from nasion.geometry.interpolation import FloatImage
from nasion.geometry.surface import FloatArray, IntArray
from nasion.landmarks.image.rendered.drawing import DrawnHead
from nasion.landmarks.image.rendered.sampling import Rng

_SUB_BITS: Final = 4
"""Fractional bits of drawn coordinates."""
_EYES: Final = ((36, 39), (42, 45))
_EARS: Final = (0, 16)
_BROW_MIDDLE: Final = 27
_BROWS: Final = slice(17, 27)


def long_hair(
    picture: FloatImage, drawn: DrawnHead, landmarks_mm: FloatArray, colour: FloatArray, rng: Rng, *, front: bool
) -> None:
    """Draw strands that hang beside the face: on the side nearer to the camera (``front``), or on the other."""
    size = float(np.linalg.norm(landmarks_mm[0] - landmarks_mm[16]))
    middle = landmarks_mm[list(_EARS)].mean(axis=0)
    length = rng.uniform(0.5, 1.5) * size
    depth = drawn.camera.to_camera(landmarks_mm[list(_EARS)])[:, 2]
    for side, own in zip((-1.0, 1.0), depth, strict=True):
        root = middle + size * np.array([side * 0.52, 0.42, rng.uniform(-0.4, -0.1)])
        end = root + np.array([side * rng.uniform(-0.02, 0.15) * size, -length, rng.uniform(-0.1, 0.2) * size])
        spread = rng.uniform(0.05, 0.1) * size
        wave = rng.uniform(0, 0.05) * size
        if (own <= depth.mean() + 0.1 * size) == front:
            _strands(picture, drawn.camera, _Lock(root, end, spread, wave), size, colour, rng, 260)


def put_fringe(picture: FloatImage, drawn: DrawnHead, landmarks_mm: FloatArray, colour: FloatArray, rng: Rng) -> None:
    """Draw a fringe over the forehead, to one side or straight."""
    size = float(np.linalg.norm(landmarks_mm[0] - landmarks_mm[16]))
    brows = landmarks_mm[_BROWS].mean(axis=0)
    lean = rng.normal(0, 0.2)
    reach = rng.uniform(0.0, 0.3)
    wave = rng.uniform(0, 0.02) * size
    for across in np.linspace(-0.42, 0.42, int(rng.integers(6, 14))):
        away = np.clip(across + lean, -0.55, 0.55)
        root = brows + size * np.array([across * 0.8, 0.42 - 0.25 * across**2, -0.05 - 0.6 * across**2])
        end = brows + size * np.array([away, reach + rng.normal(0, 0.05), 0.06 - 0.9 * away**2])
        lock = _Lock(root, end, rng.uniform(0.015, 0.04) * size, wave)
        _strands(picture, drawn.camera, lock, size, colour, rng, int(rng.integers(5, 60)))


@dataclass(frozen=True, eq=False)
class _Lock:
    """A lock of hair from ``root`` to ``end`` (3,), its width and how far it waves to the side; mm."""

    root: FloatArray
    end: FloatArray
    spread: float
    wave: float


def _strands(
    picture: FloatImage, camera: Camera, lock: _Lock, size: float, colour: FloatArray, rng: Rng, count: int
) -> None:
    along = np.linspace(0, 1, 10)
    starts = lock.root + rng.normal(0, 0.7 * lock.spread, (count, 1, 3))
    ends = lock.end + rng.normal(0, lock.spread, (count, 1, 3))
    lines = starts + along[:, None] * (ends - starts)
    phase = rng.uniform(0, 7) + rng.normal(0, 0.3, (count, 1))
    lines[:, :, 0] += lock.wave * np.sin(2 * np.pi * rng.uniform(0.5, 3) * along + phase)
    flat = camera.project(lines.reshape(-1, 3)).reshape(count, -1, 2)
    shades = colour * np.exp(rng.normal(-0.1, 0.3, (count, 1)))
    px_per_mm = camera.focal_px / float(camera.translation_mm[2])
    thick = max(1, round(0.006 * size * px_per_mm))
    for line, shade in zip(flat, shades, strict=True):
        if np.isfinite(line).all():
            way = np.rint(line * 2**_SUB_BITS).astype(np.int32)[:, None]
            cv2.polylines(picture, [way], False, tuple(float(v) for v in shade), thick, cv2.LINE_AA, _SUB_BITS)


def put_glasses(picture: FloatImage, drawn: DrawnHead, landmarks_mm: FloatArray, rng: Rng) -> None:
    """Draw glasses on the eyes, a third of them dark; the far temple is hidden by the head."""
    size = float(np.linalg.norm(landmarks_mm[36] - landmarks_mm[45]))
    camera = drawn.camera
    shade = np.full(3, rng.uniform(0, 0.08)) if rng.random() < 0.7 else rng.uniform(0, 0.5, 3)
    tint = rng.uniform(0.75, 1.0) if rng.random() < 0.35 else rng.uniform(0.0, 0.15)
    px_per_mm = camera.focal_px / float(camera.translation_mm[2])
    line = _Line(tuple(float(v) for v in shade), max(1, int(rng.uniform(0.01, 0.05) * size * px_per_mm)))
    bridge = landmarks_mm[_BROW_MIDDLE]
    rims = _rims(landmarks_mm, size, rng)
    ears = camera.to_camera(landmarks_mm[list(_EARS)])[:, 2]
    for rim, ear in zip(rims, _EARS, strict=True):
        lens = picture.copy()
        cv2.fillPoly(lens, [_in_picture(camera, rim)], tuple(0.3 * v for v in line.colour), cv2.LINE_AA, _SUB_BITS)
        picture += np.float32(tint) * (lens - picture)
        line.draw(picture, camera, rim, closed=True)
        end = landmarks_mm[ear] + size * np.array([0.0, 0.05, -0.1])
        if camera.to_camera(end[None])[0, 2] < ears.mean() + 0.15 * size:
            line.draw(picture, camera, np.linspace(rim[np.argmax(np.abs(rim[:, 0]))], end, 12))
    inner = [
        rims[0][np.argmax(rims[0][:, 0])],
        bridge + np.array([0, 0, 0.12 * size]),
        rims[1][np.argmin(rims[1][:, 0])],
    ]
    line.draw(picture, camera, np.array(inner))


@dataclass(frozen=True)
class _Line:
    colour: tuple[float, ...]
    thick_px: int

    def draw(self, picture: FloatImage, camera: Camera, points_mm: FloatArray, *, closed: bool = False) -> None:
        way = _in_picture(camera, points_mm)
        cv2.polylines(picture, [way[:, None]], closed, self.colour, self.thick_px, cv2.LINE_AA, _SUB_BITS)


def _in_picture(camera: Camera, points_mm: FloatArray) -> IntArray:
    return np.rint(camera.project(points_mm) * 2**_SUB_BITS).astype(np.int32)


def _rims(landmarks_mm: FloatArray, size: float, rng: Rng) -> list[FloatArray]:
    """Return the two (40, 3) rims, between ellipse and rectangle."""
    angle = np.linspace(0, 2 * np.pi, 40)
    power = rng.uniform(2.0, 5.0)
    flat = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    flat *= (np.abs(flat) ** power).sum(axis=1, keepdims=True) ** (-1 / power)
    flat *= size * np.array([rng.uniform(0.24, 0.29), rng.uniform(0.15, 0.25)])
    rim = np.column_stack([flat, np.zeros(len(flat))])
    result = []
    for corners in _EYES:
        centre = landmarks_mm[list(corners)].mean(axis=0) + size * np.array([0.0, -0.03, 0.13])
        centre[2] = max(centre[2], landmarks_mm[_BROW_MIDDLE, 2])
        result.append(centre + rim)
    return result
