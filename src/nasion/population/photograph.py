"""Photographs of virtual people, with camera, landmarks, visibility, mask and contours as truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.camera import FULL_FRAME_DIAGONAL_MM, Camera, image_center_px, pose_rotation
from nasion.geometry.raster import depth_of
from nasion.geometry.regions import visible_chin_jaw_contour, visible_forehead_contour
from nasion.geometry.shading import Lighting, render
from nasion.geometry.surface import FloatArray
from nasion.geometry.visibility import visible_in_depth
from nasion.population.person import Person

View = Literal["frontal", "lateral"]
VIEWS: Final[tuple[View, ...]] = ("frontal", "lateral")

HEAD_HEIGHT_MM: Final = 240.0

_FRAMINGS: Final = 1000


@dataclass(frozen=True)
class PhotographSettings:
    """How photographs vary; every range is drawn evenly unless said otherwise.

    Attributes
    ----------
    frontal_yaw_deg
        Largest turn to either side of a frontal photograph.
    lateral_yaw_deg
        (least, largest) turn of a lateral one, to either side.
    pitch_deg, roll_deg
        Largest nod and tilt.
    distance_mm
        (nearest, farthest) camera, drawn on a logarithmic scale.
    focal_35mm
        (shortest, longest) 35 mm equivalent focal length; framings that need another one are drawn again.
    head_share
        (least, largest) share of the picture's height that a head of 240 mm takes.
    image_height_px, aspect
        Of the picture; aspect is width over height.

    """

    frontal_yaw_deg: float = 20.0
    lateral_yaw_deg: tuple[float, float] = (60.0, 90.0)
    pitch_deg: float = 10.0
    roll_deg: float = 10.0
    distance_mm: tuple[float, float] = (500.0, 4000.0)
    focal_35mm: tuple[float, float] = (24.0, 300.0)
    head_share: tuple[float, float] = (0.4, 0.8)
    image_height_px: tuple[int, int] = (600, 1200)
    aspect: tuple[float, float] = (0.75, 1.34)


@dataclass(frozen=True)
class Shot:
    """How a photograph was taken: camera, pose of ``pose_rotation`` and the distance to the head's centre."""

    view: View
    camera: Camera
    pose_deg: tuple[float, float, float]
    distance_mm: float


@dataclass(frozen=True)
class LandmarkTruth:
    """Image points (2,) px of all facial landmarks and helpers, hidden ones too, and which of them are seen."""

    points_px: Mapping[str, FloatArray]
    visible: frozenset[str]


@dataclass(frozen=True, eq=False)
class VirtualPhotograph:
    """A rendered photograph with its truth.

    Attributes
    ----------
    image
        (h, w, 3) uint8 RGB.
    shot, landmarks
        How it was taken and where the landmarks are.
    face_mask
        (h, w) bool: the skin's silhouette, neck included.
    contours
        ``"chin_jaw"`` (frontal) or ``"forehead"`` (lateral), (n, 2) px; absent where the view shows none.

    """

    image: NDArray[np.uint8]
    shot: Shot
    landmarks: LandmarkTruth
    face_mask: NDArray[np.bool_]
    contours: Mapping[str, FloatArray]


def sample_shot(
    person: Person, view: View, rng: np.random.Generator, settings: PhotographSettings | None = None
) -> Shot:
    """Return a random camera for a person; the principal point is the picture's middle."""
    s = settings or PhotographSettings()
    if view == "frontal":
        yaw = rng.uniform(-s.frontal_yaw_deg, s.frontal_yaw_deg)
    else:
        yaw = rng.choice([-1.0, 1.0]) * rng.uniform(*s.lateral_yaw_deg)
    pose = (float(yaw), rng.uniform(-s.pitch_deg, s.pitch_deg), rng.uniform(-s.roll_deg, s.roll_deg))
    height = int(rng.integers(s.image_height_px[0], s.image_height_px[1] + 1))
    width = round(height * rng.uniform(*s.aspect))
    diagonal = float(np.hypot(width, height))
    for _ in range(_FRAMINGS):
        distance = float(np.exp(rng.uniform(*np.log(s.distance_mm))))
        share = rng.uniform(*s.head_share)
        focal = share * min(height, width) * distance / HEAD_HEIGHT_MM
        if s.focal_35mm[0] <= focal / diagonal * FULL_FRAME_DIAGONAL_MM <= s.focal_35mm[1]:
            break
    else:
        raise NasionError("no focal length frames a head at these distances; widen focal_35mm or distance_mm")
    rotation = pose_rotation(*pose)
    room = (1 - share) / 2 * HEAD_HEIGHT_MM / share * 0.6
    shift = np.array([rng.uniform(-room, room), rng.uniform(-room, room), distance])
    center = _head_center(person)
    translation = shift - rotation @ center
    camera = Camera(rotation, translation, float(focal), image_center_px((width, height)), (width, height))
    return Shot(view, camera, pose, float(np.linalg.norm(camera.center_mm - center)))


def _head_center(person: Person) -> FloatArray:
    middle: FloatArray = (person.facial["bregma"] + person.facial["gnathion"]) / 2
    return middle


def landmark_truth(person: Person, camera: Camera, depth: NDArray[np.float32] | None = None) -> LandmarkTruth:
    """Return where a camera sees a person's facial landmarks and helpers.

    Parameters
    ----------
    person, camera
        Who and how.
    depth
        (h, w) depth map of the face in this camera; drawn here where it is None.

    """
    names = [*person.facial, *person.facial_helpers]
    points = np.array([*person.facial.values(), *person.facial_helpers.values()])
    if depth is None:
        depth = depth_of(person.face, camera)[0]
    seen = visible_in_depth(points, depth, camera)
    return LandmarkTruth(
        dict(zip(names, camera.project(points), strict=True)),
        frozenset(name for name, visible in zip(names, seen, strict=True) if visible),
    )


def take_photograph(
    person: Person, view: View, rng: np.random.Generator, settings: PhotographSettings | None = None
) -> VirtualPhotograph:
    """Return a rendered photograph; light and background vary with ``rng`` alone, not with the person."""
    shot = sample_shot(person, view, rng, settings)
    drawn = render(
        person.face, shot.camera, albedo=person.face_albedo, lighting=_lighting(rng), background=_background(rng)
    )
    return VirtualPhotograph(
        drawn.image, shot, landmark_truth(person, shot.camera, drawn.depth), drawn.mask, face_contours(person, shot)
    )


def _lighting(rng: np.random.Generator) -> Lighting:
    from_left = rng.choice([-1.0, 1.0])
    return Lighting(
        key_direction=(float(from_left * rng.uniform(0.1, 0.8)), float(rng.uniform(-0.9, -0.3)), -0.6),
        key=float(rng.uniform(0.65, 0.85)),
        fill_direction=(float(-from_left * 0.75), -0.1, -0.65),
        fill=float(rng.uniform(0.12, 0.3)),
        sky=float(rng.uniform(0.2, 0.32)),
    )


def _background(rng: np.random.Generator) -> FloatArray:
    brightness = rng.uniform(0.35, 0.95)
    return np.clip(brightness + rng.normal(0, 0.02, 3), 0.0, 1.0)


def face_contours(person: Person, shot: Shot) -> dict[str, FloatArray]:
    """Return the ``"chin_jaw"`` (frontal) or ``"forehead"`` (lateral) curve, (n, 2) px; empty where none is seen."""
    helpers = person.facial_helpers
    try:
        if shot.view == "lateral":
            forehead = visible_forehead_contour(
                person.face, shot.camera, person.facial["glabella"], person.facial["metopion"]
            )
            return {"forehead": forehead}
        right, left = helpers["cheilion_right"], helpers["cheilion_left"]
        curve = visible_chin_jaw_contour(person.face, shot.camera, (right + left) / 2, right, left)
    except (NasionError, KeyError):
        # this view shows no such edge, or the template has no corners of the mouth
        return {}
    # A double chin may have no edge at the jaw; the lower lip's is no substitute.
    mouth, pogonion = shot.camera.project(np.array([(right + left) / 2, person.facial["pogonion"]]))
    reaches = ((curve - mouth) @ (pogonion - mouth)).max() > (pogonion - mouth) @ (pogonion - mouth)
    return {"chin_jaw": curve} if reaches else {}
