"""Axes, lines and points on a picture: the little that the charts of retrieval need."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

Color = tuple[int, int, int]

INK: Final = (28, 36, 46)
FAINT: Final = (112, 120, 128)
_PAPER: Final = (252, 252, 252)
_GRID: Final = (228, 231, 234)
_FINE: Final = 2
"""Everything is drawn at twice its size and scaled down, for smooth lines."""


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes
    ----------
    low, high
        Its ends.
    ticks
        Value and label.
    title
        What it shows.

    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    title: str


class Canvas:
    """A picture with text; sizes and places in pixels of the finished picture."""

    def __init__(self, width: int, height: int) -> None:
        from PIL import Image, ImageDraw

        self._image = Image.new("RGB", (width * _FINE, height * _FINE), _PAPER)
        self._draw = ImageDraw.Draw(self._image)
        self.size = (width, height)

    def png(self) -> bytes:
        """Return the picture."""
        from PIL import Image

        stream = io.BytesIO()
        self._image.resize(self.size, Image.Resampling.LANCZOS).save(stream, "PNG")
        return stream.getvalue()

    def text(self, at: tuple[float, float], words: str, size: int = 13, color: Color = INK, anchor: str = "la") -> None:
        """Write a line; ``anchor`` is Pillow's."""
        where = (at[0] * _FINE, at[1] * _FINE)
        self._draw.text(where, words, fill=color, font=self._font(size), anchor=anchor)

    def line(self, points: ArrayLike, color: Color, width: float = 1.0) -> None:
        """Draw a line through (n, 2) points."""
        places = [(float(x), float(y)) for x, y in np.asarray(points) * _FINE]
        self._draw.line(places, fill=color, width=max(1, round(width * _FINE)), joint="curve")

    def polygon(self, points: ArrayLike, color: Color) -> None:
        """Fill a polygon."""
        self._draw.polygon([(float(x), float(y)) for x, y in np.asarray(points) * _FINE], fill=color)

    def dot(self, at: Sequence[float], radius: float, color: Color, rim: Color = _PAPER) -> None:
        """Draw a filled circle with a thin rim."""
        x, y, r = at[0] * _FINE, at[1] * _FINE, radius * _FINE
        self._draw.ellipse([x - r, y - r, x + r, y + r], fill=color, outline=rim, width=max(1, _FINE // 2))

    def _font(self, size: int) -> FreeTypeFont | ImageFont:
        from PIL import ImageFont

        return ImageFont.load_default(size=size * _FINE)


class Plot:
    """A rectangle of a canvas with two axes.

    Parameters
    ----------
    canvas
        Where it is drawn.
    box
        Left, top, right, bottom of the area inside the axes.
    x, y
        The axes.
    title
        Above it.

    """

    def __init__(self, canvas: Canvas, box: tuple[int, int, int, int], x: Axis, y: Axis, title: str = "") -> None:
        self._canvas, self._box, self._x, self._y = canvas, box, x, y
        left, top, right, bottom = box
        for value, label in x.ticks:
            (at, _) = self.place([[value, y.low]])[0]
            canvas.line([[at, top], [at, bottom]], _GRID)
            canvas.text((at, bottom + 8), label, color=FAINT, anchor="ma")
        for value, label in y.ticks:
            (_, at) = self.place([[x.low, value]])[0]
            canvas.line([[left, at], [right, at]], _GRID)
            canvas.text((left - 8, at), label, color=FAINT, anchor="rm")
        canvas.line([[left, top], [left, bottom], [right, bottom]], FAINT)
        canvas.text(((left + right) / 2, bottom + (28 if x.ticks else 10)), x.title, anchor="ma")
        canvas.text((left, top - 12), y.title, anchor="ls")
        if title:
            canvas.text((left, top - 34), title, size=15, anchor="ls")

    def place(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return (n, 2) places on the canvas of (n, 2) values."""
        left, top, right, bottom = self._box
        given = np.asarray(values, dtype=np.float64)
        across = (given[:, 0] - self._x.low) / (self._x.high - self._x.low)
        up = (given[:, 1] - self._y.low) / (self._y.high - self._y.low)
        return np.column_stack([left + across * (right - left), bottom - up * (bottom - top)])

    def line(self, x: ArrayLike, y: ArrayLike, color: Color, width: float = 2.0) -> None:
        """Draw a line through values."""
        self._canvas.line(self.place(np.column_stack([np.asarray(x), np.asarray(y)])), color, width)

    def band(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, color: Color) -> None:
        """Fill what lies between two lines."""
        own = np.asarray(x)
        there = np.column_stack([own, np.asarray(low)])
        back = np.column_stack([own, np.asarray(high)])[::-1]
        self._canvas.polygon(self.place(np.vstack([there, back])), color)

    def dots(self, values: ArrayLike, radius: float, color: Color) -> None:
        """Draw a point for each value."""
        for at in self.place(values):
            self._canvas.dot(at.tolist(), radius, color)

    def legend(self, entries: Sequence[tuple[str, Color]], at: tuple[float, float], *, dots: bool = False) -> None:
        """Write what colours of lines (or of dots) mean, a line each, from ``at`` on the canvas downwards."""
        for k, (words, color) in enumerate(entries):
            y = at[1] + 20 * k
            if dots:
                self._canvas.dot((at[0] + 11, y), 5, color)
            else:
                self._canvas.line([[at[0], y], [at[0] + 22, y]], color, 3)
            self._canvas.text((at[0] + 30, y), words, anchor="lm")
