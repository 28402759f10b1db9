"""One page of all faces: the skull, the mean face, how sure it is, three builds, the samples, and what it all means."""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.reconstruction.shape.made import MadeFaces
from nasion.reconstruction.shape.pictures import PAPER, VIEWS, Stage, scale_bar
from nasion.reconstruction.shape.sampler import DrawnFace

NOTICE: Final = (
    "A reconstruction is one of many possible faces and no photograph: a skull does not determine a face. These faces "
    "follow the bone by a table of soft-tissue vectors; nose, lips, eyelids, ears and the skin between landmarks are "
    "the face model's, and skin colour, hair and expression are nobody's. They may suggest whom to compare; they "
    "identify nobody."
)
MAP_TITLE: Final = "SD across\nthe skin"

Pixels = NDArray[np.uint8]
_INK: Final = (28, 36, 46)
_FAINT: Final = (100, 108, 118)
_TILE_PX: Final = 310
_GAP: Final = 8
_MARGIN: Final = 26
_PAIRS: Final = 3
"""Frontal and lateral pictures in a row."""


def overview_png(made: MadeFaces, title: str) -> bytes:
    """Return the page as PNG."""
    stage = stage_of(made, _TILE_PX)
    end = made.scale_mm
    skull = np.hstack([stage.skull(made.skull.mesh, view) for view in VIEWS])
    maps = np.hstack([stage.map(made.mean.mesh, made.sd_mm, end, view) for view in VIEWS])
    bar = scale_bar(end, _TILE_PX, MAP_TITLE)
    rows: list[list[tuple[Pixels, str]]] = [
        [
            (skull, "the skull, as given"),
            (_pair(stage, made.mean), f"mean face (mean build factor {made.mean.build:.2f})"),
            (np.hstack([maps, bar]), "how far the skin may lie in or out: SD of its place, mm"),
        ]
    ]
    if made.builds:
        rows.append(
            [(_pair(stage, face), f"{name}: build factor {face.build:.2f}") for name, face in made.builds.items()]
        )
    tiles = [
        (_pair(stage, face), f"sample {number}: build factor {face.build:.2f}")
        for number, face in enumerate(made.samples, start=1)
    ]
    rows += [tiles[first : first + _PAIRS] for first in range(0, len(tiles), _PAIRS)]
    return _sheet(rows, title, [NOTICE, *(f"Note: {note}." for note in made.notes())])


def stage_of(made: MadeFaces, height_px: int) -> Stage:
    """Return the cameras for a skull's faces."""
    placed = made.sampler.fit.placed
    return Stage(placed.rotation, placed.translation_mm, height_px)


def _pair(stage: Stage, face: DrawnFace) -> Pixels:
    return np.hstack([stage.face(face.mesh, view) for view in VIEWS])


def _sheet(rows: list[list[tuple[Pixels, str]]], title: str, notes: list[str]) -> bytes:
    from PIL import Image, ImageDraw, ImageFont

    font: Any = ImageFont.load_default(size=14)
    width = 2 * _MARGIN + max(sum(tile.shape[1] + _GAP for tile, _ in row) for row in rows)
    lines = [line for note in notes for line in _wrapped(note, font, width - 2 * _MARGIN)]
    step = _TILE_PX + 34
    top = 64
    sheet = Image.new(
        "RGB", (width, top + len(rows) * step + 21 * len(lines) + _MARGIN), tuple(round(255 * c) for c in PAPER)
    )
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, 20), title, fill=_INK, font=ImageFont.load_default(size=22))
    for down, row in enumerate(rows):
        x, y = _MARGIN, top + down * step
        for tile, caption in row:
            sheet.paste(Image.fromarray(tile), (x, y))
            draw.text((x + 6, y + _TILE_PX + 5), caption, fill=_FAINT, font=font)
            x += tile.shape[1] + _GAP
    for number, line in enumerate(lines):
        draw.text((_MARGIN, top + len(rows) * step + 6 + 21 * number), line, fill=_INK, font=font)
    return encoded(np.asarray(sheet))


def _wrapped(text: str, font: Any, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def encoded(picture: Pixels) -> bytes:
    """Return (h, w, 3) uint8 RGB as PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()
