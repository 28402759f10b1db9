"""What was found as a landmark file holds it."""

from __future__ import annotations

from typing import Literal

from nasion.anatomy.landmarks import SCHEMES
from nasion.geometry.surface import FloatArray
from nasion.readers.landmarks import LandmarkFile


def file_of(
    scheme: str, units: Literal["mm", "px"], names: tuple[str, ...], found: dict[str, FloatArray], sigma: FloatArray
) -> LandmarkFile:
    """Return a landmark file with the points that were found and their standard deviations.

    Parameters
    ----------
    scheme, units
        Of the points.
    names, found
        All landmarks that were looked for; name to coordinates of those that are there.
    sigma
        (l,) standard deviations in the order of ``names``.

    """
    # a scheme without helpers of its own, such as ibug68, has landmarks only
    own = SCHEMES.get(scheme, names)
    return LandmarkFile(
        scheme=scheme,
        units=units,
        landmarks={name: point for name, point in found.items() if name in own},
        helpers={name: point for name, point in found.items() if name not in own},
        sigma={name: value for name, value in zip(names, sigma.tolist(), strict=True) if name in found},
    )
