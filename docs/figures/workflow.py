"""Lilium's workflow with pictures of one real run (the paper's figure 3)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from nasion.geometry.camera import Camera
from nasion.geometry.contours import outer_contour
from nasion.geometry.raster import silhouette_of
from nasion.geometry.shading import BONE, render
from nasion.overlay.lilium.curves import skull_curve
from nasion.overlay.lilium.settings import LiliumSettings

from .cast import Sitting, Subject
from .cone_mesh import joined
from .cones import BACKGROUND, all_cones, looking_at, mesh_of, skull_with_cones
from .overlays import blended, red_layer
from .run_of import OpenedRun, opened_run
from .style import (
    BRIGHT_FACE,
    BRIGHT_SKULL,
    CONE,
    DPI,
    INK,
    OUTSIDE,
    SKULL,
    SOFT,
    new_figure,
    place,
    save,
    show_picture,
    square_box,
    write_at,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nasion.overlay.lilium.fitness import FitnessParts

PANEL_PX: Final = 320
COLUMNS: Final = (20, 434, 848, 1262)
ROWS: Final = (52, 512)
HEIGHT_PX: Final = 880


def draw_workflow(subjects: list[Subject], path: Path) -> list[str]:
    """Draw the figure and return the run's numbers."""
    subject = subjects[0]
    sitting = subject.frontal
    run = opened_run(subject, sitting)
    figure = new_figure(HEIGHT_PX)
    top, low = ROWS
    _show_skull(_panel(figure, 0, top, "skull, landmarks, cones"), subject)
    _show_photo(_panel(figure, 1, top, "photograph, landmarks, face"), sitting)
    _show_genes(_panel(figure, 2, top, "random population of genes"), run)
    _show_tissue(_panel(figure, 3, top, "facial landmarks in 3D"), subject, run)
    _show_pose(_panel(figure, 3, low, "pose by POSEST"), subject, sitting, run)
    _show_terms(_panel(figure, 2, low, "fitness"), run)
    _show_history(figure, COLUMNS[1], low, run)
    _show_answer(_panel(figure, 0, low, "best overlay"), subject, sitting, run)
    _draw_arrows(figure)
    save(figure, path)
    return [f"first individual: {_listed(run.parts)}", f"answer: {_listed(run.answer.parts)}"]


def _panel(figure: Figure, column: int, top: float, title: str) -> Axes:
    write_at(figure, COLUMNS[column], top - 30, title, fontsize=9.5, weight="bold")
    axes = place(figure, COLUMNS[column], top, PANEL_PX, PANEL_PX)
    axes.set_axis_off()
    return axes


def _listed(parts: FitnessParts) -> str:
    terms = (f"MSE {parts.mse_px2:.1f}", f"P_cam {parts.camera:.1f}", f"P_skof {parts.outside:.0f}")
    return ", ".join((*terms, f"P_par {parts.parallelism:.1f}", f"sum {parts.total:.1f}"))


def _show_skull(axes: Axes, subject: Subject) -> None:
    mesh, cones = subject.truth.mesh, all_cones(subject)
    camera = _head_camera(subject)
    cone_meshes = joined([mesh_of(subject, cones, row) for row in range(len(cones.axis))])
    show_picture(axes, skull_with_cones(mesh, cone_meshes, camera, 0.6))


def _head_camera(subject: Subject) -> Camera:
    mesh = subject.truth.mesh
    middle = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    return looking_at(subject, middle, 35.0, 255.0, (2 * PANEL_PX, 2 * PANEL_PX))


def _show_photo(axes: Axes, sitting: Sitting) -> None:
    show_picture(axes, sitting.image, _photo_box(sitting))
    axes.plot(*outer_contour(~sitting.face.outside).T, color=BRIGHT_FACE, lw=1.2)
    for contour in sitting.face.contours.values():
        axes.plot(*contour.T, color=BRIGHT_FACE, lw=2.4)
    _dots(axes, np.array(list(sitting.seen.landmarks_px.values())))


def _photo_box(sitting: Sitting) -> tuple[float, float, float, float]:
    return square_box([sitting.truth.points_px], 0.12)


def _dots(axes: Axes, points: np.ndarray, size: float = 3.2) -> None:
    axes.plot(*points.T, "o", ms=size, mfc="white", mec=INK, mew=0.7)


def _note(axes: Axes, text: str) -> None:
    how: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": 7.5, "color": SOFT, "clip_on": False}
    axes.text(0.5, -0.025, text, transform=axes.transAxes, **how)


def _show_genes(axes: Axes, run: OpenedRun) -> None:
    axes.imshow(run.first.genes, cmap="BrBG", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    count, genes = run.first.genes.shape
    axes.plot([-0.5, genes - 0.5, genes - 0.5, -0.5, -0.5], [-0.5, -0.5, 0.5, 0.5, -0.5], color=OUTSIDE, lw=1.8)
    _note(axes, f"{count} individuals x {genes} genes; red: the first")


def _show_tissue(axes: Axes, subject: Subject, run: OpenedRun) -> None:
    camera = _head_camera(subject)
    show_picture(axes, render(subject.truth.mesh, camera, albedo=BONE, background=BACKGROUND).image)
    bone = camera.project(run.start.landmarks.cranial + run.start.origin_mm)
    skin = camera.project(run.facial_mm)
    for a, b in zip(bone, skin, strict=True):
        axes.plot(*np.array([a, b]).T, color=CONE, lw=1.6)
    _dots(axes, skin)
    _note(axes, "the first individual's vectors on the bone")


def _show_pose(axes: Axes, subject: Subject, sitting: Sitting, run: OpenedRun) -> None:
    mesh, camera = subject.truth.mesh, run.camera
    show_picture(axes, blended(sitting.image, mesh, camera), _photo_box(sitting))
    observed = np.array([sitting.seen.landmarks_px[name] for name in run.start.names])
    predicted = camera.project(run.facial_mm)
    for a, b in zip(observed, predicted, strict=True):
        axes.plot(*np.array([a, b]).T, color=OUTSIDE, lw=1.6)
    _dots(axes, observed)
    axes.plot(*predicted.T, "x", ms=4, mec=OUTSIDE, mew=1.3)
    found = sitting.face.contours[run.region.kind]
    axes.plot(*found.T, color=BRIGHT_FACE, lw=2.0)
    curve = skull_curve(run.region, camera)
    if curve is not None:
        axes.plot(*curve.T, color=BRIGHT_SKULL, lw=2.0)
    outside = silhouette_of(mesh, camera) & sitting.face.outside
    axes.imshow(red_layer(outside, 3), zorder=5, interpolation="antialiased", interpolation_stage="rgba")
    _note(axes, "dots: seen; crosses: projected")


def _show_terms(axes: Axes, run: OpenedRun) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.text(0.60, 0.93, "the first", color=SOFT, ha="right", va="center", fontsize=8)
    axes.text(0.98, 0.93, "the answer", color=SKULL, ha="right", va="center", fontsize=8)
    a, b = run.parts, run.answer.parts
    rows = (
        ("MSE", "landmarks, px²", a.mse_px2, b.mse_px2),
        (r"$P_{cam}$", "camera off its intervals", a.camera, b.camera),
        (r"$P_{skof}$", "100 x pixels outside", a.outside, b.outside),
        (r"$P_{par}$", "curves not parallel", a.parallelism, b.parallelism),
        ("sum", "", a.total, b.total),
    )
    for k, (name, what, first, answer) in enumerate(rows):
        y = 0.80 - 0.17 * k - (0.03 if name == "sum" else 0)
        axes.text(0.0, y, name, va="center", fontsize=10)
        axes.text(0.0, y - 0.065, what, va="center", fontsize=7, color=SOFT)
        for x, value, color in ((0.60, first, SOFT), (0.98, answer, SKULL)):
            axes.text(x, y, _number(value), va="center", ha="right", fontsize=10, color=color)
    axes.plot([0, 1], [0.165, 0.165], color=INK, lw=0.8)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def _show_history(figure: Figure, left: float, top: float, run: OpenedRun) -> None:
    write_at(figure, left, top - 30, "best of each generation", fontsize=9.5, weight="bold")
    axes = place(figure, left + 70, top + 6, PANEL_PX - 78, PANEL_PX - 64)
    axes.semilogy(run.answer.history, color=SKULL, lw=1.8)
    last = LiliumSettings().generations
    axes.set_xlim(0, last)
    axes.set_xticks(range(0, last + 1, last // 3))
    axes.set_xlabel("generation", fontsize=8)
    axes.set_ylabel("fitness", fontsize=8)
    axes.tick_params(labelsize=7.5)


def _show_answer(axes: Axes, subject: Subject, sitting: Sitting, run: OpenedRun) -> None:
    mesh, camera = subject.truth.mesh, run.answer.camera
    show_picture(axes, blended(sitting.image, mesh, camera), _photo_box(sitting))
    axes.plot(*outer_contour(~sitting.face.outside).T, color=BRIGHT_FACE, lw=1.2)
    axes.plot(*outer_contour(silhouette_of(mesh, camera)).T, color=BRIGHT_SKULL, lw=1.0)
    _dots(axes, run.answer.predicted_px + run.answer.residuals_px)
    axes.plot(*run.answer.predicted_px.T, "x", ms=4, mec=OUTSIDE, mew=1.3)


def _draw_arrows(figure: Figure) -> None:
    top, low = ROWS
    across, half = PANEL_PX, PANEL_PX / 2
    plus = (COLUMNS[0] + across + 45, top + half)
    write_at(figure, *plus, "+", ha="center", va="center", fontsize=18, color=SOFT)
    for left in COLUMNS[1:3]:
        _arrow(figure, (left + across + 14, top + half), (left + across + 76, top + half))
    down = COLUMNS[3] + half
    _arrow(figure, (down, top + across + 38), (down, low - 38))
    for column in (3, 2, 1):
        start = COLUMNS[column] - 14
        _arrow(figure, (start, low + half), (start - 62, low + half))
    up = COLUMNS[2] + half
    _arrow(figure, (up, low - 38), (up, top + across + 38))
    text = "next generation: a trial replaces\nits parent where not worse"
    write_at(figure, up - 14, (top + across + low) / 2 + 4, text, fontsize=7.5, color=SOFT, ha="right", va="center")


def _arrow(figure: Figure, start: tuple[float, float], end: tuple[float, float]) -> None:
    from matplotlib.patches import FancyArrowPatch

    width, height = figure.get_size_inches() * DPI
    (x0, y0), (x1, y1) = start, end
    ends = (x0 / width, 1 - y0 / height), (x1 / width, 1 - y1 / height)
    how: dict[str, Any] = {
        "arrowstyle": "-|>",
        "mutation_scale": 16,
        "lw": 2.2,
        "color": SOFT,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    figure.add_artist(FancyArrowPatch(*ends, transform=figure.transFigure, **how))
