"""Small drawn pairs and settings for tests of generators: a ring seen through film, and the face that it belongs to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from nasion.reconstruction.generators.pairs import FacePair
from nasion.reconstruction.generators.settings import GeneratorSettings, generator_settings

SIDE = 32


def small_settings(model: str, **learning: object) -> GeneratorSettings:
    """Return the preset ``tiny`` made smaller still: 32 px, few layers, a high rate."""
    base = generator_settings(model, "tiny")
    network = replace(
        base.network, side_px=SIDE, width=8, blocks=2, critic_width=8, critic_layers=1, dropout=0.1, start="normal"
    )
    losses = replace(base.losses, patches=32, projection=16, nce_layers=(0, 4, 8, 10))
    values = {"epochs": 2, "decay_epochs": 2, "batch": 4, "rate": 2e-3, "augmentation": "none", **learning}
    return replace(base, network=network, losses=losses, learning=replace(base.learning, **values))


def drawn_pair(number: int, view: str = "frontal", side: int = SIDE) -> FacePair:
    """Return a person whose skull, a bright ring round grey, tells how large and where the face and its mouth are."""
    rng = np.random.default_rng([number, 7])
    middle, half = side * rng.uniform(0.4, 0.6, 2), side * rng.uniform(0.2, 0.38, 2)
    down, across = np.mgrid[:side, :side]
    radius = np.hypot((across - middle[0]) / half[0], (down - middle[1]) / half[1])
    source = np.full((side, side, 3), 20.0)
    source[radius < 1], source[(radius < 1) & (radius > 0.8)] = 120, 230
    target = np.empty((side, side, 3))
    target[:], target[radius < 1] = (60, 90, 160), (225, 180, 150)
    mouth = (abs(down - middle[1] - 0.4 * half[1]) < 0.06 * side) & (abs(across - middle[0]) < 0.5 * half[0])
    source[mouth], target[mouth] = 60, (150, 60, 70)
    files = (Path(f"skull{number}.png"), Path(f"face{number}.png"))
    marks = (f"skull{number}", f"face{number}")
    return FacePair(f"p{number}", view, "train", source.astype(np.uint8), target.astype(np.uint8), files, marks)


def drawn_pairs(count: int, first: int = 0, side: int = SIDE) -> list[FacePair]:
    """Return people of consecutive numbers, seen from the front."""
    return [drawn_pair(number, side=side) for number in range(first, first + count)]
