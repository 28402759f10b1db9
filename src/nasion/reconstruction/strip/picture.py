"""A picture to check a stripped X-ray by: the X-ray with the mask's outline, and what is left, side by side."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.reconstruction.strip.strip import StrippedXray

_HEIGHT_PX: Final = 640
_LINE: Final = (255, 170, 40)
_GAP_PX: Final = 8


def grey_png(image: NDArray[np.uint8]) -> bytes:
    """Return an (h, w) picture as a PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def check_png(image: NDArray[np.uint8], stripped: StrippedXray) -> bytes:
    """Return a PNG of an (h, w) X-ray and its stripped form."""
    from PIL import Image, ImageDraw
    from skimage.measure import find_contours

    zoom = _HEIGHT_PX / image.shape[0]
    size = (round(image.shape[1] * zoom), _HEIGHT_PX)
    left, right = (
        Image.fromarray(part).resize(size, Image.Resampling.LANCZOS).convert("RGB")
        for part in (np.ascontiguousarray(image), np.ascontiguousarray(stripped.image))
    )
    draw = ImageDraw.Draw(left)
    padded = np.pad(stripped.mask, 1).astype(float)
    for contour in find_contours(padded, 0.5):  # type: ignore[no-untyped-call]
        places = [(float(x - 0.5) * zoom, float(y - 0.5) * zoom) for y, x in contour]
        draw.line(places, fill=_LINE, width=2)
    sheet = Image.new("RGB", (2 * size[0] + _GAP_PX, size[1]), (255, 255, 255))
    sheet.paste(left, (0, 0))
    sheet.paste(right, (size[0] + _GAP_PX, 0))
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()
