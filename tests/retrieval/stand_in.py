"""A matcher that needs no weights: the colours under the landmarks, and folders of pictures that it can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nasion.errors import NasionError
from nasion.matching.card import Card
from nasion.matching.point_schemes import point_scheme
from nasion.matching.tokens import Tokens, TokenShape
from nasion.readers.files import write_json

SCHEME = "cranio31"
NAMES = point_scheme(SCHEME).names
SIZE = (48, 60)
LEAST = 4


class ColorMatcher:
    """Tokens are colours under the landmarks; the pair score is minus their mean distance."""

    scheme = SCHEME
    shape = TokenShape(len(NAMES), 3, 8)
    card = Card.model_construct(preset="stand-in", data="nobody", tests={}, code_version="0")

    def __init__(self, sha256: str = "a" * 64) -> None:
        self.sha256 = sha256

    def features(self, picture: NDArray[np.uint8], points_px: NDArray[np.float64], modality: str) -> Tokens:
        there = np.isfinite(points_px).all(axis=1)
        if there.sum() < LEAST:
            raise NasionError(f"only {there.sum()} landmarks are there; at least {LEAST} are needed")
        at = np.where(there[:, None], points_px, 0).astype(int)
        colors = picture[at[:, 1], at[:, 0]].astype(np.float32) / 255
        colors[~there] = 0
        whole = (colors.ravel() - 0.5) @ np.random.default_rng(3).standard_normal((colors.size, 8)).astype(np.float32)
        return Tokens(colors, (whole / np.linalg.norm(whole)).astype(np.float32), there)

    def embed(self, tokens: Tokens) -> NDArray[np.float32]:
        return tokens.whole

    def unpack(self, vector: NDArray[np.float32]) -> Tokens:
        return self.shape.unpack(vector)

    def score(self, probe: Tokens, faces: Sequence[Tokens]) -> NDArray[np.float64]:
        return np.array([-np.abs(probe.tokens - face.tokens).mean() for face in faces], dtype=np.float64)


def points() -> dict[str, list[float]]:
    """Return landmarks on a grid of the picture."""
    return {name: [4.0 + 10 * (k % 4), 3.0 + 7 * (k // 4)] for k, name in enumerate(NAMES)}


def person_picture(seed: int, noise: float = 0.0) -> NDArray[np.uint8]:
    """Return patches of random colours; with noise another picture of the same person."""
    own = np.random.default_rng(seed).integers(0, 256, (6, 5, 3)).repeat(10, axis=0).repeat(10, axis=1)
    fine = np.random.default_rng([seed, 1]).normal(0, noise, own.shape) if noise else 0
    return np.clip(own[: SIZE[1], : SIZE[0]] + (fine if noise == 0 else fine[: SIZE[1], : SIZE[0]]), 0, 255).astype(
        np.uint8
    )


def write_picture(path: Path, seed: int, noise: float = 0.0, names: Sequence[str] = NAMES) -> Path:
    """Write a picture and its landmark file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(person_picture(seed, noise)).save(path)
    landmarks = {name: own for name, own in points().items() if name in names}
    content = {"scheme": SCHEME, "units": "px", "image_size_px": list(SIZE), "landmarks": landmarks}
    write_json(path.with_name(f"{path.stem}.landmarks.json"), content)
    return path


def write_people(folder: Path, seeds: Sequence[int]) -> Path:
    """Write one picture a person, called p00, p01, ..."""
    for seed in seeds:
        write_picture(folder / f"p{seed:02d}.png", seed)
    return folder
