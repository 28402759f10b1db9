"""A plain folder of own images: NAME.jpg (or .png) with NAME.landmarks.json beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.landmarks.image.published.tables import PublishedSet
from nasion.landmarks.image.published.text_sets import image_beside
from nasion.landmarks.image.samples import ImageSample
from nasion.landmarks.image.schemes import ImageScheme
from nasion.readers.files import read_text
from nasion.readers.landmark_formats import parse_nasion_json

ENDING: Final = ".landmarks.json"


def read_plain(folder: Path, scheme: ImageScheme) -> PublishedSet:
    """Read our landmark files; points that a file lacks are not marked.

    The part of a name before ``__`` tells the person (``anna__1.jpg``, ``anna__2.jpg``); without it every image is a
    person of its own.

    Raises
    ------
    NasionError
        A file is damaged, of another scheme, or has no image.

    """
    samples = []
    for path in sorted(folder.rglob(f"*{ENDING}")):
        try:
            raw = parse_nasion_json(read_text(path))
        except ValueError as error:
            raise NasionError(f"{path}: {error}") from None
        given = dict(raw.points)
        unknown = sorted(set(given) - set(scheme.names))
        if (raw.scheme or scheme.name) != scheme.name or unknown:
            other = f"names {unknown[0]!r}" if unknown else f"is of the scheme {raw.scheme}"
            raise NasionError(f"{path}: {other}, but {scheme.name} is wanted; give files of that scheme")
        if any(len(point) != 2 for point in given.values()):
            raise NasionError(f"{path}: has points in space; give points of the image, in pixels")
        points = np.array([given.get(name, (np.nan, np.nan)) for name in scheme.names], float)
        image = image_beside(path)
        samples.append(ImageSample(image, points, image.stem.partition("__")[0]))
    return PublishedSet(folder.name, tuple(samples), "own data")
