"""Any raw scan to the standard frame, and how sure that is.

Principal axes, which the paper uses, have no sign and no order, and necks, shoulders and missing parts turn them. Here
the scan climbs onto mean heads from many starts (``alignment``). The best end counts: its score tells how well the scan
and the head cover each other, its lead over the best end that points elsewhere how sure the rotation is. A shape that
is no head fits in many ways alike.

A mirrored scan is told by its triangles only: mirroring turns them inside out. Where a program has turned them back,
the shape of a head, symmetric but for millimetres, does not tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.poisson_disk import poisson_disk_sample
from nasion.geometry.surface import FloatArray, Mesh
from nasion.geometry.winding import oriented_outward
from nasion.landmarks.surface.alignment import ClosestTable, Poses, climbed, fit_share, rotation_grid
from nasion.landmarks.surface.cloud import Frame, finite_part
from nasion.landmarks.surface.orientation_template import STANDARD_MM, OrientationTemplate, outer_points
from nasion.readers.units import MM_PER_UNIT

LEAST_SCORE: Final = 0.2
LEAST_LEAD: Final = 0.08
"""Below one of these a scan is refused. Measured: 528 simulated scans and eleven real heads, all oriented right, scored
0.22 and more and led by 0.10 and more; boxes, spheres, lumps, busts, vaults and mandibles alone scored less or led by
at most 0.07. So did most heads of the other kind; but a skull resembles a face, and some are oriented as one."""
SIZE_RANGE_MM: Final = (80.0, 900.0)
"""Plausible longest side of a scan, from a face to a body's upper part."""

_SCAN_POINTS: Final = 1500
_STEP_DEG: Final = 34.0
_DISTINCT_DEG: Final = 35.0
_NEAR: Final = 0.12
"""Distance (standard units, 16 mm) at which two surfaces no longer count as the same."""
_FREE_SCALE: Final = 0.18
_SCAN_CELL: Final = 0.12
_HEAD_REACH: Final = 1.35
"""A scan with points farther from its centroid holds more than a head."""


@dataclass(frozen=True, eq=False)
class Orientation:
    """A scan in the standard frame.

    Attributes
    ----------
    mesh
        The scan in millimetres with finite vertices only and its triangles wound outward; axes as in the file.
    frame
        Where the standard frame lies in it.
    score
        How well scan and mean head cover each other, 0 to 1; heads reach 0.25 to 0.65.
    lead
        1 - (best score of a rotation more than 35 degrees away) / score; 1 where none is left.
    head_scale
        Size of the mean head over that of the scan's.
    mm_per_unit
        What the mesh's coordinates were multiplied with.
    inward
        Nearly all triangles faced inward: the scan is inside out, or mirrored.
    warnings
        What the user should know, one line each.

    """

    mesh: Mesh
    frame: Frame
    score: float
    lead: float
    head_scale: float
    mm_per_unit: float
    inward: bool
    warnings: tuple[str, ...]


def orient(mesh: Mesh, template: OrientationTemplate, seed: int = 0) -> Orientation:
    """Find a raw scan's orientation.

    Parameters
    ----------
    mesh
        In any rotation and place; millimetres, or another unit in which its size is a head's. It may hold shoulders,
        lack parts, fall into pieces and have vertices that are not finite.
    template
        What is looked for.
    seed
        Of the points that are looked at.

    Raises
    ------
    NasionError
        The mesh is empty, no head's size in any unit, or fits no rotation clearly; the score is told.

    """
    given = finite_part(mesh)
    surface = oriented_outward(given)
    warnings = []
    inward = _turned_share(given, surface) > 0.9
    if inward:
        warnings.append("the triangles face inward: the scan is inside out or mirrored; check left and right")
    found = [_Found.of(surface, factor, template, seed) for factor in _likely_factors(surface)]
    best = max(found, key=lambda one: one.score)
    if best.score < LEAST_SCORE or best.lead < LEAST_LEAD:
        raise NasionError(
            f"the mesh is no {template.what} that can be oriented: score {best.score:.2f} ({LEAST_SCORE:.2f} needed), "
            f"lead over other orientations {best.lead:.2f} ({LEAST_LEAD:.2f} needed); crop it to the head or turn it "
            "into head axes and place landmarks by hand"
        )
    if best.mm_per_unit != 1.0:
        unit = next(name for name, factor in MM_PER_UNIT.items() if factor == best.mm_per_unit)
        warnings.append(f"the mesh's size is a head's in the unit {unit}, so it was multiplied by {best.mm_per_unit:g}")
    return Orientation(
        mesh=surface if best.mm_per_unit == 1.0 else surface.moved(surface.vertices * best.mm_per_unit),
        frame=best.frame,
        score=best.score,
        lead=best.lead,
        head_scale=best.scale,
        mm_per_unit=best.mm_per_unit,
        inward=inward,
        warnings=tuple(warnings),
    )


def _turned_share(before: Mesh, after: Mesh) -> float:
    """Return the share of triangles that were reversed."""
    if before is after:
        return 0.0
    return float((before.faces[:, 0] != after.faces[:, 0]).mean())


def _likely_factors(mesh: Mesh) -> list[float]:
    """Return the factors to millimetres that make the mesh as large as a head: 1 alone where it fits."""
    size = float(np.ptp(mesh.vertices, axis=0).max())
    low, high = SIZE_RANGE_MM
    if low <= size <= high:
        return [1.0]
    likely = [factor for factor in MM_PER_UNIT.values() if low <= size * factor <= high]
    if not likely:
        raise NasionError(
            f"the mesh is {size:.3g} long, a head in no unit ({low:.0f} to {high:.0f} mm expected); scale or crop it"
        )
    return likely


@dataclass(frozen=True, eq=False)
class _Found:
    """The best end of the search for one unit."""

    frame: Frame
    score: float
    lead: float
    scale: float
    mm_per_unit: float

    @classmethod
    def of(cls, surface: Mesh, mm_per_unit: float, template: OrientationTemplate, seed: int) -> _Found:
        unit = STANDARD_MM / mm_per_unit
        middle = (surface.vertices.min(axis=0) + surface.vertices.max(axis=0)) / 2
        points, normals = poisson_disk_sample(surface.moved((surface.vertices - middle) / unit), _SCAN_POINTS, seed)
        outer = outer_points(points, normals)
        if not outer.any():
            raise NasionError("the mesh has no side that can be seen from outside; export a surface mesh of the head")
        poses, score = search(points[outer], normals[outer], template.tables)
        away = np.flatnonzero(angles_deg(poses.rotations, poses.rotations[0]) > _DISTINCT_DEG)
        best, second = float(score[0]), float(score[away[0]]) if len(away) else 0.0
        rotation, scale = poses.rotations[0], float(poses.scales[0])
        origin = rotation.T @ -poses.shifts[0] / scale
        frame = Frame(rotation, origin * STANDARD_MM + middle * mm_per_unit, STANDARD_MM)
        return cls(frame, best, 1.0 - second / best if best > 0 else 0.0, scale, mm_per_unit)


@dataclass(frozen=True)
class _Round:
    """One round of the search: every ``stride``-th point climbs, then the best distinct poses go on."""

    stride: int
    cutoffs: tuple[float, ...]
    free_scale: float
    near: float
    most: int


_ROUNDS: Final = (
    _Round(12, (0.5, 0.45, 0.4), 0.0, 0.3, 300),
    _Round(6, (0.35, 0.3, 0.3), 0.1, 0.25, 80),
    _Round(4, (0.25, 0.25, 0.2, 0.2), _FREE_SCALE, 0.2, 30),
    _Round(2, (0.2, 0.2, 0.15, 0.15, 0.15), _FREE_SCALE, _NEAR, 12),
)
_LAST_CUTOFFS: Final = (0.2, 0.15, 0.15, 0.12, 0.12)


def search(points: FloatArray, normals: FloatArray, heads: tuple[ClosestTable, ...]) -> tuple[Poses, FloatArray]:
    """Return the ends of the search from all starts and their scores, best first.

    Parameters
    ----------
    points, normals
        (n, 3) of the scan, in units of ``STANDARD_MM`` about any origin.
    heads
        The first is climbed from all starts, the others from its best ends.

    """
    scan = ClosestTable.of(points, normals, np.ones(len(points)), _SCAN_CELL)
    poses = _starts(points, heads[0].points)
    for stage in _ROUNDS:
        some = slice(stage.stride // 2, None, stage.stride)
        poses = climbed(points[some], normals[some], heads[0], poses, stage.cutoffs, stage.free_scale)
        score = _cover(points[some], normals[some], scan, heads[0], poses, stage.near, stage.stride)
        poses = poses[_distinct(poses, score, 8.0)[: stage.most]]
    ends = [climbed(points, normals, head, poses, _LAST_CUTOFFS, _FREE_SCALE) for head in heads]
    scores = [_cover(points, normals, scan, head, end, _NEAR, 1) for head, end in zip(heads, ends, strict=True)]
    score = np.concatenate(scores)
    order = np.argsort(-score, kind="stable")
    return Poses.joined(ends)[order], score[order]


def _cover(
    points: FloatArray,
    normals: FloatArray,
    scan: ClosestTable,
    head: ClosestTable,
    poses: Poses,
    near: float,
    stride: int,
) -> FloatArray:
    """Return (k,) the mean of how much of the scan lies on the head and how much of the head on the scan."""
    there = fit_share(points, normals, np.ones(len(points)), head, poses, near)
    some = slice(None, None, stride)
    here = fit_share(head.points[some], head.normals[some], head.weights[some], scan, poses.inverse(), near)
    cover: FloatArray = (there + here) / 2
    return cover


def _starts(points: FloatArray, head: FloatArray) -> Poses:
    """Return all rotations of a grid, with the scan's likely centres at the head's centre and at its face."""
    grid = rotation_grid(_STEP_DEG)
    goals = (head.mean(axis=0), head[head[:, 2] > 0.35].mean(axis=0))
    first, *others = _centers(points)
    pairs = [(first, goal) for goal in goals] + [(center, goals[0]) for center in others]
    shifts = np.concatenate([goal - grid @ center for center, goal in pairs])
    return Poses(np.concatenate([grid] * len(pairs)), shifts, np.ones(len(shifts)))


def _centers(points: FloatArray) -> list[FloatArray]:
    """Return the centroid and, of a scan larger than a head, those of what surrounds its four farthest ends."""
    center = points.mean(axis=0)
    away = np.linalg.norm(points - center, axis=1)
    centers = [center]
    if away.max() > _HEAD_REACH:
        for _ in range(4):
            distance = np.linalg.norm(points - points[np.argmax(away)], axis=1)
            centers.append(points[distance < 1.6].mean(axis=0))
            away = np.minimum(away, distance)
    return centers


def _distinct(poses: Poses, score: FloatArray, least_deg: float) -> NDArray[np.int64]:
    """Return the numbers of the poses, best first, without those that nearly repeat a better one."""
    order = np.argsort(-score, kind="stable")[:400]
    some = poses[order]
    alike = np.einsum("kij,lij->kl", some.rotations, some.rotations) > 1 + 2 * np.cos(np.radians(least_deg))
    alike &= np.linalg.norm(some.shifts[:, None] - some.shifts[None], axis=2) < 0.1
    kept: list[int] = []
    gone = np.zeros(len(order), dtype=bool)
    for k in range(len(order)):
        if not gone[k]:
            kept.append(k)
            gone |= alike[k]
    return order[kept]


def angles_deg(rotations: FloatArray, other: FloatArray) -> FloatArray:
    """Return the angles, degrees, between (k, 3, 3) rotations and one."""
    trace = np.einsum("kij,ij->k", rotations, other)
    angle: FloatArray = np.degrees(np.arccos(np.clip((trace - 1) / 2, -1.0, 1.0)))
    return angle
