"""Keypoint sets in YOLO's form, as Roboflow exports them (S2F of Cranio-ID): ``data.yaml``, images and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from nasion.errors import NasionError
from nasion.landmarks.image.published.tables import TRAINING, PublishedSet
from nasion.landmarks.image.published.text_sets import IMAGES
from nasion.landmarks.image.samples import ImageSample
from nasion.landmarks.image.schemes import ImageScheme
from nasion.readers.files import read_text

CONFIG: Final = "data.yaml"
_PARTS: Final = {"train": TRAINING, "val": "val", "test": "test"}


def read_yolo(folder: Path, scheme: ImageScheme) -> PublishedSet:
    """Read ``data.yaml`` and, beside each folder ``images``, ``labels/NAME.txt`` with a line an object.

    A line is class, box (centre x, y, width, height) and x, y[, visibility] of each point, all in shares of the image;
    visibility 0 is a point that is not marked. Copies that Roboflow made of one image count as one person.

    Raises
    ------
    NasionError
        The file is damaged, names another number of points, or flips them in another way than the scheme.

    """
    config = _config(folder / CONFIG)
    shape = config.get("kpt_shape")
    if not isinstance(shape, list) or len(shape) != 2 or shape[0] != len(scheme) or shape[1] not in (2, 3):
        raise NasionError(
            f"{folder / CONFIG}: kpt_shape is {shape}, but {scheme.name} needs [{len(scheme)}, 2 or 3]; use its scheme"
        )
    flip = config.get("flip_idx")
    if flip is not None and tuple(flip) != scheme.mirror:
        raise NasionError(f"{folder / CONFIG}: flip_idx is not that of {scheme.name}; its points are in another order")
    names = config.get("names", {})
    classes = dict(names) if isinstance(names, dict) else dict(enumerate(names))
    samples: list[ImageSample] = []
    for key, part in _PARTS.items():
        if config.get(key):
            images = _images(folder, config, str(config[key]))
            for image in sorted(path for path in images.iterdir() if path.suffix.lower() in IMAGES):
                samples += _objects(image, part, shape[1], scheme, classes)
    if not samples:
        raise NasionError(f"{folder / CONFIG}: names no folder with labelled images; unpack the set completely")
    return PublishedSet(f"{folder.name} (YOLO keypoints)", tuple(samples), "as the set's own terms say")


def _config(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError:
        raise NasionError("reading data.yaml needs PyYAML; install nasion[train]") from None
    try:
        values = yaml.safe_load(read_text(path))
    except yaml.YAMLError:
        values = None
    if not isinstance(values, dict):
        raise NasionError(f"{path}: is no YAML table; export the set again")
    return values


def _images(folder: Path, config: dict[str, Any], named: str) -> Path:
    """Return a part's folder; Roboflow writes ``../train/images`` though it lies beside ``data.yaml``."""
    base = folder / str(config.get("path", ""))
    for place in (base / named, folder / named, folder / named.removeprefix("../")):
        if place.is_dir():
            return place
    raise NasionError(f"{folder / CONFIG}: there is no folder {named}; unpack the set completely")


def _objects(image: Path, part: str, numbers: int, scheme: ImageScheme, classes: dict[Any, Any]) -> list[ImageSample]:
    from PIL import Image

    path = image.parent.parent / "labels" / f"{image.stem}.txt"
    if not path.is_file():
        return []  # an image without objects
    with Image.open(image) as opened:
        size = np.array(opened.size, float)
    samples = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            values = np.array([float(value) for value in line.split()])
            rows = values[5:].reshape(len(scheme), numbers)
        except ValueError:
            raise NasionError(
                f"{path}, line {number}: not a class, a box and {len(scheme)} points of {numbers} numbers"
            ) from None
        # shares count from the image's corner, our pixels from the middle of the first one
        points = rows[:, :2] * size - 0.5
        if numbers == 3:
            points[rows[:, 2] == 0] = np.nan
        centre, half = values[1:3] * size - 0.5, values[3:5] * size / 2
        low, high = centre - half, centre + half
        samples.append(
            ImageSample(
                image,
                points,
                image.stem.partition(".rf.")[0],
                box_px=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
                part=part,
                conditions=frozenset({str(classes.get(int(values[0]), int(values[0])))}),
            )
        )
    return samples
