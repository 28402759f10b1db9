"""IS: how sure a classifier is of each picture, and how varied its answers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

SPLITS: Final = 10


@dataclass(frozen=True)
class InceptionScore:
    """Mean and standard deviation over ``splits`` parts of the pictures."""

    mean: float
    sd: float
    splits: int


def inception_score(logits: NDArray[np.floating]) -> InceptionScore:
    """Return exp(mean KL(p(y|x) || p(y))) over ten parts (Salimans et al., NeurIPS 2016), fewer for few pictures.

    It cannot exceed the number of pictures in a part, says nothing of likeness to anybody, and rests on classes that
    are no faces (Barratt & Sharma 2018): it stands in the table because the paper has it.

    Parameters
    ----------
    logits
        (n, classes) of the pictures, at least two.

    """
    given = np.asarray(logits, np.float64)
    if given.ndim != 2 or len(given) < 2:
        raise ValueError("the classifier's answers to at least two pictures are needed")
    splits = min(SPLITS, len(given) // 2)
    scores = [_score(part) for part in np.array_split(given, splits)]
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)), splits)


def _score(logits: NDArray[np.float64]) -> float:
    logs = log_softmax(logits, axis=1)
    marginal = logsumexp(logs, axis=0) - np.log(len(logs))
    return float(np.exp((np.exp(logs) * (logs - marginal)).sum(axis=1).mean()))
