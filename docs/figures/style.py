"""Colours, letters and the file format that all figures share."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]
ColorImage = NDArray[np.uint8]

INK: Final = "#1c2733"
SOFT: Final = "#5b6b7b"
LINE: Final = "#c9d2da"
SKULL: Final = "#0f86a6"
FACE: Final = "#d98a00"
OUTSIDE: Final = "#e0301e"
CONE: Final = "#2a9d8f"
BRIGHT_SKULL: Final = "#38cfe8"
BRIGHT_FACE: Final = "#ffb703"
"""The same two colours where they stand on a photograph."""

WIDTH_PX: Final = 1600
DPI: Final = 160
"""In which figures are laid out."""
WRITTEN_PX: Final = 1280
JPEG_QUALITY: Final = 85


def new_figure(height_px: int) -> Figure:
    """Return an empty figure of the common width; matplotlib's own DejaVu letters look the same on every machine."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    settings: Any = {
        "font.family": "DejaVu Sans",
        "mathtext.fontset": "dejavusans",
        "font.size": 8.5,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": SOFT,
        "axes.linewidth": 0.8,
        "axes.titlesize": 9.5,
        "xtick.color": SOFT,
        "ytick.color": SOFT,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
    }
    mpl.rcParams.update(settings)
    return pyplot.figure(figsize=(WIDTH_PX / DPI, height_px / DPI), dpi=DPI, facecolor="white")


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Return axes at a place given in pixels from the figure's top left."""
    full_width, full_height = figure.get_size_inches() * DPI
    return figure.add_axes(
        (left / full_width, 1 - (top + height) / full_height, width / full_width, height / full_height)
    )


def write_at(figure: Figure, left: float, top: float, text: str, **how: Any) -> None:
    """Write text at a place given in pixels from the figure's top left."""
    full_width, full_height = figure.get_size_inches() * DPI
    figure.text(left / full_width, 1 - top / full_height, text, **{"va": "top", **how})


def show_picture(axes: Axes, picture: ColorImage, box: tuple[float, float, float, float] | None = None) -> None:
    """Show a picture, or its part ``box`` = (x0, y0, x1, y1) px, without scales; data coordinates are its pixels."""
    axes.imshow(picture, interpolation="antialiased", interpolation_stage="rgba")
    axes.set_axis_off()
    if box is not None:
        axes.set_xlim(box[0], box[2])
        axes.set_ylim(box[3], box[1])
    axes.set_autoscale_on(False)


def square_box(points: Iterable[FloatArray], margin: float) -> tuple[float, float, float, float]:
    """Return the square (x0, y0, x1, y1) round (n, 2) points, wider by a share of its side on each side."""
    every = np.concatenate([np.asarray(p).reshape(-1, 2) for p in points])
    low, high = every.min(axis=0), every.max(axis=0)
    half = (0.5 + margin) * float((high - low).max())
    x, y = (low + high) / 2
    return float(x - half), float(y - half), float(x + half), float(y + half)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as JPEG, ``WRITTEN_PX`` wide, under a temporary name and rename it."""
    from matplotlib import pyplot
    from PIL import Image

    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI * WRITTEN_PX / WIDTH_PX)
    pyplot.close(figure)
    part = path.with_suffix(".part")
    Image.open(stream).convert("RGB").save(part, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    part.replace(path)
