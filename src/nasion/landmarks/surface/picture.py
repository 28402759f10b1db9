"""A picture of found landmarks: three views of the mesh with the points, and a table of how sure each is."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.shading import BONE, SKIN, ColorImage, render
from nasion.geometry.visibility import visible_in_depth
from nasion.landmarks.surface.find import FoundLandmarks
from nasion.landmarks.surface.heads import kind_of
from nasion.landmarks.surface.orientation_template import STANDARD_MM

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Color = tuple[int, int, int]

_VIEWS: Final = (("front", 0.0), ("subject's left", -90.0), ("subject's right", 90.0))
"""Name and yaw in degrees: the head is turned so that the camera sees that side."""
_VIEW_PX: Final = 620
_DISTANCE_MM: Final = 1500.0
_SHOWN_MM: Final = 2.1 * STANDARD_MM
_FINE: Final = 2
"""Points are drawn at twice the size and scaled down, for smooth lines."""
_PAPER: Final = (250, 250, 250)
_INK: Final = (28, 36, 46)
_FAINT: Final = (120, 128, 136)
_LEVELS: Final[tuple[tuple[float, Color], ...]] = (
    (1.0, (20, 140, 100)),
    (2.0, (228, 148, 20)),
    (float("inf"), (214, 52, 42)),
)
"""Colour of points by the largest SD, mm, that it stands for."""
_ROW_PX: Final = 19
_COLUMNS: Final = 4


def views_png(found: FoundLandmarks) -> bytes:
    """Return a PNG: front, left and right view; circles hold the truth with 90 %, hidden points are hollow."""
    from PIL import Image, ImageDraw

    views = [_view(found, name, yaw) for name, yaw in _VIEWS]
    names = found.result.names
    rows = -(-len(names) // _COLUMNS)
    picture = np.concatenate(views, axis=1)
    height, width = picture.shape[:2]
    sheet = Image.new("RGB", (width, height + (rows + 3) * _ROW_PX), _PAPER)
    sheet.paste(Image.fromarray(picture))
    draw = ImageDraw.Draw(sheet)
    _table(draw, found, rows, (14, height + 10), width // _COLUMNS)
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


def _camera(found: FoundLandmarks, yaw_deg: float) -> Camera:
    frame = found.orientation.frame
    rotation = pose_rotation(yaw_deg, 0.0, 0.0) @ frame.rotation
    size = (_VIEW_PX, _VIEW_PX)
    away = np.array([0.0, 0.0, _DISTANCE_MM]) - rotation @ frame.center_mm
    return Camera(rotation, away, _VIEW_PX * _DISTANCE_MM / _SHOWN_MM, image_center_px(size), size)


def _view(found: FoundLandmarks, name: str, yaw_deg: float) -> ColorImage:
    from PIL import Image, ImageDraw, ImageFont

    camera = _camera(found, yaw_deg)
    albedo = BONE if kind_of(found.scheme) == "cranial" else SKIN
    drawn = render(found.orientation.mesh, camera, albedo=albedo, background=np.array(_PAPER) / 255)
    canvas = Image.fromarray(drawn.image).resize((_FINE * _VIEW_PX, _FINE * _VIEW_PX), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=12 * _FINE)
    result = found.result
    there = np.flatnonzero(np.isfinite(result.points_mm[:, 0]))
    at_px = camera.project(result.points_mm[there])
    depth_mm = camera.to_camera(result.points_mm[there])[:, 2]
    visible = visible_in_depth(result.points_mm[there], drawn.depth, camera)
    for k in np.argsort(visible, kind="stable"):
        number = int(there[k])
        radius_px = camera.focal_px * float(result.radius90_mm[number]) / float(depth_mm[k])
        _mark(draw, at_px[k], radius_px, level_color(float(result.sigma_mm[number])), bool(visible[k]))
    for k in np.flatnonzero(visible):
        x, y = (at_px[k] + 0.5) * _FINE
        at = (x + 5 * _FINE, y - 15 * _FINE)
        draw.text(at, str(int(there[k]) + 1), fill=_INK, font=font, stroke_width=_FINE, stroke_fill=_PAPER)
    draw.text((12 * _FINE, 8 * _FINE), name, fill=_FAINT, font=ImageFont.load_default(size=14 * _FINE))
    return np.asarray(canvas.resize((_VIEW_PX, _VIEW_PX), Image.Resampling.LANCZOS), dtype=np.uint8)


def level_color(sigma_mm: float) -> Color:
    """Return the colour of a landmark by its standard deviation."""
    return next(color for most, color in _LEVELS if sigma_mm <= most)


def _mark(draw: ImageDraw, at_px: NDArray[np.float64], radius_px: float, color: Color, visible: bool) -> None:
    x, y = (at_px + 0.5) * _FINE
    ring, dot = radius_px * _FINE, (3.2 if visible else 2.4) * _FINE
    if visible:
        draw.ellipse([x - ring, y - ring, x + ring, y + ring], outline=color, width=_FINE)
        draw.ellipse([x - dot, y - dot, x + dot, y + dot], fill=color, outline="white", width=_FINE // 2)
    else:
        draw.ellipse([x - dot, y - dot, x + dot, y + dot], outline=color, width=_FINE // 2)


def _table(draw: ImageDraw, found: FoundLandmarks, rows: int, at: tuple[int, int], column_px: int) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(size=13)
    left, top = at
    result = found.result
    sure = found.orientation
    draw.text(
        (left, top),
        f"{found.scheme}: number, SD in mm (a coordinate); circles hold the landmark with 90 %; hollow: hidden in this "
        f"view. Orientation: score {sure.score:.2f}, lead {sure.lead:.2f}.",
        fill=_INK,
        font=font,
    )
    for k, name in enumerate(result.names):
        x, y = left + (k // rows) * column_px, top + (k % rows + 1) * _ROW_PX + 8
        words = name.replace("_", " ")
        if name in result.missing:
            draw.text((x, y), f"{k + 1:>2}", fill=_FAINT, font=font)
            draw.text((x + 38, y), f"{words}: missing", fill=_FAINT, font=font)
        else:
            sigma = float(result.sigma_mm[k])
            draw.ellipse([x + 22, y + 4, x + 30, y + 12], fill=level_color(sigma))
            draw.text((x, y), f"{k + 1:>2}", fill=_INK, font=font)
            draw.text((x + 38, y), f"{words}: {sigma:.2f}", fill=_INK, font=font)
