"""What colour the pixels of a head have before light falls on them: skin, hair, cloth, mouth, teeth, eyes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nasion.geometry.interpolation import FloatImage
from nasion.geometry.raster import BoolImage
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.rendered.head import FIRST_EYEBALL, TEETH, HeadModel
from nasion.landmarks.image.rendered.sampling import Rng, sampled
from nasion.landmarks.image.rendered.scene import Scene
from nasion.landmarks.image.rendered.skin import Skin

CHANNELS: Final = 14
"""Of ``of_vertices``."""
_GAZE: Final = slice(10, 13)
_IRIS: Final = 0.40
_PUPIL: Final = 0.15
"""Radii on the eyeball, in units of its own."""
_INSIDE_MOUTH: Final = (0.09, 0.02, 0.018)
_TOOTH: Final = (0.55, 0.48, 0.38)
_SCLERA: Final = (0.46, 0.40, 0.37)
_MIDDLE_SKIN: Final = 0.3
_IRISES: Final = (
    (0.10, 0.045, 0.02),
    (0.05, 0.025, 0.015),
    (0.12, 0.10, 0.05),
    (0.10, 0.16, 0.20),
    (0.18, 0.20, 0.18),
)
_TONES: Final = 2048
"""Entries of the table that bends the skin's tone."""
_STRANDS_PX: Final = 4.0
"""Texture pixels to a millimetre of hair."""


@dataclass(frozen=True, eq=False)
class Cover:
    """Hair or a cap on the scalp, and cloth on the shoulders.

    Attributes
    ----------
    colour
        (3,) linear, of the hair.
    line_mm
        How far the hairline is moved up.
    edge_mm
        Softness of the hairline.
    volume_mm
        Height of the hair over the scalp.
    strands
        Contrast of its texture, 0 a smooth cap.
    texture
        (t, t) noise with mean 0, drawn along the strands.
    cloth
        (3,) linear colour, of the cloth.
    collar_mm
        How far the collar is moved up.

    """

    colour: FloatArray
    line_mm: float
    edge_mm: float
    volume_mm: float
    strands: float
    texture: FloatImage
    cloth: FloatArray
    collar_mm: float

    def rise_mm(self, head: HeadModel) -> FloatArray:
        """Return (n,) how far hair lifts the outline over each vertex."""
        return np.asarray(self.volume_mm * np.clip((head.scalp - self.line_mm) / 30.0, 0, 1) ** 0.7, float)


def of_vertices(head: HeadModel, skin: Skin, cover: Cover) -> FloatArray:
    """Return (n, 14): place in the photograph, trust, 1 / studio's light, fill, hair, hair's place, gaze, cloth."""
    hair = np.clip((head.scalp - cover.line_mm) / cover.edge_mm + 0.5, 0, 1)
    cloth = np.clip((cover.collar_mm - head.collar) / 2.0 + 0.5, 0, 1)
    parts = [skin.places_px, skin.trust, 1 / skin.shade, skin.fill, hair, head.strands, head.gaze, cloth]
    return head.with_teeth(np.concatenate([np.reshape(part, (len(hair), -1)) for part in parts], axis=1))


def colours(
    own: FloatImage, part: NDArray[np.uint8], front: BoolImage, skin: Skin, cover: Cover, scene: Scene, rng: Rng
) -> FloatImage:
    """Return the (p, 3) linear colours of pixels.

    Parameters
    ----------
    own
        (p, 14 or more) of the pixels, the first as in ``of_vertices``.
    part, front
        (p,) what each belongs to, and whether its outside is seen.
    skin, cover, scene
        See there.
    rng
        Of the colours of the eyes.

    """
    seen = sampled(skin.photograph, own[:, :2])
    noise = sampled(cover.texture, own[:, 8:10] * np.float32(_STRANDS_PX) % np.float32(len(cover.texture) - 1))[:, 0]
    # the tone bends colours about a middling skin, so that dark ones stay apart from light ones
    level = np.maximum(np.arange(_TONES) / (_TONES - 1) * 2, 0.002)
    tones = (_MIDDLE_SKIN * (level / _MIDDLE_SKIN) ** scene.tone).astype(np.float32)
    made = np.empty((len(own), 3), np.float32)
    _blend(own, seen, noise, tones, scene.tint, cover.colour, cover.strands, cover.cloth, made)
    made[~front & (part < FIRST_EYEBALL)] = _INSIDE_MOUTH
    made[part == TEETH] = _TOOTH
    eyes = (part >= FIRST_EYEBALL) & (part < TEETH)
    made[eyes] = _eyes(own[eyes, _GAZE], scene.gaze_deg, rng)
    return made


@njit(cache=True, nogil=True)
def _blend(
    own: Any, seen: Any, noise: Any, tones: Any, tint: Any, hair: Any, strands: float, cloth: Any, made: Any
) -> None:
    last = len(tones) - 1
    for p in range(len(own)):
        trust, unshaded, cover, worn, grain = own[p, 2], own[p, 3], own[p, 7], own[p, 13], noise[p]
        ragged = min(max(cover + 0.8 * grain * cover * (1.0 - cover), 0.0), 1.0)
        strand = math.exp(strands * grain) if ragged > 0.0 else 0.0
        for c in range(3):
            value = own[p, 4 + c] + trust * (seen[p, c] * unshaded - own[p, 4 + c])
            value = tones[int(min(max(0.5 * value, 0.0), 1.0) * last)] * tint[c]
            value += ragged * (hair[c] * strand - value)
            made[p, c] = value + worn * (cloth[c] * (1.0 + 0.1 * grain) - value)


def _eyes(gaze: FloatImage, turn_deg: tuple[float, float], rng: Rng) -> FloatImage:
    """Return (p, 3): sclera, iris and pupil by the angle to the axis of the eye."""
    a, b = np.radians(turn_deg)
    axis = np.array([np.sin(a) * np.cos(b), np.sin(b), np.cos(a) * np.cos(b)], np.float32)
    length = np.maximum(np.linalg.norm(gaze, axis=1), 1e-6)
    along = gaze @ axis / length
    away = np.where(along > 0, np.sqrt(np.maximum(1 - along**2, 0)), 1.0)[:, None]
    iris = np.array(_IRISES[rng.integers(len(_IRISES))]) * np.exp(rng.normal(0, 0.2, 3))
    rim = np.clip((away - 0.8 * _IRIS) / (0.2 * _IRIS), 0, 1)
    inner = iris * (1.1 - 0.6 * rim)
    made = np.array(_SCLERA) * rng.uniform(0.75, 1.15) * (1.0 - 0.35 * np.clip((away - 0.55) / 0.4, 0, 1))
    made = made + np.clip((_IRIS + 0.03 - away) / 0.05, 0, 1) * (inner - made)
    pupil = _PUPIL * rng.uniform(0.8, 1.4)
    return np.asarray(made * (1 - 0.95 * np.clip((pupil + 0.02 - away) / 0.04, 0, 1)), np.float32)
