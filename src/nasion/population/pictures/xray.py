"""X-rays of virtual people, frontal and lateral, as in cephalometry.

The source is a point 1.5 m from the head's middle, the head in a holder that leaves some play. Lateral pictures look
to the right; frontal ones are taken from behind (postero-anterior) and shown as if the person faced the viewer, so
their camera's rotation is a reflection.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.camera import Camera, pose_rotation
from nasion.geometry.surface import FloatArray
from nasion.population.person import Person
from nasion.population.photograph import View
from nasion.population.pictures.anatomy import Anatomy
from nasion.population.pictures.film import Exposure, FilmSettings, developed
from nasion.population.template import Points

FINE: Final = 2
"""Rays a pixel along each side."""


@dataclass(frozen=True)
class XraySettings:
    """How X-rays vary.

    Attributes
    ----------
    size_px
        Width and height of a picture.
    source_mm
        (least, largest) distance of the source to the head's middle.
    field_mm
        (least, largest) side of the picture, measured at the head's middle.
    yaw_sd_deg, pitch_sd_deg, roll_sd_deg
        Play of the head in its holder, normal, cut at 2.5 SD.
    shift_sd_mm
        Of the head's middle in the picture, along each side, cut likewise.
    film
        Scatter, noise, exposure.

    """

    size_px: int = 256
    source_mm: tuple[float, float] = (1450.0, 1600.0)
    field_mm: tuple[float, float] = (244.0, 272.0)
    yaw_sd_deg: float = 1.5
    pitch_sd_deg: float = 3.0
    roll_sd_deg: float = 1.5
    shift_sd_mm: float = 4.0
    film: FilmSettings = field(default_factory=FilmSettings)


@dataclass(frozen=True)
class XrayShot:
    """How an X-ray was taken: the source as a camera, the head's turn from the view's own pose, the picture's scale."""

    view: View
    camera: Camera
    turn_deg: tuple[float, float, float]
    source_mm: float
    mm_per_px: float
    shift_mm: tuple[float, float]


@dataclass(frozen=True, eq=False)
class VirtualXray:
    """An X-ray: (h, w) uint8, bone bright; cranial landmarks and helpers in it by name, (2,) px; how it was taken."""

    image: NDArray[np.uint8]
    shot: XrayShot
    exposure: Exposure
    landmarks_px: dict[str, FloatArray]

    def nuisance(self) -> dict[str, Any]:
        """Return all that does not belong to the person, by name."""
        shot = self.shot
        return {
            "turn_deg": list(shot.turn_deg),
            "source_mm": shot.source_mm,
            "mm_per_px": shot.mm_per_px,
            "shift_mm": list(shot.shift_mm),
            "exposure": asdict(self.exposure),
        }


def sample_xray_shot(
    skull_middle_mm: FloatArray, view: View, rng: np.random.Generator, settings: XraySettings
) -> XrayShot:
    """Return a random set-up for a head in its Frankfurt frame with the origin between the ears.

    Parameters
    ----------
    skull_middle_mm
        (3,) middle of the skull's box, which is framed.
    view, rng, settings
        See ``take_xray``.

    """
    sd = np.array([settings.yaw_sd_deg, settings.pitch_sd_deg, settings.roll_sd_deg])
    turn = sd * np.clip(rng.standard_normal(3), -2.5, 2.5)
    shift = settings.shift_sd_mm * np.clip(rng.standard_normal(2), -2.5, 2.5)
    source = float(rng.uniform(*settings.source_mm))
    mm_per_px = float(rng.uniform(*settings.field_mm)) / settings.size_px
    rotation = _rotation(view, *(float(angle) for angle in turn))
    focal = source / mm_per_px
    # the central ray runs through the ears; the picture shows the whole head
    translation = np.array([0.0, 0.0, source])
    seen = rotation @ skull_middle_mm + translation
    at = (settings.size_px - 1) / 2 - focal * seen[:2] / seen[2] + shift / mm_per_px
    camera = Camera(rotation, translation, focal, (float(at[0]), float(at[1])), (settings.size_px, settings.size_px))
    angles = (float(turn[0]), float(turn[1]), float(turn[2]))
    return XrayShot(view, camera, angles, source, mm_per_px, (float(shift[0]), float(shift[1])))


def _rotation(view: View, yaw_deg: float, pitch_deg: float, roll_deg: float) -> FloatArray:
    """Return the rotation to the source's axes of a head turned from a view's own pose by small angles."""
    if view == "lateral":
        # in a profile a nod turns the picture, and a head tilts towards the film
        return pose_rotation(90.0 + yaw_deg, -roll_deg, pitch_deg)
    behind: FloatArray = np.diag([-1.0, 1.0, 1.0]) @ pose_rotation(180.0 + yaw_deg, -pitch_deg, -roll_deg)
    return behind


def take_xray(
    person: Person,
    anatomy: Anatomy,
    view: View,
    rng: np.random.Generator,
    bone_rng: np.random.Generator,
    settings: XraySettings | None = None,
) -> tuple[VirtualXray, VirtualXray]:
    """Return an X-ray and the same with the soft tissue taken out, on another film.

    Parameters
    ----------
    person, anatomy
        Who, and ``Anatomy.of`` the person's template.
    view
        Frontal or lateral.
    rng
        Of the set-up and of the first film.
    bone_rng
        Of the second film.
    settings
        How they vary.

    """
    s = settings or XraySettings()
    skull = person.skull.vertices
    shot = sample_xray_shot((skull.min(axis=0) + skull.max(axis=0)) / 2, view, rng, s)
    head, bone = anatomy.attenuation(person, shot.camera.enlarged(FINE))
    points = {**person.cranial, **person.cranial_helpers}
    return on_film(points, shot, head, rng, s.film), on_film(points, shot, bone, bone_rng, s.film)


def on_film(
    points: Points, shot: XrayShot, attenuation: NDArray[np.float32], rng: np.random.Generator, film: FilmSettings
) -> VirtualXray:
    """Return the film, with a drawn exposure, of line integrals of ``shot.camera.enlarged(FINE)``.

    ``points`` are the landmarks to project, in the head's frame.
    """
    exposure = Exposure.drawn(rng, film)
    image = developed(attenuation, FINE, shot.mm_per_px, exposure, rng)
    pixels = {name: shot.camera.project(np.asarray(point)) for name, point in points.items()}
    return VirtualXray(image, shot, exposure, pixels)
