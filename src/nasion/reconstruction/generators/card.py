"""A trained generator as a folder: ``model.onnx`` and ``card.json``, which says what it is and how well it does.

The network takes ``picture`` (n, 3, s, s), 0 to 255, ``view`` (n,), -1 frontal or 1 lateral, where it was told views,
and ``noise`` (n, k), uniform in 0 to 1, where it has dropout; it gives ``face`` (n, 3, s, s), 0 to 255.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from nasion.networks.model_folder import MODEL_FILE, read_card, read_checked, write_card
from nasion.networks.stored_settings import settings_from
from nasion.readers.files import output_folder, write_bytes
from nasion.reconstruction.generators.settings import GeneratorSettings


class Likeness(BaseModel):
    """How like the true faces generated ones are, over all pairs of some people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pairs: int
    people: int
    ssim: float
    """Mean structural similarity of the mean of the samples, see ``scores.likeness``."""
    ssim_of_mean_face: float
    """The same of the training people's mean face of the view: the floor."""


class Card(BaseModel):
    """What a generator takes, how it was made, and what was measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["nasion-generator-1"] = "nasion-generator-1"
    settings: dict[str, Any]
    """Plain values of ``settings.GeneratorSettings``."""
    scheme: str
    """Of the landmarks by which pictures are laid into the frame."""
    modality: str
    """Of the source: xray or sketch."""
    views: tuple[str, ...]
    """Those it has learnt."""
    noise_size: int
    parameters: int
    data: str
    """Whom it learnt from, in words."""
    learnt_from: tuple[str, ...]
    """Marks (``matching.card.picture_mark``) of the pictures of all training people."""
    training_people: int
    training_pairs: int
    unusable_pictures: int
    epochs: int
    seconds: float
    tests: dict[str, Likeness]
    """Of people who are not among the training people, by part of the set."""
    code_version: str
    model_sha256: str

    def generator_settings(self) -> GeneratorSettings:
        """Return the settings; values of another version raise NasionError."""
        return settings_from(GeneratorSettings, self.settings)


@dataclass(frozen=True, eq=False)
class ModelFolder:
    """A model read from its folder; the file is the one that the card was made for."""

    card: Card
    onnx: bytes


def write_model(folder: Path, model: ModelFolder) -> None:
    """Write a model's folder, whole or not at all; a folder that holds anything raises NasionError."""
    with output_folder(folder) as temporary:
        write_bytes(temporary / MODEL_FILE, model.onnx)
        write_card(temporary, model.card)


def read_model(folder: Path) -> ModelFolder:
    """Read a model's folder; one that is missing, damaged or of another kind raises NasionError."""
    card = read_card(folder, Card)
    return ModelFolder(card, read_checked(folder / MODEL_FILE, card.model_sha256))
