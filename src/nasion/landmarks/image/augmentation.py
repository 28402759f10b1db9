"""Crops that vary: turned, scaled, moved, mirrored, other colours, blurred, partly hidden.

Rotation, scale, shift, mirroring and colour are the paper's; blur, patches that hide parts and far frames are ours.
Geometry is one warp of the image; colour is one table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.crops import Frame, Size, cut
from nasion.landmarks.image.samples import Pixels
from nasion.landmarks.image.settings import AugmentSettings

_PATCHES = 3
_PATCH_SHARE = (0.1, 0.4)
"""Least and largest side of a patch, share of the region's."""
_TRIES = 5
"""Frames that are tried until most points lie inside the crop."""
_INSIDE = 0.85


@dataclass(frozen=True, eq=False)
class Crop:
    """A crop (h, w, 3) and its landmarks (l, 2) in crop pixels."""

    image: Pixels
    points: FloatArray


def varied(
    image: Pixels,
    points_px: FloatArray,
    frame: Frame,
    size: Size,
    flip_index: NDArray[np.intp],
    settings: AugmentSettings,
    rng: np.random.Generator,
) -> Crop:
    """Return one varied crop.

    Parameters
    ----------
    image, points_px
        (h, w, 3) and (l, 2), NaN where a point is not marked.
    frame
        The upright frame around the points.
    size
        Of the crop.
    flip_index
        Of the scheme.
    settings
        See there.
    rng
        Source of chance.

    """
    for _ in range(_TRIES):
        moved = varied_frame(frame, size, settings, rng)
        points = moved.to_crop(points_px, size)
        there = points[np.isfinite(points).all(axis=1)]
        inside = ((there >= 0) & (there <= np.array(size) - 1)).all(axis=1)
        if inside.mean() >= _INSIDE:
            break
    crop = Crop(cut(image, moved, size), points)
    if rng.random() < settings.mirrored:
        crop = mirrored(crop, flip_index)
    pixels = recoloured(crop.image, settings, rng)
    if rng.random() < settings.blurred:
        pixels = blurred(pixels, rng)
    if rng.random() < settings.patches:
        pixels = with_patches(pixels, (0, 0, size[0], size[1]), rng)
    return Crop(pixels, crop.points)


def varied_frame(frame: Frame, size: Size, settings: AugmentSettings, rng: np.random.Generator) -> Frame:
    """Return a frame that is turned, scaled and moved against another."""

    def draw(reach: float) -> float:
        chance = rng.uniform(-1, 1, 2)
        return reach * float(chance.mean() if settings.peaked else chance[0])

    far = rng.random() < settings.far
    low, high = np.log(settings.far_scale if far else settings.scale)
    factor = float(np.exp((low + high) / 2 + draw((high - low) / 2)))
    angle = frame.angle_deg + draw(settings.rotation_deg)
    scale = frame.scale / factor
    reach = settings.far_shift if far else settings.shift
    shift = np.array([draw(reach) * size[0], draw(reach) * size[1]]) * scale
    return Frame((frame.centre_px[0] + float(shift[0]), frame.centre_px[1] + float(shift[1])), scale, angle)


def mirrored(crop: Crop, flip_index: NDArray[np.intp]) -> Crop:
    """Return a crop left for right; points change places so that names stay with the subject's sides."""
    points = crop.points[flip_index]
    points[:, 0] = crop.image.shape[1] - 1 - points[:, 0]
    return Crop(np.ascontiguousarray(crop.image[:, ::-1]), points)


def recoloured(image: Pixels, settings: AugmentSettings, rng: np.random.Generator) -> Pixels:
    """Return an image of another brightness, contrast, gamma, saturation and tint."""
    import cv2

    reach = settings.colour
    if reach == 0:
        return image
    brightness, contrast, gamma, saturation = rng.uniform(-reach, reach, 4)
    tint = rng.uniform(-settings.tint, settings.tint, 3)
    level = (np.arange(256) / 255) ** np.exp(gamma)
    table = ((level[:, None] - 0.5) * (1 + contrast) + 0.5 + brightness / 2) * (1 + tint)
    levels = np.clip(np.rint(table * 255), 0, 255).astype(np.uint8)
    made = cv2.LUT(image, levels[None]).astype(np.uint8, copy=False)
    if settings.tint == 0:
        return made
    grey = cv2.cvtColor(cv2.cvtColor(made, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    kept = 0.0 if rng.random() < 0.1 else 1 + saturation
    return cv2.addWeighted(made, kept, grey, 1 - kept, 0).astype(np.uint8, copy=False)


def blurred(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Return an image out of focus, or with coarse pixels, and a little noise."""
    import cv2

    height, width = image.shape[:2]
    if rng.random() < 0.5:
        soft = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 2.0)))
    else:
        factor = rng.uniform(1.5, 4.0)
        small = max(8, int(width / factor)), max(8, int(height / factor))
        soft = cv2.resize(cv2.resize(image, small, interpolation=cv2.INTER_AREA), (width, height))
    noise = rng.normal(0, rng.uniform(0, 8), image.shape[:2]).astype(np.float32)
    made: Pixels = np.clip(soft + noise[:, :, None], 0, 255).astype(np.uint8)
    return made


def with_patches(image: Pixels, region: tuple[int, int, int, int], rng: np.random.Generator) -> Pixels:
    """Return a copy with one to three rectangles of a region hidden by a colour, by noise or by another place.

    ``region`` is left, top, right, bottom in pixels; rectangles may reach out of it, never out of the image.
    """
    left, top, right, bottom = region
    made = image.copy()
    limit = np.array([image.shape[1], image.shape[0]])
    for _ in range(int(rng.integers(1, _PATCHES + 1))):
        side = np.maximum(2, rng.uniform(*_PATCH_SHARE, 2) * (right - left, bottom - top)).astype(int)
        side = np.minimum(side, limit)
        centre = rng.uniform((left, top), (right, bottom))
        x, y = np.clip((centre - side / 2).astype(int), 0, limit - side)
        w, h = side
        kind = rng.integers(3)
        if kind == 0:
            fill = np.broadcast_to(rng.integers(0, 256, 3, dtype=np.uint8), (h, w, 3))
        elif kind == 1:
            fill = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
        else:
            u, v = (int(rng.integers(0, space + 1)) for space in limit - side)
            fill = image[v : v + h, u : u + w]
        made[y : y + h, x : x + w] = fill
    return made
