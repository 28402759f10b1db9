"""From an image and a first frame to landmarks: a look, and a second one at the crop that the first look suggests.

The second crop is centred, scaled and upright, as most of the training crops are. Of what has two like sides it is seen
as it is and mirrored, and the mean taken (ours; 3 % less error). Calibration, test and use share this.
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


def look(session: Any, image: Pixels, frame: Frame, size: Size, flip: NDArray[np.intp] | None = None) -> Look:
    """Run a network on one crop.

    Parameters
    ----------
    session
        See ``sessions.make_session``.
    image
        (h, w, 3).
    frame, size
        Of the crop.
    flip
        The scheme's mirror map: the mean of what the crop and its mirror image show. None: the crop alone.

    Raises
    ------
    NasionError
        The image or the model is of another size.

    """
    batch = network_input(cut(image, frame, size))
    if flip is not None:
        batch = np.concatenate([batch, batch[..., ::-1]])
    try:
        points, start, peak, spread = session.run(list(OUTPUTS), {INPUT: batch})
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise NasionError(f"the network cannot be run on a crop ({reason}); install the model again") from None
    return Look(
        frame.to_image(_one_side(points, flip, size[0]), size),
        frame.to_image(_one_side(start, flip, size[0]), size),
        _one_side(peak, flip),
        _one_side(spread, flip) * frame.scale,
        frame,
    )


def _one_side(values: NDArray[np.float32], flip: NDArray[np.intp] | None, width: int = 0) -> FloatArray:
    """Return the mean over a crop and its mirror image; points, (2, l, 2), are mirrored back."""
    own: FloatArray = values[0].astype(float)
    if flip is None:
        return own
    other = values[1, flip].astype(float)
    if other.ndim > 1:
        other = other * (-1.0, 1.0) + (width - 1.0, 0.0)
    mean: FloatArray = (own + other) / 2
    return mean


def two_looks(
    session: Any,
    image: Pixels,
    first: Frame,
    size: Size,
    margin: float,
    shape: FloatArray,
    flip: NDArray[np.intp] | None = None,
) -> Look:
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
    flip
        Of the second look, see ``look``.

    """
    seen = look(session, image, first, size)
    second = frame_of_points(seen.points_px, size, margin, roll_deg(seen.points_px, shape))
    return look(session, image, second, size, flip)


def network_input(crop: Pixels) -> NDArray[np.float32]:
    """Return a crop as a batch of one, (1, 3, h, w)."""
    return np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32)
