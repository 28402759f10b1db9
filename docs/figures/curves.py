"""Contour curves (the paper's figure 4): regions, trimmed curves with their pairs, and the distances."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nasion.geometry.camera import Camera
from nasion.geometry.raster import silhouette_of
from nasion.overlay.lilium.curves import NEEDED, Region, cut_region
from nasion.overlay.lilium.settings import LiliumSettings

from .cast import Sitting, Subject, lilium_result
from .overlays import blended
from .pairs import PairedCurves, end_normals, pairs_of
from .style import (
    BRIGHT_FACE,
    BRIGHT_SKULL,
    FACE,
    INK,
    LINE,
    SKULL,
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

PANEL_PX, TOP_PX, ROW_PX = 500, 44, 560
EVERY_PAIR = 6
"""One pair in so many is drawn."""


def draw_curves(subjects: list[Subject], path: Path) -> list[str]:
    """Draw the figure and return the three parts of P_par of each photograph."""
    subject = subjects[0]
    figure = new_figure(TOP_PX + 2 * ROW_PX)
    heads = ("region between its planes", "curves, trimmed and paired", "distances of the pairs")
    for left, head in zip((30, 550, 1125), heads, strict=True):
        write_at(figure, left, 12, head, fontsize=10, weight="bold")
    said = []
    for i, sitting in enumerate((subject.frontal, subject.lateral)):
        top = TOP_PX + i * ROW_PX
        region, camera, pairs = solved_pairs(subject, sitting, "all")
        base = solved_pairs(subject, sitting, "base")[2]
        regions = place(figure, 30, top, PANEL_PX, PANEL_PX)
        _show_region(regions, subject, sitting, region, camera)
        curves = place(figure, 550, top, PANEL_PX, PANEL_PX)
        _show_curves(curves, sitting.image, pairs)
        distances = place(figure, 1125, top + 6, 440, 372)
        _show_distances(distances, pairs, base, LiliumSettings().convergence_tolerance)
        label = f"{sitting.truth.view}: {region.kind.replace('_', '-')}"
        write_at(figure, 14, top + PANEL_PX / 2, label, rotation=90, ha="center", va="center", fontsize=9.5)
        said += [f"{label}, --terms {name}: {_parts(p)}" for name, p in (("all", pairs), ("base", base))]
        write_at(figure, 1125, top + 452, "P_par = spread + convergence + crossing", color=SOFT)
        write_at(figure, 1125, top + 476, f"all: {_sum(pairs)}", color=SKULL)
        write_at(figure, 1340, top + 476, f"base: {_sum(base)}", color=SOFT)
    save(figure, path)
    return said


def solved_pairs(subject: Subject, sitting: Sitting, terms: str) -> tuple[Region, Camera, PairedCurves]:
    """Return the skull's region, Lilium's camera and the paired curves of a photograph under its own skull."""
    if not sitting.face.contours:
        raise RuntimeError(f"{sitting.truth.name} shows no contour; use another seed")
    kind, contour = next(iter(sitting.face.contours.items()))
    region = cut_region(kind, subject.truth.mesh, subject.truth.skull, subject.frame)  # type: ignore[arg-type]
    result = lilium_result(subject, sitting.seen, terms)  # type: ignore[arg-type]
    pairs = pairs_of(region, result.camera, contour, LiliumSettings())
    judged = result.parts.parallelism
    if terms == "all" and not np.isclose(judged, pairs.spread_px + pairs.convergence_px + pairs.crossing):
        raise RuntimeError(f"{sitting.truth.name}: P_par {judged} of the solution is not that of the pairs drawn")
    return region, result.camera, pairs


def _parts(pairs: PairedCurves) -> str:
    spread, convergence = f"spread {pairs.spread_px:.2f}", f"convergence {pairs.convergence_px:.2f}"
    return f"{spread} + {convergence} + crossing {pairs.crossing:.0f}"


def _sum(pairs: PairedCurves) -> str:
    return f"{pairs.spread_px:.2f} + {pairs.convergence_px:.2f} + {pairs.crossing:.0f}"


def _show_region(axes: Axes, subject: Subject, sitting: Sitting, region: Region, camera: Camera) -> None:
    mesh = subject.truth.mesh
    picture = blended(sitting.image, mesh, camera).astype(np.float32)
    part = silhouette_of(region.mesh, camera)
    color = np.array([int(BRIGHT_SKULL[k : k + 2], 16) for k in (1, 3, 5)], dtype=np.float32)
    picture[part] = 0.5 * picture[part] + 0.5 * color
    show_picture(axes, np.rint(picture).astype(np.uint8), square_box([camera.project(mesh.vertices)], 0.06))
    points = {**subject.truth.skull.helpers_mm, **subject.truth.skull.landmarks_mm}
    for name in NEEDED[region.kind]:
        u, v = camera.project(points[name])
        axes.plot(u, v, "o", ms=4, mfc="white", mec=INK, mew=0.8)
        _name(axes, name, u, v)
    axes.plot(*sitting.face.contours[region.kind].T, color=BRIGHT_FACE, lw=1.6)


def _name(axes: Axes, name: str, u: float, v: float) -> None:
    """Write a landmark's name beside its dot: foramina outwards, the others to the right."""
    to_left = name.endswith("_right")
    offset = (-6, -1) if to_left else (6, 5 if name == "infradentale" else -1)
    axes.annotate(
        name.removesuffix("_right").removesuffix("_left").replace("_", "\n"),
        (u, v),
        offset,
        textcoords="offset points",
        ha="right" if to_left else "left",
        va="center",
        linespacing=1.0,
        fontsize=7.5,
        bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.75},
    )


def _show_curves(axes: Axes, photo: ColorImage, pairs: PairedCurves) -> None:
    faint = np.rint(0.35 * photo + 0.65 * 255).astype(np.uint8)
    show_picture(axes, faint, square_box([pairs.skull, pairs.face], 0.08))
    for s, f in pairs.pairs[::EVERY_PAIR]:
        axes.plot(*np.array([pairs.skull[s], pairs.face[f]]).T, color=SOFT, lw=0.8)
    for curve, kept, color in ((pairs.skull, pairs.skull_kept, SKULL), (pairs.face, pairs.face_kept, FACE)):
        axes.plot(*curve.T, color=color, lw=1.4, ls=(0, (1, 1.4)))
        axes.plot(*curve[kept[0] : kept[1] + 1].T, color=color, lw=2.6, solid_capstyle="butt")
    reach = 1.6 * float(pairs.distances_px.max())
    for curve, color in ((pairs.skull, SKULL), (pairs.face, FACE)):
        for point, normal in end_normals(curve):
            axes.plot(
                *np.array([point - reach * normal, point + reach * normal]).T, color=color, lw=0.9, ls=(0, (5, 3))
            )


def _show_distances(axes: Axes, pairs: PairedCurves, base: PairedCurves, tolerance: float) -> None:
    for curves, color, name in ((base, LINE, "base, without P_par"), (pairs, SKULL, "all")):
        own = curves.skull_pairs
        share = (curves.pairs[:own, 0] - curves.skull_kept[0]) / max(own - 1, 1)
        axes.plot(share, curves.distances_px[:own], color=color, lw=2.0, label=f"{name}: skull point to face")
        rest = (curves.pairs[own:, 0] - curves.skull_kept[0]) / max(own - 1, 1)
        if curves is pairs:
            axes.plot(rest, curves.distances_px[own:], ".", color=FACE, ms=4, label="all: face points left over")
    mean = float(pairs.distances_px.mean())
    axes.axhline(mean, color=INK, lw=1.0)
    axes.axhspan(mean * (1 - tolerance), mean * (1 + tolerance), color=SKULL, alpha=0.10, lw=0)
    axes.text(0.99, mean, f"mean {mean:.1f} px", ha="right", va="bottom", fontsize=7.5)
    axes.set_ylim(0, 1.6 * max(float(pairs.distances_px.max()), float(base.distances_px.max())))
    axes.set_xlim(0, 1)
    axes.set_xlabel("place along the skull's curve, first kept end to last")
    axes.set_ylabel("distance, px")
    axes.legend(loc="upper left", fontsize=7.5)
