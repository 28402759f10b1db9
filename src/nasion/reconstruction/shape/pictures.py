"""Pictures of faces and of how sure they are: neutral skin, no hair, the same two cameras for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.shading import BONE, ColorImage, Lighting, render
from nasion.geometry.surface import FloatArray, Mesh

View = Literal["frontal", "lateral"]
VIEWS: Final[dict[View, float]] = {"frontal": 0.0, "lateral": 90.0}
"""Yaw in degrees; the lateral picture looks to its right."""

NEUTRAL_SKIN: Final = (0.74, 0.66, 0.60)
PAPER: Final = (0.985, 0.985, 0.985)
SCALE_STEPS_MM: Final = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0)
"""Round upper ends of the colour scale."""

_DISTANCE_MM: Final = 1600.0
_SHOWN_MM: Final = 276.0
_ASPECT: Final = 0.94
_CENTER_MM: Final = np.array([0.0, 4.0, 8.0])
"""What the pictures show in the middle, in the head frame."""
_MAP_LIGHT: Final = Lighting(key=0.42, fill=0.3, sky=0.42, ground=0.34, highlight=0.0, occlusion=0.25)
"""Even light, so that a colour means a number."""


@dataclass(frozen=True, eq=False)
class Stage:
    """Cameras for one head: rotation and translation into the head frame, and the pictures' height."""

    rotation: FloatArray
    translation_mm: FloatArray
    height_px: int = 640

    def camera(self, view: View) -> Camera:
        """Return the camera of a view, in the frame in which the skull was given."""
        turn = pose_rotation(VIEWS[view], 0.0, 0.0)
        size = (round(_ASPECT * self.height_px), self.height_px)
        away = np.array([0.0, 0.0, _DISTANCE_MM]) - turn @ _CENTER_MM
        rotation = turn @ self.rotation
        focal = self.height_px * _DISTANCE_MM / _SHOWN_MM
        return Camera(rotation, turn @ self.translation_mm + away, focal, image_center_px(size), size)

    def face(self, mesh: Mesh, view: View, albedo: FloatArray | None = None) -> ColorImage:
        """Return a face's picture; ``albedo`` (n, 3) is neutral skin where it is None."""
        return render(
            mesh, self.camera(view), albedo=NEUTRAL_SKIN if albedo is None else albedo, background=PAPER
        ).image

    def skull(self, mesh: Mesh, view: View) -> ColorImage:
        """Return a skull's picture."""
        return render(mesh, self.camera(view), albedo=BONE, background=PAPER).image

    def map(self, mesh: Mesh, values: FloatArray, largest: float, view: View) -> ColorImage:
        """Return a face coloured by (n,) values from 0 to ``largest``."""
        colors = map_colors(values / largest)
        return render(mesh, self.camera(view), albedo=colors, lighting=_MAP_LIGHT, background=PAPER).image


def map_colors(shares: FloatArray) -> FloatArray:
    """Return (n, 3) sRGB colours, 0 to 1, of (n,) values from 0 to 1 (the map "viridis")."""
    grey = np.rint(255 * np.clip(shares, 0.0, 1.0)).astype(np.uint8)[:, None]
    mapped = np.asarray(cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS), dtype=np.float64)
    return mapped[:, 0, ::-1] / 255.0


def scale_end_mm(values: FloatArray) -> float:
    """Return a round number that most values do not exceed."""
    most = float(np.percentile(values, 95))
    return next((step for step in SCALE_STEPS_MM if step >= most), SCALE_STEPS_MM[-1])


def scale_bar(end_mm: float, height_px: int, title: str) -> NDArray[np.uint8]:
    """Return the colour scale with its numbers in mm."""
    from PIL import Image, ImageDraw, ImageFont

    width, top, bar = 110, 58, height_px - 120
    canvas = Image.new("RGB", (width, height_px), tuple(round(255 * c) for c in PAPER))
    ramp = map_colors(np.linspace(1.0, 0.0, bar))[:, None] * np.ones((1, 22, 1))
    canvas.paste(Image.fromarray(np.rint(255 * ramp).astype(np.uint8)), (14, top))
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=15)
    draw.multiline_text((10, 10), title, fill=(60, 70, 80), font=font)
    for step in range(5):
        y = top + bar - 1 - step * (bar - 1) / 4
        draw.line([36, y, 42, y], fill=(60, 70, 80))
        draw.text((47, y - 9), f"{end_mm * step / 4:.3g} mm", fill=(28, 36, 46), font=font)
    return np.asarray(canvas)
