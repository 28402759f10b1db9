"""From an image and a first frame to landmarks: a look, and a second one at the crop that the first look suggests.

The second crop is centred, scaled and upright, as most of the training crops are. Calibration, test and use share this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.card import INPUT, OUTPUTS
from nasion.landmarks.image.crops import Frame, Size, cut, frame_of_points, roll_deg
from nasion.landmarks.image.samples import Pixels


@dataclass(frozen=True, eq=False)
class Look:
    """What a network says of one crop.

    Attributes
    ----------
    points_px, start_px
        (l, 2) landmarks and soft-argmax of the heat maps, in the image.
    peak
        (l,) height of the heat maps.
    spread_px
        (l,) their standard deviation, image pixels.
    frame
        Of the crop.

    """

    points_px: FloatArray
    start_px: FloatArray
    peak: FloatArray
    spread_px: FloatArray
    frame: Frame


def look(session: Any, image: Pixels, frame: Frame, size: Size) -> Look:
    """Run a network on one crop; an image or model of another size raises NasionError."""
    batch = network_input(cut(image, frame, size))
    try:
        points, start, peak, spread = session.run(list(OUTPUTS), {INPUT: batch})
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise NasionError(f"the network cannot be run on a crop ({reason}); install the model again") from None
    return Look(
        frame.to_image(points[0].astype(float), size),
        frame.to_image(start[0].astype(float), size),
        peak[0].astype(float),
        spread[0].astype(float) * frame.scale,
        frame,
    )


def two_looks(session: Any, image: Pixels, first: Frame, size: Size, margin: float, shape: FloatArray) -> Look:
    """Look through ``first``, then through the frame around the points found, turned upright.

    Parameters
    ----------
    session
        See ``sessions.make_session``.
    image
        (h, w, 3).
    first
        Around a face's box, or the whole radiograph.
    size, margin, shape
        Of the model, see ``card.Card``.

    """
    seen = look(session, image, first, size)
    second = frame_of_points(seen.points_px, size, margin, roll_deg(seen.points_px, shape))
    return look(session, image, second, size)


def network_input(crop: Pixels) -> NDArray[np.float32]:
    """Return a crop as a batch of one, (1, 3, h, w)."""
    return np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32)
