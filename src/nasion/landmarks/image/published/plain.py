"""A plain folder of own images: NAME.jpg (or .png) with NAME.landmarks.json beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from nasion.errors import NasionError
from nasion.landmarks.image.published.tables import PublishedSet
from nasion.landmarks.image.published.text_sets import image_beside
from nasion.landmarks.image.samples import ImageSample
from nasion.landmarks.image.schemes import ImageScheme
from nasion.readers.files import read_text
from nasion.readers.landmark_formats import parse_nasion_json

ENDING: Final = ".landmarks.json"
ABOUT: Final = "set.json"


class About(BaseModel):
    """What a plain folder may say of itself in ``set.json``; see ``PublishedSet``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    terms: str
    people: str = ""


def read_plain(folder: Path, scheme: ImageScheme) -> PublishedSet:
    """Read our landmark files; points that a file lacks are not marked.

    The part of a name before ``__`` tells the person (``anna__1.jpg``, ``anna__2.jpg``); without it every image is a
    person of its own. A file ``set.json`` may name the set and its terms.

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
    about = _about(folder)
    return PublishedSet(about.name, tuple(samples), about.terms, people=about.people)


def _about(folder: Path) -> About:
    path = folder / ABOUT
    if not path.is_file():
        return About(name=folder.name, terms="own data")
    try:
        return About.model_validate_json(read_text(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "content"
        raise NasionError(f"{path}: {where}: {first['msg']}; give name, terms and, if need be, people") from None
