"""Who learns and who is tested in the reconstruction experiment, and the faces that were made, kept as they come."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from nasion.errors import NasionError
from nasion.matching.samples import MatchPair
from nasion.matching.training_plan import TRAINING, folds_by_person
from nasion.networks.split import check_apart
from nasion.readers.files import read_bytes, write_bytes
from nasion.reconstruction.generators.pairs import FacePair
from nasion.reconstruction.scores.likeness import Pixels, mean_face

TEST: Final = "test"
FOLDS: Final = 5
MEAN_FACE: Final = "mean face"

Key = tuple[str, str]
"""Person and view."""
Advance = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class MadeFace:
    """What a maker gives for a source: its best single answer, and one draw of what the face may have been."""

    best: Pixels
    drawn: Pixels


class FaceMaker(Protocol):
    """A generator, or what stands in for one."""

    @property
    def name(self) -> str:
        """How tables call it; also of its folders."""

    @property
    def taught_by(self) -> str:
        """Name of the frozen network whose features it learnt by; empty where there is none."""

    def settings(self) -> dict[str, Any]:
        """Return what its faces depend on beside the data, as plain values."""

    def make(self, training: Sequence[FacePair], tests: Sequence[FacePair], folder: Path) -> list[MadeFace]:
        """Learn from some people and return a face for each source of others; of the tests nothing else is looked at.

        The same call again goes on where it stopped; ``folder`` is for that.
        """


@dataclass(frozen=True)
class MeanFaceMaker:
    """The mean of the training people's faces of the same view: the floor."""

    name: str = MEAN_FACE
    taught_by: str = ""

    def settings(self) -> dict[str, Any]:
        """Return nothing: there are none."""
        return {}

    def make(self, training: Sequence[FacePair], tests: Sequence[FacePair], folder: Path) -> list[MadeFace]:
        """Return the same face for everybody."""
        views = {pair.view for pair in tests}
        means = {view: mean_face([pair.target for pair in training if pair.view == view]) for view in views}
        return [MadeFace(means[pair.view], means[pair.view]) for pair in tests]


@dataclass(frozen=True)
class Fold:
    """People who learn and people who are tested; nobody is both."""

    training: frozenset[str]
    tests: frozenset[str]

    def __post_init__(self) -> None:
        check_apart("training", self.training, "test", self.tests)


def folds_of(pairs: Sequence[MatchPair], folds: int | None, seed: int) -> list[Fold]:
    """Return the folds of a set.

    Parameters
    ----------
    pairs
        All pairs.
    folds
        Of a cross-validation over all people; None: the set's own test part, and five folds where it has none.
    seed
        Of the deal.

    Raises
    ------
    NasionError
        Too few people, or one of them in both parts.

    """
    parts: dict[str, set[str]] = {}
    for pair in pairs:
        parts.setdefault(pair.split, set()).add(pair.face.person)
    if folds is None and parts.get(TEST) and parts.get(TRAINING):
        return [Fold(frozenset(parts[TRAINING]), frozenset(parts[TEST]))]
    fold_of = folds_by_person([pair.face.person for pair in pairs], folds or FOLDS, seed)
    everybody = frozenset(fold_of)
    tested = [frozenset(who for who, own in fold_of.items() if own == k) for k in range(folds or FOLDS)]
    return [Fold(everybody - own, own) for own in tested]


def made_faces(
    maker: FaceMaker, folds: Sequence[Fold], pairs: Mapping[Key, FacePair], out: Path, advance: Advance
) -> dict[Key, MadeFace]:
    """Return everybody's face, made by a maker that has not met the person; finished folds are taken from ``out``.

    Parameters
    ----------
    maker
        It learns anew in each fold.
    folds
        See ``folds_of``.
    pairs
        Those that can be used.
    out
        Folder for the maker's runs and faces.
    advance
        Told (stage, done, all).

    """
    faces: dict[Key, MadeFace] = {}
    for number, fold in enumerate(folds):
        own = [pair for pair in pairs.values() if pair.person in fold.tests]
        path = out / f"fold{number}" / "faces.npz"
        training = [pair for pair in pairs.values() if pair.person in fold.training]
        origin = _origin(maker, training, own)
        if not path.is_file() and own:
            made = maker.make(training, own, out / f"fold{number}" / "run")
            write_bytes(path, _packed(made, origin))
        if own:
            faces.update(zip([(pair.person, pair.view) for pair in own], _unpacked(path, origin), strict=True))
        advance(f"{maker.name}: folds", number + 1, len(folds))
    return faces


def _origin(maker: FaceMaker, training: Sequence[FacePair], tests: Sequence[FacePair]) -> str:
    """Return a hash of all that a fold's faces follow from, and of whose they are, in their order."""
    parts = [[[pair.person, pair.view, *pair.marks] for pair in own] for own in (training, tests)]
    return hashlib.sha256(json.dumps([maker.settings(), sorted(parts[0]), parts[1]]).encode()).hexdigest()


def _packed(made: Sequence[MadeFace], origin: str) -> bytes:
    stream = io.BytesIO()
    best, drawn = np.stack([own.best for own in made]), np.stack([own.drawn for own in made])
    np.savez_compressed(stream, best=best, drawn=drawn, origin=np.array(origin))
    return stream.getvalue()


def _unpacked(path: Path, origin: str) -> list[MadeFace]:
    try:
        with np.load(io.BytesIO(read_bytes(path)), allow_pickle=False) as content:
            best, drawn, own = content["best"], content["drawn"], str(content["origin"])
    except (ValueError, KeyError, OSError):
        raise NasionError(f"{path}: is damaged; remove it, and its fold is made again") from None
    if own != origin:
        raise NasionError(f"{path}: was made from other data or settings; give another --out, or --force to begin anew")
    return [MadeFace(*face) for face in zip(best, drawn, strict=True)]
