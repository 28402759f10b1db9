"""Drawn images with coloured discs as landmarks, for tests of learning."""

from __future__ import annotations

import cv2
import numpy as np

from nasion.landmarks.image.prepared import Prepared
from nasion.landmarks.image.samples import ImageSample
from nasion.landmarks.image.schemes import ImageScheme
from nasion.landmarks.image.settings import AugmentSettings, ImageNetSettings

SCHEME = ImageScheme("discs4", ("a_right", "a_left", "b", "c"), (1, 0, 2, 3), "face", ("a_right", "a_left"), ("b", "c"))
COLORS = ((255, 40, 40), (40, 255, 40), (60, 60, 255), (255, 255, 40))
NET = ImageNetSettings(
    backbone="tiny", input_size_px=(64, 64), heads=2, visual_features=8, label_features=4, graph_widths=(8,), margin=1.6
)
STILL = AugmentSettings(rotation_deg=0, scale=(1, 1), shift=0, mirrored=0, colour=0, tint=0)


def sample(seed: int, *, part: str = "") -> ImageSample:
    rng = np.random.default_rng(seed)
    shape = np.array([[30, 30], [66, 30], [48, 50], [48, 72]], float)
    points = shape + rng.uniform(-5, 5, (4, 2))
    image = rng.integers(0, 60, (96, 96, 3)).astype(np.uint8)
    for (x, y), color in zip(points, COLORS, strict=True):
        cv2.circle(image, (round(x * 16), round(y * 16)), 4 * 16, color, -1, cv2.LINE_AA, 4)
    return ImageSample(image, points, f"p{seed}", part=part)


def prepared(seed: int) -> Prepared:
    own = sample(seed)
    return Prepared(own.pixels(), own.points_px, own.person)
