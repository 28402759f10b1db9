"""From linear light to a photograph: exposure, casts, softness, noise, the marks of JPEG."""

from __future__ import annotations

import cv2
import numpy as np

from nasion.geometry.interpolation import FloatImage
from nasion.landmarks.image.rendered.sampling import GAMMA, Rng
from nasion.landmarks.image.samples import Pixels


def developed(light: FloatImage, size_px: int, rng: Rng) -> Pixels:
    """Return the (size, size, 3) photograph of linear light at a multiple of its size."""
    image = cv2.resize(light, (size_px, size_px), interpolation=cv2.INTER_AREA)
    warm = rng.normal(0, 0.12)
    image = image * np.exp(np.array([warm, rng.normal(0, 0.04), -warm])).astype(np.float32)
    if rng.random() < 0.08:
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    image = np.clip(image, 0, 1) ** (1 / GAMMA)
    contrast = rng.uniform(0.75, 1.35)
    image = np.clip(0.45 + contrast * (image - 0.45), 0, 1).astype(np.float32)
    if rng.random() < 0.3:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.6))), np.float32)
    elif rng.random() < 0.15:
        image = _moved(image, rng)
    if rng.random() < 0.6:
        grain = rng.normal(0, rng.uniform(0.003, 0.04), image.shape).astype(np.float32)
        if rng.random() < 0.5:
            grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.8), np.float32) * 2
        image = image + grain
    return np.clip(np.rint(image * 255), 0, 255).astype(np.uint8)


def _moved(image: FloatImage, rng: Rng) -> FloatImage:
    """Return an image blurred along a line."""
    length = int(rng.integers(3, 8))
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = (length - 1) / 2
    ends = [(round(reach + s * reach * np.cos(angle)), round(reach + s * reach * np.sin(angle))) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.float32)


def jpeg(image: Pixels, rng: Rng) -> bytes:
    """Return the file of an image, more or less compressed."""
    quality = int(rng.integers(55, 96))
    return bytes(cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
