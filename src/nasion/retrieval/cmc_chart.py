"""The cumulative match characteristic as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from nasion.retrieval.charts import Axis, Canvas, Color, Plot
from nasion.retrieval.figures import Figures

_COLORS: Final[tuple[Color, ...]] = (
    (32, 92, 168),
    (206, 104, 24),
    (18, 150, 84),
    (140, 70, 160),
    (200, 44, 60),
    (96, 112, 20),
    (40, 150, 180),
)
_BAND: Final = 0.16
_CHANCE: Final = (150, 156, 162)
_MOST_RANKS: Final = 50


def cmc_png(curves: Sequence[tuple[str, Figures]], title: str) -> bytes:
    """Return the curves with their 95 % intervals, and chance, as a PNG.

    Parameters
    ----------
    curves
        Name and figures of each; the first has its interval drawn. All of one gallery size.
    title
        Above it.

    """
    first = curves[0][1]
    ranks = np.arange(1, min(first.gallery, _MOST_RANKS) + 1)
    canvas = Canvas(760, 520)
    steps = sorted({1, *(k for k in (5, 10, 20, 30, 40, 50) if k <= ranks[-1]), int(ranks[-1])})
    x = Axis(1, max(2, int(ranks[-1])), tuple((k, str(k)) for k in steps), f"K, of {first.gallery} faces")
    y = Axis(0, 1, tuple((k / 5, f"{20 * k} %") for k in range(6)), "right face among the first K (Recall@K)")
    plot = Plot(canvas, (72, 74, 730, 446), x, y, title)
    low, high = first.cmc_interval95[: len(ranks)].T
    plot.band(ranks, low, high, _lightened(_COLORS[0]))
    plot.line(ranks, first.chance_cmc[: len(ranks)], _CHANCE, 2)
    for (_, figures), color in reversed(list(zip(curves, _COLORS, strict=False))):
        plot.line(ranks, figures.cmc[: len(ranks)], color, 2.5)
    entries = [(name, color) for (name, _), color in zip(curves, _COLORS, strict=False)]
    legend = [*entries, ("chance", _CHANCE), ("95 % interval over people", _lightened(_COLORS[0]))]
    plot.legend(legend, (470, 430 - 20 * len(legend)))
    return canvas.png()


def _lightened(color: Color) -> Color:
    red, green, blue = (round(255 - _BAND * (255 - part)) for part in color)
    return red, green, blue
