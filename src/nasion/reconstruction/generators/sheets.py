"""Pictures to look at: rows of source, generated face and truth, and a reconstruction with its samples."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.reconstruction.generators.pairs import FacePair

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.uint8]
Tile = tuple[Pixels, str]

_PAPER: Final = (252, 252, 252)
_INK: Final = (28, 36, 46)
_FAINT: Final = (112, 120, 128)
_GAP: Final = 10
_MARGIN: Final = 20
_TITLE: Final = 18
_TEXT: Final = 13
_LEAST_PX: Final = 128
"""Smaller pictures are enlarged for a sheet, so that they can be seen."""


def training_sheet_png(pairs: Sequence[FacePair], faces: Sequence[Pixels], title: str) -> bytes:
    """Return a PNG with source, generated face and truth of each pair, two pairs a row."""
    tiles: list[Tile] = []
    for pair, face in zip(pairs, faces, strict=True):
        tiles += [(pair.source, f"{pair.person}, {pair.view}"), (face, "generated"), (pair.target, "truth")]
    return sheet_png([tiles[first : first + 6] for first in range(0, len(tiles), 6)], title)


def sheet_png(rows: Sequence[Sequence[Tile]], title: str, note: str = "") -> bytes:
    """Return a PNG: rows of square pictures (s, s, 3) with a line below each, a title above, a note below all."""
    from PIL import Image, ImageDraw, ImageFont

    side = max(_LEAST_PX, *(tile[0].shape[0] for row in rows for tile in row))
    font: Any = ImageFont.load_default(size=_TEXT)
    columns = max(len(row) for row in rows)
    width = 2 * _MARGIN + columns * (side + _GAP) - _GAP
    lines = _wrapped(note, font, width - 2 * _MARGIN)
    row_height = side + _TEXT + 2 * _GAP
    top = _MARGIN + _TITLE + _GAP
    height = top + len(rows) * row_height + len(lines) * (_TEXT + 5) + _MARGIN // 2
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN - 6), title, fill=_INK, font=ImageFont.load_default(size=_TITLE))
    for down, row in enumerate(rows):
        for across, (picture, caption) in enumerate(row):
            x, y = _MARGIN + across * (side + _GAP), top + down * row_height
            sheet.paste(_tile(picture, side), (x, y))
            draw.text((x, y + side + 3), caption, fill=_FAINT, font=font)
    for number, line in enumerate(lines):
        draw.text((_MARGIN, top + len(rows) * row_height + number * (_TEXT + 5)), line, fill=_INK, font=font)
    return _png(sheet)


def picture_png(picture: Pixels) -> bytes:
    """Return (h, w, 3) uint8 as PNG."""
    from PIL import Image

    return _png(Image.fromarray(picture))


def heat_picture(values: NDArray[np.float64], highest: float) -> Pixels:
    """Return (h, w, 3): values from 0 (dark) to ``highest`` and above (bright) as colours."""
    import cv2

    grey = np.rint(255 * np.clip(values / highest, 0, 1)).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO)[:, :, ::-1])


def _tile(picture: Pixels, side: int) -> Image.Image:
    from PIL import Image

    return Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC)


def _wrapped(text: str, font: Any, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
