"""Sets with their landmarks in text files: WFLW's list files and the ``.pts`` files of 300-W."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.landmarks.image.published.tables import TRAINING, PublishedSet, existing
from nasion.landmarks.image.samples import ImageSample
from nasion.readers.files import read_text
from nasion.readers.landmark_formats import parse_pts

WFLW_LISTS: Final = "list_98pt_rect_attr_*.txt"
WFLW_CONDITIONS: Final = ("pose", "expression", "illumination", "make-up", "occlusion", "blur")
IMAGES: Final = (".jpg", ".jpeg", ".png")
_WFLW_POINTS: Final = 98
_PARTS_300W: Final = {
    "trainset": TRAINING,
    "afw": TRAINING,
    "testset": "common",
    "ibug": "challenging",
    "01_indoor": "300w_indoor",
    "02_outdoor": "300w_outdoor",
}
"""Folder to part, by the protocol of section IV-A: LFPW's and HELEN's trainset and all of AFW are learnt from."""


def read_wflw(folder: Path) -> PublishedSet:
    """Read WFLW (Wu et al. 2018): list files of 98 points, box and six attributes, images in ``WFLW_images``.

    Raises
    ------
    NasionError
        A line has another number of fields, or an image is missing.

    """
    samples = []
    for path in sorted(folder.rglob(WFLW_LISTS)):
        part = TRAINING if path.stem.endswith("train") else "test"
        for number, line in enumerate(read_text(path).splitlines(), start=1):
            fields = line.split(maxsplit=2 * _WFLW_POINTS + 10)
            try:
                numbers = [float(value) for value in fields[:-1]]
            except ValueError:
                numbers = []
            if len(numbers) != 2 * _WFLW_POINTS + 10:
                raise NasionError(f"{path}, line {number}: not 196 coordinates, a box, six attributes and an image")
            values, box, flags = np.split(np.array(numbers), [2 * _WFLW_POINTS, 2 * _WFLW_POINTS + 4])
            samples.append(
                ImageSample(
                    existing(folder / "WFLW_images" / fields[-1].strip(), path),
                    values.reshape(-1, 2),
                    Path(fields[-1].strip()).stem,
                    box_px=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
                    part=part,
                    conditions=frozenset(n for n, flag in zip(WFLW_CONDITIONS, flags, strict=True) if flag),
                )
            )
    return PublishedSet("WFLW", tuple(samples), "non-commercial research only (WFLW)")


def read_300w(folder: Path) -> PublishedSet:
    """Read 300-W: a ``.pts`` file of 68 points beside each image, in any folders below.

    The folders ``trainset`` and ``afw`` are to learn from; ``testset`` is the common part of the test, ``ibug`` the
    challenging one. Mirrored copies (``*_mirror``) are left out.

    Raises
    ------
    NasionError
        A file is damaged or an image is missing.

    """
    samples = []
    for path in sorted(folder.rglob("*.pts")):
        if path.stem.endswith("_mirror"):
            continue
        try:
            points = np.array([xy for _, xy in parse_pts(read_text(path)).points])
        except ValueError as error:
            raise NasionError(f"{path}: {error}") from None
        parts = [_PARTS_300W[name.lower()] for name in path.relative_to(folder).parts if name.lower() in _PARTS_300W]
        samples.append(ImageSample(image_beside(path), points, path.stem, part=parts[-1] if parts else ""))
    return PublishedSet("300-W", tuple(samples), "non-commercial research only (300-W)")


def image_beside(path: Path) -> Path:
    """Return the image of a landmark file's name; a missing one raises NasionError."""
    stem = path.name.removesuffix(".landmarks.json").removesuffix(".pts")
    for ending in IMAGES:
        for image in (path.with_name(stem + ending), path.with_name(stem + ending.upper())):
            if image.is_file():
                return image
    raise NasionError(f"{path}: there is no image {stem}{{{','.join(IMAGES)}}} beside it; copy it there")
