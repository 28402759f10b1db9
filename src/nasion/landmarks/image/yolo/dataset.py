"""Samples of any set as YOLO keypoints: ``data.yaml``, ``PART/images`` and ``PART/labels``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.samples import ImageSample
from nasion.landmarks.image.schemes import ImageScheme
from nasion.readers.files import write_bytes, write_json, write_text

CONFIG: Final = "data.yaml"
_TRAINING: Final = "train"
_HELD_OUT_SHARE: Final = 0.1
_MARGIN: Final = 0.05
"""Room round the points where a sample has no box, in the box's size."""


def write_yolo_set(samples: Sequence[ImageSample], scheme: ImageScheme, folder: Path, seed: int = 0) -> Path:
    """Write samples in the form that ultralytics learns from; return ``data.yaml``.

    Samples of another part than ``train`` are for validation; where there are none, a tenth of the persons.

    Parameters
    ----------
    samples
        One object each.
    scheme
        Of their points; ``flip_idx`` is its mirror map.
    folder
        To write.
    seed
        Of the split.

    Raises
    ------
    NasionError
        There are fewer than two persons, or a sample has fewer than two points and no box.

    """
    training, validation = _parts(samples, seed)
    for part, own in (("train", training), ("val", validation)):
        for number, sample in enumerate(own):
            _write(sample, folder, part, f"{number:06d}")
    config = {
        "path": str(folder.resolve()),
        "train": "train/images",
        "val": "val/images",
        "kpt_shape": [len(scheme), 3],
        "flip_idx": list(scheme.mirror),
        "names": {"0": scheme.subject},
    }
    # JSON is YAML
    write_json(folder / CONFIG, config)
    return folder / CONFIG


def _parts(samples: Sequence[ImageSample], seed: int) -> tuple[list[ImageSample], list[ImageSample]]:
    training = [sample for sample in samples if sample.part in ("", _TRAINING)]
    others = [sample for sample in samples if sample.part not in ("", _TRAINING)]
    if not others:
        persons = sorted({sample.person for sample in training})
        count = max(1, round(_HELD_OUT_SHARE * len(persons)))
        held_out = set(np.random.default_rng(seed).permutation(persons)[:count].tolist())
        others = [sample for sample in training if sample.person in held_out]
        training = [sample for sample in training if sample.person not in held_out]
    if not training or not others:
        raise NasionError("training needs images of at least two persons; give more")
    return training, others


def _write(sample: ImageSample, folder: Path, part: str, name: str) -> None:
    import cv2

    image = sample.pixels()
    encoded, content = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    if not encoded:
        raise NasionError(f"{folder}: an image cannot be written as PNG; check the samples")
    write_bytes(folder / part / "images" / f"{name}.png", content.tobytes())
    line = label_line(sample, (image.shape[1], image.shape[0]))
    write_text(folder / part / "labels" / f"{name}.txt", line + "\n")


def label_line(sample: ImageSample, size_px: tuple[int, int]) -> str:
    """Return a sample's line: class 0, box, then x, y and visibility of each point, in shares of the image.

    Shares count from the image's corner. Points that are not marked, or lie outside the image, are 0 0 0.
    """
    size = np.array(size_px, float)
    shares = (sample.points_px + 0.5) / size
    seen = np.isfinite(shares).all(axis=1) & (abs(shares - 0.5) <= 0.5).all(axis=1)
    low, high = _box(sample, seen, size)
    numbers = [*((low + high) / 2), *(high - low)]
    words = [f"{value:.6f}" for value in numbers]
    for share, there in zip(shares, seen, strict=True):
        words += [f"{share[0]:.6f}", f"{share[1]:.6f}", "2"] if there else ["0", "0", "0"]
    return " ".join(["0", *words])


def _box(sample: ImageSample, seen: FloatArray, size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the box's corners in shares, inside the image."""
    if sample.box_px is not None:
        corners = np.array(sample.box_px, float).reshape(2, 2)
    else:
        points = sample.points_px[seen.astype(bool)]
        if len(points) < 2:
            raise NasionError(f"{sample.person}: fewer than two points lie in the image; leave it out")
        corners = np.array([points.min(axis=0), points.max(axis=0)])
        corners += _MARGIN * np.ptp(corners, axis=0) * np.array([[-1.0], [1.0]])
    low, high = np.clip((corners + 0.5) / size, 0.0, 1.0)
    return low, high
