"""Photographs of virtual people whose rendering says nothing about who they are.

Light, complexion, spots of the skin, hair, background, camera, pose and noise are all drawn for one picture, from
random numbers of that picture alone: what two pictures of a person share is the shape.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nasion.geometry.camera import Camera, pose_rotation
from nasion.geometry.shading import Lighting, render
from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.person import Person
from nasion.population.photograph import HEAD_HEIGHT_MM, LandmarkTruth, Shot, View, landmark_truth
from nasion.population.pictures.hair import HairStyle, hair_cap

_MOTTLES: Final = 24
_SPOTS: Final = 40
_SPOT_REACH_MM: Final = 5.0


@dataclass(frozen=True)
class PortraitSettings:
    """How portraits vary; ranges are drawn evenly unless said otherwise.

    Attributes
    ----------
    size_px
        Width and height.
    frontal_yaw_deg
        Largest turn to either side of a frontal portrait.
    lateral_yaw_deg
        (least, largest) turn of a lateral one; it looks to the picture's right, as X-rays do.
    pitch_deg, roll_deg
        Largest nod and tilt.
    distance_mm
        (nearest, farthest) camera, on a logarithmic scale.
    head_share
        (least, largest) share of the picture that a head of 240 mm takes.
    noise_levels, blur_px
        Largest SD of the sensor's noise, in grey levels, and of the lens' blur.

    """

    size_px: int = 256
    frontal_yaw_deg: float = 12.0
    lateral_yaw_deg: tuple[float, float] = (74.0, 96.0)
    pitch_deg: float = 8.0
    roll_deg: float = 6.0
    distance_mm: tuple[float, float] = (900.0, 3500.0)
    head_share: tuple[float, float] = (0.66, 0.86)
    noise_levels: float = 6.0
    blur_px: float = 0.8


@dataclass(frozen=True)
class Look:
    """What is drawn for one portrait besides its camera.

    Attributes
    ----------
    lighting
        The lights.
    complexion
        From 0, light, to 1, dark; most are light to middle.
    white_balance
        Gains of red, green, blue.
    mottle, spots
        Strength of the skin's uneven colour and number of its spots.
    background, background_slope
        sRGB colour of its middle and change to the sides.
    noise_levels, blur_px
        Of the sensor and the lens.
    seed
        Of the mottles' places and of the noise.

    """

    lighting: Lighting
    complexion: float
    white_balance: tuple[float, float, float]
    mottle: float
    spots: int
    background: tuple[float, float, float]
    background_slope: tuple[float, float]
    noise_levels: float
    blur_px: float
    seed: int


@dataclass(frozen=True, eq=False)
class Portrait:
    """A portrait: (h, w, 3) uint8 RGB, how it was taken, where the facial landmarks are and which are seen."""

    image: NDArray[np.uint8]
    shot: Shot
    look: Look
    hair: HairStyle | None
    landmarks: LandmarkTruth

    def nuisance(self) -> dict[str, Any]:
        """Return all that does not belong to the person, by name."""
        camera = self.shot.camera
        return {
            "pose_deg": list(self.shot.pose_deg),
            "distance_mm": self.shot.distance_mm,
            "focal_px": camera.focal_px,
            "shift_mm": [float(v) for v in camera.translation_mm[:2]],
            "look": asdict(self.look),
            "hair": None if self.hair is None else self.hair.nuisance(),
        }


def sample_portrait_shot(person: Person, view: View, rng: np.random.Generator, settings: PortraitSettings) -> Shot:
    """Return a random camera for a person's portrait."""
    s = settings
    yaw = float(
        rng.uniform(-s.frontal_yaw_deg, s.frontal_yaw_deg) if view == "frontal" else rng.uniform(*s.lateral_yaw_deg)
    )
    pitch, roll = float(rng.uniform(-s.pitch_deg, s.pitch_deg)), float(rng.uniform(-s.roll_deg, s.roll_deg))
    # seen from the side the head's axis of nodding points to the camera
    pose = (yaw, pitch, roll) if view == "frontal" else (yaw, -roll, pitch)
    distance = float(np.exp(rng.uniform(*np.log(s.distance_mm))))
    share = float(rng.uniform(*s.head_share))
    room = (1.0 - share) / 2 * HEAD_HEIGHT_MM / share * 0.6
    shift = rng.uniform(-room, room, 2)
    rotation = pose_rotation(*pose)
    skull = person.skull.vertices
    center = (skull.min(axis=0) + skull.max(axis=0)) / 2
    translation = np.array([shift[0], shift[1], distance]) - rotation @ center
    middle = (s.size_px - 1) / 2
    camera = Camera(
        rotation, translation, share * s.size_px * distance / HEAD_HEIGHT_MM, (middle, middle), (s.size_px, s.size_px)
    )
    return Shot(view, camera, pose, distance)


def sample_look(rng: np.random.Generator, settings: PortraitSettings) -> Look:
    """Return random light, skin, background and sensor."""
    side = rng.uniform(-0.9, 0.9)
    level = rng.uniform(0.75, 1.12)
    brightness = rng.uniform(0.15, 0.95)
    background = np.clip(brightness + rng.normal(0, 0.06, 3), 0.0, 1.0)
    balance = np.exp(rng.normal(0.0, 0.03, 3))
    lighting = Lighting(
        key_direction=(float(side), float(rng.uniform(-0.95, 0.1)), -0.6),
        key=float(level * rng.uniform(0.5, 0.85)),
        fill_direction=(float(-np.sign(side) * rng.uniform(0.4, 0.9)), float(rng.uniform(-0.4, 0.2)), -0.65),
        fill=float(level * rng.uniform(0.05, 0.35)),
        sky=float(level * rng.uniform(0.15, 0.38)),
        ground=float(level * rng.uniform(0.05, 0.16)),
        wrap=float(rng.uniform(0.1, 0.4)),
        highlight=float(rng.uniform(0.0, 0.2)),
        occlusion=float(rng.uniform(0.5, 0.9)),
    )
    return Look(
        lighting=lighting,
        complexion=float(rng.beta(1.2, 1.8)),
        white_balance=(float(balance[0]), float(balance[1]), float(balance[2])),
        mottle=float(rng.uniform(0.0, 0.06)),
        spots=int(rng.integers(0, _SPOTS + 1)),
        background=(float(background[0]), float(background[1]), float(background[2])),
        background_slope=(float(rng.normal(0, 0.12)), float(rng.normal(0, 0.12))),
        noise_levels=float(rng.uniform(0.5, settings.noise_levels)),
        blur_px=float(rng.uniform(0.05, settings.blur_px)),
        seed=int(rng.integers(2**31)),
    )


class Sitters:
    """Takes portraits of one template's people.

    Parameters
    ----------
    vertices
        (n, 3) the template's face, by which places on all people's skin are known.
    albedo
        (n, 3) sRGB of a bald head of middling complexion (``bald_albedo``).

    """

    def __init__(self, vertices: FloatArray, albedo: FloatArray) -> None:
        self._vertices = vertices
        self._albedo = albedo
        self._tree = cKDTree(vertices)

    def portrait(
        self,
        person: Person,
        view: View,
        rng: np.random.Generator,
        settings: PortraitSettings | None = None,
        *,
        with_hair: bool = False,
    ) -> Portrait:
        """Return a portrait; all but the shape is drawn from ``rng``."""
        s = settings or PortraitSettings()
        shot = sample_portrait_shot(person, view, rng, s)
        look = sample_look(rng, s)
        style = HairStyle.drawn(rng) if with_hair else None
        own = np.random.default_rng(look.seed)
        mesh, albedo = person.face, self._skin(look, own)
        if style is not None:
            cap, colors = hair_cap(person, style)
            mesh = Mesh(
                np.concatenate([mesh.vertices, cap.vertices]),
                np.concatenate([mesh.faces, cap.faces + len(mesh.vertices)]),
            )
            albedo = np.concatenate([albedo, colors])
        balanced = np.clip(albedo * look.white_balance, 0.0, 1.0)
        background = _background(look, s.size_px)
        drawn = render(mesh, shot.camera, albedo=balanced, lighting=look.lighting, background=background)
        image = _through_lens(drawn.image, look, own)
        return Portrait(image, shot, look, style, landmark_truth(person, shot.camera, drawn.depth))

    def _skin(self, look: Look, rng: np.random.Generator) -> FloatArray:
        """Return the colours of a complexion with mottles and spots, (n, 3) sRGB."""
        light, dark = np.array([1.12, 1.17, 1.19]), np.array([0.50, 0.40, 0.35])
        tone = light * (1 - look.complexion) + dark * look.complexion
        waves = rng.normal(0.0, 1.0 / rng.uniform(4.0, 25.0, (_MOTTLES, 1)), (_MOTTLES, 3))
        phases = self._vertices.astype(np.float32) @ waves.T.astype(np.float32)
        uneven = np.sin(phases + rng.uniform(0, 2 * np.pi, _MOTTLES).astype(np.float32)).mean(axis=1)
        shade = 1.0 + look.mottle * np.sqrt(_MOTTLES) * uneven
        for place in rng.integers(0, len(self._vertices), look.spots):
            near = self._tree.query_ball_point(self._vertices[place], _SPOT_REACH_MM)
            gap2 = ((self._vertices[near] - self._vertices[place]) ** 2).sum(axis=1)
            shade[near] -= 0.25 * np.exp(-gap2 / (2 * rng.uniform(0.8, 2.0) ** 2))
        blotchy = shade[:, None] ** np.array([0.6, 1.1, 1.2])
        colors: FloatArray = np.clip(self._albedo * tone * blotchy, 0.0, 1.0)
        return colors


def _background(look: Look, size_px: int) -> NDArray[np.uint8]:
    at = np.linspace(-0.5, 0.5, size_px)
    slope = look.background_slope[0] * at[None, :] + look.background_slope[1] * at[:, None]
    levels = 255.0 * (np.asarray(look.background) + slope[..., None])
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _through_lens(image: NDArray[np.uint8], look: Look, rng: np.random.Generator) -> NDArray[np.uint8]:
    blurred = cv2.GaussianBlur(image.astype(np.float32), (0, 0), look.blur_px)
    noise = rng.standard_normal(image.shape[:2], dtype=np.float32)[..., None]
    color_noise = rng.standard_normal(image.shape, dtype=np.float32)
    noisy = blurred + look.noise_levels * (0.8 * noise + 0.4 * color_noise)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
