"""Pictures of the profile experiment: told profiles on films, and the methods' errors."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.surface import FloatArray
from nasion.reconstruction.profile.bone_mask import bone_polygon
from nasion.reconstruction.profile.samples import SOFT, Profile, ProfileSample
from nasion.retrieval.charts import FAINT, Axis, Canvas, Color, Plot

if TYPE_CHECKING:
    from PIL import Image

_SHOWN_FILMS: Final = 8
_TRUTH: Final = (40, 220, 130)
_TOLD: Final = (255, 120, 40)
_FLOOR: Final = (90, 160, 255)
_BONE: Final = (255, 224, 96)
_TILE_PX: Final = (330, 400)
_AROUND_MM: Final = 50.0
_ORDER: Final = ("subnasale", "labrale_superius", "labrale_inferius", "soft_pogonion")
"""From above."""
_COLORS: Final[tuple[Color, ...]] = ((32, 92, 168), (206, 104, 24), (18, 150, 84), (140, 70, 160))


def profiles_png(
    films: Sequence[NDArray[np.uint8]],
    samples: Sequence[ProfileSample],
    told: Sequence[Profile],
    floor: Sequence[Profile],
) -> bytes:
    """Return a sheet of films with truth, told profile with its 90 % ellipses, and the floor's.

    Films are those at even steps of the order of their errors, the best first.

    Parameters
    ----------
    films
        (h, w) each.
    samples, told, floor
        Of the same films.

    """
    from PIL import Image, ImageDraw, ImageFont

    errors = [np.linalg.norm(a.points_mm - b.soft_mm, axis=1).mean() for a, b in zip(told, samples, strict=True)]
    order = np.argsort(errors)
    chosen = order[np.unique(np.linspace(0, len(order) - 1, _SHOWN_FILMS).round().astype(int))]
    across = min(4, len(chosen))
    width, height = _TILE_PX[0] * across, (_TILE_PX[1] + 22) * -(-len(chosen) // across) + 26
    sheet = Image.new("RGB", (width, height), (20, 22, 26))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=14)
    for place, k in enumerate(chosen):
        at = (place % across * _TILE_PX[0], place // across * (_TILE_PX[1] + 22))
        sheet.paste(_tile(films[k], samples[k], told[k], floor[k]), at)
        words = f"mean error {errors[k]:.1f} mm"
        draw.text((at[0] + 8, at[1] + _TILE_PX[1] + 3), words, fill=(230, 230, 230), font=font)
    key = (("truth", _TRUTH), ("told, 90 % ellipses", _TOLD), ("mean shape", _FLOOR), ("kept bone", _BONE))
    for number, (words, color) in enumerate(key):
        draw.text((8 + 190 * number, height - 22), words, fill=color, font=font)
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


def _tile(film: NDArray[np.uint8], sample: ProfileSample, told: Profile, floor: Profile) -> Image.Image:
    from PIL import Image, ImageDraw

    middle = sample.soft_mm.mean(axis=0) + np.array([-12.0, 0.0])
    zoom = _TILE_PX[1] / (2 * _AROUND_MM)
    half = np.array(_TILE_PX) / zoom / 2
    low = (middle - half) / sample.film.mm_per_px
    high = (middle + half) / sample.film.mm_per_px
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    tile = Image.fromarray(film).transform(_TILE_PX, Image.Transform.EXTENT, box, Image.Resampling.BICUBIC)
    tile = tile.convert("RGB")
    draw = ImageDraw.Draw(tile)

    def placed(points: FloatArray) -> list[tuple[float, float]]:
        return [(float(x), float(y)) for x, y in (points - middle + half) * zoom]

    corners = placed(bone_polygon(sample.film.hard_mm))
    draw.line([*corners, corners[0]], fill=_BONE, width=1)
    rows = [list(SOFT).index(name) for name in _ORDER]
    for profile, color in ((floor.points_mm, _FLOOR), (sample.soft_mm, _TRUTH), (told.points_mm, _TOLD)):
        points = placed(profile[rows])
        draw.line(points, fill=color, width=2)
        for x, y in points:
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=color)
    if told.covariance_mm2 is not None:
        for point, covariance in zip(told.points_mm, told.covariance_mm2, strict=True):
            draw.line(placed(_ellipse(point, covariance)), fill=_TOLD, width=1)
    return tile


def _ellipse(point: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return (60, 2) points of the ellipse that holds 90 % of a normal distribution."""
    angle = np.linspace(0, 2 * np.pi, 60)
    circle = np.sqrt(4.605) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    edge: FloatArray = point + circle @ np.linalg.cholesky(covariance).T
    return edge


def errors_png(table: dict[str, Any]) -> bytes:
    """Return each method's mean error with its interval, and its landmarks' means, as a PNG."""
    methods = table["methods"]
    most = max(max(own["interval95"][1], *own["per_landmark_mm"].values()) for own in methods.values())
    top = float(np.ceil(most))
    canvas = Canvas(760, 90 + 54 * len(methods))
    step = 1 if top <= 10 else int(np.ceil(top / 10))
    x = Axis(0, top, tuple((k, str(k)) for k in range(0, int(top) + 1, step)), "error, mm")
    y = Axis(0, len(methods), (), "")
    plot = Plot(canvas, (130, 40, 730, 40 + 44 * len(methods)), x, y)
    for row, (name, own) in enumerate(methods.items()):
        level = len(methods) - row - 0.5
        (place,) = plot.place([[0, level]])
        canvas.text((place[0] - 12, place[1]), name, anchor="rm")
        plot.line(own["interval95"], [level, level], FAINT, 5)
        plot.dots([[own["mean_error_mm"], level]], 6, (28, 36, 46))
        for key, color in zip(_ORDER, _COLORS, strict=True):
            plot.dots([[own["per_landmark_mm"][key], level - 0.25]], 3.5, color)
    words = [("mean, 95 % interval", (28, 36, 46))]
    words += [(key.replace("_", " "), color) for key, color in zip(_ORDER, _COLORS, strict=True)]
    for number, entry in enumerate(words):
        plot.legend([entry], (20 + 148 * number, 76 + 50 * len(methods)), dots=True)
    return canvas.png()
