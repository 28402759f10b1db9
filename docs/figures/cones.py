"""Tissue cones on the skull, and the vectors inside one of them (the paper's figure 2)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.spatial import ConvexHull

from nasion.anatomy.landmarks import PAIRS, side
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.camera import Camera, pose_rotation
from nasion.geometry.shading import BONE, render
from nasion.geometry.surface import FloatArray, Mesh
from nasion.overlay.lilium.cones import GENES_EACH, Cones, build_cones, decode
from nasion.overlay.lilium.settings import LiliumSettings

from .cast import Subject
from .cone_mesh import ROUND, cone_mesh, joined
from .style import (
    CONE,
    INK,
    OUTSIDE,
    SKULL,
    SOFT,
    ColorImage,
    new_figure,
    place,
    save,
    show_picture,
    write_at,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT_PX: Final = 800
HEAD_PX, CONE_PX = 790, 760
BACKGROUND = (1.0, 1.0, 1.0)
CONE_ALBEDO: Final = (0.12, 0.62, 0.57)
NAME_STEP_PX: Final = 24.0
SHOWN: Final = "pogonion"
SHOWN_GENES: Final = (0.85, 0.75, 0.15)
"""a, b, c of the vector that is labelled."""
VECTORS: Final = 60
"""As many as the default population has individuals."""


def draw_cones(subjects: list[Subject], path: Path) -> list[str]:
    """Draw the figure and return the heights of the cones."""
    subject = subjects[0]
    cones = all_cones(subject)
    figure = new_figure(HEIGHT_PX)
    write_at(figure, 20, 12, "the cones at a skull's twenty landmarks", fontsize=10, weight="bold")
    _show_head(place(figure, 10, 30, HEAD_PX, HEIGHT_PX - 40), subject, cones)
    write_at(figure, 840, 12, f"{VECTORS} vectors sampled in the cone of {SHOWN}", fontsize=10, weight="bold")
    _show_cone(place(figure, 830, 36, CONE_PX, HEIGHT_PX - 44), subject, cones)
    save(figure, path)
    return [f"{pair.cranial}: h_max {height:.1f} mm" for pair, height in zip(PAIRS, cones.height_mm, strict=True)]


def all_cones(subject: Subject) -> Cones:
    """Return the solver's cones at all twenty landmarks of a skull."""
    rows, table = range(len(PAIRS)), TissueTable.load()
    return build_cones(rows, subject.truth.skull, subject.frame, table, LiliumSettings())


def mesh_of(subject: Subject, cones: Cones, row: int) -> Mesh:
    """Return the mesh of one row's cone."""
    apex = np.asarray(subject.truth.skull.landmarks_mm[PAIRS[row].cranial])
    return cone_mesh(apex, cones.axis[row], cones.u[row], cones.w[row], cones.height_mm[row], cones.widest_angle)


def looking_at(subject: Subject, point: FloatArray, yaw_deg: float, mm_across: float, size: tuple[int, int]) -> Camera:
    """Return a camera 2 m away with a point in the middle of a picture that is ``mm_across`` wide there."""
    rotation = pose_rotation(yaw_deg, 0.0, 0.0) @ subject.frame.rotation
    distance, (width, height) = 2000.0, size
    translation = np.array([0.0, 0.0, distance]) - rotation @ point
    return Camera(rotation, translation, width * distance / mm_across, ((width - 1) / 2, (height - 1) / 2), size)


def skull_with_cones(mesh: Mesh, cones: Mesh, camera: Camera, opacity: float) -> ColorImage:
    """Return a skull with translucent cones, hidden where the bone lies in front of them."""
    bare = render(mesh, camera, albedo=BONE, background=BACKGROUND).image
    colors = np.concatenate([np.tile(BONE, (len(mesh.vertices), 1)), np.tile(CONE_ALBEDO, (len(cones.vertices), 1))])
    full = render(joined([mesh, cones]), camera, albedo=colors, background=BACKGROUND).image
    return np.rint(opacity * full + (1 - opacity) * bare).astype(np.uint8)


def _show_head(axes: Axes, subject: Subject, cones: Cones) -> None:
    mesh = subject.truth.mesh
    middle = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    camera = looking_at(subject, middle, 35.0, 275.0, (HEAD_PX, HEIGHT_PX - 40))
    meshes = [mesh_of(subject, cones, row) for row in range(len(PAIRS))]
    show_picture(axes, skull_with_cones(mesh, joined(meshes), camera, 0.72))
    tips = {pair.cranial: camera.project(m.vertices[1]) for pair, m in zip(PAIRS, meshes, strict=True)}
    _names(axes, {name: tip for name, tip in tips.items() if side(name) == "right"}, 8.0, "left")
    _names(axes, {name: tip for name, tip in tips.items() if side(name) is None}, HEAD_PX - 8.0, "right")


def _names(axes: Axes, tips: dict[str, FloatArray], column_px: float, align: str) -> None:
    """Write landmark names in a column beside the skull, in the order of their heights, with lines to their cones."""
    below = 0.0
    for name, tip in sorted(tips.items(), key=lambda item: float(item[1][1])):
        below = max(below + NAME_STEP_PX, float(tip[1]))
        arrow = {"arrowstyle": "-", "color": SOFT, "lw": 0.6, "shrinkA": 1, "shrinkB": 0}
        text = name.removesuffix("_right")
        axes.annotate(
            text,
            (float(tip[0]), float(tip[1])),
            (column_px, below),
            ha=align,
            va="center",
            fontsize=8,
            arrowprops=arrow,
        )


def _show_cone(axes: Axes, subject: Subject, cones: Cones) -> None:
    row = next(k for k, pair in enumerate(PAIRS) if pair.cranial == SHOWN)
    mesh, height = mesh_of(subject, cones, row), float(cones.height_mm[row])
    apex, axis = mesh.vertices[0], cones.axis[row]
    camera = looking_at(subject, apex + 0.5 * height * axis, 62.0, 1.85 * height, (CONE_PX, HEIGHT_PX - 44))
    bare = render(subject.truth.mesh, camera, albedo=BONE, background=BACKGROUND).image
    show_picture(axes, bare)
    outline = camera.project(mesh.vertices)
    hull = outline[ConvexHull(outline).vertices]
    axes.fill(*hull.T, fc=CONE, alpha=0.16, ec="none")
    axes.plot(*np.vstack([hull, hull[:1]]).T, color=CONE, lw=1.2)
    rim = camera.project(np.vstack([mesh.vertices[-ROUND:], mesh.vertices[-ROUND]]))
    axes.plot(*rim.T, color=CONE, lw=0.9)
    start = camera.project(apex)
    for vector in sampled_vectors(cones, row):
        _arrow(axes, start, camera.project(apex + vector), SOFT, 0.8, 0.75)
    _label(axes, camera, cones, row, apex)
    a, b, c = SHOWN_GENES
    how: dict[str, Any] = {"transform": axes.transAxes, "fontsize": 9.5}
    axes.text(0.02, 0.095, r"$\ell = a\,h_{max}$,  $\theta = 45°\,b$,  $\varphi = 360°\,c$", **how)
    axes.text(0.02, 0.045, rf"$h_{{max}}$ = {height:.1f} mm; black: a = {a}, b = {b}, c = {c}", **how)


def sampled_vectors(cones: Cones, row: int) -> FloatArray:
    """Return (``VECTORS``, 3) mm: one cone's vectors in a random population, decoded by the solver."""
    rng = np.random.default_rng(0)
    genes = rng.random((VECTORS, GENES_EACH * len(cones.axis)))
    return np.array([vector_of(cones, row, individual) for individual in genes])


def vector_of(cones: Cones, row: int, genes: FloatArray) -> FloatArray:
    """Return one row's (3,) vector of an individual."""
    vectors = np.empty_like(cones.axis)
    decode(genes, cones, vectors)
    vector: FloatArray = vectors[row].copy()
    return vector


def _arrow(axes: Axes, start: FloatArray, end: FloatArray, color: str, width: float, alpha: float = 1.0) -> None:
    how = {"arrowstyle": "-|>", "color": color, "lw": width, "alpha": alpha, "shrinkA": 0, "shrinkB": 0}
    (x0, y0), (x1, y1) = start.tolist(), end.tolist()
    axes.annotate("", (x1, y1), (x0, y0), arrowprops={**how, "mutation_scale": 6 + 4 * width})


def _label(axes: Axes, camera: Camera, cones: Cones, row: int, apex: FloatArray) -> None:
    a, b, c = SHOWN_GENES
    genes = np.tile(SHOWN_GENES, len(cones.axis))
    vector = vector_of(cones, row, genes)
    height, (axis, u, w) = float(cones.height_mm[row]), (cones.axis[row], cones.u[row], cones.w[row])
    angle, turn, length = b * cones.widest_angle, 2 * math.pi * c, a * height

    def seen(points: FloatArray) -> FloatArray:
        return camera.project(apex + points)

    def around(turns: FloatArray) -> FloatArray:
        directions: FloatArray = np.cos(turns)[:, None] * u + np.sin(turns)[:, None] * w
        return directions

    if not np.allclose(vector, length * (math.cos(angle) * axis + math.sin(angle) * around(np.array([turn]))[0])):
        raise RuntimeError("the labelled angles are not those of the vector drawn")
    axes.plot(*seen(np.outer([0, 1.12 * height], axis)).T, color=INK, lw=1.2, ls=(0, (6, 3)))
    level, radius = length * math.cos(angle) * axis, length * math.sin(angle)
    circle = level + radius * around(np.linspace(0, 2 * math.pi, 90))
    axes.plot(*seen(circle).T, color=OUTSIDE, lw=0.9, ls=(0, (2, 2)))
    axes.plot(*seen(level + np.outer([0, radius], u)).T, color=OUTSIDE, lw=1.0)
    axes.plot(*seen(np.array([level, vector])).T, color=OUTSIDE, lw=1.0)
    part = level + 0.55 * radius * around(np.linspace(0, turn, 40))
    axes.plot(*seen(part).T, color=OUTSIDE, lw=2.0)
    side_way = around(np.array([turn]))[0]
    bow = np.linspace(0, angle, 40)[:, None]
    opening = 0.42 * length * (np.cos(bow) * axis + np.sin(bow) * side_way)
    axes.plot(*seen(opening).T, color=SKULL, lw=2.2)
    _arrow(axes, seen(np.zeros(3)), seen(vector), INK, 2.2)
    axes.plot(*seen(np.zeros(3)), "o", ms=6, mfc="white", mec=INK, mew=1.2, zorder=6)
    for text, at, color in (
        (r"$\theta$", 1.14 * opening[20], SKULL),
        (r"$\varphi$", level + 1.35 * (part[20] - level), OUTSIDE),
        (r"$\ell$", 0.62 * vector + 0.09 * height * side_way, INK),
    ):
        x, y = seen(at)
        axes.text(x, y, text, color=color, fontsize=15, ha="center", va="center")
