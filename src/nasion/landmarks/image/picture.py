"""A picture of found landmarks: the photograph with points and 90 % circles, and a table of how sure each is."""

from __future__ import annotations

import io
from dataclasses import dataclass
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
_FACE_SHARE: Final = 1.6
"""The face is shown with so many times its size around it, and with all its circles."""
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


@dataclass(frozen=True)
class LegendRow:
    """A landmark in words: its number in the picture, its name, and its SD with its colour or why it is missing."""

    number: int
    words: str
    sigma_px: float | None
    color: Color
    reason: str = ""


def points_png(image: Pixels, found: FoundImageLandmarks) -> bytes:
    """Return a PNG: ``points_picture`` and a table below it.

    Parameters
    ----------
    image
        (h, w, 3) uint8, the upright picture in which the landmarks were found.
    found
        Its landmarks.

    """
    from PIL import Image

    stream = io.BytesIO()
    _with_table(Image.fromarray(points_picture(image, found)), found).save(stream, "PNG")
    return stream.getvalue()


def points_picture(image: Pixels, found: FoundImageLandmarks, pen: float = 1.0) -> Pixels:
    """Return the picture (or its part round the face) with points and circles that hold the truth with 90 %.

    Parameters
    ----------
    image
        (h, w, 3) uint8, the upright picture in which the landmarks were found.
    found
        Its landmarks.
    pen
        Size of points, lines and numbers; 2 suits a picture that is shown at half its size.

    Returns
    -------
    (h, w, 3) uint8, the long side 1000 pixels.

    """
    from PIL import Image, ImageDraw

    left, top, right, bottom = _shown(found)
    zoom = _LONG_SIDE_PX / max(right - left, bottom - top)
    width, height = round((right - left) * zoom), round((bottom - top) * zoom)
    part = Image.fromarray(image[top:bottom, left:right])
    canvas = part.resize((_FINE * width, _FINE * height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(canvas)
    at_px = (found.result.points_px + 0.5 - (left, top)) * zoom * _FINE
    there = [row for row in legend(found) if row.sigma_px is not None]
    for row in there:
        radius = float(found.result.radius90_px[row.number - 1]) * zoom * _FINE
        _mark(draw, at_px[row.number - 1], radius, row.color, pen * _FINE)
    if len(found.result.names) <= 68:
        for row in there:
            _number(draw, at_px[row.number - 1], row.number, pen * _FINE)
    return np.asarray(canvas.resize((width, height), Image.Resampling.LANCZOS), dtype=np.uint8)


def legend(found: FoundImageLandmarks) -> tuple[LegendRow, ...]:
    """Return every landmark of the scheme in words, in its order."""
    result, unit_px = found.result, _unit_px(found)
    rows = []
    for number, name in enumerate(result.names, start=1):
        words = name.replace("_", " ")
        if name in result.missing:
            rows.append(LegendRow(number, words, None, _FAINT, result.missing[name]))
        else:
            sigma = float(result.sigma_px[number - 1])
            rows.append(LegendRow(number, words, sigma, level_color(sigma / unit_px)))
    return tuple(rows)


def level_color(sigma_share: float) -> Color:
    """Return the colour of a landmark by its standard deviation over the face's unit."""
    return next(color for most, color in _LEVELS if sigma_share <= most)


def _shown(found: FoundImageLandmarks) -> tuple[int, int, int, int]:
    """Return the part of the picture to show: left, top, right, bottom (beyond the last pixel)."""
    width, height = found.image_size_px
    if found.face is None:
        return 0, 0, width, height
    half = _FACE_SHARE / 2 * max(found.face.width_px, found.face.height_px)
    there = np.isfinite(found.result.points_px[:, 0])
    points, radius = found.result.points_px[there], found.result.radius90_px[there, None]
    middle = np.array([found.face.center_px])
    low = np.concatenate([middle - half, points - radius]).min(axis=0)
    high = np.concatenate([middle + half, points + radius]).max(axis=0)
    left, top = (max(0, int(value)) for value in low)
    return left, top, min(width, int(high[0]) + 2), min(height, int(high[1]) + 2)


def _unit_px(found: FoundImageLandmarks) -> float:
    """Return what SDs are compared with: half the size of a found face, near the distance of the eyes; else the
    picture's height / 10, near 25 mm of a lateral radiograph.
    """
    return found.face.size_px / 2 if found.face is not None else found.image_size_px[1] / 10


def _mark(draw: ImageDraw, at: FloatArray, radius: float, color: Color, pen: float) -> None:
    x, y = at
    dot = 2.6 * pen
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], outline=color, width=round(pen))
    draw.ellipse([x - dot, y - dot, x + dot, y + dot], fill=color, outline="white", width=round(pen / 2))


def _number(draw: ImageDraw, at: FloatArray, number: int, pen: float) -> None:
    from PIL import ImageFont

    x, y = at
    where = (x + 4 * pen, y - 13 * pen)
    font = ImageFont.load_default(size=12 * pen)
    draw.text(where, str(number), fill="white", font=font, stroke_width=round(pen), stroke_fill=_INK)


def _with_table(picture: Image.Image, found: FoundImageLandmarks) -> Image.Image:
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
    for k, row in enumerate(legend(found)):
        x, y = 14 + (k // rows) * (picture.width // columns), top + (k % rows + 1) * _ROW_PX + 8
        ink = _FAINT if row.sigma_px is None else _INK
        draw.text((x, y), f"{row.number:>2}", fill=ink, font=font)
        if row.sigma_px is not None:
            draw.ellipse([x + 22, y + 4, x + 30, y + 12], fill=row.color)
        draw.text((x + 38, y), f"{row.words}: {_figure(row)}", fill=ink, font=font)
    return sheet


def _figure(row: LegendRow) -> str:
    return "missing" if row.sigma_px is None else f"{row.sigma_px:.1f}"
