"""How like the true faces generated ones are, and the training people's mean face, which is the floor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nasion.networks.split import check_apart
from nasion.reconstruction.generators.card import Likeness
from nasion.reconstruction.generators.pairs import FacePair
from nasion.reconstruction.generators.predict import Generator
from nasion.reconstruction.scores.likeness import mean_face, similarity


def likeness(generator: Generator, pairs: Sequence[FacePair], training: Sequence[FacePair]) -> Likeness:
    """Return the likeness over pairs of other people, in views that training had.

    A training person among them raises NasionError.
    """
    check_apart("training", [pair.person for pair in training], "test", [pair.person for pair in pairs])
    views = {pair.view for pair in training}
    floors = {view: mean_face([pair.target for pair in training if pair.view == view]) for view in views}
    made = [similarity(generator.reconstruct(pair.source, pair.view).mean, pair.target) for pair in pairs]
    floor = [similarity(floors[pair.view], pair.target) for pair in pairs]
    return Likeness(
        pairs=len(pairs),
        people=len({pair.person for pair in pairs}),
        ssim=float(np.mean(made)),
        ssim_of_mean_face=float(np.mean(floor)),
    )
