"""Every probe of a set against every face of its view, each as its own pair; kept as they come."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.matching.samples import MatchPair, MatchPicture
from nasion.matching.tokens import Tokens
from nasion.readers.files import read_bytes, write_bytes
from nasion.retrieval.describing import PairModel

FloatArray = NDArray[np.float64]
Features = tuple[Tokens, NDArray[np.float32]]
"""A picture's features, and what the frozen part of the pipeline saw of the whole picture, before training."""
Describe = Callable[[MatchPicture], Features]
"""A picture's features; NasionError where it cannot be used."""
Advance = Callable[[str, int, int], None]

SCORES: Final = "scores"


@dataclass(frozen=True, eq=False)
class ViewScores:
    """Scores of one view: probe i and face i show one person.

    Attributes
    ----------
    view
        Of all pictures.
    pairs
        (n,) probes and their faces.
    scores
        (n, n) of the pair model, probes by faces; NaN where one of the two could not be used.
    similarity
        (n, n) of the embeddings, likewise; None where they were not kept.
    embeddings, untrained
        Of probes and faces, (n, d) each, NaN rows where a picture could not be used; after and before training; None as
        above.

    """

    view: str
    pairs: tuple[MatchPair, ...]
    scores: FloatArray
    similarity: FloatArray | None = None
    embeddings: tuple[FloatArray, FloatArray] | None = None
    untrained: tuple[FloatArray, FloatArray] | None = None

    @property
    def people(self) -> tuple[str, ...]:
        """(n,) who they are."""
        return tuple(pair.probe.person for pair in self.pairs)


@dataclass(frozen=True)
class Failure:
    """A picture that could not be used; it counts as ranked last."""

    picture: str
    side: str
    reason: str


def by_view(pairs: Sequence[MatchPair]) -> dict[str, tuple[MatchPair, ...]]:
    """Return the pairs of each view, in the order of the set."""
    views = dict.fromkeys(pair.probe.view for pair in pairs)
    return {view: tuple(pair for pair in pairs if pair.probe.view == view) for view in views}


def views_of(pairs: Sequence[MatchPair], scores: FloatArray) -> list[ViewScores]:
    """Return the views' own scores of (n, n) scores of all pairs; what crosses views is left out."""
    views = []
    for view, own in by_view(pairs).items():
        rows = [number for number, pair in enumerate(pairs) if pair.probe.view == view]
        views.append(ViewScores(view, own, np.asarray(scores, np.float64)[np.ix_(rows, rows)]))
    return views


def score_views(
    pairs: Sequence[MatchPair], model: PairModel, describe: Describe, folder: Path, advance: Advance
) -> tuple[list[ViewScores], list[Failure]]:
    """Describe every picture and score every pair; scores that an earlier run kept are taken from there.

    Parameters
    ----------
    pairs
        A set's pairs, one a person and view.
    model
        The matcher.
    describe
        Its features of a picture; keeps them itself where that is worth it.
    folder
        For ``scores/``.
    advance
        Called with (what is done, done, total).

    """
    failures: list[Failure] = []
    views = []
    for view, own in by_view(pairs).items():
        sides: dict[str, list[Features | None]] = {"probe": [], "face": []}
        for side, found in sides.items():
            for number, pair in enumerate(own, start=1):
                picture = pair.probe if side == "probe" else pair.face
                try:
                    found.append(describe(picture))
                except NasionError as fault:
                    found.append(None)
                    failures.append(Failure(str(picture.path), side, str(fault)))
                advance(f"{view}: {side}s", number, len(own))
        views.append(_scored(view, own, sides, model, folder / SCORES / _plain_name(view), advance))
    return views, failures


def _plain_name(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in text) or "view"


def _stored(path: Path) -> dict[str, NDArray[Any]] | None:
    if not path.is_file():
        return None
    with np.load(io.BytesIO(read_bytes(path)), allow_pickle=False) as content:
        return dict(content)


def _npz(**arrays: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def _scored(
    view: str,
    pairs: tuple[MatchPair, ...],
    sides: dict[str, list[Features | None]],
    model: PairModel,
    kept: Path,
    advance: Advance,
) -> ViewScores:
    n = len(pairs)
    faces = [own[0] for own in sides["face"] if own is not None]
    there = np.array([own is not None for own in sides["face"]])
    gallery = _stamp(faces)
    scores = np.full((n, n), np.nan)
    for number, own in enumerate(sides["probe"]):
        if own is not None and faces:
            scores[number, there] = _row(kept / f"{number:05d}.npz", own[0], faces, gallery, model)
        advance(f"{view}: pairs", (number + 1) * n, n * n)
    after = {side: _rows([None if own is None else model.embed(own[0]) for own in sides[side]]) for side in sides}
    before = {side: _rows([None if own is None else own[1] for own in sides[side]]) for side in sides}
    similarity = after["probe"] @ after["face"].T if there.any() else np.full((n, n), np.nan)
    embeddings, untrained = (after["probe"], after["face"]), (before["probe"], before["face"])
    return ViewScores(view, pairs, scores, similarity, embeddings, untrained)


def _rows(vectors: Sequence[NDArray[np.float32] | None]) -> FloatArray:
    """Return (n, d); NaN where there is no vector."""
    width = next((len(own) for own in vectors if own is not None), 1)
    return np.array([np.full(width, np.nan) if own is None else own for own in vectors], np.float64)


def _stamp(pictures: Sequence[Tokens]) -> str:
    digest = hashlib.sha256()
    for own in pictures:
        digest.update(own.packed().tobytes())
    return digest.hexdigest()


def _row(path: Path, probe: Tokens, faces: Sequence[Tokens], gallery: str, model: PairModel) -> FloatArray:
    """Return one probe's scores; kept ones where probe and faces (their stamp is ``gallery``) are still the same."""
    stamp = _stamp([probe]) + gallery
    stored = _stored(path)
    if stored is not None and str(stored["stamp"]) == stamp:
        return np.asarray(stored["scores"], np.float64)
    scores = np.asarray(model.score(probe, faces), np.float64)
    write_bytes(path, _npz(scores=scores, stamp=np.array(stamp)))
    return scores
