"""Images decoded and cut down once, and the crops of a batch, the same for the same seed, epoch and image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.augmentation import Crop, varied
from nasion.landmarks.image.crops import Frame, Size, cut, frame_of_points, roll_deg
from nasion.landmarks.image.samples import ImageSample, Pixels
from nasion.landmarks.image.schemes import ImageScheme
from nasion.landmarks.image.settings import AugmentSettings

_SURROUNDINGS = 1.6
"""Kept around a frame, in units of its half diagonal: room for turns, shifts and smaller scales."""
_FINE = 1.25
"""Kept pixels to a crop pixel where the image is finer."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image in memory with its points (l, 2) in its own pixels, and whose it is."""

    image: Pixels
    points_px: FloatArray
    person: str


def prepare(sample: ImageSample, size: Size, margin: float, *, whole: bool) -> Prepared:
    """Decode an image and keep what crops of it can show, no finer than they need it.

    Parameters
    ----------
    sample
        With at least two points.
    size, margin
        Of the crops.
    whole
        Keep all of the picture, as its far frames need it.

    Raises
    ------
    NasionError
        The image cannot be read or has too few points.

    """
    image, points = sample.pixels(), sample.points_px
    try:
        frame = frame_of_points(points, size, margin)
    except NasionError as error:
        raise NasionError(f"{sample.person}: {error}") from None
    if not whole:
        reach = _SURROUNDINGS * frame.scale * float(np.hypot(*size)) / 2
        low = np.maximum(np.floor(np.array(frame.centre_px) - reach), 0).astype(int)
        high = np.ceil(np.array(frame.centre_px) + reach).astype(int)
        image = image[low[1] : high[1], low[0] : high[0]]
        points = points - low
    factor = frame.scale / _FINE
    if factor > 1:
        image, points = _reduced(image, points, factor)
    return Prepared(np.ascontiguousarray(image), points, sample.person)


def _reduced(image: Pixels, points: FloatArray, factor: float) -> tuple[Pixels, FloatArray]:
    height, width = image.shape[:2]
    size = max(1, round(width / factor)), max(1, round(height / factor))
    whole = Frame(((width - 1) / 2, (height - 1) / 2), factor)
    return cut(image, whole, size), whole.to_crop(points, size)


def upright_shapes(points: Sequence[FloatArray], size: Size, margin: float) -> FloatArray:
    """Return (s, l, 2) images' landmarks in crop pixels, each turned upright against the plain mean."""
    plain = np.nanmean([_in_crop(own, size, margin, 0.0) for own in points], axis=0)
    return np.stack([_in_crop(own, size, margin, roll_deg(own, plain)) for own in points])


def mean_shape(points: Sequence[FloatArray], size: Size, margin: float) -> FloatArray:
    """Return (l, 2) mean of ``upright_shapes``; a landmark that no image has raises NasionError."""
    upright: FloatArray = np.nanmean(upright_shapes(points, size, margin), axis=0)
    if not np.isfinite(upright).all():
        place = int(np.isfinite(upright).all(axis=1).argmin())
        raise NasionError(f"no training image has landmark number {place + 1}; give more images or another scheme")
    return upright


def _in_crop(points: FloatArray, size: Size, margin: float, angle_deg: float) -> FloatArray:
    return frame_of_points(points, size, margin, angle_deg).to_crop(points, size)


@dataclass(frozen=True, eq=False)
class Crops:
    """Crops of prepared images.

    Attributes
    ----------
    items
        The images.
    scheme, size, margin, shape
        Of the points and of the crops; ``shape`` tells what upright is.
    augment
        None: the plain upright crop of each image.
    seed
        Of the augmentation.

    """

    items: Sequence[Prepared]
    scheme: ImageScheme
    size: Size
    margin: float
    shape: FloatArray
    augment: AugmentSettings | None
    seed: int = 0

    def crop(self, index: int, epoch: int) -> Crop:
        """Return an image's crop in an epoch."""
        item = self.items[index]
        frame = frame_of_points(item.points_px, self.size, self.margin, roll_deg(item.points_px, self.shape))
        if self.augment is None:
            return Crop(cut(item.image, frame, self.size), frame.to_crop(item.points_px, self.size))
        rng = np.random.default_rng([self.seed, epoch, index])
        return varied(item.image, item.points_px, frame, self.size, self.scheme.flip_index, self.augment, rng)

    def batches(
        self, groups: Sequence[Sequence[int]], epoch: int = 0
    ) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
        """Yield (n, h, w, 3) crops and (n, l, 2) points of each group of images, made one batch ahead."""

        def made(group: Sequence[int]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
            crops = [self.crop(index, epoch) for index in group]
            return np.stack([crop.image for crop in crops]), np.stack([crop.points for crop in crops]).astype("f4")

        with ThreadPoolExecutor(1) as executor:
            coming = [executor.submit(made, group) for group in groups[:1]]
            for number in range(len(groups)):
                ready = coming.pop().result()
                coming += [executor.submit(made, group) for group in groups[number + 1 : number + 2]]
                yield ready
