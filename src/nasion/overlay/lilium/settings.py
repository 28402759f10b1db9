"""What the Lilium paper states and what it leaves open, as named settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from nasion.errors import NasionError

Terms = Literal["base", "skof", "par", "all"]
Bounds = Literal["reflect", "clip", "resample"]
ConeAxis = Literal["mean_vector", "surface_normal"]

BOUNDS: Final = get_args(Bounds)
"""Repairs of a gene outside [0, 1], by the number that the compiled code knows them by."""


@dataclass(frozen=True)
class LiliumSettings:
    """Settings of the ``lilium`` solver. "Open" marks what the paper does not say; see docs/lilium.md.

    Attributes
    ----------
    terms
        ``"base"``: MSE + P_cam; ``"skof"`` and ``"par"`` add one term, ``"all"`` both (Table I).
    individuals
        Population size (open).
    generations, time_limit_s
        The search stops at whichever comes first: 750 and 500 s in the paper.
    mutation_factor, crossover_rate
        F and CR of DE rand/1/exp (open).
    bounds
        Repair of a mutant's gene outside [0, 1] (open).
    cone_axis
        Direction of the cones (lost in the paper): the tissue table's mean vector or the skull's surface normal.
    widest_angle_deg
        Angle between cone axis and mantle.
    depth_sds, build_sds
        Height of a cone, the population's maximum depth: (mean + ``depth_sds`` SDs along the axis) times the build
        factor at ``build_sds`` log SDs. 2 and 1: about what 23 heads, the paper's number, show at most.
    partner_weight
        Share of the first side's genes in its bilateral partner's: 0.9 in the paper.
    interval_sds
        Half-width of P_cam's admissible intervals (and the pose's largest deviation), in SDs of the camera prior
        (open; 1.96 is 95 %).
    smallest_focal_px, largest_focal_px
        A focal length below counts as zero (open), above as no solution (10,000 in the paper; its unit is open). An
        admissible interval that reaches higher raises the upper limit.
    impossible
        K, the large constant for a candidate without a valid camera (open).
    outside_weight
        Of a skull pixel outside the face: 100 in the paper.
    convergence_tolerance
        Largest deviation of the curves' end distances from the mean distance, as a share of it, that goes free (open).
    crossing_penalty
        Of a pixel where the skull's curve lies beyond the face's: 1000 in the paper.
    exact_finalists
        So many of the last population's best are judged by the exact terms, and the best of them is the answer.
    seed
        Of the random numbers.

    """

    terms: Terms = "all"
    individuals: int = 60
    generations: int = 750
    time_limit_s: float = 500.0
    mutation_factor: float = 0.7
    crossover_rate: float = 0.9
    bounds: Bounds = "reflect"
    cone_axis: ConeAxis = "mean_vector"
    widest_angle_deg: float = 45.0
    depth_sds: float = 2.0
    build_sds: float = 1.0
    partner_weight: float = 0.9
    interval_sds: float = 1.96
    smallest_focal_px: float = 1.0
    largest_focal_px: float = 10_000.0
    impossible: float = 1e9
    outside_weight: float = 100.0
    convergence_tolerance: float = 0.2
    crossing_penalty: float = 1000.0
    exact_finalists: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("terms", self.terms, get_args(Terms)),
            ("bounds", self.bounds, BOUNDS),
            ("cone_axis", self.cone_axis, get_args(ConeAxis)),
        ):
            if value not in choices:
                raise NasionError(f"lilium: {name} cannot be {value!r}; choose one of {', '.join(choices)}")
        checks = (
            (self.individuals >= 4, "individuals must be 4 or more (rand/1 needs three others)"),
            (self.generations >= 0, "generations must not be negative"),
            (self.time_limit_s > 0, "time_limit_s must be positive"),
            (0 < self.mutation_factor <= 2, "mutation_factor must lie in (0, 2]"),
            (0 <= self.crossover_rate <= 1, "crossover_rate must lie in [0, 1]"),
            (0 <= self.widest_angle_deg <= 180, "widest_angle_deg must lie in [0, 180]"),
            (0 <= self.partner_weight <= 1, "partner_weight must lie in [0, 1]"),
            (0 < self.smallest_focal_px < self.largest_focal_px, "smallest_focal_px must be below largest_focal_px"),
            (self.exact_finalists >= 1, "exact_finalists must be 1 or more"),
        )
        for good, text in checks:
            if not good:
                raise NasionError(f"lilium: {text}; correct the settings")

    @property
    def uses_outside(self) -> bool:
        """Whether P_skof takes part."""
        return self.terms in ("skof", "all")

    @property
    def uses_parallelism(self) -> bool:
        """Whether P_par takes part."""
        return self.terms in ("par", "all")
