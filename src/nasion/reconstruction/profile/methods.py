"""The methods by name. Each learns from samples and then tells profiles from stripped films alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from nasion.anatomy.tissue import TissueTable
from nasion.reconstruction.profile.floors import MeanOffset, MeanShape
from nasion.reconstruction.profile.regression import Regression
from nasion.reconstruction.profile.samples import Profile, ProfileSample, StrippedFilm
from nasion.reconstruction.profile.tissue_depths import MeanDepths, MeanVectors


class ProfileMethod(Protocol):
    """A method that has learnt."""

    def profiles(self, films: Sequence[StrippedFilm]) -> list[Profile]:
        """Return the profile of each film."""


METHODS: Final[dict[str, Callable[[Sequence[ProfileSample]], ProfileMethod]]] = {
    "mean-shape": MeanShape.fitted,
    "mean-offset": MeanOffset.fitted,
    "t-table": lambda samples: MeanDepths(),
    "tissue-table": lambda samples: MeanVectors(TissueTable.load()),
    "regression": Regression.fitted,
    "image": partial(Regression.fitted, with_image=True),
}
"""From what is learnt from to the method that has learnt."""
