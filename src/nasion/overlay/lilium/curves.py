"""Region curves of skull and photograph: chin-jaw in frontal photographs, forehead in lateral ones (section II-F)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from nasion.anatomy.planes import HeadFrame
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, pose_angles_deg
from nasion.geometry.contours import mask_border
from nasion.geometry.raster import silhouette_of
from nasion.geometry.regions import chin_jaw_region, region_between_planes
from nasion.geometry.surface import FloatArray, Mesh
from nasion.overlay.lilium.parallelism import JUMP_SHARE, parallelism, resample
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.problem import Photo, SkullLandmarks

Kind = Literal["chin_jaw", "forehead"]

LATERAL_YAW_DEG: Final = 45.0
"""A photograph with both contours is lateral from this turn on."""
_ISOLATED_SHARE: Final = 0.02
"""Borders shorter than this share of the longest are isolated pixels."""
_PIECE_SHARE: Final = 0.1
"""Pieces with a smaller share of the curve's pixels are dropped."""
NEEDED: Final[dict[Kind, tuple[str, ...]]] = {
    "chin_jaw": ("infradentale", "mental_foramen_right", "mental_foramen_left"),
    "forehead": ("glabella", "metopion"),
}
"""Cranial landmarks and helpers that bound each region."""


@dataclass(frozen=True)
class Region:
    """A skull's region between its planes, with the stretch over which its curve is read.

    Attributes
    ----------
    kind
        Chin-jaw or forehead.
    mesh
        The region.
    ends_mm
        (2, 3) right and left mental foramen; glabella and metopion.
    up, front
        (3,) of the Frankfurt frame, in the given frame.

    """

    kind: Kind
    mesh: Mesh
    ends_mm: FloatArray
    up: FloatArray
    front: FloatArray


@dataclass(frozen=True)
class Stretch:
    """Where a region's curve lies in an image: from ``origin_px`` along ``along`` (unit) for ``length_px``.

    ``side`` is 1 where the curve is to the right of that direction in the picture, else -1; ``outward`` is the unit
    direction out of the face.
    """

    origin_px: FloatArray
    along: FloatArray
    length_px: float
    side: float
    outward: FloatArray


def curve_kind(photo: Photo, head_rotation: FloatArray) -> Kind | None:
    """Return which curve a photograph is judged by; None where it shows none.

    Parameters
    ----------
    photo
        With its face.
    head_rotation
        (3, 3) first pose, Frankfurt axes to camera axes; it decides where both contours are there.

    """
    contours = {} if photo.face is None else photo.face.contours
    lateral = abs(pose_angles_deg(head_rotation)[0]) >= LATERAL_YAW_DEG
    order: tuple[Kind, Kind] = ("forehead", "chin_jaw") if lateral else ("chin_jaw", "forehead")
    return next((kind for kind in order if len(contours.get(kind, ())) >= 2), None)


def cut_region(kind: Kind, mesh: Mesh, skull: SkullLandmarks, frame: HeadFrame) -> Region:
    """Cut a region out of the skull by planes parallel (forehead, chin's upper) and square to the Frankfurt plane.

    Raises
    ------
    NasionError
        A landmark of the region is missing, or the mesh has nothing there.

    """
    points = {**skull.helpers_mm, **skull.landmarks_mm}
    missing = [name for name in NEEDED[kind] if name not in points]
    if missing:
        raise NasionError(
            f"the parallelism term needs the skull's {', '.join(missing)}; place them, or use --terms base or skof"
        )
    up, front = frame.rotation[1], frame.rotation[2]
    if kind == "chin_jaw":
        level, right, left = (points[name] for name in NEEDED[kind])
        region, ends = chin_jaw_region(mesh, level, right, left, up), np.array([right, left])
    else:
        glabella, metopion = (points[name] for name in NEEDED[kind])
        region, ends = region_between_planes(mesh, glabella, metopion, up), np.array([glabella, metopion])
    if len(region.faces) == 0:
        raise NasionError(
            f"the skull's surface has nothing between {' and '.join(NEEDED[kind])}; check the mesh and its landmarks, "
            "or use --terms base or skof"
        )
    return Region(kind, region, ends, up, front)


def stretch_of(region: Region, camera: Camera) -> Stretch:
    """Return where a region's curve lies in a camera's image."""
    middle = region.ends_mm.mean(axis=0)
    a, b, m, above, ahead = camera.project(
        np.stack([*region.ends_mm, middle, middle + region.up, middle + region.front])
    )
    up = (above - m) / np.linalg.norm(above - m)
    if region.kind == "chin_jaw":
        length = float(np.linalg.norm(b - a))
        return Stretch(a, (b - a) / length, length, 1.0, -up)
    # levels are lines across ``up``; the side is that to which the face looks
    right = np.array([-up[1], up[0]])
    side = 1.0 if (ahead - m) @ right > 0 else -1.0
    return Stretch(a, up, float((b - a) @ up), side, side * right)


def skull_curve(region: Region, camera: Camera) -> FloatArray | None:
    """Return the region's curve in an image, (n, 2) px: right to left along the chin, upwards along the forehead.

    The region is drawn at full resolution and its borders are followed; isolated pixels are dropped, the outermost
    border point at each pixel of the stretch is kept, in order, and fragments are joined by straight segments. None
    where nothing is left.
    """
    stretch = stretch_of(region, camera)
    mask = silhouette_of(region.mesh, camera)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0 or not stretch.length_px > 1:
        return None
    borders = mask_border(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    kept = [border for border in borders if len(border) >= _ISOLATED_SHARE * len(borders[0])]
    return outermost(np.concatenate(kept) + np.array([columns[0], rows[0]]), stretch)


def outermost(points: FloatArray, stretch: Stretch) -> FloatArray | None:
    """Return the outermost of (n, 2) border points at each pixel of a stretch, in order; None without any two.

    Short pieces that jump aside are dropped: where a region's edge is oblique, its last pixels show its far side only.
    """
    across = stretch.side * np.array([-stretch.along[1], stretch.along[0]])
    along, out = (points - stretch.origin_px) @ stretch.along, (points - stretch.origin_px) @ across
    inside = (along >= 0) & (along <= stretch.length_px)
    points, level, out = points[inside], along[inside].astype(np.int64), out[inside]
    order = np.lexsort((out, level))
    last = np.flatnonzero(np.diff(level[order], append=-1))
    curve: FloatArray = points[order[last]]
    jumps = np.linalg.norm(np.diff(curve, axis=0), axis=1) > max(3.0, JUMP_SHARE * stretch.length_px)
    pieces = np.split(curve, np.flatnonzero(jumps) + 1)
    curve = np.concatenate([piece for piece in pieces if len(piece) >= _PIECE_SHARE * len(curve)] or [curve[:0]])
    return curve if len(curve) >= 2 else None


def evenly_spaced(curve: FloatArray, step_px: float) -> FloatArray:
    """Return a polyline with a point at every ``step_px`` of its length."""
    length = float(np.linalg.norm(np.diff(curve, axis=0), axis=1).sum())
    out = np.empty((int(length / step_px) + 2, 2))
    made = resample(np.ascontiguousarray(curve), len(curve), step_px, out)
    return out[:made].copy()


def exact_parallelism(
    region: Region, camera: Camera, face_curve: FloatArray, settings: LiliumSettings
) -> tuple[float, float, float] | None:
    """Return spread, convergence and crossing penalty of the full-resolution curves; None without common part.

    Parameters
    ----------
    region
        Of the skull.
    camera
        The candidate.
    face_curve
        (n, 2) px.
    settings
        Tolerance and penalty.

    """
    curve = skull_curve(region, camera)
    if curve is None or len(curve) < 2:
        return None
    stretch = stretch_of(region, camera)
    skull, face = evenly_spaced(curve, 1.0), evenly_spaced(directed(face_curve, stretch), 1.0)
    if len(skull) < 2 or len(face) < 2:
        return None
    spread, convergence, crossing = parallelism(
        skull,
        len(skull),
        face,
        len(face),
        1.0,
        float(stretch.outward[0]),
        float(stretch.outward[1]),
        settings.convergence_tolerance,
        settings.crossing_penalty,
        np.empty(len(face), dtype=np.bool_),
    )
    return None if spread < 0 else (spread, convergence, crossing)


def directed(curve: FloatArray, stretch: Stretch) -> FloatArray:
    """Return a face's contour in the direction of the skull's curve."""
    forward = (curve[-1] - curve[0]) @ stretch.along >= 0
    return np.ascontiguousarray(curve if forward else curve[::-1], dtype=np.float64)
