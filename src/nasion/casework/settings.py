"""What a user can set for a case."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from nasion.errors import NasionError
from nasion.overlay.lilium.settings import LiliumSettings, Terms
from nasion.overlay.problem import SOLVERS, CameraPrior

if TYPE_CHECKING:
    from nasion.overlay.posest import PosestSettings

MASKS: Final = ("files", "auto")

EXIF_FOCAL_RELATIVE_SD: Final = 0.1
"""SD of the focal length that EXIF tells, relative: lenses are labelled roughly and change with focus."""


@dataclass(frozen=True)
class CaseSettings:
    """Settings of one run.

    Attributes
    ----------
    solver
        ``"posterior"``, ``"lilium"`` or ``"posest"``.
    tissue
        Tissue table file; the built-in one where it is None.
    units
        Of meshes and of landmarks in space; None: the files' own statement, else millimetres.
    prior
        Camera knowledge that holds for every photograph; it goes before EXIF.
    accept_sides
        Go on where left and right landmarks look swapped.
    seed
        Of the run's random numbers (``lilium``'s evolution, the RANSAC of ``lilium`` and ``posest``).
    terms
        Of ``lilium``'s fitness: ``"base"``, ``"skof"``, ``"par"`` or ``"all"`` (where it is None). No other solver has
        any.
    mask
        Of photographs without a face mask file: ``"files"`` leaves them without, ``"auto"`` looks for the face by the
        landmarks (docs/masks.md).

    """

    solver: str = "posterior"
    tissue: Path | None = None
    units: str | None = None
    prior: CameraPrior = field(default_factory=CameraPrior)
    accept_sides: bool = False
    seed: int = 0
    terms: str | None = None
    mask: str = "files"

    def __post_init__(self) -> None:
        if self.solver not in SOLVERS:
            raise NasionError(f"there is no solver {self.solver!r}; choose one of {', '.join(SOLVERS)}")
        if self.mask not in MASKS:
            raise NasionError(f"--mask: {self.mask!r} is unknown; choose {' or '.join(MASKS)}")
        if self.terms is not None and self.solver != "lilium":
            raise NasionError(f"--terms belongs to --solver lilium; {self.solver} has none, leave it out")
        if self.solver == "lilium":
            self.of_solver()

    def of_solver(self) -> LiliumSettings | PosestSettings | None:
        """Return the solver's own settings; None: its defaults.

        Raises
        ------
        NasionError
            Unknown terms.

        """
        match self.solver:
            case "lilium":
                return LiliumSettings(terms=cast(Terms, self.terms or "all"), seed=self.seed)
            case "posest":
                from nasion.overlay.posest import PosestSettings

                return PosestSettings(seed=self.seed)
            case _:
                return None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for ``result.json``; ``terms`` where the solver has any."""
        own = self.of_solver()
        return {
            "solver": self.solver,
            **({"terms": own.terms} if isinstance(own, LiliumSettings) else {}),
            "tissue": "built-in" if self.tissue is None else str(self.tissue),
            "units": self.units or "as in the files",
            "camera_prior": asdict(self.prior),
            "accept_sides": self.accept_sides,
            "mask": self.mask,
            "seed": self.seed,
        }


def with_exif(prior: CameraPrior, focal_px: float | None) -> CameraPrior:
    """Return the prior with the focal length that EXIF tells, unless the user gave one."""
    if focal_px is None or prior.focal_px is not None:
        return prior
    return replace(prior, focal_px=(focal_px, EXIF_FOCAL_RELATIVE_SD * focal_px))
