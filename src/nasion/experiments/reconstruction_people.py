"""Everybody of one view in the reconstruction experiment: source, truth, and what was made of the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nasion.experiments.reconstruction_folds import Fold, Key, MadeFace
from nasion.matching.samples import MatchPair
from nasion.reconstruction.generators.pairs import FacePair
from nasion.reconstruction.scores.likeness import Pixels

SOURCE_ITSELF: Final = "the source itself"


@dataclass(frozen=True, eq=False)
class Judged:
    """The tested people of a view, in one order.

    Attributes
    ----------
    view
        Of all pictures.
    pairs
        (n,) as files.
    folds
        (n,) in which each person was tested.
    small, whole
        (n,) in the frame, of the generators' size and of the size in which real pictures are described; None where a
        picture cannot be used.
    faces
        By maker, (n,); None likewise.

    """

    view: str
    pairs: tuple[MatchPair, ...]
    folds: tuple[int, ...]
    small: tuple[FacePair | None, ...]
    whole: tuple[FacePair | None, ...]
    faces: dict[str, tuple[MadeFace | None, ...]]

    @classmethod
    def of(
        cls,
        view: str,
        pairs: Sequence[MatchPair],
        folds: Sequence[Fold],
        small: Mapping[Key, FacePair],
        whole: Mapping[Key, FacePair],
        faces: Mapping[str, Mapping[Key, MadeFace]],
    ) -> Judged:
        """Return the tested people of a view, in the order of the set."""
        fold_of = {person: number for number, fold in enumerate(folds) for person in fold.tests}
        own = tuple(pair for pair in pairs if pair.face.view == view and pair.face.person in fold_of)
        tested = tuple(fold_of[pair.face.person] for pair in own)
        keys = [(pair.face.person, view) for pair in own]
        made = {name: tuple(by_key.get(key) for key in keys) for name, by_key in faces.items()}
        return cls(
            view, own, tested, tuple(small.get(key) for key in keys), tuple(whole.get(key) for key in keys), made
        )

    @property
    def people(self) -> tuple[str, ...]:
        """(n,) who they are."""
        return tuple(pair.face.person for pair in self.pairs)

    def complete(self) -> Judged:
        """Return those whose pictures can be used."""
        rows = [row for row, pair in enumerate(self.small) if pair is not None]
        return Judged(
            self.view,
            tuple(self.pairs[row] for row in rows),
            tuple(self.folds[row] for row in rows),
            tuple(self.small[row] for row in rows),
            tuple(self.whole[row] for row in rows),
            {name: tuple(own[row] for row in rows) for name, own in self.faces.items()},
        )

    def probes(self) -> dict[str, list[Pixels | None]]:
        """Return what is looked for, by kind: the source itself, the mean face, and each generator's best answer."""
        probes: dict[str, list[Pixels | None]] = {
            SOURCE_ITSELF: [None if pair is None else pair.source for pair in self.whole]
        }
        for name, own in self.faces.items():
            probes[name] = [None if face is None else face.best for face in own]
        return probes
