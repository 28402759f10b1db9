"""From trained networks to a model's folder (PyTorch)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nasion.matching.backbones import INPUT_PX, TIMM_NAMES, input_px
from nasion.matching.card import Card, ModelFolder, Retrieval, settings_record, write_model
from nasion.matching.export import file_hashes, model_files, token_shape
from nasion.matching.predict import Matcher, matcher_of
from nasion.matching.settings import MatchSettings
from nasion.matching.train import Trained
from nasion.version import __version__


@dataclass(frozen=True)
class Origin:
    """What a card says of how a model was made; the fields are the card's."""

    preset: str
    ablation: str | None
    data: str
    landmarks: str
    training_people: int
    held_out_people: int
    unusable_pictures: int
    learnt_from: tuple[str, ...] = ()


def packed_model(trained: Trained, settings: MatchSettings, origin: Origin) -> ModelFolder:
    """Return the model, in memory, without tests."""
    files = model_files(trained.encoder, trained.pair_net, settings)
    shape = token_shape(trained.encoder, settings)
    pictures = settings.pictures
    networks = {name for name in (pictures.backbone, pictures.global_backbone) if name in {*INPUT_PX, *TIMM_NAMES}}
    best = next(record for record in trained.records if record.epoch == trained.best_epoch)
    card = Card(
        preset=origin.preset,
        ablation=origin.ablation,
        settings=settings_record(settings),
        tokens={"nodes": shape.nodes, "width": shape.width, "whole": shape.whole},
        input_px={name: input_px(name) for name in sorted(networks)},
        data=origin.data,
        landmarks=origin.landmarks,
        learnt_from=origin.learnt_from,
        training_people=origin.training_people,
        held_out_people=origin.held_out_people,
        unusable_pictures=origin.unusable_pictures,
        best_epoch=trained.best_epoch,
        held_out_recall=best.held_out_recall,
        tests={},
        code_version=__version__,
        files=file_hashes(files),
    )
    return ModelFolder(card, files)


def packed_matcher(model: ModelFolder) -> Matcher:
    """Return a model in memory, ready for use."""
    return matcher_of(model)


def write_tested(folder: Path, model: ModelFolder, tests: dict[str, Retrieval]) -> Card:
    """Write a model's folder with its tests and return the card; a folder that holds anything raises NasionError."""
    card = model.card.model_copy(update={"tests": tests})
    write_model(folder, card, model.files)
    return card
