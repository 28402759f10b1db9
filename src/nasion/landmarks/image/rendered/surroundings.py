"""What is behind a head and before it: backgrounds and things that hide parts; linear light at the fine size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.geometry.interpolation import FloatImage
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.rendered.drawing import DrawnHead
from nasion.landmarks.image.rendered.sampling import GAMMA, LinearPixels, Rng


def background(size_px: int, photograph: LinearPixels, rng: Rng) -> FloatImage:
    """Return (size, size, 3): clouds of colour, shapes, and enlarged scraps of a photograph, more or less out of focus.

    Scraps are so large that no face is seen in them whole.
    """
    side = size_px // 2
    coarse = np.stack([clouds(64, rng.uniform(1.0, 2.2), rng) for _ in range(3)], axis=2)
    shared = coarse.mean(axis=2, keepdims=True)
    colourful = coarse - shared if rng.random() < 0.3 else 0.0
    picture = natural_colour(rng) * np.exp(rng.uniform(0.1, 0.9) * (shared + 0.5 * colourful))
    picture = cv2.resize(picture.astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 5))):
            _scrap(picture, photograph, rng)
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 14))):
            shape(picture, rng.uniform(-0.1, 1.1, 2) * side, rng.uniform(0.03, 0.5) * side, rng)
    if rng.random() < 0.6:
        soft = float(np.exp(rng.uniform(np.log(0.5), np.log(8.0))))
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), soft), np.float32)
    return np.asarray(np.clip(cv2.resize(picture, (size_px, size_px)), 0, 1), np.float32)


def natural_colour(rng: Rng) -> FloatArray:
    """Return (3,) linear colour, more often dull than vivid."""
    grey = rng.uniform(0, 1) ** GAMMA
    vivid: FloatArray = grey + rng.beta(1.0, 2.5) * (rng.uniform(0, 1, 3) ** GAMMA - grey)
    return np.maximum(vivid, 0.004)


def clouds(size: int, slope: float, rng: Rng) -> FloatImage:
    """Return (size, size) noise of mean 0 and SD 1 whose amplitude falls with frequency to the power ``-slope``."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * frequency**-slope
    spectrum[0, 0] = 0
    made = np.fft.irfft2(spectrum, (size, size))
    return np.asarray(made / made.std(), np.float32)


def _scrap(picture: FloatImage, photograph: LinearPixels, rng: Rng) -> None:
    side = picture.shape[0]
    height, width = photograph.shape[:2]
    part = int(rng.uniform(0.08, 0.25) * min(height, width))
    top, left = rng.integers(0, height - part), rng.integers(0, width - part)
    w, h = (rng.uniform(0.2, 1.2, 2) * side).astype(int)
    scrap = cv2.resize(photograph[top : top + part, left : left + part], (int(w), int(h)))
    scrap = np.ascontiguousarray(scrap[:: rng.choice([-1, 1]), :: rng.choice([-1, 1]), rng.permutation(3)])
    x, y = rng.integers(-w // 2, side - w // 4), rng.integers(-h // 2, side - h // 4)
    a, b, c, d = max(0, x), max(0, y), min(side, x + w), min(side, y + h)
    if c > a and d > b:
        picture[b:d, a:c] = scrap[b - y : d - y, a - x : c - x] * rng.uniform(0.4, 1.6)


def shape(picture: FloatImage, centre: FloatArray, reach: float, rng: Rng) -> None:
    """Draw an ellipse, a polygon or a band of a colour into a picture."""
    colour = tuple(float(v) for v in natural_colour(rng))
    kind = rng.integers(3)
    if kind == 0:
        axes = tuple(int(v) for v in reach * rng.uniform(0.2, 1, 2) + 1)
        cv2.ellipse(
            picture, tuple(int(v) for v in centre), axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA
        )
    elif kind == 1:
        angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 7)))
        corners = centre + reach * rng.uniform(0.4, 1, len(angle))[:, None] * np.stack(
            [np.cos(angle), np.sin(angle)], 1
        )
        cv2.fillPoly(picture, [np.rint(corners).astype(np.int32)], colour, cv2.LINE_AA)
    else:
        way = reach * 2 * rng.normal(0, 1, 2)
        ends = [tuple(int(v) for v in centre + s * way) for s in (-1, 1)]
        cv2.line(picture, ends[0], ends[1], colour, max(1, int(reach * rng.uniform(0.05, 0.4))), cv2.LINE_AA)


def composed(behind: FloatImage, drawn: DrawnHead, softness_px: float) -> FloatImage:
    """Return the head before a background, its outline as soft as the lens makes it."""
    mask = cv2.GaussianBlur(drawn.mask.astype(np.float32), (0, 0), softness_px)
    # in the soft rim outside the head its own light is carried outward
    rim = ~drawn.mask & (mask > 0)
    light = drawn.light.copy()
    light[rim] = cv2.GaussianBlur(drawn.light, (0, 0), softness_px)[rim] / np.maximum(mask[rim], 1e-3)[:, None]
    light -= behind
    light *= mask[:, :, None]
    light += behind
    return light


def things(picture: FloatImage, box_px: NDArray[np.float64], rng: Rng) -> None:
    """Draw one or two things that hide parts of a face; ``box_px`` is left, top, right, bottom of its points."""
    for _ in range(int(rng.integers(1, 3))):
        low, high = box_px[:2], box_px[2:]
        centre = rng.uniform(low - 0.1 * (high - low), high + 0.15 * (high - low))
        shape(picture, centre, float(rng.uniform(0.08, 0.3) * (high - low).max()), rng)
