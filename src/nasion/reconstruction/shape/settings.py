"""What a shape-true reconstruction assumes, with units in the names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.population.tissue_sampling import TissueDraw

BUILD_RANGE: Final = (0.3, 3.0)
"""Build factors that real heads can have, with room: 0.6 to 2.5 were measured."""


@dataclass(frozen=True, eq=False)
class ShapeSettings:
    """Assumptions about tissue and about what landmarks leave open.

    Attributes
    ----------
    tissue
        Tissue vectors by pair.
    build
        Known build factor (1 is average); None draws it from the table.
    placement_sd_mm
        SD of a cranial landmark's place, each axis, where the landmarks come without one.
    unexplained_mm
        SD, each axis, of what the face model's modes cannot explain of a facial landmark.
    draws
        Draws of landmarks from which mean and covariance are computed.

    """

    tissue: TissueTable = field(default_factory=TissueTable.load)
    build: float | None = None
    placement_sd_mm: float = 1.0
    unexplained_mm: float = 3.0
    draws: int = 400

    def __post_init__(self) -> None:
        if self.build is not None and not BUILD_RANGE[0] <= self.build <= BUILD_RANGE[1]:
            raise NasionError(
                f"a build factor of {self.build:g} is no person's; give {BUILD_RANGE[0]} (thin) to {BUILD_RANGE[1]} "
                "(obese), 1 is average"
            )

    @property
    def tissue_draw(self) -> TissueDraw:
        """How tissue vectors are drawn."""
        return TissueDraw(self.tissue, build_range=None if self.build is None else (self.build, self.build))
