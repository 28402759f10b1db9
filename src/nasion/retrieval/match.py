"""One probe against a gallery: people in order, each with the score of every picture, and what could not be used."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.matching.samples import MatchPicture
from nasion.retrieval.describing import Described, PairModel, describe
from nasion.retrieval.folder_shelf import FolderShelf
from nasion.retrieval.gallery import Gallery, GalleryFace, is_gallery
from nasion.retrieval.pictures import Problem
from nasion.retrieval.ranking import competition_ranks
from nasion.retrieval.two_stage import SHORTLIST, Ranking, rank_shelf

SCORE_CAVEAT: Final = (
    "A score orders the faces of this gallery for this probe: the higher, the more alike the model finds the pair. It "
    "is no probability and no likelihood ratio, it is not calibrated, and scores of different probes or models cannot "
    "be compared. Some face has rank 1 even where the right person is not in the gallery. How often the right face "
    "came first in tests stands in the model's card; whether two pictures show one person is for an examiner to judge."
)


@dataclass(frozen=True)
class CandidateFace:
    """A picture of a candidate.

    Attributes
    ----------
    face
        The picture.
    score
        Of the pair model; None where only the embeddings were compared.
    similarity
        Dot product of the embeddings.

    """

    face: GalleryFace
    score: float | None
    similarity: float


@dataclass(frozen=True)
class Candidate:
    """A person: ranked by their best picture.

    Attributes
    ----------
    rank
        1 is best; equals share the better rank, people none of whose pictures could be used share the last.
    faces
        Best first; none where nothing could be used.

    """

    rank: int
    person: str
    faces: tuple[CandidateFace, ...]

    @property
    def score(self) -> float | None:
        """Of the best picture; None where it was not re-ranked."""
        return self.faces[0].score if self.faces else None


@dataclass(frozen=True, eq=False)
class Match:
    """What became of a probe.

    Attributes
    ----------
    probe, described
        Picture and features.
    gallery
        As it was given.
    model_sha256
        Of the model.
    candidates
        Best rank first.
    compared, re_ranked, other_views
        Pictures whose embeddings were compared, that the pair model scored, and that show another view.
    shortlist
        Its length as it was asked for.
    engine
        What searched the embeddings.
    problems
        Pictures that could not be used.
    seconds
        Of all.

    """

    probe: MatchPicture
    described: Described
    gallery: Path
    model_sha256: str
    candidates: tuple[Candidate, ...]
    compared: int
    re_ranked: int
    other_views: int
    shortlist: int
    engine: str
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    seconds: float


def match(
    probe: MatchPicture,
    gallery: Path,
    model: PairModel,
    *,
    shortlist: int = SHORTLIST,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Match:
    """Rank the people of a gallery for a probe.

    Parameters
    ----------
    probe
        A radiograph or a sketch; faces of its view are compared.
    gallery
        A gallery (``gallery.Gallery``), or a folder of photographs (``pictures.gallery_pictures``).
    model
        Of a gallery, the one that made its features.
    shortlist
        How many faces the pair model scores.
    progress
        Called with (stage, done, all).

    Raises
    ------
    NasionError
        The probe cannot be used; the gallery is empty, another model's, damaged, or holds no usable face of the view.

    """
    begin = time.perf_counter()
    described = describe(probe, model)
    shelf: Gallery | FolderShelf
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    if is_gallery(gallery):
        read = Gallery.read(gallery)
        if read.count == 0:
            raise NasionError(f"{gallery}: the gallery is empty; add photographs with 'nasion gallery add'")
        read.require_model(model.sha256)
        shelf, total = read, read.count
    else:
        shelf = FolderShelf.of(gallery, probe.view, model, progress)
        total, problems, notes = len(shelf.faces), shelf.problems, shelf.notes
    ranking = rank_shelf(shelf, probe.view, described.tokens, model, shortlist)
    if not ranking.faces:
        raise NasionError(f"{gallery}: none of its {total} pictures shows the view {probe.view!r}; give another --view")
    return Match(
        probe,
        described,
        gallery,
        model.sha256,
        _candidates(ranking, {problem.person for problem in problems}),
        ranking.compared,
        ranking.re_ranked,
        total - ranking.compared,
        shortlist,
        ranking.engine,
        problems,
        (*described.notes, *notes),
        time.perf_counter() - begin,
    )


def _candidates(ranking: Ranking, unused_people: set[str]) -> tuple[Candidate, ...]:
    by_person: dict[str, list[CandidateFace]] = {}
    for face, score, similarity in zip(ranking.faces, ranking.scores, ranking.similarity, strict=True):
        own = CandidateFace(face, None if np.isnan(score) else float(score), float(similarity))
        by_person.setdefault(face.person, []).append(own)
    people = [(person, tuple(faces)) for person, faces in by_person.items()]
    people += [(person, ()) for person in sorted(unused_people - by_person.keys())]
    ranks = competition_ranks(_order_values([faces for _, faces in people]))
    found = [Candidate(rank, person, faces) for rank, (person, faces) in zip(ranks, people, strict=True)]
    return tuple(sorted(found, key=lambda own: own.rank))


def _order_values(people: Sequence[tuple[CandidateFace, ...]]) -> list[float | None]:
    """Return one number a person that orders them as their best pictures are: scored ones before the others."""
    keys = [
        None if not faces else (1, faces[0].score) if faces[0].score is not None else (0, faces[0].similarity)
        for faces in people
    ]
    order = {key: float(place) for place, key in enumerate(sorted({key for key in keys if key is not None}))}
    return [None if key is None else order[key] for key in keys]
