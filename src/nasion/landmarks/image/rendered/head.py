"""The face model with what it lacks for pictures: evenly spaced jaw points, scalp, irises, teeth, strands' roots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from nasion.geometry.surface import FloatArray, IntArray, Mesh
from nasion.landmarks.image.completion_heads import Vertices, jaw_paths, skin_of
from nasion.landmarks.surface.heads import FaceModel

TEETH: Final = 5
"""Part of the triangles of the teeth; the model's own parts end at 4, the right eyeball."""
FIRST_EYEBALL: Final = 3

_JAW: Final = 17
_CHIN: Final = 8
_INNER_LIPS: Final = slice(60, 68)
_TOOTH_COLUMNS: Final = 25
_ARCH_HALF_WIDTH_MM: Final = 25.0
_ARCH_DEPTH_MM: Final = 26.0
_BEHIND_LIPS_MM: Final = 4.0
_UPPER_MM: Final = (9.0, -1.5)
"""Top and lower edge of the upper teeth over the line between the lips."""
_LOWER_MM: Final = (-2.5, -11.0)


@dataclass(frozen=True, eq=False)
class HeadModel:
    """A face model ready to be drawn.

    Attributes
    ----------
    model
        The face model; the vertices of the teeth follow its own in meshes made here.
    landmarks
        (68,) vertices; the jaw's are evenly spaced along the outline, as annotators space them.
    paths
        (17, s) vertices on the way to each jaw point, see ``completion_heads.jaw_paths``.
    faces, part
        Triangles with the teeth, and what each belongs to.
    scalp
        (n,) height over the hairline, mm of the mean head, negative on the face, ears and neck.
    strands
        (n, 2) place in a texture of hair: across and along the strands.
    gaze
        (n, 3) places on an eyeball from its centre, in units of its radius, 0 elsewhere.
    collar
        (n,) height over the collar, mm of the mean head.

    """

    model: FaceModel
    landmarks: Vertices
    paths: Vertices
    faces: IntArray
    part: NDArray[np.uint8]
    scalp: FloatArray
    strands: FloatArray
    gaze: FloatArray
    collar: FloatArray

    def with_teeth(self, values: FloatArray) -> FloatArray:
        """Return values (n, ...) of the model's vertices with zeros for those of the teeth."""
        return np.concatenate([values, np.zeros((4 * _TOOTH_COLUMNS, *values.shape[1:]))])

    def vertices(self, identity: FloatArray, expression: FloatArray) -> FloatArray:
        """Return (n + teeth, 3) mm of a person and an expression, weights of the model's modes."""
        model = self.model
        neutral = model.mean + np.tensordot(identity.astype(np.float32), model.identity[: len(identity)], 1)
        used = np.flatnonzero(expression)
        moved = np.tensordot(expression[used].astype(np.float32), model.expression[used], 1)
        lips = neutral[self.landmarks[_INNER_LIPS]].mean(axis=0)
        chin = self.landmarks[_CHIN]
        drop = moved[chin] if len(used) else np.zeros(3)
        return np.concatenate([neutral + moved, _teeth(lips, _UPPER_MM), _teeth(lips, _LOWER_MM) + drop]).astype(float)


def head_model(model: FaceModel) -> HeadModel:
    """Return a face model ready to be drawn."""
    mean = Mesh(model.mean.astype(float), model.faces)
    skin = skin_of(model)
    landmarks = model.ibug68.astype(np.int64)
    landmarks[:_JAW] = _even_jaw(mean.vertices, landmarks[:_JAW], skin)
    first = len(model.mean)
    strips = [_strip(first + k * 2 * _TOOTH_COLUMNS) for k in range(2)]
    faces = np.concatenate([model.faces, *strips]).astype(np.int32)
    part = np.concatenate([model.part, np.full(len(faces) - len(model.faces), TEETH)]).astype(np.uint8)
    return HeadModel(
        model,
        landmarks,
        jaw_paths(mean, landmarks, skin),
        faces,
        part,
        _scalp(mean.vertices, model),
        _strands(mean.vertices),
        _gaze(model),
        mean.vertices[:, 1] + 128.0 - 0.25 * np.abs(mean.vertices[:, 0]) + 0.1 * mean.vertices[:, 2],
    )


def _even_jaw(mean: FloatArray, jaw: Vertices, skin: Vertices) -> Vertices:
    """Return vertices that divide the outline seen from the front into equal parts on each side of the chin.

    The model's own points crowd towards the chin; annotators' do not.
    """
    points = mean[jaw]
    result = jaw.copy()
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points[:, :2], axis=0), axis=1))])
    curve = CubicSpline(along, points)
    for first, last in ((0, _CHIN), (_CHIN, _JAW - 1)):
        goals = curve(np.linspace(along[first], along[last], last - first + 1))
        for row in range(first + 1, last):
            result[row] = skin[np.argmin(np.linalg.norm(mean[skin] - goals[row - first], axis=1))]
    return result


def _scalp(mean: FloatArray, model: FaceModel) -> FloatArray:
    x, y, z = mean.T
    front = y - (88.0 - 0.6 * np.clip(95.0 - z, 0, 90))
    behind = np.minimum(y + 30.0, -12.0 - z) * 1.0
    height = np.maximum(front, behind)
    height[np.abs(x) > 82] = np.minimum(height, y - 52.0)[np.abs(x) > 82]
    eyeballs = np.unique(model.faces[model.part >= FIRST_EYEBALL])
    height[eyeballs] = -100.0
    return np.asarray(height, float)


def _strands(mean: FloatArray) -> FloatArray:
    """Return (n, 2): the angle about the vertical axis, and the way down from the vertex, mm."""
    x, y, z = mean[:, 0], mean[:, 1] - 40.0, mean[:, 2] - 10.0
    return np.stack([60.0 * np.arctan2(x, np.abs(z) + 30.0), np.hypot(y, z)], axis=1)


def _gaze(model: FaceModel) -> FloatArray:
    made = np.zeros((len(model.mean), 3))
    for part in (FIRST_EYEBALL, FIRST_EYEBALL + 1):
        own = np.unique(model.faces[model.part == part])
        places = model.mean[own].astype(float)
        middle = (places.min(axis=0) + places.max(axis=0)) / 2
        made[own] = (places - middle) / (np.ptp(places[:, 0]) / 2)
    return made


def _teeth(lips: FloatArray, heights_mm: tuple[float, float]) -> FloatArray:
    """Return (2 c, 3): the upper, then the lower edge of an arch behind the lips."""
    across = np.linspace(-1, 1, _TOOTH_COLUMNS)
    arch = np.stack(
        [
            _ARCH_HALF_WIDTH_MM * np.sin(across * np.pi / 2),
            np.zeros_like(across),
            -_ARCH_DEPTH_MM * (1 - np.cos(across * np.pi / 2)),
        ],
        axis=1,
    )
    rows = [lips + arch + (0.0, height, -_BEHIND_LIPS_MM) for height in heights_mm]
    return np.concatenate(rows)


def _strip(first: int) -> IntArray:
    column = np.arange(_TOOTH_COLUMNS - 1)
    a, b = first + column, first + column + 1
    c, d = a + _TOOTH_COLUMNS, b + _TOOTH_COLUMNS
    return np.concatenate([np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)]).astype(np.int32)
