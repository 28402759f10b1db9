"""Which landmark a label in somebody's file means."""

from __future__ import annotations

import re
from functools import cache
from typing import Final, Literal

from nasion.anatomy.landmarks import CRANIAL_HELPERS, FACIAL_HELPERS, SCHEMES

Kind = Literal["cranial", "facial"]

SCHEME_OF: Final[dict[Kind, str]] = {"cranial": "cranial20", "facial": "facial20"}
_HELPERS: Final[dict[Kind, tuple[str, ...]]] = {"cranial": CRANIAL_HELPERS, "facial": FACIAL_HELPERS}

_COMMON: Final = {
    "n": "nasion",
    "g": "glabella",
    "m": "metopion",
    "b": "bregma",
    "pg": "pogonion",
    "pog": "pogonion",
    "gn": "gnathion",
    "zy": "zygion",
    "ft": "frontotemporale",
    "al": "alare",
    "go": "gonion",
    "or": "orbitale",
}
_ABBREVIATIONS: Final[dict[Kind, dict[str, str]]] = {
    "cranial": _COMMON
    | {
        "ss": "subspinale",
        "pr": "prosthion",
        "ec": "ectoconchion",
        "d": "dacryon",
        "po": "porion",
        "rhi": "rhinion",
        "id": "infradentale",
        "mf": "mental_foramen",
    },
    "facial": _COMMON
    | {
        "sn": "subnasale",
        "ls": "labiale_superius",
        "ex": "exocanthion",
        "en": "endocanthion",
        "t": "tragion",
        "ch": "cheilion",
        "prn": "pronasale",
    },
}
"""Caple & Stephan (2016); a prime for soft tissue is dropped before."""

_SIDES: Final = {"l": "left", "left": "left", "lt": "left", "r": "right", "right": "right", "rt": "right"}


@cache
def vocabulary(kind: Kind) -> frozenset[str]:
    """Return the names of a kind's landmarks and helper points."""
    return frozenset(SCHEMES[SCHEME_OF[kind]]) | frozenset(_HELPERS[kind])


def is_helper(name: str, kind: Kind) -> bool:
    """Tell whether a known name is a helper point and not one of the twenty."""
    return name not in SCHEMES[SCHEME_OF[kind]]


def resolve(label: str, kind: Kind) -> str | None:
    """Return the landmark that a label means, or None.

    Case does not matter; blanks, hyphens, dots and brackets stand for underscores; the side may come first or last as
    left, right, L, R, lt or rt ("Gonion L", "left gonion", "goR"); the abbreviations of Caple & Stephan are taken.
    A bilateral name without its side is no landmark.
    """
    text = re.sub(r"(?<=[a-z])([LR])$", r"_\1", label.strip().rstrip("'’′"))
    words = [word.rstrip("'’′") for word in re.split(r"[\s\-_.,()\[\]]+", text.lower()) if word]
    if not words:
        return None
    side = ""
    if len(words) > 1 and words[-1] in _SIDES:
        side = "_" + _SIDES[words.pop()]
    elif len(words) > 1 and words[0] in _SIDES:
        side = "_" + _SIDES[words.pop(0)]
    base = "_".join(words)
    name = _ABBREVIATIONS[kind].get(base, base) + side
    return name if name in vocabulary(kind) else None
