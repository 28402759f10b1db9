"""How like the true faces generated ones are: structural similarity, and that of the mean face as its floor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.reconstruction.generators.card import Likeness
from nasion.reconstruction.generators.pairs import FacePair
from nasion.reconstruction.generators.predict import Generator

Pixels = NDArray[np.uint8]


def likeness(generator: Generator, pairs: Sequence[FacePair], training: Sequence[FacePair]) -> Likeness:
    """Return the likeness over pairs of other people; a training person among them raises NasionError."""
    both = {pair.person for pair in pairs} & {pair.person for pair in training}
    if both:
        raise NasionError(f"{min(both)} is among the training and the test people; split by person")
    floors = mean_faces(training)
    pairs = [pair for pair in pairs if pair.view in floors]
    made = [similarity(generator.reconstruct(pair.source, pair.view).mean, pair.target) for pair in pairs]
    floor = [similarity(floors[pair.view], pair.target) for pair in pairs]
    return Likeness(
        pairs=len(pairs),
        people=len({pair.person for pair in pairs}),
        ssim=float(np.mean(made)),
        ssim_of_mean_face=float(np.mean(floor)),
    )


def similarity(one: Pixels, other: Pixels) -> float:
    """Return the structural similarity of two pictures (s, s, 3) uint8 (Wang et al. 2004), mean of the channels."""
    from skimage.metrics import structural_similarity

    compare: Any = structural_similarity
    return float(compare(one, other, channel_axis=2, data_range=255))


def mean_faces(pairs: Sequence[FacePair]) -> dict[str, Pixels]:
    """Return each view's mean face, (s, s, 3) uint8."""
    views = sorted({pair.view for pair in pairs})
    faces = {view: np.stack([pair.target for pair in pairs if pair.view == view]) for view in views}
    return {view: np.rint(own.mean(axis=0)).astype(np.uint8) for view, own in faces.items()}
