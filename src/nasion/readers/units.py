"""Units of length, and what size a head can have."""

from __future__ import annotations

import math
from typing import Final

from nasion.errors import NasionError

MM_PER_UNIT: Final[dict[str, float]] = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "in": 25.4, "um": 0.001, "0.1mm": 0.1}
"""Millimetres per unit, by the name that ``--units`` takes."""

_WORDS: Final = {
    "mm": "millimetres",
    "cm": "centimetres",
    "m": "metres",
    "in": "inches",
    "um": "micrometres",
    "0.1mm": "tenths of a millimetre",
}


def mm_per_unit(units: str | None, path: object) -> float:
    """Return the factor from ``units`` (None: millimetres) to millimetres; an unknown unit raises NasionError."""
    if units is None:
        return 1.0
    if units not in MM_PER_UNIT:
        raise NasionError(f"{path}: unknown unit {units!r}; use one of {', '.join(MM_PER_UNIT)}")
    return MM_PER_UNIT[units]


def check_size(
    size: float, units: str | None, path: object, range_mm: tuple[float, float], typical_mm: float, what: str
) -> None:
    """Raise NasionError where the longest side of ``what`` is no head's in the given units.

    Parameters
    ----------
    size
        Longest side of the bounding box, in the file's own units.
    units
        The unit that was given, or None for millimetres.
    path
        The file, for the message.
    range_mm
        Smallest and largest plausible size.
    typical_mm
        Usual size: the likely units are named in the order in which they come near to it.
    what
        The subject of the message, such as ``"the skull"``.

    """
    low, high = range_mm
    size_mm = size * mm_per_unit(units, path)
    if low <= size_mm <= high:
        return
    stated = f"{what} is {size:.3g} {units or 'mm'} long" if units else f"the longest side of {what} is {size:.3g}"
    likely = [name for name, factor in MM_PER_UNIT.items() if low <= size * factor <= high]
    if not likely:
        raise NasionError(
            f"{path}: {stated}, which is a head in no unit ({low:.0f} to {high:.0f} mm expected); scale or crop it"
        )
    likely.sort(key=lambda name: abs(math.log(size * MM_PER_UNIT[name] / typical_mm)))
    words, options = (" or ".join(parts) for parts in ([_WORDS[n] for n in likely], [f"--units {n}" for n in likely]))
    raise NasionError(f"{path}: {stated}: this looks like {words}; give {options}")
