"""What a picture of a head is drawn from by chance: person, expression, pose, camera, light, hair, faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.rendered.sampling import Rng

PICTURE_PX: Final = 288
YAW_LIMIT_DEG: Final = 80.0
PITCH_LIMIT_DEG: Final = 25.0
DISTANCE_MM: Final = (400.0, 4000.0)
IDENTITIES: Final = 60
_FACE_SHARE: Final = (0.42, 0.66)
"""Longer side of the box of the 68 points, over the picture's."""
_TURNED: Final = 0.45
"""Share of pictures whose yaw is drawn evenly; the others look near the camera."""
_OWN_SHAPE: Final = 0.35
"""Share of pictures whose skull is mostly that of the person whose skin is drawn."""

_PAIRED: Final = {
    "mouthSmile": (0.55, 0.9),
    "mouthUpperUp": (0.3, 0.6),
    "mouthLowerDown": (0.22, 0.6),
    "mouthStretch": (0.1, 0.6),
    "mouthFrown": (0.06, 0.5),
    "mouthDimple": (0.1, 0.6),
    "mouthPress": (0.1, 0.7),
    "cheekSquint": (0.15, 0.7),
    "eyeSquint": (0.2, 0.9),
    "eyeWide": (0.12, 0.8),
    "eyeBlink": (0.18, 1.0),
    "browDown": (0.15, 0.8),
    "browInnerUp": (0.12, 0.7),
    "browOuterUp": (0.15, 0.8),
    "noseSneer": (0.06, 0.5),
    "eyeLookDown": (0.2, 0.7),
    "eyeLookUp": (0.1, 0.6),
}
_SINGLE: Final = {
    "jawOpen": (0.45, 0.5),
    "jawLeft": (0.05, 0.5),
    "jawRight": (0.05, 0.5),
    "mouthFunnel": (0.08, 0.6),
    "mouthPucker": (0.08, 0.8),
    "mouthLeft": (0.05, 0.5),
    "mouthRight": (0.05, 0.5),
    "mouthRollLower": (0.08, 0.6),
    "mouthShrugLower": (0.08, 0.6),
}
"""Expressions, how often they are met in a picture that is not neutral, and their largest weight."""
_NEUTRAL: Final = 0.2
_LAUGHING: Final = 0.3
"""Share of pictures without an expression; of the others, those with a smile that shows teeth."""
_LAUGH: Final = {"mouthSmile": (0.5, 1.0), "mouthUpperUp": (0.1, 0.6), "mouthLowerDown": (0.0, 0.6)}
"""Weights of a smile that shows teeth."""
_LAUGH_JAW: Final = (0.02, 0.35)


@dataclass(frozen=True, eq=False)
class Light:
    """Lights in camera axes, linear strengths.

    Attributes
    ----------
    key_direction
        (3,) unit, toward the main light.
    key, sky, ground, fill
        (3,) colours: main light, light from above and below, light from the camera.
    wrap
        How far the main light reaches round the terminator.
    shine
        Strength of reflections.
    shadow_px
        Softness of the head's own shadows.

    """

    key_direction: FloatArray
    key: FloatArray
    sky: FloatArray
    ground: FloatArray
    fill: FloatArray
    wrap: float
    shine: float
    shadow_px: float


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture's draws.

    Attributes
    ----------
    identity, expression
        Weights of the face model's modes.
    yaw_deg, pitch_deg, roll_deg
        See ``geometry.camera.pose_rotation``.
    distance_mm
        From the camera to the face.
    face_share, offset
        Size of the face in the picture, and where its middle lies off the picture's, shares of the side.
    gaze_deg
        Turn of both eyes to the subject's left and up.
    light
        See there.
    tone, tint
        Exponent of the skin's colour and factors (3,) of its channels.
    exposure
        Mean linear luminance of the face.

    """

    identity: FloatArray
    expression: FloatArray
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    distance_mm: float
    face_share: float
    offset: tuple[float, float]
    gaze_deg: tuple[float, float]
    light: Light
    tone: float
    tint: FloatArray
    exposure: float

    @property
    def rotation(self) -> FloatArray:
        """Head to camera axes."""
        return pose_rotation(self.yaw_deg, self.pitch_deg, self.roll_deg)


def drawn_scene(own_identity: FloatArray, expressions: tuple[str, ...], rng: Rng) -> Scene:
    """Return a picture's draws.

    Parameters
    ----------
    own_identity
        Weights of the person whose skin is drawn.
    expressions
        Names of the face model's modes of expression.
    rng
        Source of chance.

    """
    yaw = rng.uniform(-YAW_LIMIT_DEG, YAW_LIMIT_DEG) if rng.random() < _TURNED else rng.normal(0, 16)
    strange = rng.normal(0, 0.9, IDENTITIES)
    own = 0.8 if rng.random() < _OWN_SHAPE else 0.3
    identity = np.clip(own * own_identity[:IDENTITIES] + np.sqrt(1 - own**2) * strange, -2.5, 2.5)
    low, high = np.log(DISTANCE_MM)
    turned_eyes = rng.random() < 0.5
    return Scene(
        identity=identity,
        expression=drawn_expression(expressions, rng),
        yaw_deg=float(np.clip(yaw, -YAW_LIMIT_DEG, YAW_LIMIT_DEG)),
        pitch_deg=float(np.clip(rng.normal(0, 11), -PITCH_LIMIT_DEG, PITCH_LIMIT_DEG)),
        roll_deg=float(rng.normal(0, 10)),
        distance_mm=float(np.exp(rng.uniform(low, high))),
        face_share=float(rng.uniform(*_FACE_SHARE)),
        offset=(float(rng.uniform(-0.06, 0.06)), float(rng.uniform(-0.06, 0.06))),
        gaze_deg=(float(rng.normal(0, 14)), float(rng.normal(0, 6))) if turned_eyes else (0.0, 0.0),
        light=drawn_light(rng),
        tone=float(np.exp(rng.normal(0, 0.22))),
        tint=np.exp(rng.normal(0, 0.06, 3)),
        exposure=float(np.exp(rng.uniform(np.log(0.10), np.log(0.42)))),
    )


def drawn_expression(names: tuple[str, ...], rng: Rng) -> FloatArray:
    """Return weights of the modes of expression; both sides of a pair move nearly alike."""
    weights = np.zeros(len(names))
    if rng.random() < _NEUTRAL:
        return weights
    for name, (chance, most) in _SINGLE.items():
        if rng.random() < chance:
            weights[names.index(name)] = most * rng.random()
    for name, (chance, most) in _PAIRED.items():
        if rng.random() < chance:
            both = most * np.sqrt(rng.random()) if name == "eyeBlink" else most * rng.random()
            uneven = 0.4 if rng.random() < 0.15 else 0.08
            for side in ("_L", "_R"):
                weights[names.index(name + side)] = np.clip(both * (1 + uneven * rng.normal()), 0, 1)
    if rng.random() < _LAUGHING:
        for name, limits in _LAUGH.items():
            weights[[names.index(name + "_L"), names.index(name + "_R")]] = rng.uniform(*limits)
        weights[names.index("jawOpen")] = rng.uniform(*_LAUGH_JAW)
    return weights


def drawn_light(rng: Rng) -> Light:
    """Return lights from anywhere in front of, beside or over the head; some flat, some hard."""
    across, up = rng.uniform(-85, 85), rng.uniform(-15, 70)
    a, b = np.radians(across), np.radians(up)
    direction = np.array([np.sin(a) * np.cos(b), -np.sin(b), -np.cos(a) * np.cos(b)])

    def colour(strength: float, spread: float) -> FloatArray:
        warm = rng.normal(0, spread)
        cast: FloatArray = np.exp(np.array([warm, rng.normal(0, spread / 4), -warm]))
        return strength * cast

    hard = rng.random()
    return Light(
        key_direction=direction,
        key=colour(1.3 * hard, 0.08),
        sky=colour(rng.uniform(0.25, 0.7), 0.06),
        ground=colour(rng.uniform(0.08, 0.45), 0.06),
        fill=colour(rng.uniform(0.0, 0.6), 0.04),
        wrap=float(rng.uniform(0.05, 0.5)),
        shine=float(rng.uniform(0.0, 0.35)),
        shadow_px=float(rng.uniform(1.0, 8.0)),
    )


def camera_of(scene: Scene, points_mm: FloatArray) -> Camera:
    """Return the camera that shows the box of the 68 points (68, 3) in its size and place."""
    size = (PICTURE_PX, PICTURE_PX)
    middle = points_mm.mean(axis=0)
    shift = np.array([0.0, 0.0, scene.distance_mm]) - scene.rotation @ middle
    trial = Camera(scene.rotation, shift, 1000.0, (0.0, 0.0), size).project(points_mm)
    low, high = trial.min(axis=0), trial.max(axis=0)
    factor = scene.face_share * PICTURE_PX / float((high - low).max())
    centre = np.array(image_center_px(size)) + np.array(scene.offset) * PICTURE_PX - factor * (low + high) / 2
    return Camera(scene.rotation, shift, 1000.0 * factor, (float(centre[0]), float(centre[1])), size)
