"""How ranks and errors change with landmark noise and with the variety of skulls: curves from finished experiments."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from figures.style import FACE, OUTSIDE, SKULL, SOFT, new_figure, place, save, write_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS: Final = {"posest": OUTSIDE, "posterior-landmarks": FACE, "posterior": SKULL}
STROKES: Final = {"frontal": "-", "lateral": "--"}
FIGURES: Final = {"mean_rank": "mean rank of the true skull", "bpe_mm": "back-projection error, mm"}
HEIGHT_PX: Final = 1080
SPREAD: Final = 0.03
"""The lines stand aside by this share of the axis, so that their intervals can be told apart."""


@dataclass(frozen=True)
class Run:
    """One finished experiment: landmark noise as a share of the face height, variety of the skulls, and its table."""

    noise: float
    variety: float
    table: dict[str, Any]


def read_run(folder: Path) -> Run:
    """Return the experiment of a folder that ``nasion experiment overlay`` wrote."""
    settings = json.loads((folder / "experiment.json").read_text(encoding="utf-8"))["settings"]
    table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    return Run(table["landmark_noise_face_height"], settings["variety"], table)


def series(
    runs: Sequence[Run], axis: str, solver: str, view: str, figure: str
) -> list[tuple[float, float, float, float]]:
    """Return (place on the axis, value, low, high) of each run that has the solver and view, in order."""
    found = []
    for run in runs:
        for row in run.table["rows"]:
            if row["solver"] == solver and row["view"] == view:
                low, high = row["interval95"][figure]
                found.append((getattr(run, axis), row[figure], low, high))
    return sorted(found)


def draw_experiment_curves(runs: Sequence[Run], path: Path) -> None:
    """Draw rank and error over noise (runs of variety 1) and over variety (runs of 1 % noise)."""
    figure = new_figure(HEIGHT_PX)
    columns = (
        ("noise", "landmark noise, % of the face height", 100.0, [run for run in runs if run.variety == 1.0]),
        ("variety", "variety of the skulls, 1 = as published", 1.0, [run for run in runs if run.noise == 0.01]),
    )
    for column, (axis, label, unit, chosen) in enumerate(columns):
        for row, (key, title) in enumerate(FIGURES.items()):
            axes = place(figure, 110 + 780 * column, 70 + 500 * row, 640, 380)
            _draw(axes, chosen, axis, unit, key)
            axes.set_title(title, loc="left")
            axes.set_xlabel(label)
    for i, (solver, color) in enumerate(COLORS.items()):
        write_at(figure, 110 + 330 * i, 8, f"■ {solver}", color=color, weight="bold")
    write_at(figure, 1130, 8, "— frontal   - - lateral   bar: 95 %", color=SOFT)
    save(figure, path)


def _draw(axes: Axes, runs: Sequence[Run], axis: str, unit: float, key: str) -> None:
    lines = [(solver, view) for solver in COLORS for view in STROKES]
    reach = unit * (max(getattr(run, axis) for run in runs) - min(getattr(run, axis) for run in runs))
    for number, (solver, view) in enumerate(lines):
        points = series(runs, axis, solver, view, key)
        if not points:
            continue
        place_, value, low, high = (list(part) for part in zip(*points, strict=True))
        aside = SPREAD * reach * (number / (len(lines) - 1) - 0.5)
        x = [unit * at + aside for at in place_]
        axes.vlines(x, low, high, color=COLORS[solver], linewidth=1.0, alpha=0.45)
        axes.plot(x, value, STROKES[view], color=COLORS[solver], marker="o", markersize=3.5, linewidth=1.4)
    axes.set_ylim(bottom=1.0 if key == "mean_rank" else 0.0)
    axes.grid(axis="y", color="#e6eaee", linewidth=0.6)
