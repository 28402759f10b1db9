"""Embeddings of probes and faces in a plane, before and after training (Cranio-ID, Fig. 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.retrieval.charts import FAINT, Axis, Canvas, Color, Plot

FloatArray = NDArray[np.float64]

_PROBE: Final[Color] = (206, 60, 50)
_FACE: Final[Color] = (38, 98, 190)
_PAIR: Final[Color] = (196, 200, 206)
_SIDE: Final = 430
_MOST_PAIRS: Final = 150


@dataclass(frozen=True, eq=False)
class EmbeddedPairs:
    """Embeddings of probes and of their right faces, in the same order.

    Attributes
    ----------
    title
        What was embedded, e.g. ``"before training"``.
    probes, faces
        (n, d).

    """

    title: str
    probes: NDArray[np.floating]
    faces: NDArray[np.floating]

    def modality_gap(self) -> float:
        """Return the distance of the mean probe and the mean face over the root mean square distance to the means.

        0: the two kinds of pictures lie in one place; above 1: they lie apart.
        """
        probes, faces = np.asarray(self.probes, float), np.asarray(self.faces, float)
        apart = float(np.linalg.norm(probes.mean(axis=0) - faces.mean(axis=0)))
        rest = np.vstack([probes - probes.mean(axis=0), faces - faces.mean(axis=0)])
        spread = float(np.sqrt((rest**2).sum(axis=1).mean()))
        return apart / spread if spread > 0 else float("inf") if apart > 0 else 0.0


def plane(values: NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
    """Return (n, 2) principal components of (n, d) values and the (2,) shares of the variance that they hold."""
    centered = np.asarray(values, float) - np.asarray(values, float).mean(axis=0)
    left, singular, _ = np.linalg.svd(centered, full_matrices=False)
    scores = np.zeros((len(centered), 2))
    own = (left * singular)[:, :2]
    scores[:, : own.shape[1]] = own
    power = singular**2
    shares = np.zeros(2)
    if power.sum() > 0:
        shares[: len(power[:2])] = power[:2] / power.sum()
    return scores, shares


def embedding_png(panels: Sequence[EmbeddedPairs], what: str) -> bytes:
    """Return the panels side by side as a PNG; grey lines join each probe and its right face.

    Parameters
    ----------
    panels
        E.g. before and after training; each has principal axes of its own.
    what
        What the probes are, e.g. ``"sketches"``.

    """
    canvas = Canvas(40 + len(panels) * (_SIDE + 40), _SIDE + 150)
    for number, panel in enumerate(panels):
        left = 50 + number * (_SIDE + 40)
        points, shares = plane(np.vstack([panel.probes, panel.faces]))
        count = len(panel.probes)
        middle = (points.max(axis=0) + points.min(axis=0)) / 2
        half = float(np.ptp(points, axis=0).max()) * 0.54 or 1.0
        names = [f"{word} component, {share:.0%} of the variance" for word, share in zip(("1st", "2nd"), shares)]  # noqa: B905
        x = Axis(middle[0] - half, middle[0] + half, (), names[0])
        y = Axis(middle[1] - half, middle[1] + half, (), names[1])
        plot = Plot(canvas, (left, 70, left + _SIDE - 30, 70 + _SIDE - 30), x, y, panel.title)
        for k in range(min(count, _MOST_PAIRS)):
            plot.line(points[[k, k + count], 0], points[[k, k + count], 1], _PAIR, 0.5)
        plot.dots(points[count:], 4, _FACE)
        plot.dots(points[:count], 4, _PROBE)
        canvas.text(
            (left, 70 + _SIDE + 14),
            f"distance of the two kinds over their spread: {panel.modality_gap():.2f}",
            color=FAINT,
        )
    plot.legend([(what, _PROBE), ("faces", _FACE)], (50, 70 + _SIDE + 50), dots=True)
    return canvas.png()
