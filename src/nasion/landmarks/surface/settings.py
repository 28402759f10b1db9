"""What the network for landmarks on surfaces is made of, how it learns, and the paper's variants by name.

Burger, Blandano, Facchi & Lanzarotti, "2S-SGCN: A two-stage stratified graph convolutional network model for facial
landmark detection on 3D data", CVIU 2025, section 5.2. Lengths are in units of the standard frame, where the head fills
the cube from -1 to 1. The paper leaves open: the learning rate, whether the k neighbours count the point itself (here
they do), and what takes the place of the fusion where there is one stratum (here a linear layer of the same output).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from nasion.errors import NasionError

Refinement = Literal["mean", "vertex", "triangle"]
"""How a position is taken from a heat map: the weighted mean of its highest points (Eq. 6, "1S"), the best vertex of
the mesh (MSE-over-mesh, Eqs. 7-8, "2S"), or the best point of the mesh's triangles (ours)."""

Residual = Literal["branch", "block"]
"""Where a block's input is added: to each branch, before the linear fusion (the paper and its code), or to the block's
output, so that it reaches the last layer unchanged (ours; the deeper the network, the more it gains)."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise NasionError(f"surface network: {message}")


@dataclass(frozen=True)
class SurfaceNetSettings:
    """The network and the second stage; the defaults are the paper's, but for ``refinement``.

    Attributes
    ----------
    points
        Points of a cloud, the paper's abs(V).
    neighbours
        Nearest points in the fine graph, the point itself among them; k.
    depth
        Blocks after the first one; D.
    width
        Features of a point inside the network.
    stratified
        With the coarse graph (SGCN) or with the fine graph alone (GCN).
    residual
        See ``Residual``.
    heat_sigma
        Standard deviation of a heat map, standard units; Eq. 1.
    top_points
        Highest points of a heat map that fix the position; t or i in Eqs. 6-8.
    ball_factor
        Radius of the search in units of the highest points' distance from their mean; gamma in Eq. 7.
    refinement
        See ``Refinement``.

    """

    points: int = 8000
    neighbours: int = 16
    depth: int = 20
    width: int = 64
    stratified: bool = True
    residual: Residual = "branch"
    heat_sigma: float = 0.03
    top_points: int = 12
    ball_factor: float = 5.0
    refinement: Refinement = "triangle"

    def __post_init__(self) -> None:
        _require(min(self.depth, self.width, self.neighbours) >= 1, "depth, width and neighbours must be at least 1")
        _require(self.points >= max(self.neighbours, self.top_points), "points must not be fewer than the neighbours")
        _require(self.top_points >= 3, "top_points must be at least 3")
        _require(self.heat_sigma > 0 and self.ball_factor > 1, "heat_sigma must be positive and ball_factor above 1")
        _require(self.residual in get_args(Residual), f"residual must be one of {get_args(Residual)}")
        _require(self.refinement in get_args(Refinement), f"refinement must be one of {get_args(Refinement)}")


@dataclass(frozen=True)
class LossSettings:
    """The modified adaptive wing loss, Eq. 3, with its lost "1 +": ln(1 + abs(difference / epsilon)^(alpha - h))."""

    omega: float = 14.0
    theta: float = 0.5
    alpha: float = 2.1
    epsilon: float = 1.0
    peak_weight: float = 50.0
    """beta: a point of heat h weighs 1 + beta h."""

    def __post_init__(self) -> None:
        _require(min(self.omega, self.theta, self.epsilon) > 0, "omega, theta and epsilon must be positive")
        _require(self.alpha > 1 and self.peak_weight >= 0, "alpha must exceed 1, peak_weight must not be negative")


@dataclass(frozen=True)
class TrainSettings:
    """How the network learns; the defaults are the paper's where it tells.

    Attributes
    ----------
    epochs, batch
        Passes over the training samples; samples a step.
    learning_rate, final_learning_rate
        Of Adam: from the first to the second along half a cosine wave. The paper does not tell; equal means constant.
    patience
        Epochs without a better error on the held-out people after which learning stops. The paper has no early stop.
    seed
        Of the first weights and of the samples' order.
    loss
        See ``LossSettings``.

    """

    epochs: int = 500
    batch: int = 4
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-3
    patience: int = 50
    seed: int = 0
    loss: LossSettings = LossSettings()

    def __post_init__(self) -> None:
        _require(min(self.epochs, self.batch, self.patience) >= 1, "epochs, batch and patience must be at least 1")
        _require(min(self.learning_rate, self.final_learning_rate) > 0, "the learning rates must be positive")


@dataclass(frozen=True)
class LocalSettings:
    """The local stage, which is ours (``local_model``).

    Attributes
    ----------
    points, radius_mm
        Of the piece of surface round each estimate.
    passes
        How often all estimates move.
    draws
        Draws of points whose moves are averaged.
    place_sd_mm
        By how much landmarks to learn from lie otherwise than in the training people (each axis), their surroundings
        with them: the more, the less the network trusts one landmark to tell another.
    least_peak
        Heat maps with a lower peak tell nothing about the other landmarks.
    steps, batch
        Of learning; scans a step.
    learning_rate, final_learning_rate
        Of Adam, along half a cosine wave.
    seed
        Of the first weights and of all that is drawn.

    """

    points: int = 96
    radius_mm: float = 14.0
    passes: int = 2
    draws: int = 4
    place_sd_mm: float = 2.5
    least_peak: float = 0.15
    steps: int = 8000
    batch: int = 16
    learning_rate: float = 2e-3
    final_learning_rate: float = 1e-5
    seed: int = 0

    def __post_init__(self) -> None:
        counts = (self.points, self.passes, self.draws, self.steps, self.batch)
        _require(min(counts) >= 1, "points, passes, draws, steps and batch must be at least 1")
        _require(self.place_sd_mm >= 0, "place_sd_mm must not be negative")
        _require(min(self.radius_mm, self.learning_rate, self.final_learning_rate) > 0, "radius and rates must be > 0")


_PAPER: Final = SurfaceNetSettings(refinement="vertex")
VARIANTS: Final[dict[str, SurfaceNetSettings]] = {
    "2S-SGCN": _PAPER,
    "1S-SGCN": replace(_PAPER, refinement="mean"),
    "2S-GCN": replace(_PAPER, stratified=False),
    "1S-GCN": replace(_PAPER, stratified=False, refinement="mean"),
}
"""The paper's system and its ablations (Table 1)."""

PRESETS: Final[dict[str, SurfaceNetSettings]] = {
    "paper": SurfaceNetSettings(),
    "small": SurfaceNetSettings(points=2048, depth=12, width=48, residual="block", heat_sigma=0.06),
}
"""The paper's size, for a GPU; a small one for CPUs, its heat maps as wide as its points are apart."""
