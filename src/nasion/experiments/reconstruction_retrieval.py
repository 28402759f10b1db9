"""Table 2 of FCR, by identity: the generated face as a probe among all real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from nasion.matching.samples import MatchPair
from nasion.reconstruction.scores.likeness import Pixels
from nasion.retrieval.figures import Figures, retrieval_figures

FloatArray = NDArray[np.float64]

CENTRED: Final = ", centred"
_ROUNDING: Final = 1e-9


class Descriptor(Protocol):
    """A frozen description of faces; see ``scores.networks`` and ``scores.face_descriptor``."""

    @property
    def name(self) -> str:
        """How tables call it."""

    def describe(self, pictures: Sequence[Pixels]) -> FloatArray:
        """Return (n, d) of (h, w, 3) RGB pictures; a row of NaN where one cannot be described."""


class FaceScorer(Protocol):
    """What scores skulls against photographs without a descriptor of faces."""

    @property
    def name(self) -> str:
        """How tables call what was made."""

    @property
    def measure(self) -> str:
        """How tables call the comparison."""

    def scores(self, pairs: Sequence[MatchPair], told: Callable[[int, int], None]) -> FloatArray:
        """Return (n, n): the skull of pair i against the photograph of pair k; NaN where one cannot be used."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """Probes of one kind against the gallery.

    Attributes
    ----------
    figures
        See there.
    probes_lost, faces_lost
        Pictures that could not be described; they count as not found.

    """

    figures: Figures
    probes_lost: int
    faces_lost: int

    def plain(self) -> dict[str, Any]:
        """Return it as it stands in ``table.json``."""
        lost = {"probes_lost": self.probes_lost, "faces_lost": self.faces_lost}
        return {**self.figures.plain(), **lost, "cmc": self.figures.cmc.tolist()}


def ranked(scores: FloatArray, people: Sequence[str], seed: int) -> Ranked:
    """Return what (n, n) scores are worth: probe k shows ``people[k]``, who is face k; NaN is a failure."""
    there = np.isfinite(scores)
    figures = retrieval_figures(scores, np.eye(len(people), dtype=bool), np.array(people), seed=seed)
    return Ranked(figures, int((~there.any(axis=1)).sum()), int((~there.any(axis=0)).sum()))


def retrieval(
    descriptor: Descriptor,
    probes: Mapping[str, Sequence[Pixels | None]],
    faces: Sequence[Pixels | None],
    people: Sequence[str],
    folds: Sequence[int],
    seed: int,
) -> dict[str, dict[str, Ranked]]:
    """Return what each kind of probe finds, by way of search.

    Under the descriptor's name: Euclidean distance of descriptions, as in FCR, section 4.5. Under its name and
    ``CENTRED``: see ``centred_scores``.

    Parameters
    ----------
    descriptor
        The same for probes and faces.
    probes
        By name, a picture a person; None where there is none.
    faces
        The gallery: one photograph a person; None where it cannot be used.
    people
        Who they are.
    folds
        In which each of them was tested: probes of one fold come from one model.
    seed
        Of the intervals.

    """
    gallery = _described(descriptor, faces)
    described = {name: _described(descriptor, own) for name, own in probes.items()}
    return {
        descriptor.name: {name: ranked(-_distances(own, gallery), people, seed) for name, own in described.items()},
        f"{descriptor.name}{CENTRED}": {
            name: ranked(centred_scores(own, gallery, folds), people, seed) for name, own in described.items()
        },
    }


def centred_scores(probes: FloatArray, faces: FloatArray, folds: Sequence[int]) -> FloatArray:
    """Return (n, m) cosines of descriptions after what is common to all probes, and to all faces, has been taken off.

    Drawings, and faces that one model has made, all differ from photographs in one direction, which brings some
    photographs near to every probe. So the mean of the fold's other probes is taken from each probe, and the mean of
    the gallery from the faces. Nobody's identity is used; but it needs a batch of probes.

    Parameters
    ----------
    probes
        (n, d), rows of NaN where there is no description. A probe that equals the others' mean, or has no others,
        scores 0 everywhere.
    faces
        (m, d), likewise.
    folds
        (n,) which probes belong together.

    """
    own, number = np.asarray(probes, np.float64), np.asarray(folds)
    there = _described_rows(own)
    turned = np.full_like(own, np.nan)
    for row in np.flatnonzero(there):
        others = own[there & (number == number[row]) & (np.arange(len(own)) != row)]
        turned[row] = _unit(own[row], others.mean(axis=0) if len(others) else own[row])
    seen = _described_rows(faces)
    middle = faces[seen].mean(axis=0) if seen.any() else np.zeros(faces.shape[1])
    gallery = np.array([_unit(face, middle) if known else face for face, known in zip(faces, seen, strict=True)])
    scores: FloatArray = np.where(there[:, None] & seen, np.nan_to_num(turned) @ np.nan_to_num(gallery).T, np.nan)
    return scores


def _described_rows(vectors: FloatArray) -> NDArray[np.bool_]:
    """Return (n,) which rows are descriptions."""
    return np.asarray(np.isfinite(vectors).all(axis=1))


def _unit(vector: FloatArray, middle: FloatArray) -> FloatArray:
    """Return the direction from the middle to a vector; zeros where they are the same but for rounding."""
    apart = vector - middle
    length = np.linalg.norm(apart)
    return np.zeros_like(apart) if length <= _ROUNDING * np.linalg.norm(middle) else apart / length


def _described(descriptor: Descriptor, pictures: Sequence[Pixels | None]) -> FloatArray:
    there = [row for row, picture in enumerate(pictures) if picture is not None]
    found = descriptor.describe([picture for picture in pictures if picture is not None])
    vectors = np.full((len(pictures), found.shape[1]), np.nan)
    vectors[there] = found
    return vectors


def _distances(probes: FloatArray, faces: FloatArray) -> FloatArray:
    """Return (n, m) Euclidean distances; equal vectors have equal distances to the last digit."""
    distances: FloatArray = np.array([np.linalg.norm(faces - probe, axis=1) for probe in probes])
    return distances
