"""3D heads as an annotator of pictures sees them: 68 points, of which the far jaw's slide, and the facial landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.raster import depth_of
from nasion.geometry.surface import FloatArray, Mesh
from nasion.geometry.visibility import visible_in_depth
from nasion.landmarks.image.completion import MIRRORED_POINTS, TARGETS
from nasion.landmarks.surface.heads import FaceModel, HeadSource

Vertices = NDArray[np.int64]

_JAW: Final = 17
_STEPS: Final = 8
_NOSE_TIP: Final = 30
_PATH_HALF_WIDTH_MM: Final = 3.0
_PATH_FROM: Final = 0.4
"""Share of the way from the nose to the jaw at which a path begins: the nose itself is no outline of the cheek."""
_RENDER_PX: Final = 160


@dataclass(frozen=True, eq=False)
class Heads:
    """Points of heads, and some whole meshes.

    Attributes
    ----------
    points_mm
        (h, 68 + t, 3) in the Frankfurt frame: the 68, then ``TARGETS``.
    paths_mm
        (h, 17, s, 3) where the outline may be, of each jaw point.
    meshes
        A few of the heads, with their places in ``points_mm``.

    """

    points_mm: FloatArray
    paths_mm: FloatArray
    meshes: tuple[tuple[int, Mesh], ...]

    def joined(self, other: Heads) -> Heads:
        """Return the heads of both."""
        count = len(self.points_mm)
        return Heads(
            np.concatenate([self.points_mm, other.points_mm]),
            np.concatenate([self.paths_mm, other.paths_mm]),
            (*self.meshes, *((count + k, mesh) for k, mesh in other.meshes)),
        )

    def repeated(self, times: int) -> Heads:
        """Return the heads so many times, that they may count as much as a larger set."""
        return Heads(np.tile(self.points_mm, (times, 1, 1)), np.tile(self.paths_mm, (times, 1, 1, 1)), self.meshes)

    def with_mirrored(self) -> Heads:
        """Return the heads and their mirror images, so that no side is preferred."""
        flip = np.array([-1.0, 1.0, 1.0])
        meshes = tuple((row, Mesh(mesh.vertices * flip, mesh.faces[:, ::-1])) for row, mesh in self.meshes)
        return self.joined(Heads(self.points_mm[:, MIRRORED_POINTS] * flip, self.paths_mm[:, ::-1] * flip, meshes))


def jaw_paths(mesh: Mesh, ibug68: Vertices, skin: Vertices) -> Vertices:
    """Return (17, s) vertices on the way from the nose's tip to each jaw point, the jaw point last.

    Parameters
    ----------
    mesh
        A mean head in the Frankfurt frame.
    ibug68
        (68,) vertices.
    skin
        Vertices that may be on the outline (no eyeballs, teeth or tongue).

    """
    places = mesh.vertices[skin]
    nose = mesh.vertices[ibug68[_NOSE_TIP], :2]
    paths = np.empty((_JAW, _STEPS), dtype=np.int64)
    for row, jaw in enumerate(ibug68[:_JAW]):
        along = mesh.vertices[jaw, :2] - nose
        reach = float(np.linalg.norm(along))
        along = along / reach
        way = (places[:, :2] - nose) @ along
        beside = abs((places[:, :2] - nose) @ np.array([-along[1], along[0]]))
        front = (beside < _PATH_HALF_WIDTH_MM) & (places[:, 2] > mesh.vertices[jaw, 2] - 1.0)
        for column, share in enumerate(np.linspace(_PATH_FROM, 1.0, _STEPS)[:-1]):
            near = np.flatnonzero(front & (abs(way - share * reach) < 0.06 * reach))
            best = near[np.argmax(places[near, 2])] if len(near) else None
            paths[row, column] = jaw if best is None else skin[best]
        paths[row, -1] = jaw
    return paths


def skin_of(model: FaceModel) -> Vertices:
    """Return the vertices of the face model's skin: face, head and neck."""
    return np.unique(model.faces[model.part <= 1]).astype(np.int64)


def heads_of(
    source: HeadSource, indices: Sequence[int], ibug68: Vertices, paths: Vertices, renders: int, seed: int
) -> Heads:
    """Return the points of a source's heads, and the meshes of the first ``renders``."""
    points, ways, meshes = [], [], []
    for row, index in enumerate(indices):
        head = source.head(index, np.random.default_rng([seed, index]))
        vertices = head.mesh.vertices
        points.append(np.concatenate([vertices[ibug68], [head.points[name] for name in TARGETS]]))
        ways.append(vertices[paths])
        if row < renders:
            meshes.append((row, head.mesh))
    return Heads(np.array(points), np.array(ways), tuple(meshes))


def projected(heads: Heads, yaw_deg: FloatArray, pitch_deg: FloatArray, distance_mm: FloatArray) -> FloatArray:
    """Return (h, 68 + t, 2) pictures of heads, one view each, at about a pixel a millimetre, no roll.

    The jaw's points are those of the visible outline.
    """
    rotation = np.array([pose_rotation(y, p, 0.0) for y, p in zip(yaw_deg, pitch_deg, strict=True)])
    middle = heads.points_mm[:, :68].mean(axis=1)

    def seen(points_mm: FloatArray) -> FloatArray:
        centred = points_mm - middle.reshape(-1, *[1] * (points_mm.ndim - 2), 3)
        turned = np.einsum("hij,h...j->h...i", rotation, centred)
        depth = turned[..., 2:] + distance_mm.reshape(-1, *[1] * (points_mm.ndim - 1))
        flat: FloatArray = turned[..., :2] / depth * distance_mm.reshape(-1, *[1] * (points_mm.ndim - 1))
        return flat

    points, ways = seen(heads.points_mm), seen(heads.paths_mm)
    points[:, :_JAW] = outline_points(ways, outward_of(heads.points_mm))
    return points


def outward_of(points_mm: FloatArray) -> FloatArray:
    """Return (h, 17, 2) directions in an upright picture from the nose's tip to the jaw points of (h, 68, 3) heads."""
    outward = points_mm[:, :_JAW, :2] - points_mm[:, None, _NOSE_TIP, :2]
    outward = outward * np.array([1.0, -1.0])
    unit: FloatArray = outward / np.linalg.norm(outward, axis=2, keepdims=True)
    return unit


def outline_points(ways_px: FloatArray, outward: FloatArray) -> FloatArray:
    """Return (h, 17, 2) jaw points: of each way (h, 17, s, 2) in the picture the place that lies farthest outward."""
    farthest = np.einsum("hjsk,hjk->hjs", ways_px, outward).argmax(axis=2)
    return np.take_along_axis(ways_px, farthest[:, :, None, None], axis=2)[:, :, 0]


def hidden_shares(heads: Heads, yaw_deg: float, pitch_deg: float, distance_mm: float = 1500.0) -> FloatArray:
    """Return (t,) share of the meshes in which a landmark is hidden by the head itself."""
    rotation = pose_rotation(yaw_deg, pitch_deg, 0.0)
    size = (_RENDER_PX, _RENDER_PX)
    unseen = np.zeros(len(TARGETS))
    for row, mesh in heads.meshes:
        middle = heads.points_mm[row, :68].mean(axis=0)
        away = np.array([0.0, 0.0, distance_mm]) - rotation @ middle
        camera = Camera(rotation, away, _RENDER_PX * distance_mm / 300.0, image_center_px(size), size)
        unseen += ~visible_in_depth(heads.points_mm[row, 68:], depth_of(mesh, camera)[0], camera)
    return unseen / len(heads.meshes)
