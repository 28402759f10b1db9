"""The features of an experiment's pictures, with or without hair, kept in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nasion.errors import NasionError
from nasion.experiments.matching_scores import Describe, Features
from nasion.matching.card import picture_mark
from nasion.matching.predict import Matcher
from nasion.matching.prepared import Preparing
from nasion.matching.samples import MODALITIES, MatchPair, MatchPicture, side_of
from nasion.retrieval.describing import finder_of


def describe_by(matcher: Matcher, folder: Path, hide_hair: bool, seed: int) -> Describe:
    """Return what describes pictures by a matcher.

    Parameters
    ----------
    matcher
        The model.
    folder
        For what the frozen part of the pipeline saw.
    hide_hair
        Show it the inner face alone, in a random crop.
    seed
        Of the crops.

    """
    settings = matcher.settings.pictures
    preparing = {
        modality: Preparing(settings, matcher.describers, finder_of(settings.scheme, modality), hide_hair, seed, folder)
        for modality in MODALITIES
    }

    def describe(picture: MatchPicture) -> Features:
        try:
            nodes = preparing[picture.modality].picture(picture).plain
        except NasionError as fault:
            told = str(fault)
            raise NasionError(told if str(picture.path) in told else f"{picture.path}: {told}") from None
        tokens = matcher.encode([nodes], side_of(picture.modality))[0]
        return tokens, np.asarray(nodes.whole, np.float32)

    return describe


def people_learnt_from(matcher: Matcher, pairs: Sequence[MatchPair]) -> set[str]:
    """Return the people of some pairs whom a model has learnt from, by its card: any of their pictures is one of its.

    A picture that was saved anew is not recognised.
    """
    known = set(matcher.card.learnt_from)
    return {
        pair.probe.person
        for pair in pairs
        if not known.isdisjoint(picture_mark(picture.path) for picture in (pair.probe, pair.face))
    }
