"""Contact sheets: each probe with its best faces in a row, the right one framed (Cranio-ID, Fig. 5)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError

if TYPE_CHECKING:
    from PIL import Image, ImageFont
    from PIL.ImageDraw import ImageDraw

Color = tuple[int, int, int]

RIGHT: Final = (18, 150, 84)
_PAPER: Final = (252, 252, 252)
_INK: Final = (28, 36, 46)
_FAINT: Final = (112, 120, 128)
_EMPTY: Final = (226, 229, 232)
_TILE: Final = (132, 165)
_GAP: Final = 14
_FRAME: Final = 5
_CAPTION: Final = 36
_MARGIN: Final = 24
_PROBE_GAP: Final = 22
_TITLE: Final = 20
_TEXT: Final = 13


@dataclass(frozen=True)
class Tile:
    """A picture with up to two lines below it.

    Attributes
    ----------
    picture
        Its file, or itself, (h, w, 3) uint8 RGB; a file that cannot be read leaves a grey field.
    caption
        Lines.
    right
        Frame it as the right one.
    apart
        Stand apart from the tile before it, e.g. the right face that is not among the best.

    """

    picture: Path | NDArray[np.uint8]
    caption: tuple[str, ...]
    right: bool = False
    apart: bool = False


@dataclass(frozen=True)
class SheetRow:
    """A probe and its best faces, best first."""

    probe: Tile
    faces: tuple[Tile, ...]


def contact_sheet_png(rows: Sequence[SheetRow], title: str, note: str = "") -> bytes:
    """Return the rows as a PNG, with a title above and a note below."""
    from PIL import Image, ImageDraw, ImageFont

    width = 2 * _MARGIN + max(_row_width(row) for row in rows)
    font = ImageFont.load_default(size=_TEXT)
    note_lines = _wrapped(note, font, width - 2 * _MARGIN)
    row_height = _TILE[1] + _CAPTION + _GAP + 2 * _FRAME
    top = _MARGIN + _TITLE + 16
    height = top + len(rows) * row_height + len(note_lines) * (_TEXT + 5) + _MARGIN
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN - 4), title, fill=_INK, font=ImageFont.load_default(size=_TITLE))
    for number, row in enumerate(rows):
        y = top + number * row_height + _FRAME
        x = _MARGIN
        for k, tile in enumerate((row.probe, *row.faces)):
            x += _PROBE_GAP if k == 1 or tile.apart else 0
            _draw_tile(sheet, draw, tile, (x, y), font)
            x += _TILE[0] + _GAP
    for k, line in enumerate(note_lines):
        draw.text((_MARGIN, top + len(rows) * row_height + k * (_TEXT + 5)), line, fill=_FAINT, font=font)
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


def _row_width(row: SheetRow) -> int:
    gaps = _PROBE_GAP * (1 + sum(tile.apart for tile in row.faces))
    return (1 + len(row.faces)) * (_TILE[0] + _GAP) - _GAP + gaps


def _draw_tile(
    sheet: Image.Image,
    draw: ImageDraw,
    tile: Tile,
    corner: tuple[int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    x, y = corner
    if tile.right:
        box = (x - _FRAME, y - _FRAME, x + _TILE[0] + _FRAME - 1, y + _TILE[1] + _FRAME - 1)
        draw.rectangle(box, fill=RIGHT)
    picture = _fitted(tile.picture)
    if picture is None:
        draw.rectangle((x, y, x + _TILE[0] - 1, y + _TILE[1] - 1), fill=_EMPTY)
        draw.text((x + 10, y + _TILE[1] // 2 - 8), "no picture", fill=_FAINT, font=font)
    else:
        draw.rectangle((x, y, x + _TILE[0] - 1, y + _TILE[1] - 1), fill=_EMPTY)
        sheet.paste(picture, (x + (_TILE[0] - picture.width) // 2, y + (_TILE[1] - picture.height) // 2))
    for line, text in enumerate(tile.caption[:2]):
        fill = RIGHT if tile.right else _INK if line == 0 else _FAINT
        draw.text((x, y + _TILE[1] + 6 + line * 16), _shortened(text, font, _TILE[0] + 6), fill=fill, font=font)


def _fitted(given: Path | NDArray[np.uint8]) -> Image.Image | None:
    """Return the picture scaled into a tile; None where it cannot be read."""
    from PIL import Image

    pixels = _read(given) if isinstance(given, Path) else given
    if pixels is None:
        return None
    picture = Image.fromarray(pixels)
    scale = min(_TILE[0] / picture.width, _TILE[1] / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _read(path: Path) -> NDArray[np.uint8] | None:
    from nasion.landmarks.image.pictures import DICOM_ENDINGS, read_picture

    try:
        film = path.suffix.lower() in DICOM_ENDINGS
        return read_picture(path, "cephalogram" if film else "face").image
    except NasionError:
        return None


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
