"""Table 2 of FCR, by identity: the generated face as a probe among all real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nasion.matching.samples import MatchPair
from nasion.reconstruction.scores.likeness import Pixels
from nasion.retrieval.figures import Figures, retrieval_figures

FloatArray = NDArray[np.float64]


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
    seed: int,
) -> dict[str, Ranked]:
    """Return what each kind of probe finds: Euclidean distance of descriptions, as in FCR, section 4.5.

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
    seed
        Of the intervals.

    """
    gallery = _described(descriptor, faces)
    return {
        name: ranked(-_distances(_described(descriptor, own), gallery), people, seed) for name, own in probes.items()
    }


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
