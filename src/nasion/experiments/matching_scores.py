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
from nasion.readers.files import read_bytes, sha256, write_bytes
from nasion.retrieval.describing import PairModel

FloatArray = NDArray[np.float64]
Describe = Callable[[MatchPicture], Tokens]
"""A picture's features; NasionError where it cannot be used."""
Advance = Callable[[str, int, int], None]

FEATURES: Final = "features"
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
    probes, faces
        (n, d) embeddings, NaN rows where a picture could not be used; None as above.

    """

    view: str
    pairs: tuple[MatchPair, ...]
    scores: FloatArray
    similarity: FloatArray | None = None
    probes: FloatArray | None = None
    faces: FloatArray | None = None

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
    """Describe every picture once and score every pair; what an earlier run kept in ``folder`` is taken from there.

    Parameters
    ----------
    pairs
        A set's pairs, one a person and view.
    model
        The matcher.
    describe
        Its features of a picture.
    folder
        For ``features/`` and ``scores/``.
    advance
        Called with (what is done, done, total).

    """
    failures: list[Failure] = []
    views = []
    for view, own in by_view(pairs).items():
        sides: dict[str, list[Tokens | None]] = {}
        for side in ("probe", "face"):
            kept = folder / FEATURES / _plain_name(view) / side
            pictures = [getattr(pair, side) for pair in own]
            sides[side] = []
            for number, picture in enumerate(pictures):
                found = _described(picture, kept / f"{number:05d}", model, describe)
                if isinstance(found, Failure):
                    failures.append(found)
                sides[side].append(None if isinstance(found, Failure) else found)
                advance(f"{view}: {side}s", number + 1, len(pictures))
        kept = folder / SCORES / _plain_name(view)
        views.append(_scored(view, own, sides["probe"], sides["face"], model, kept, advance))
    return views, failures


def _plain_name(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in text) or "view"


def _described(picture: MatchPicture, kept: Path, model: PairModel, describe: Describe) -> Tokens | Failure:
    """Return a picture's features, kept ones where its files are still those; or why it could not be used."""
    try:
        hashes = sha256(picture.path) + ("" if picture.landmarks is None else sha256(picture.landmarks))
        stored = _stored(kept.with_suffix(".npz"))
        if stored is not None and str(stored["hashes"]) == hashes:
            return model.unpack(np.asarray(stored["packed"], np.float32))
        tokens = describe(picture)
    except NasionError as fault:
        return Failure(str(picture.path), picture.modality, str(fault))
    write_bytes(kept.with_suffix(".npz"), _npz(packed=tokens.packed(), hashes=np.array(hashes)))
    return tokens


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
    probes: Sequence[Tokens | None],
    faces: Sequence[Tokens | None],
    model: PairModel,
    kept: Path,
    advance: Advance,
) -> ViewScores:
    n = len(pairs)
    usable = [face for face in faces if face is not None]
    there = np.array([face is not None for face in faces])
    width = len(model.embed(usable[0])) if usable else 1
    scores = np.full((n, n), np.nan)
    gallery = _stamp(usable)
    for number, probe in enumerate(probes):
        if probe is not None and usable:
            scores[number, there] = _row(kept / f"{number:05d}.npz", probe, usable, gallery, model)
        advance(f"{view}: pairs", (number + 1) * n, n * n)
    embedded = [
        np.array([np.full(width, np.nan) if own is None else model.embed(own) for own in side], np.float64)
        for side in (probes, faces)
    ]
    return ViewScores(view, pairs, scores, embedded[0] @ embedded[1].T, embedded[0], embedded[1])


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
