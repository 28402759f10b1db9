"""A trained matcher as a folder: ONNX files and ``card.json``, which says what it is and how well it does.

==============  =======================================================================================================
file            what it takes and gives
==============  =======================================================================================================
patches.onnx    image (n, 3, s, s), 0 to 255, to features (n, d); absent where patches are described without a network
whole.onnx      the same of whole pictures; absent where it is that of the patches, or no network
probe.onnx      nodes (b, n, 2 + d), adjacency (b, n, n), there (b, n), whole (b, g), view (b,) to tokens and others
face.onnx       the same of faces
pair.onnx       probes (p, n, w), probe_there, faces (f, m, w), face_there to similarity (p, f), cost (p, f, n, m)
==============  =======================================================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from nasion.errors import NasionError
from nasion.matching.settings import MatchSettings
from nasion.matching.tokens import TokenShape
from nasion.networks.model_folder import CARD_FILE, read_card, read_checked, write_card
from nasion.networks.stored_settings import settings_from
from nasion.readers.files import output_folder, sha256, write_bytes

PATCHES, WHOLE, PROBE, FACE, PAIR = "patches.onnx", "whole.onnx", "probe.onnx", "face.onnx", "pair.onnx"
"""Files of the networks."""


class Retrieval(BaseModel):
    """Ranks of the true faces, every probe scored against every face of the gallery as a pair of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_queries: int
    n_gallery: int
    failures: int
    """Probes that could not be scored; they count as not found."""
    recall: dict[str, float]
    """Share of probes whose own face is among the first K, by K."""
    chance: dict[str, float]


class Card(BaseModel):
    """What a model takes, how it was made, and what was measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["nasion-matcher-1"] = "nasion-matcher-1"
    preset: str
    ablation: str | None
    settings: dict[str, dict[str, Any]]
    """Plain values of ``settings.MatchSettings``."""
    tokens: dict[str, int]
    """Of ``tokens.TokenShape``."""
    input_px: dict[str, int]
    """Side of each backbone's input."""
    data: str
    """Whom it learnt from, in words."""
    landmarks: str
    """Where the training pictures' landmarks came from."""
    learnt_from: tuple[str, ...]
    """Marks (see ``picture_mark``) of the pictures of all people who took part in learning or chose the epoch."""
    training_people: int
    held_out_people: int
    unusable_pictures: int
    best_epoch: int
    held_out_recall: float
    """Of the best epoch, among the held-out people; they chose it."""
    tests: dict[str, Retrieval]
    """On the people of the set's other parts, by part."""
    code_version: str
    files: dict[str, str]
    """SHA-256 of each file."""

    def match_settings(self) -> MatchSettings:
        """Return the settings; values of another version raise NasionError."""
        return settings_from(MatchSettings, self.settings)

    def shape(self) -> TokenShape:
        """Return the sizes of the tokens."""
        return TokenShape(**self.tokens)

    @property
    def sha256(self) -> str:
        """Of all that features and scores depend on."""
        own = {"files": self.files, "pictures": self.settings["pictures"], "network": self.settings["network"]}
        return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class ModelFolder:
    """A model read from its folder; the files are those that the card was made for."""

    card: Card
    files: dict[str, bytes]


def picture_mark(path: Path) -> str:
    """Return the first 16 hexadecimal digits of a picture file's SHA-256."""
    return sha256(path)[:16]


def settings_record(settings: MatchSettings) -> dict[str, dict[str, Any]]:
    """Return settings as a card holds them."""
    return asdict(settings)


def write_model(folder: Path, card: Card, files: Mapping[str, bytes]) -> None:
    """Write a model's folder, whole or not at all; a folder that holds anything raises NasionError."""
    with output_folder(folder) as temporary:
        for name, content in files.items():
            write_bytes(temporary / name, content)
        write_card(temporary, card)


def read_model(folder: Path) -> ModelFolder:
    """Read a model's folder.

    Raises
    ------
    NasionError
        A file is missing or damaged, or is not the one of the card.

    """
    card = read_card(folder, Card)
    if not {PROBE, FACE, PAIR} <= set(card.files):
        raise NasionError(f"{folder / CARD_FILE}: names no {PROBE}, {FACE} or {PAIR}; train the model again")
    return ModelFolder(card, {name: read_checked(folder / Path(name).name, own) for name, own in card.files.items()})
