"""The four models by name (PyTorch)."""

from __future__ import annotations

from typing import Final

import torch

from nasion.reconstruction.generators.cut import Cut
from nasion.reconstruction.generators.cyclegan import CycleGan
from nasion.reconstruction.generators.pix2pix import Pix2pix
from nasion.reconstruction.generators.settings import GeneratorSettings, Model
from nasion.reconstruction.generators.translator import Translator

TRANSLATORS: Final[dict[Model, type[Translator]]] = {
    "cyclegan": CycleGan,
    "pix2pix": Pix2pix,
    "cut": Cut,
    "fastcut": Cut,
}


def new_translator(settings: GeneratorSettings) -> Translator:
    """Return a model at its start; the same seed gives the same weights."""
    torch.manual_seed(settings.learning.seed)
    return TRANSLATORS[settings.model](settings)
