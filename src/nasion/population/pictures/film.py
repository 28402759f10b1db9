"""From line integrals to a radiograph: Beer-Lambert, scatter, blur, quantum noise, the film's curve.

Scatter comes from where photons are lost and can still get out: its source is taken as T (-log T), T the share that
passes, spread over some centimetres (the forward scatter of convolution models, L. A. Love & R. A. Kruger, "Scatter
estimation for a digital radiographic system using convolution filtering", Medical Physics 14, 1987).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]

OBJECT_ATTENUATION: Final = 0.08
"""Line integral from which a pixel counts as the object, to which the exposure is set."""
_COARSE_STEPS: Final = 4


@dataclass(frozen=True)
class FilmSettings:
    """How films vary; each (least, largest) range is drawn evenly.

    Attributes
    ----------
    scatter_to_primary
        Mean ratio over the object, a grid being in use or not.
    scatter_mm
        SD of the scatter's spread at the head.
    blur_mm
        SD of focal spot and screen at the head.
    photons
        That a pixel of the open field receives, drawn on a logarithmic scale.
    contrast
        Slope of the film's curve: half the object's range of log exposure, times this, is what the logistic curve sees.
    density
        Shift of the curve, in halves of that range: above 0 the picture is darker.
    fog
        Grey level of the open field.
    detail
        How much more of what is finer than ``detail_mm`` is shown (unsharp masking, as digital systems do).
    detail_mm
        SD of what counts as broad.

    """

    scatter_to_primary: tuple[float, float] = (0.15, 0.6)
    scatter_mm: tuple[float, float] = (18.0, 32.0)
    blur_mm: tuple[float, float] = (0.2, 0.6)
    photons: tuple[float, float] = (3e4, 3e5)
    contrast: tuple[float, float] = (1.6, 2.6)
    density: tuple[float, float] = (-0.25, 0.35)
    fog: tuple[float, float] = (0.01, 0.09)
    detail: tuple[float, float] = (0.5, 1.3)
    detail_mm: tuple[float, float] = (9.0, 16.0)


@dataclass(frozen=True)
class Exposure:
    """What is drawn for one film; see ``FilmSettings``."""

    scatter_to_primary: float
    scatter_mm: float
    blur_mm: float
    photons: float
    contrast: float
    density: float
    fog: float
    detail: float
    detail_mm: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, settings: FilmSettings) -> Exposure:
        """Return the exposure of one film."""
        ranges = asdict(settings)
        photons = float(np.exp(rng.uniform(*np.log(settings.photons))))
        drawn = {name: float(rng.uniform(*between)) for name, between in ranges.items() if name != "photons"}
        return cls(photons=photons, **drawn)


def developed(
    attenuation: FloatImage, factor: int, mm_per_px: float, exposure: Exposure, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return the film of line integrals: bone bright, air dark.

    Parameters
    ----------
    attenuation
        (factor h, factor w) line integrals; the detector's pixels add up ``factor`` x ``factor`` of them.
    factor
        See ``attenuation``.
    mm_per_px
        Of the picture, at the head.
    exposure
        Of this film.
    rng
        Of its noise.

    Returns
    -------
    (h, w) uint8.

    """
    height, width = attenuation.shape[0] // factor, attenuation.shape[1] // factor
    fine = np.exp(-attenuation)
    passed: FloatImage = np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA), dtype=np.float32)
    reached: FloatImage = passed + _scatter(passed, mm_per_px, exposure)
    sigma = exposure.blur_mm / mm_per_px
    reached = np.asarray(cv2.GaussianBlur(reached, (0, 0), max(sigma, 0.05), borderType=cv2.BORDER_REPLICATE))
    noise = rng.standard_normal(reached.shape, dtype=np.float32)
    reached = reached + noise * np.sqrt(reached / np.float32(exposure.photons))
    inside = -np.log(np.maximum(passed, 1e-6)) > OBJECT_ATTENUATION
    log_exposure = np.log(np.maximum(reached, 1e-5))
    seen = log_exposure[inside] if inside.any() else log_exposure.ravel()
    low, middle, high = (float(q) for q in np.quantile(seen, (0.005, 0.6, 0.92)))
    half = max((high - low) / 2, 0.05)
    curve = _Curve(middle, half, exposure)
    open_field = curve(np.zeros(1, dtype=np.float32))
    grey = (curve(log_exposure) - open_field) / (1.0 - open_field)
    grey += exposure.detail * (grey - _broad(grey, exposure.detail_mm / mm_per_px))
    return np.asarray(np.rint(255.0 * (exposure.fog + (1.0 - exposure.fog) * np.clip(grey, 0.0, 1.0))), dtype=np.uint8)


@dataclass(frozen=True)
class _Curve:
    """The film's curve: grey level of log exposures, bright where little arrives."""

    middle: float
    half: float
    exposure: Exposure

    def __call__(self, log_exposure: FloatImage) -> FloatImage:
        level = (self.middle - log_exposure) / self.half - self.exposure.density
        return np.asarray(1.0 / (1.0 + np.exp(-self.exposure.contrast * level)), dtype=np.float32)


def _scatter(passed: FloatImage, mm_per_px: float, exposure: Exposure) -> FloatImage:
    source = -passed * np.log(np.maximum(passed, 1e-6))
    spread = _broad(source, exposure.scatter_mm / mm_per_px)
    inside = -np.log(np.maximum(passed, 1e-6)) > OBJECT_ATTENUATION
    if not inside.any():
        return np.zeros_like(passed)
    ratio = exposure.scatter_to_primary * passed[inside].mean() / max(float(spread[inside].mean()), 1e-9)
    return np.asarray(ratio * spread, dtype=np.float32)


def _broad(image: FloatImage, sigma_px: float) -> FloatImage:
    """Return a picture blurred widely, at a quarter of its size."""
    height, width = image.shape
    small = (max(1, width // _COARSE_STEPS), max(1, height // _COARSE_STEPS))
    coarse = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    coarse = cv2.GaussianBlur(coarse, (0, 0), sigma_px / _COARSE_STEPS, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
