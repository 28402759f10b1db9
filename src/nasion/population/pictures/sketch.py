"""Simple pencil sketches of a face: outlines and creases as lines, shadows as hatching.

Not an artist's hand: proportions are exact, nothing is left out or exaggerated, nothing is drawn from memory.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.geometry.shading import Lighting, render
from nasion.geometry.surface import FloatArray
from nasion.population.person import Person
from nasion.population.photograph import LandmarkTruth, Shot, View, landmark_truth
from nasion.population.pictures.portrait import PortraitSettings, sample_portrait_shot


@dataclass(frozen=True)
class Hand:
    """What is drawn for one sketch.

    Attributes
    ----------
    light
        Where the light comes from: to the picture's right (-1 to 1) and down (-1 to 1).
    lines, tone
        Strength of lines and of shadows.
    hatch_deg, hatch_px
        Direction and fineness of the strokes.
    paper
        Grey level.
    seed
        Of the strokes.

    """

    light: tuple[float, float]
    lines: float
    tone: float
    hatch_deg: float
    hatch_px: float
    paper: float
    seed: int

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Hand:
        """Return the hand of one sketch."""
        return cls(
            light=(float(rng.uniform(-0.8, 0.8)), float(rng.uniform(-0.8, -0.2))),
            lines=float(rng.uniform(0.7, 1.1)),
            tone=float(rng.uniform(0.35, 0.7)),
            hatch_deg=float(rng.uniform(25.0, 65.0)),
            hatch_px=float(rng.uniform(0.6, 1.2)),
            paper=float(rng.uniform(225.0, 250.0)),
            seed=int(rng.integers(2**31)),
        )


@dataclass(frozen=True, eq=False)
class Sketch:
    """A sketch: (h, w) uint8, the view it was drawn in, where the facial landmarks are and which are seen."""

    image: NDArray[np.uint8]
    shot: Shot
    hand: Hand
    landmarks: LandmarkTruth

    def nuisance(self) -> dict[str, Any]:
        """Return all that does not belong to the person, by name."""
        return {
            "pose_deg": list(self.shot.pose_deg),
            "distance_mm": self.shot.distance_mm,
            "focal_px": self.shot.camera.focal_px,
            "shift_mm": [float(v) for v in self.shot.camera.translation_mm[:2]],
            "hand": asdict(self.hand),
        }


def draw_sketch(
    person: Person,
    view: View,
    albedo: FloatArray,
    rng: np.random.Generator,
    settings: PortraitSettings | None = None,
) -> Sketch:
    """Return a sketch of a bald head.

    Parameters
    ----------
    person, view
        Who, and from where.
    albedo
        (n, 3) colours of the template's bald head (``bald_albedo``), for brows, eyes and lips.
    rng
        Of everything but the shape.
    settings
        Of its framing and pose.

    """
    s = settings or PortraitSettings()
    shot = sample_portrait_shot(person, view, rng, s)
    hand = Hand.drawn(rng)
    lighting = Lighting(
        key_direction=(*hand.light, -0.6), key=0.7, fill=0.15, sky=0.3, wrap=0.3, highlight=0.0, occlusion=0.9
    )
    skin = np.median(albedo, axis=0)
    pale = np.clip(albedo.mean(axis=1, keepdims=True) / skin.mean() * 0.9, 0.0, 1.0)
    drawn = render(
        person.face, shot.camera, albedo=np.repeat(pale, 3, axis=1), lighting=lighting, background=(1.0, 1.0, 1.0)
    )
    grey = drawn.image[..., 0].astype(np.float32) / 255.0
    image = _penciled(grey, _outline(drawn.depth, drawn.mask), drawn.mask, hand)
    return Sketch(image, shot, hand, landmark_truth(person, shot.camera, drawn.depth))


def _outline(depth: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return 0 to 1: where depth jumps by millimetres from pixel to pixel."""
    far = np.where(mask, depth, np.float32(depth[mask].max() + 40.0) if mask.any() else np.float32(0))
    kernel = np.ones((3, 3), np.uint8)
    jump = cv2.dilate(far, kernel) - cv2.erode(far, kernel)
    line = np.clip((jump - 7.0) / 12.0, 0.0, 1.0).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(line, (0, 0), 0.7), dtype=np.float32)


def _penciled(
    grey: NDArray[np.float32], outline: NDArray[np.float32], mask: NDArray[np.bool_], hand: Hand
) -> NDArray[np.uint8]:
    rng = np.random.default_rng(hand.seed)
    # lines: what is darker than its surroundings (dividing by a blurred picture)
    around = cv2.GaussianBlur(grey, (0, 0), 2.5)
    creases = np.clip(1.15 * (1.0 - grey / np.maximum(around, 0.02)) - 0.02, 0.0, 1.0)
    strokes = _strokes(grey.shape, hand, rng)
    shadow = np.where(mask, np.clip(0.95 - grey, 0.0, 1.0), 0.0) * (0.75 + 0.5 * strokes)
    ink = hand.lines * (2.2 * creases + 0.75 * outline) + hand.tone * shadow
    grain = 1.0 + 0.15 * rng.standard_normal(grey.shape, dtype=np.float32)
    paper = hand.paper + 2.0 * rng.standard_normal(grey.shape, dtype=np.float32)
    levels = np.rint(paper * (1.0 - np.clip(ink * grain, 0.0, 0.92)))
    return np.asarray(np.clip(levels, 0, 255), dtype=np.uint8)


def _strokes(shape: tuple[int, ...], hand: Hand, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return noise drawn out along one direction, about -1 to 1."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    length = 15
    kernel = np.zeros((length, length), np.float32)
    along = np.deg2rad(hand.hatch_deg)
    half = length // 2
    reach = (round(float(half * np.cos(along))), round(float(half * np.sin(along))))
    cv2.line(kernel, (half - reach[0], half + reach[1]), (half + reach[0], half - reach[1]), 1.0)
    drawn = cv2.GaussianBlur(cv2.filter2D(noise, -1, kernel), (0, 0), hand.hatch_px)
    return np.asarray(np.clip(drawn / (2.0 * drawn.std()), -1.0, 1.0), dtype=np.float32)
