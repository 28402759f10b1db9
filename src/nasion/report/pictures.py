"""Overlay pictures of a scene: blend, wipe, contours, landmarks with residuals. All are (h, w, 3) uint8 RGB."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from nasion.report.scene import ColorImage, Mark, Scene

if TYPE_CHECKING:
    from PIL import ImageDraw

Color = tuple[int, int, int]

SKULL_LINE: Final = (56, 207, 232)
FACE_LINE: Final = (255, 183, 3)
LEVEL_COLORS: Final = {"usual": (34, 160, 120), "large": (240, 160, 30), "outside": (225, 62, 48)}
BLEND: Final = 0.5
_FINE: Final = 2
"""Marks are drawn at twice the size and scaled down, for smooth lines."""


def blend(scene: Scene) -> ColorImage:
    """Return the photograph with the skull at half opacity."""
    return _over(scene.photo, scene.skull, BLEND)


def wipe(scene: Scene) -> ColorImage:
    """Return the photograph on the left and the skull over it on the right, with a white line between."""
    picture = _over(scene.photo, scene.skull, 1.0)
    middle = scene.size_px[0] // 2
    picture[:, :middle] = scene.photo[:, :middle]
    picture[:, max(middle - 1, 0) : middle + 1] = 255
    return picture


def contours(scene: Scene) -> ColorImage:
    """Return the photograph with the skull's contours and, where there is a mask, the face's border."""
    picture = scene.photo.astype(np.float32)
    for lines, color in ((scene.face_lines, FACE_LINE), (scene.skull_lines, SKULL_LINE)):
        if lines is not None:
            picture += lines[..., None] * (np.array(color, dtype=np.float32) - picture)
    return np.rint(picture).astype(np.uint8)


def landmarks(scene: Scene) -> ColorImage:
    """Return the photograph with observed and predicted landmarks, 95 % ellipses and magnified residual arrows."""
    from PIL import Image, ImageDraw, ImageFont

    width, height = scene.size_px
    dimmed = (scene.photo * 0.8).astype(np.uint8)
    canvas = Image.fromarray(dimmed).resize((width * _FINE, height * _FINE), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=13 * _FINE)
    for mark in scene.marks:
        _draw_mark(draw, mark, scene.magnification)
    for mark in scene.marks:
        at = (_fine(mark.predicted[0]) + 7 * _FINE, _fine(mark.predicted[1]) - 16 * _FINE)
        draw.text(at, str(mark.number), fill="white", font=font, stroke_width=_FINE, stroke_fill=(20, 28, 36))
    return np.asarray(canvas.resize((width, height), Image.Resampling.LANCZOS), dtype=np.uint8)


PICTURES: Final[dict[str, Callable[[Scene], ColorImage]]] = {
    "blend": blend,
    "wipe": wipe,
    "contours": contours,
    "landmarks": landmarks,
}
"""Every static picture by name."""


def pictures_of(scene: Scene) -> dict[str, ColorImage]:
    """Return the static pictures of a scene by name; without a skull's surface only the landmarks."""
    names = PICTURES if scene.skull is not None else ("landmarks",)
    return {name: PICTURES[name](scene) for name in names}


def line_layer(lines: NDArray[np.float32], color: tuple[int, int, int]) -> ColorImage:
    """Return contour coverage as an RGBA layer."""
    alpha = np.rint(255 * lines).astype(np.uint8)
    return np.dstack([np.broadcast_to(np.array(color, dtype=np.uint8), (*lines.shape, 3)), alpha])


def encoded(picture: ColorImage, form: str, longest_px: int | None = None, quality: int = 82) -> bytes:
    """Return a picture as PNG, JPEG or WEBP bytes, scaled down to ``longest_px`` where it is larger."""
    from PIL import Image

    image = Image.fromarray(picture)
    if longest_px is not None:
        image.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    # compressing harder takes ten times as long and saves a tenth
    options = {"compress_level": 4} if form == "PNG" else {"quality": quality}
    image.save(stream, form, **options)
    return stream.getvalue()


def ellipse_points(mark: Mark, count: int = 48) -> NDArray[np.float64]:
    """Return (count, 2) points of a mark's 95 % ellipse, round the predicted place."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    angle = np.radians(mark.angle_deg)
    first, second = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    points: NDArray[np.float64] = np.asarray(mark.predicted) + (
        mark.axes_px[0] * np.cos(turn)[:, None] * first + mark.axes_px[1] * np.sin(turn)[:, None] * second
    )
    return points


def arrow_tip(mark: Mark, magnification: int) -> tuple[float, float]:
    """Return where a mark's residual arrow ends: from the predicted place towards the observed one, magnified."""
    (px, py), (ox, oy) = mark.predicted, mark.observed
    return px + magnification * (ox - px), py + magnification * (oy - py)


def _draw_mark(draw: ImageDraw.ImageDraw, mark: Mark, magnification: int) -> None:
    color = LEVEL_COLORS[mark.level]
    outline = [(_fine(x), _fine(y)) for x, y in ellipse_points(mark)]
    draw.line([*outline, outline[0]], fill=(255, 255, 255), width=_FINE)
    start, tip = mark.predicted, arrow_tip(mark, magnification)
    draw.line([(_fine(start[0]), _fine(start[1])), (_fine(tip[0]), _fine(tip[1]))], fill=color, width=3 * _FINE)
    _disc(draw, start, 2.0, color, color)
    _disc(draw, mark.observed, 3.5, (255, 255, 255), (20, 28, 36))


def _disc(draw: ImageDraw.ImageDraw, at: tuple[float, float], radius: float, fill: Color, edge: Color) -> None:
    x, y, r = _fine(at[0]), _fine(at[1]), radius * _FINE
    draw.ellipse([x - r, y - r, x + r, y + r], fill=fill, outline=edge, width=_FINE)


def _fine(value: float) -> float:
    return (value + 0.5) * _FINE - 0.5


def _over(photo: ColorImage, layer: ColorImage | None, opacity: float) -> ColorImage:
    if layer is None:
        return photo.copy()
    alpha = layer[..., 3:].astype(np.float32) / 255 * opacity
    mixed = photo * (1 - alpha) + layer[..., :3] * alpha
    return np.rint(mixed).astype(np.uint8)
