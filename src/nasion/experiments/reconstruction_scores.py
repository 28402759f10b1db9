"""Table 1 of FCR: how good the generated faces of a view are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from nasion.experiments.reconstruction_folds import MadeFace
from nasion.reconstruction.scores.frechet_distance import frechet_distance, too_few
from nasion.reconstruction.scores.inception_score import inception_score
from nasion.reconstruction.scores.kernel_distance import kernel_distance
from nasion.reconstruction.scores.likeness import Pixels, similarity
from nasion.reconstruction.scores.networks import Seen
from nasion.retrieval.intervals import mean_intervals95


class Extractor(Protocol):
    """What sees features and classes in pictures; see ``scores.networks.Network``."""

    @property
    def name(self) -> str:
        """How tables call it."""

    def look(self, pictures: Sequence[Pixels]) -> Seen:
        """Return what it sees."""


def quality(
    makers: Mapping[str, Sequence[MadeFace]],
    truth: Sequence[Pixels],
    people: Sequence[str],
    folds: Sequence[int],
    floor: str,
    extractor: Extractor,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Return Table 1's row of each maker, as plain values.

    Distances of distributions and IS are of one draw a person, SSIM of the best answer.

    Parameters
    ----------
    makers
        By name, a face a person, of the truth's size.
    truth
        The persons' photographs in the same frame.
    people
        Who they are; intervals are over people.
    folds
        In which fold each was tested.
    floor
        Which maker's SSIM the others are compared with.
    extractor
        Of the features.
    seed
        Of intervals.

    """
    real = extractor.look(truth).features
    likeness = {
        name: np.array([similarity(face.best, own) for face, own in zip(faces, truth, strict=True)])
        for name, faces in makers.items()
    }
    rows: dict[str, dict[str, Any]] = {}
    for name, faces in makers.items():
        seen = extractor.look([face.drawn for face in faces])
        kid = kernel_distance(seen.features, real, folds, seed)
        score = inception_score(seen.logits)
        values = np.column_stack([likeness[name], likeness[name] - likeness[floor]])
        intervals = mean_intervals95(values, people, seed).tolist()
        rows[name] = {
            "pictures": len(faces),
            "kid": {"value": kid.value, "interval95": list(kid.interval95)},
            "fid": {
                "value": frechet_distance(seen.features, real),
                "features": real.shape[1],
                "meaningless": too_few(len(faces), real.shape[1]),
            },
            "is": {"mean": score.mean, "sd": score.sd, "splits": score.splits},
            "ssim": {"mean": float(values[:, 0].mean()), "interval95": intervals[0]},
            "ssim_above_floor": {"mean": float(values[:, 1].mean()), "interval95": intervals[1]},
        }
    return rows
