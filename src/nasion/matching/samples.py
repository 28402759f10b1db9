"""Pictures to be matched, and pairs of them that show one person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from nasion.errors import NasionError

Modality = Literal["face", "sketch", "xray"]
"""What a picture is. Galleries hold faces; sketches and radiographs are probes."""
Side = Literal["probe", "face"]
"""Which branch of a matcher reads a picture."""
MODALITIES: Final[tuple[str, ...]] = get_args(Modality)


@dataclass(frozen=True)
class MatchPicture:
    """One picture of one person.

    Attributes
    ----------
    path
        The picture's file.
    person
        Who is shown. Nobody lies on two sides of a split.
    view
        ``"frontal"``, ``"lateral"`` or another name; pictures of one view are compared.
    modality
        See ``Modality``.
    landmarks
        File of its landmarks; None where they have to be found.

    """

    path: Path
    person: str
    view: str
    modality: str
    landmarks: Path | None = None

    def __post_init__(self) -> None:
        side_of(self.modality)


@dataclass(frozen=True)
class MatchPair:
    """A probe and a face of the same person and view.

    Attributes
    ----------
    probe, face
        The pictures.
    split
        The set's own name of the part, e.g. ``"train"``; empty where it has none.

    """

    probe: MatchPicture
    face: MatchPicture
    split: str = ""

    def __post_init__(self) -> None:
        if self.probe.person != self.face.person or self.probe.view != self.face.view:
            raise NasionError(
                f"{self.probe.path} and {self.face.path} are no pair: they show {self.probe.person} "
                f"({self.probe.view}) and {self.face.person} ({self.face.view}); correct the table of pairs"
            )


def side_of(modality: str) -> Side:
    """Return the branch that reads a modality; an unknown one raises NasionError."""
    if modality not in MODALITIES:
        raise NasionError(f"there is no kind of picture {modality!r}; use one of {', '.join(MODALITIES)}")
    return "face" if modality == "face" else "probe"
