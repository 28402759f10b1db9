"""The vocabulary: landmark names, their cranial-facial pairs, sides and definitions.

Names follow Caple & Stephan, "A standardized nomenclature for craniofacial and facial anthropometry",
Int J Legal Med 130 (2016). The definitions in ``data/landmarks.json`` are in our own words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final


@dataclass(frozen=True)
class Pair:
    """One cranial landmark and the facial landmark above it."""

    cranial: str
    facial: str


def _bilateral(cranial: str, facial: str) -> tuple[Pair, Pair]:
    return Pair(f"{cranial}_left", f"{facial}_left"), Pair(f"{cranial}_right", f"{facial}_right")


PAIRS: Final[tuple[Pair, ...]] = (
    Pair("nasion", "nasion"),
    Pair("glabella", "glabella"),
    Pair("metopion", "metopion"),
    Pair("bregma", "bregma"),
    Pair("subspinale", "subnasale"),
    Pair("prosthion", "labiale_superius"),
    Pair("pogonion", "pogonion"),
    Pair("gnathion", "gnathion"),
    *_bilateral("ectoconchion", "exocanthion"),
    *_bilateral("dacryon", "endocanthion"),
    *_bilateral("zygion", "zygion"),
    *_bilateral("frontotemporale", "frontotemporale"),
    *_bilateral("alare", "alare"),
    *_bilateral("gonion", "gonion"),
)
"""The twenty pairs of the overlay, in the fixed order that every array of twenty rows follows."""

SCHEMES: Final[dict[str, tuple[str, ...]]] = {
    "cranial20": tuple(pair.cranial for pair in PAIRS),
    "facial20": tuple(pair.facial for pair in PAIRS),
}
"""Landmark schemes by name; a file's ``scheme`` is one of these."""

CRANIAL_HELPERS: Final[tuple[str, ...]] = (
    "porion_left",
    "porion_right",
    "orbitale_left",
    "orbitale_right",
    "rhinion",
    "infradentale",
    "mental_foramen_left",
    "mental_foramen_right",
)
FACIAL_HELPERS: Final[tuple[str, ...]] = (
    "tragion_left",
    "tragion_right",
    "orbitale_left",
    "orbitale_right",
    "cheilion_left",
    "cheilion_right",
    "pronasale",
)


def side(name: str) -> str | None:
    """Return ``"left"`` or ``"right"`` (the subject's) for a bilateral name, else None."""
    for value in ("left", "right"):
        if name.endswith(f"_{value}"):
            return value
    return None


def mirrored(name: str) -> str:
    """Return the name of the landmark on the other side; a midline name is its own mirror."""
    match side(name):
        case "left":
            return f"{name.removesuffix('_left')}_right"
        case "right":
            return f"{name.removesuffix('_right')}_left"
        case _:
            return name


@cache
def definitions() -> dict[str, dict[str, str]]:
    """Return ``{"cranial" | "facial": {base name without side: definition}}`` from the data file."""
    text = resources.files(__package__).joinpath("data/landmarks.json").read_text(encoding="utf-8")
    table: dict[str, dict[str, str]] = json.loads(text)["definitions"]
    return table
