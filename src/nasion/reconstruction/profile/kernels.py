"""Kernels of Gaussian processes: how alike two films are told to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasion.geometry.surface import FloatArray


@dataclass(frozen=True)
class KernelSettings:
    """Of a Gaussian process; all are relative to the linear kernel of the bony landmarks, whose mean square is 1.

    Attributes
    ----------
    noise
        Variance of what the bone does not tell.
    bend
        Weight of the squared exponential kernel of the bony landmarks; 0 leaves a linear regression (ridge).
    length
        Of that kernel.
    share
        Weight of the linear kernel of the film's appearance.

    """

    noise: float
    bend: float = 0.0
    length: float = 1.0
    share: float = 0.0


@dataclass(frozen=True, eq=False)
class Scaled:
    """Features less their mean, scaled to a mean square length of 1 over the films that they were fitted on."""

    mean: FloatArray
    scale: float

    @classmethod
    def to(cls, features: FloatArray) -> Scaled:
        """Fit (n, f) features."""
        mean = features.mean(axis=0)
        square = float(((features - mean) ** 2).sum(axis=1).mean())
        return cls(mean, 1.0 / np.sqrt(square) if square > 0 else 1.0)

    def apply(self, features: FloatArray) -> FloatArray:
        """Return (n, f)."""
        made: FloatArray = (features - self.mean) * self.scale
        return made


@dataclass(frozen=True, eq=False)
class Features:
    """Scaled features of n films: (n, 30) of the bony landmarks, (n, f) of the appearance (f may be 0)."""

    shape: FloatArray
    look: FloatArray


def kernel(a: Features, b: Features, settings: KernelSettings) -> FloatArray:
    """Return the (n, m) kernel between films."""
    made: FloatArray = a.shape @ b.shape.T
    if settings.bend:
        square = (a.shape**2).sum(axis=1)[:, None] + (b.shape**2).sum(axis=1) - 2 * made
        made = made + settings.bend * np.exp(-np.maximum(square, 0) / (2 * settings.length**2))
    if settings.share:
        made = made + settings.share * (a.look @ b.look.T)
    return made


def own_kernel(a: Features, settings: KernelSettings) -> FloatArray:
    """Return the (n,) kernel of each film with itself."""
    made: FloatArray = (a.shape**2).sum(axis=1) + settings.bend + settings.share * (a.look**2).sum(axis=1)
    return made
