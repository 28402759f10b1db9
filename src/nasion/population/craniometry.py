"""Published cranial measurements of adults: means, SDs and correlations, and how a skull is measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Literal

import numpy as np

from nasion.geometry.surface import FloatArray

Sex = Literal["female", "male"]
SEXES: Final[tuple[Sex, ...]] = ("female", "male")

WIDEST_SD: Final = 3.0
"""Measures are drawn within this many SDs of their sex's mean."""


@dataclass(frozen=True)
class Measure:
    """A cranial measurement.

    Attributes
    ----------
    key
        Its abbreviation (Howells' where he has one).
    name
        In words.
    kind
        ``"distance"`` between two points, or ``"radius"``: distance of one point from the line through both porions.
    points
        The points that it is taken between; for a radius the porions follow.
    mean_mm, sd_mm
        By sex.
    source
        Where the figures come from.

    """

    key: str
    name: str
    kind: Literal["distance", "radius"]
    points: tuple[str, ...]
    mean_mm: Mapping[Sex, float]
    sd_mm: Mapping[Sex, float]
    source: str


@dataclass(frozen=True, eq=False)
class Craniometry:
    """Measures and their (m, m) correlation."""

    measures: tuple[Measure, ...]
    correlation: FloatArray

    def available(self, points: Sequence[str]) -> Craniometry:
        """Return the measures whose points are all there."""
        kept = [i for i, measure in enumerate(self.measures) if set(measure.points) <= set(points)]
        return Craniometry(tuple(self.measures[i] for i in kept), self.correlation[np.ix_(kept, kept)])

    def sample_ratios(self, sex: Sex, rng: np.random.Generator) -> FloatArray:
        """Return (m,) sampled measures over the middle of both sexes' means.

        The measures are multivariate normal, cut at ``WIDEST_SD``.
        """
        deviates = np.linalg.cholesky(self.correlation) @ rng.standard_normal(len(self.measures))
        z = np.clip(deviates, -WIDEST_SD, WIDEST_SD)
        drawn = np.array([m.mean_mm[sex] + m.sd_mm[sex] * d for m, d in zip(self.measures, z, strict=True)])
        ratios: FloatArray = drawn / np.array([(m.mean_mm["female"] + m.mean_mm["male"]) / 2 for m in self.measures])
        return ratios


@cache
def published_craniometry() -> Craniometry:
    """Return the measures of ``data/craniometry.json``; their sources stand there."""
    text = resources.files(__package__).joinpath("data/craniometry.json").read_text(encoding="utf-8")
    data = json.loads(text)
    measures = tuple(
        Measure(
            row["key"],
            row["name"],
            row["kind"],
            (*row["points"], "porion_left", "porion_right") if row["kind"] == "radius" else tuple(row["points"]),
            row["mean_mm"],
            row["sd_mm"],
            data["sources"][row["source"]],
        )
        for row in data["measures"]
    )
    lower = data["correlation"]
    correlation = np.eye(len(lower))
    for i, row in enumerate(lower):
        correlation[i, : i + 1] = correlation[: i + 1, i] = row
    return Craniometry(measures, correlation)


def measure_points(
    measures: Sequence[Measure], names: Sequence[str], points_mm: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the (m,) measures of named points and their (m, 3 n) derivative.

    Parameters
    ----------
    measures
        What is measured; all its points must be among ``names``.
    names, points_mm
        n names and (n, 3) places.

    """
    index = {name: i for i, name in enumerate(names)}
    values = np.zeros(len(measures))
    jacobian = np.zeros((len(measures), len(names), 3))
    for row, measure in enumerate(measures):
        at = [index[name] for name in measure.points]
        p, a = points_mm[at[0]], points_mm[at[1]]
        if measure.kind == "distance":
            values[row] = np.linalg.norm(p - a)
            jacobian[row, at[0]] = (p - a) / values[row]
            jacobian[row, at[1]] = -jacobian[row, at[0]]
            continue
        axis = points_mm[at[2]] - a
        along = float((p - a) @ axis / (axis @ axis))
        arm = p - a - along * axis
        values[row] = np.linalg.norm(arm)
        away = arm / values[row]
        jacobian[row, at[0]] = away
        jacobian[row, at[1]] = -(1 - along) * away
        jacobian[row, at[2]] = -along * away
    return values, jacobian.reshape(len(measures), -1)
