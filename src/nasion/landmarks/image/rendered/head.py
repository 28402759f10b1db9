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

_PLACED: Final = {
    **{17: 270, 21: 2007, 22: 4207, 26: 2511},
    **{51: 5525, 55: 6358, 56: 6480, 58: 5976, 59: 5853, 61: 5709, 63: 6214, 65: 6485, 67: 5981},
}
"""Ends of brows and points of lips (row to vertex) whose own vertices lie 2 mm and more from where annotators mark
them; seen on faces fitted to the London Set, and on smiles."""
_EYE_CORNERS: Final = (36, 45)
_JAW_BEGINS: Final = 0.09
"""Of the jaw's first point below the eyes' outer corners, over their distance: the London Set's mean."""
_NOSE_TIP: Final = 30
_SIDE: Final = 4
"""Points of the jaw on the outline's upright side."""
_EDGE_POINTS: Final = 20
_STRIP_MM: Final = 2.5
_TURNED_AWAY: Final = 0.2
"""Cosine between skin and viewer below which skin belongs to the underside of the chin."""
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
    landmarks = _landmarks(mean, model, skin)
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


def _landmarks(mean: Mesh, model: FaceModel, skin: Vertices) -> Vertices:
    """Return (68,) vertices where annotators place the points.

    The jaw's divide the outline seen from the front into equal parts on each side of the chin, as in the London Set and
    300-W; the model's own lie above the chin's edge and crowd towards it.
    """
    result = model.ibug68.astype(np.int64)
    for row, vertex in _PLACED.items():
        result[row] = vertex
    outline = _outline(mean, result, skin)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(outline[:, :2], axis=0), axis=1))])
    curve = CubicSpline(along, outline)
    steps = np.linspace(0.0, along[-1], 2001)
    fine = curve(steps)
    eyes = mean.vertices[result[list(_EYE_CORNERS)]]
    top = eyes[:, 1].mean() - _JAW_BEGINS * float(np.linalg.norm(eyes[0] - eyes[1]))
    chin = steps[len(steps) // 2]
    first = float(steps[: len(steps) // 2][np.argmin(np.abs(fine[: len(steps) // 2, 1] - top))])
    goals = curve(np.linspace(first, chin, _CHIN + 1))
    for row in range(_CHIN + 1):
        result[row] = skin[np.argmin(np.linalg.norm(mean.vertices[skin] - goals[row], axis=1))]
        mirrored = mean.vertices[result[row]] * (-1.0, 1.0, 1.0)
        result[2 * _CHIN - row] = skin[np.argmin(np.linalg.norm(mean.vertices[skin] - mirrored, axis=1))]
    return result


def _outline(mean: Mesh, landmarks: Vertices, skin: Vertices) -> FloatArray:
    """Return (p, 3) the face's outline seen from the front, from ear to ear, symmetric.

    At the sides it runs through the model's own points; below, where the skin turns away from the viewer.
    """
    places, facing = mean.vertices[skin], mean.vertex_normals()[skin, 2]
    nose = mean.vertices[landmarks[_NOSE_TIP]]
    own = mean.vertices[landmarks[:_SIDE]]
    reach = np.linalg.norm((mean.vertices[landmarks[_SIDE : _CHIN + 1]] - nose)[:, :2], axis=1)
    offset = mean.vertices[landmarks[_SIDE : _CHIN + 1]] - nose
    angles = np.arctan2(offset[:, 0], -offset[:, 1])
    below = []
    for angle in np.linspace(angles[0], 0.0, _EDGE_POINTS):
        along = np.array([np.sin(angle), -np.cos(angle)])
        way = (places - nose)[:, :2] @ along
        beside = np.abs((places - nose)[:, :2] @ np.array([along[1], -along[0]]))
        radius = np.interp(angle, angles, reach)
        strip = np.flatnonzero((beside < _STRIP_MM) & (way > 0.85 * radius) & (way < 1.2 * radius) & (places[:, 2] > 0))
        strip = strip[np.argsort(way[strip])]
        turned = np.flatnonzero(facing[strip] < _TURNED_AWAY)
        edge = strip[max(0, turned[0] - 1) if len(turned) else -1]
        below.append([*(nose[:2] + way[edge] * along), places[edge, 2]])
    half = np.concatenate([own, np.array(below)])
    half[-1, 0] = 0.0
    return np.concatenate([half, half[-2::-1] * (-1.0, 1.0, 1.0)])


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
