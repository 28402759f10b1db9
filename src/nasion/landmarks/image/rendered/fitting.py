"""The face model laid on a photograph by its 68 points: camera, identity and expression by least squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nasion.geometry.camera import FRONTAL, Camera, image_center_px
from nasion.geometry.surface import FloatArray
from nasion.landmarks.surface.heads import FaceModel

_DISTANCE_MM: Final = 1500.0
"""Of the camera: that of the studio is not known, and a face's shape tells it poorly."""
_STEPS: Final = 12
_EXPRESSION_SD: Final = 0.15
"""Weights of expressions on faces that are meant to show none; identities have SD 1."""
_POINT_SD_PX: Final = 1.5
_JAW_SD_PX: Final = 4.0
"""Points of the outline belong to other vertices on each face."""
_JAW: Final = 17


@dataclass(frozen=True, eq=False)
class FittedFace:
    """A face of the model as a photograph shows it.

    Attributes
    ----------
    identity, expression
        Weights of the model's modes.
    vertices
        (n, 3) mm, with the expression.
    camera
        Of the photograph.

    """

    identity: FloatArray
    expression: FloatArray
    vertices: FloatArray
    camera: Camera


def fit_face(
    model: FaceModel,
    landmarks: NDArray[np.int64],
    points_px: FloatArray,
    image_size_px: tuple[int, int],
    identities: int = 60,
) -> FittedFace:
    """Return the likeliest face (Gauss-Newton; Gaussian priors on the weights, errors of 1.5 px, 4 px on the jaw).

    Parameters
    ----------
    model, landmarks
        The face model and its (68,) vertices.
    points_px
        (68, 2) of a nearly frontal face.
    image_size_px
        Width and height of the photograph; its middle is the camera's.
    identities
        Modes of identity used.

    """
    rows = landmarks
    mean = model.mean[rows].astype(float)
    modes = np.concatenate([model.identity[:identities, rows], model.expression[:, rows]]).astype(float)
    prior = np.concatenate([np.ones(identities), np.full(len(model.expression), _EXPRESSION_SD)])
    sd = np.where(np.arange(len(rows)) < _JAW, _JAW_SD_PX, _POINT_SD_PX)[:, None]
    middle = np.array(image_center_px(image_size_px))
    rotation, shift, focal = _first_camera(mean, points_px - middle)
    weights = np.zeros(len(modes))
    for _ in range(_STEPS):
        shape = mean + np.tensordot(weights, modes, 1)
        turned = shape @ rotation.T
        seen = turned + shift
        flat = focal * seen[:, :2] / seen[:, 2:]
        columns = _columns(turned, seen, focal, rotation, modes) / sd[:, :, None]
        residual = (points_px - middle - flat) / sd
        system = np.concatenate([columns.reshape(-1, columns.shape[2]), np.zeros((len(prior), columns.shape[2]))])
        system[-len(prior) :, -len(prior) :] = np.diag(1 / prior)
        goal = np.concatenate([residual.ravel(), -weights / prior])
        step = np.linalg.lstsq(system, goal, rcond=None)[0]
        rotation = Rotation.from_rotvec(step[:3]).as_matrix() @ rotation
        shift = shift + np.array([step[3], step[4], 0.0])
        focal = float(focal * np.exp(step[5]))
        weights = weights + step[6:]
    identity, expression = weights[:identities], weights[identities:]
    vertices = model.mean + np.tensordot(identity, model.identity[:identities], 1)
    vertices = vertices + np.tensordot(expression, model.expression, 1)
    camera = Camera(rotation, shift, focal, (float(middle[0]), float(middle[1])), image_size_px)
    return FittedFace(identity, expression, vertices.astype(float), camera)


def _first_camera(mean: FloatArray, points: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Return the rotation, shift and focal length of a frontal face of the right size in the right place."""
    flat = (mean @ FRONTAL.T)[:, :2]
    size = float(np.linalg.norm(points - points.mean(axis=0)) / np.linalg.norm(flat - flat.mean(axis=0)))
    away = np.append(points.mean(axis=0) / size - flat.mean(axis=0), _DISTANCE_MM)
    return FRONTAL, away, size * _DISTANCE_MM


def _columns(
    turned: FloatArray, seen: FloatArray, focal: float, rotation: FloatArray, modes: FloatArray
) -> NDArray[np.float64]:
    """Return (l, 2, 6 + k) derivatives of the picture's points by turn, shift, log focal length and weights."""
    count = len(turned)
    by_place = np.zeros((count, 2, 3))
    by_place[:, 0, 0] = by_place[:, 1, 1] = focal / seen[:, 2]
    by_place[:, :, 2] = -focal * seen[:, :2] / seen[:, 2:] ** 2
    by_turn = np.zeros((count, 3, 3))
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        by_turn[:, b, a], by_turn[:, c, a] = -turned[:, c], turned[:, b]
    by_modes = np.einsum("ij,klj->lik", rotation, modes)
    return np.concatenate(
        [
            by_place @ by_turn,
            by_place[:, :, :2],
            (focal * seen[:, :2] / seen[:, 2:])[:, :, None],
            by_place @ by_modes,
        ],
        axis=2,
    )
