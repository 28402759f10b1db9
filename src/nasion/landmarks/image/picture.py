"""A picture of found landmarks: the photograph with points and 90 % circles, and a table of how sure each is."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import numpy as np

from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.find import FoundImageLandmarks
from nasion.landmarks.image.samples import Pixels
from nasion.landmarks.image.schemes import image_scheme

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageDraw import ImageDraw

Color = tuple[int, int, int]

_LONG_SIDE_PX: Final = 1000
_FACE_SHARE: Final = 3.0
"""The face is shown with so many times its size around it."""
_FINE: Final = 2
"""Points are drawn at twice the size and scaled down, for smooth lines."""
_PAPER: Final = (250, 250, 250)
_INK: Final = (28, 36, 46)
_FAINT: Final = (120, 128, 136)
_LEVELS: Final[tuple[tuple[float, Color], ...]] = (
    (0.02, (20, 150, 105)),
    (0.04, (228, 148, 20)),
    (float("inf"), (214, 52, 42)),
)
"""Colour of points by the largest SD that it stands for, over the unit of ``_unit_px``."""
_ROW_PX: Final = 18
_COLUMN_PX: Final = 250


def points_png(image: Pixels, found: FoundImageLandmarks) -> bytes:
    """Return a PNG: the picture (or its part round the face) with points and circles that hold the truth with 90 %.

    Parameters
    ----------
    image
        (h, w, 3) uint8, the upright picture in which the landmarks were found.
    found
        Its landmarks.

    """
    from PIL import Image, ImageDraw

    left, top, right, bottom = _shown(found)
    zoom = _LONG_SIDE_PX / max(right - left, bottom - top)
    width, height = round((right - left) * zoom), round((bottom - top) * zoom)
    part = Image.fromarray(image[top:bottom, left:right])
    canvas = part.resize((_FINE * width, _FINE * height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(canvas)
    unit_px = _unit_px(found)
    at_px = (found.result.points_px + 0.5 - (left, top)) * zoom * _FINE
    numbered = len(found.result.names) <= 68
    for k in np.flatnonzero(np.isfinite(found.result.points_px[:, 0])):
        color = level_color(float(found.result.sigma_px[k]) / unit_px)
        _mark(draw, at_px[k], float(found.result.radius90_px[k]) * zoom * _FINE, color)
    for k in np.flatnonzero(np.isfinite(found.result.points_px[:, 0])):
        if numbered:
            _number(draw, at_px[k], int(k) + 1)
    picture = canvas.resize((width, height), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    _with_table(picture, found, unit_px).save(stream, "PNG")
    return stream.getvalue()


def level_color(sigma_share: float) -> Color:
    """Return the colour of a landmark by its standard deviation over the face's unit."""
    return next(color for most, color in _LEVELS if sigma_share <= most)


def _shown(found: FoundImageLandmarks) -> tuple[int, int, int, int]:
    """Return the part of the picture to show: left, top, right, bottom (beyond the last pixel)."""
    width, height = found.image_size_px
    if found.face is None:
        return 0, 0, width, height
    half = _FACE_SHARE / 2 * max(found.face.width_px, found.face.height_px)
    u, v = found.face.center_px
    left, top = max(0, int(u - half)), max(0, int(v - half))
    return left, top, min(width, int(u + half) + 1), min(height, int(v + half) + 1)


def _unit_px(found: FoundImageLandmarks) -> float:
    """Return what SDs are compared with: half the size of a found face, near the distance of the eyes; else the
    picture's height / 10, near 25 mm of a lateral radiograph.
    """
    return found.face.size_px / 2 if found.face is not None else found.image_size_px[1] / 10


def _mark(draw: ImageDraw, at: FloatArray, radius: float, color: Color) -> None:
    x, y = at
    dot = 2.6 * _FINE
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], outline=color, width=_FINE)
    draw.ellipse([x - dot, y - dot, x + dot, y + dot], fill=color, outline="white", width=_FINE // 2)


def _number(draw: ImageDraw, at: FloatArray, number: int) -> None:
    from PIL import ImageFont

    x, y = at
    font = ImageFont.load_default(size=11 * _FINE)
    where = (x + 4 * _FINE, y - 13 * _FINE)
    draw.text(where, str(number), fill=_INK, font=font, stroke_width=_FINE, stroke_fill=_PAPER)


def _with_table(picture: Image.Image, found: FoundImageLandmarks, unit_px: float) -> Image.Image:
    from PIL import Image, ImageDraw, ImageFont

    result = found.result
    columns = max(1, picture.width // _COLUMN_PX)
    rows = -(-len(result.names) // columns)
    sheet = Image.new("RGB", (picture.width, picture.height + (rows + 3) * _ROW_PX), _PAPER)
    sheet.paste(picture)
    draw = ImageDraw.Draw(sheet)
    font, top = ImageFont.load_default(size=13), picture.height + 8
    of = "face" if image_scheme(found.scheme).subject == "face" else "head"
    head = f"{found.scheme} of the {of}: number, SD in px (a coordinate); circles hold the landmark with 90 %."
    draw.text((14, top), head, fill=_INK, font=font)
    for k, name in enumerate(result.names):
        x, y = 14 + (k // rows) * (picture.width // columns), top + (k % rows + 1) * _ROW_PX + 8
        words, missing = name.replace("_", " "), name in result.missing
        draw.text((x, y), f"{k + 1:>2}", fill=_FAINT if missing else _INK, font=font)
        if missing:
            draw.text((x + 38, y), f"{words}: missing", fill=_FAINT, font=font)
            continue
        sigma = float(result.sigma_px[k])
        draw.ellipse([x + 22, y + 4, x + 30, y + 12], fill=level_color(sigma / unit_px))
        draw.text((x + 38, y), f"{words}: {sigma:.1f}", fill=_INK, font=font)
    return sheet
