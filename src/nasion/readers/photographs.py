"""Photographs, upright and with their focal length."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.camera import FULL_FRAME_DIAGONAL_MM
from nasion.readers.files import read_bytes
from nasion.readers.landmarks import LandmarkFile

if TYPE_CHECKING:
    from PIL import Image

ENDINGS: Final = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".gif")
"""Files that are taken for photographs where a folder is searched for them."""

_EXIF_IFD: Final = 0x8769
_TAGS: Final = {
    "focal_mm": 0x920A,
    "focal_35mm": 0xA405,
    "pixels_per_unit": 0xA20E,
    "plane_unit": 0xA210,
    "width": 0xA002,
    "height": 0xA003,
}
_PLANE_UNIT_MM: Final = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_FIELD_OF_VIEW_DEG: Final = (1.0, 150.0)


@dataclass(frozen=True)
class Photograph:
    """A picture as a person sees it.

    Attributes
    ----------
    image
        (height, width, 3) uint8, RGB, turned upright after the EXIF orientation. Landmarks refer to this picture.
    focal_px
        Focal length in pixels by EXIF; None where EXIF does not tell it or cannot be trusted.
    stored_size_px
        (width, height) of the pixels in the file, before they are turned.
    warnings
        What the user should know, one line each.

    """

    image: NDArray[np.uint8]
    focal_px: float | None
    stored_size_px: tuple[int, int]
    warnings: tuple[str, ...] = ()

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) of the upright picture."""
        return self.image.shape[1], self.image.shape[0]


def read_photograph(path: Path | str) -> Photograph:
    """Read a photograph in any format that Pillow knows (PNG, JPEG, TIFF, WebP, BMP, ...).

    A file that is missing, cut off or no picture raises NasionError.
    """
    from PIL import ImageOps

    stored = decoded_picture(Path(path))
    exif = _exif(stored)
    focal_px, notes = _focal_px(exif, stored.size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            upright = ImageOps.exif_transpose(stored)
    except Exception:  # a damaged EXIF block must not hide the picture
        upright, notes = stored, (*notes, "its EXIF block is damaged: the picture is taken as it is stored")
    pixels = rgb_of(upright, path)
    return Photograph(pixels, focal_px, stored.size, (*notes, *form_notes(stored)))


def check_image_size(path: Path | str, landmarks: LandmarkFile, photograph: Photograph) -> None:
    """Raise NasionError where landmarks were placed on another form of the picture, or lie outside it.

    ``path`` is the landmark file, for the message. A file that does not tell its picture's size is held against the
    picture's edges only.
    """
    given, upright, stored = landmarks.image_size_px, photograph.size_px, photograph.stored_size_px
    if given is not None and tuple(given) != upright:
        if tuple(given) == stored:
            raise NasionError(
                f"{path}: the landmarks were placed on the picture without its EXIF orientation ({_by(given)}); "
                f"place them on the upright picture ({_by(upright)})"
            )
        if tuple(given) == upright[::-1]:
            advice = "they were placed on the picture turned by 90 degrees; turn it or place them again"
        elif abs(given[0] * upright[1] - given[1] * upright[0]) <= max(upright) + max(given):
            advice = f"multiply the coordinates by {upright[0] / given[0]:.4g} and correct image_size_px"
        else:
            advice = "they belong to another picture or another crop"
        raise NasionError(
            f"{path}: the landmarks are for {_by(given)} pixels, the photograph is {_by(upright)}: {advice}"
        )
    outside = _outside({**landmarks.landmarks, **landmarks.helpers}, upright)
    if outside:
        raise NasionError(f"{path}: outside the photograph ({_by(upright)}): {', '.join(outside)}; place them again")


def _outside(points_px: Mapping[str, NDArray[np.float64]], size_px: tuple[int, int]) -> list[str]:
    """Return names of points beyond the outer edge of the border pixels; a pixel more is allowed for rounding."""
    limit = np.array(size_px) + 0.5
    return [name for name, point in points_px.items() if (point < -1.5).any() or (point > limit).any()]


def decoded_picture(path: Path) -> Image.Image:
    """Return the pixels of a picture file as they are stored; NasionError where it is damaged or none."""
    from PIL import Image, UnidentifiedImageError

    content = read_bytes(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content))
            image.load()
    except UnidentifiedImageError:
        raise NasionError(f"{path}: is no picture that can be read; save it as PNG or JPEG") from None
    except Image.DecompressionBombError:
        raise NasionError(f"{path}: the picture is too large; scale it below 100 megapixels") from None
    except Exception as error:  # decoders raise anything on damaged files
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise NasionError(f"{path}: the picture is damaged or cut off ({reason}); copy it again") from None
    return image


def form_notes(image: Image.Image) -> tuple[str, ...]:
    """Return what should be known of a picture that is more than 8-bit RGB or grey, one line each.

    Pictures behind the first are looked at, so take the pixels before.
    """
    notes = []
    frames = _frames(image)
    if frames > 1:
        notes.append(f"it holds {frames} pictures (an animation or pages); the first is used")
    if image.mode == "CMYK":
        notes.append("its colours are those of print (CMYK); they were turned into RGB")
    if image.mode.startswith("I"):
        notes.append("its grey levels of more than 8 bits were reduced to 8 bits")
    return tuple(notes)


def _frames(image: Image.Image) -> int:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return int(getattr(image, "n_frames", 1))
    except Exception:  # damage behind the first picture must not hide it
        return 1


def rgb_of(image: Image.Image, path: Path | str) -> NDArray[np.uint8]:
    """Return (h, w, 3) uint8 of a decoded picture; what is transparent becomes white.

    Grey levels of more than 8 bits are taken as 12-bit ones where none exceeds 4095, else as 16-bit ones. Real numbers
    raise NasionError; ``path`` is named in it.
    """
    from PIL import Image as Pictures

    if image.mode == "F":
        raise NasionError(f"{path}: its pixels are real numbers, which is no photograph; save it as PNG or JPEG")
    if image.mode.startswith("I"):
        levels = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        bits = 8 if levels.max() < 256 else 12 if levels.max() < 4096 else 16
        grey = (levels >> (bits - 8)).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Pictures.alpha_composite(Pictures.new("RGBA", layer.size, "white"), layer)
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _exif(image: Image.Image) -> dict[str, float]:
    """Return the positive finite numbers among the EXIF values that tell the focal length."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ifd: Mapping[int, Any] = image.getexif().get_ifd(_EXIF_IFD)
    except Exception:  # a damaged EXIF block must not hide the picture
        return {}
    values = {}
    for name, tag in _TAGS.items():
        try:
            value = float(ifd[tag])
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            continue
        if math.isfinite(value) and value > 0:
            values[name] = value
    return values


def _focal_px(exif: Mapping[str, float], stored_size_px: tuple[int, int]) -> tuple[float | None, tuple[str, ...]]:
    """Return the focal length in pixels and warnings.

    The 35 mm equivalent refers to the diagonal of the picture (CIPA DCG-001): ``f_px = f35 * diagonal_px / 43.27``;
    else ``f_px = f_mm * focal-plane pixels per mm``, scaled where the picture was scaled after it was taken. Where the
    picture is narrower than the one that was taken, it was cropped and its EXIF focal length does not hold.
    """
    width, height = stored_size_px
    scale = 1.0
    if "width" in exif and "height" in exif:
        scale = max(width, height) / max(exif["width"], exif["height"])
        # The sides may have changed places when a program turned the pixels.
        if abs(scale * min(exif["width"], exif["height"]) / min(width, height) - 1) > 0.02:
            return None, ("the picture was cropped after it was taken: its EXIF focal length is not used",)
    if "focal_35mm" in exif:
        focal_px = exif["focal_35mm"] * math.hypot(width, height) / FULL_FRAME_DIAGONAL_MM
    elif "focal_mm" in exif and "pixels_per_unit" in exif:
        unit_mm = _PLANE_UNIT_MM.get(int(exif.get("plane_unit", 2)), 25.4)
        focal_px = exif["focal_mm"] * exif["pixels_per_unit"] / unit_mm * scale
    else:
        return None, ()
    view_deg = 2 * math.degrees(math.atan(math.hypot(width, height) / 2 / focal_px))
    if not _FIELD_OF_VIEW_DEG[0] <= view_deg <= _FIELD_OF_VIEW_DEG[1]:
        return None, (f"its EXIF focal length means a field of view of {view_deg:.2g} degrees and is not used",)
    return focal_px, ()


def _by(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]} x {size_px[1]}"
