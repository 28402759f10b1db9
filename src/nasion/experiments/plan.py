"""Which overlays the experiment makes: the trials of each solver, in parcels that one process works off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.experiments.contestants import CONTESTANTS
from nasion.experiments.protocol import SCENARIOS, SUBSET_STREAM, Scenario, stream
from nasion.population.photograph import View


@dataclass(frozen=True)
class Subset:
    """What slow solvers are judged on, drawn at random, both views alike.

    Attributes
    ----------
    pairs
        Photographs that are overlaid on their own skull.
    photographs
        So many of them are overlaid on all skulls.

    """

    pairs: int = 300
    photographs: int = 20

    def __post_init__(self) -> None:
        if not 1 <= self.photographs <= self.pairs:
            raise NasionError("the photographs against all skulls are some of the true pairs; give 1 to that number")


@dataclass(frozen=True, eq=False)
class Setup:
    """What the experiment is run with.

    Attributes
    ----------
    scenario
        The paper's "A", "B" or "C".
    solvers
        Names of ``CONTESTANTS``.
    seed
        Of landmark noise, direction errors and the subset.
    tissue
        The table that all solvers are given.
    landmark_noise
        In place of the scenario's, as a share of the face height; None keeps it.
    together
        So many photographs of a person make one case, taken in turn from both views, and are solved jointly.
    runs
        How often noise and direction errors are drawn anew.
    subset
        For slow solvers.

    """

    scenario: str
    solvers: tuple[str, ...]
    seed: int
    tissue: TissueTable
    landmark_noise: float | None = None
    together: int = 1
    runs: int = 1
    subset: Subset = field(default_factory=Subset)

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise NasionError(f"there is no scenario {self.scenario!r}; choose one of {', '.join(SCENARIOS)}")
        if not self.solvers:
            raise NasionError(f"no solver is named; choose of {', '.join(CONTESTANTS)}")
        for name in self.solvers:
            if name not in CONTESTANTS:
                raise NasionError(f"there is no solver {name!r} in this experiment; choose of {', '.join(CONTESTANTS)}")

    @property
    def noise(self) -> Scenario:
        """Noise of landmarks and directions."""
        scenario = SCENARIOS[self.scenario]
        if self.landmark_noise is None:
            return scenario
        return Scenario(self.landmark_noise, scenario.direction_error_deg)


@dataclass(frozen=True)
class Parcel:
    """One person's photographs, by one solver, in one run."""

    run: int
    person: int
    solver: str


@dataclass(frozen=True)
class Trial:
    """Photographs of a person (indices) that are solved together, on all skulls or on their own alone."""

    photos: tuple[int, ...]
    all_skulls: bool


def parcels(setup: Setup, subjects: int) -> list[Parcel]:
    """Return all parcels: run by run, slow solvers first, so that no process idles at the end."""
    by_pace = sorted(setup.solvers, key=lambda name: not CONTESTANTS[name].slow)
    return [Parcel(run, k, name) for run in range(setup.runs) for name in by_pace for k in range(subjects)]


def cases(views: Sequence[View], together: int) -> list[tuple[int, ...]]:
    """Return the photographs of each case; what is left over after the last full case takes no part.

    One photograph a case keeps the order; several are taken in turn from both views.
    """
    if together == 1:
        return [(i,) for i in range(len(views))]
    frontal = [i for i, view in enumerate(views) if view == "frontal"]
    lateral = [i for i, view in enumerate(views) if view == "lateral"]
    both = min(len(frontal), len(lateral))
    turns = [i for pair in zip(frontal, lateral, strict=False) for i in pair] + frontal[both:] + lateral[both:]
    return [tuple(turns[k : k + together]) for k in range(0, len(turns) - together + 1, together)]


def trials(setup: Setup, subjects: int, views: Sequence[View], parcel: Parcel) -> list[Trial]:
    """Return the trials of a parcel; a slow solver has those of the subset."""
    own = cases(views, setup.together)
    if not CONTESTANTS[parcel.solver].slow:
        return [Trial(photos, True) for photos in own]
    chosen = _subset(setup, subjects, views)
    return [Trial(photos, chosen[parcel.person, photos]) for photos in own if (parcel.person, photos) in chosen]


def _subset(setup: Setup, subjects: int, views: Sequence[View]) -> dict[tuple[int, tuple[int, ...]], bool]:
    """Return (person, photographs) of the subset, and whether they meet all skulls."""
    own = cases(views, setup.together)
    strata = [[p for p in own if views[p[0]] == view] for view in dict.fromkeys(views[p[0]] for p in own)]
    chosen: dict[tuple[int, tuple[int, ...]], bool] = {}
    for k, stratum in enumerate(strata):
        everyone = [(person, photos) for person in range(subjects) for photos in stratum]
        order = stream(setup.seed, SUBSET_STREAM, k).permutation(len(everyone))
        pairs, photographs = (-(-n // len(strata)) for n in (setup.subset.pairs, setup.subset.photographs))
        chosen |= {everyone[i]: place < photographs for place, i in enumerate(order[:pairs])}
    return chosen
