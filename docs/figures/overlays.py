"""Overlays side by side (the paper's figure 6): two photographs, each under its own and under another skull."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nasion.geometry.camera import Camera, back_projection_error_mm
from nasion.geometry.contours import mask_border, outer_contour
from nasion.geometry.raster import BoolImage, silhouette_of
from nasion.geometry.shading import BONE, render
from nasion.geometry.surface import Mesh
from nasion.overlay.lilium.fitness import exact_outside_pixels

from .cast import Sitting, Subject, cameras_of_all_solvers
from .style import (
    BRIGHT_FACE,
    BRIGHT_SKULL,
    INK,
    OUTSIDE,
    SOFT,
    ColorImage,
    new_figure,
    place,
    save,
    show_picture,
    square_box,
    write_at,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_PX, GAP_PX, LEFT_PX, TOP_PX, FOOT_PX = 300, 8, 52, 40, 40
SEEN_SHARE = 0.012
"""Outside pixels are drawn as squares with this share of the panel's side, so that single ones can be seen."""


def blended(photo: ColorImage, mesh: Mesh, camera: Camera, opacity: float = 0.5) -> ColorImage:
    """Return a photograph with a skull over it."""
    over = render(mesh, camera, albedo=BONE, background=photo).image
    return np.rint(opacity * over + (1 - opacity) * photo).astype(np.uint8)


def red_layer(outside: BoolImage, side_px: int) -> ColorImage:
    """Return an RGBA layer with (h, w) pixels in red, each enlarged to a square of ``side_px``."""
    import cv2

    wide = cv2.dilate(outside.astype(np.uint8), np.ones((side_px, side_px), np.uint8))
    color = np.array([int(OUTSIDE[k : k + 2], 16) for k in (1, 3, 5)], dtype=np.uint8)
    return np.dstack([np.broadcast_to(color, (*wide.shape, 3)), 255 * wide])


def draw_overlays(subjects: list[Subject], path: Path) -> list[str]:
    """Draw the figure and return what stands under each panel."""
    shown, other = subjects[0], subjects[1]
    rows = [(sitting, skull) for sitting in (shown.frontal, shown.lateral) for skull in (shown, other)]
    figure = new_figure(TOP_PX + len(rows) * (PANEL_PX + FOOT_PX))
    said = []
    for i, (sitting, skull) in enumerate(rows):
        top = TOP_PX + i * (PANEL_PX + FOOT_PX)
        own = skull is shown
        label = f"{sitting.truth.view}, {'own skull' if own else 'another skull'}"
        write_at(figure, 26, top + PANEL_PX / 2, label, rotation=90, ha="center", va="center", fontsize=9.5)
        cameras = cameras_of_all_solvers(skull, sitting.seen)
        box = _box(sitting, skull.truth.mesh, list(cameras.values()))
        first = place(figure, LEFT_PX, top, PANEL_PX, PANEL_PX)
        if own:
            _show_photo(first, sitting, box)
            count = f"{len(sitting.seen.landmarks_px)} landmarks"
            write_at(figure, LEFT_PX + PANEL_PX / 2, top + PANEL_PX + 6, count, ha="center", color=SOFT)
        else:
            _show_key(first)
        for k, (name, camera) in enumerate(cameras.items(), start=1):
            left = LEFT_PX + k * (PANEL_PX + GAP_PX)
            axes = place(figure, left, top, PANEL_PX, PANEL_PX)
            text = _show_overlay(axes, sitting, skull, camera, box, own)
            said.append(f"{label}, {name}: {text}")
            write_at(figure, left + PANEL_PX / 2, top + PANEL_PX + 6, text, ha="center")
            if i == 0:
                write_at(figure, left + PANEL_PX / 2, 12, name, ha="center", fontsize=10, weight="bold")
        if i == 0:
            write_at(figure, LEFT_PX + PANEL_PX / 2, 12, "photograph", ha="center", fontsize=10, weight="bold")
    save(figure, path)
    return said


def _box(sitting: Sitting, mesh: Mesh, cameras: list[Camera]) -> tuple[float, float, float, float]:
    points = [sitting.truth.points_px, *(camera.project(mesh.vertices) for camera in cameras)]
    return square_box(points, 0.06)


def _show_key(axes: Axes) -> None:
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.text(0.08, 0.80, "the same photograph,\nthe second person's skull", va="center", linespacing=1.5)
    lines = ((BRIGHT_FACE, "face's border"), (BRIGHT_SKULL, "skull's outline"), (OUTSIDE, "skull outside the face"))
    for y, (color, text) in zip((0.58, 0.48, 0.38), lines, strict=True):
        axes.plot([0.08, 0.2], [y, y], color=color, lw=2.5)
        axes.text(0.25, y, text, va="center")


def _show_photo(axes: Axes, sitting: Sitting, box: tuple[float, float, float, float]) -> None:
    show_picture(axes, sitting.image, box)
    points = np.array(list(sitting.seen.landmarks_px.values()))
    axes.plot(*points.T, "o", ms=3.2, mfc="white", mec=INK, mew=0.7)


def _show_overlay(
    axes: Axes,
    sitting: Sitting,
    skull: Subject,
    camera: Camera,
    box: tuple[float, float, float, float],
    own: bool,
) -> str:
    mesh, face = skull.truth.mesh, sitting.face
    covered = silhouette_of(mesh, camera)
    outside = covered & face.outside
    count = exact_outside_pixels(mesh, camera, face)
    if count != np.count_nonzero(outside):
        raise RuntimeError(f"{sitting.truth.name}: marked and counted pixels differ")
    show_picture(axes, blended(sitting.image, mesh, camera), box)
    axes.plot(*outer_contour(~face.outside).T, color=BRIGHT_FACE, lw=1.1)
    for border in mask_border(covered)[:1]:
        axes.plot(*border.T, color=BRIGHT_SKULL, lw=0.8)
    layer = red_layer(outside, max(1, round(SEEN_SHARE * (box[2] - box[0]))))
    axes.imshow(layer, zorder=5, interpolation="antialiased", interpolation_stage="rgba")
    parts = [f"{count} px outside"]
    if own:
        error = back_projection_error_mm(camera, skull.truth.facial_mm, sitting.truth.points_px)
        parts.insert(0, f"BPE {error:.1f} mm")
    return " · ".join(parts)
