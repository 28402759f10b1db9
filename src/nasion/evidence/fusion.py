"""Scores of several comparisons of one skull as one number: a rule that is fitted to people whose truth is known.

Each comparison's scores become natural logarithms of likelihood ratios by logistic regression of same against different
people at even odds (Brummer & du Preez, Computer Speech & Language 20, 2006). Comparisons of one skull share its
oddities and its landmarks' errors, so that their sum would count them twice: each gets a weight, fitted so that the
right people of the whole set are likely among all (conditional logit, McFadden 1974). What a candidate lacks is left
out of the sum, which is neutral: 0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError

FloatArray = NDArray[np.float64]

OVERLAY: Final = "overlay"
"""The solver's score of skull and photographs."""
_RIDGE: Final = 1e-3
"""Keeps slopes finite where the people of a small set are told apart without fault."""
_LEAST_PEOPLE: Final = 8


@dataclass(frozen=True)
class PartRule:
    """How one comparison's score counts: ``weight * (slope * score + offset)``.

    Attributes
    ----------
    slope, offset
        Of the logarithm of the likelihood ratio.
    weight
        Of that logarithm in the sum.

    """

    slope: float
    offset: float
    weight: float = 1.0

    def log_ratio(self, score: float) -> float:
        """Return the natural logarithm of the likelihood ratio that the score stands for by itself."""
        return self.slope * score + self.offset


@dataclass(frozen=True)
class FusionRule:
    """Weights and scales of the comparisons, and what they were fitted to.

    Attributes
    ----------
    parts
        By name: ``"overlay"``, ``"xray_frontal"``, ``"xray_lateral"``.
    model_sha256
        Of the matcher whose scores they are.
    record
        People, data, figures: plain values.

    """

    parts: Mapping[str, PartRule]
    model_sha256: str
    record: Mapping[str, Any] = field(default_factory=dict)

    def fused(self, scores: Mapping[str, float | None]) -> float | None:
        """Return the weighted sum of the parts that are there; None where none is."""
        shares = self.shares(scores)
        return sum(shares.values()) if shares else None

    def shares(self, scores: Mapping[str, float | None]) -> dict[str, float]:
        """Return what each part that is there adds to the sum; a part without a rule raises NasionError."""
        there = {name: score for name, score in scores.items() if score is not None and math.isfinite(score)}
        unknown = sorted(set(there) - set(self.parts))
        if unknown:
            raise NasionError(f"the fusion rule has no part {unknown[0]}; fit it anew with 'nasion train fusion'")
        return {name: self.parts[name].weight * self.parts[name].log_ratio(score) for name, score in there.items()}

    def to_json(self) -> str:
        """Return the rule as the text of a file."""
        content = {
            "parts": {name: asdict(part) for name, part in self.parts.items()},
            "model_sha256": self.model_sha256,
            "record": dict(self.record),
        }
        return json.dumps(content, indent=1) + "\n"

    @staticmethod
    def from_json(text: str) -> FusionRule:
        """Return what ``to_json`` wrote; anything else raises NasionError."""
        try:
            content = json.loads(text)
            parts = {
                str(name): PartRule(float(own["slope"]), float(own["offset"]), float(own["weight"]))
                for name, own in content["parts"].items()
            }
            numbers = [number for own in parts.values() for number in (own.slope, own.offset, own.weight)]
            if not parts or not all(math.isfinite(number) for number in numbers):
                raise ValueError("no finite parts")
            return FusionRule(parts, str(content["model_sha256"]), dict(content.get("record", {})))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NasionError(
                "the fusion rule is damaged; write it anew with 'nasion train fusion' or leave it out"
            ) from None


def fit_rule(
    scores: Mapping[str, FloatArray], model_sha256: str, record: Mapping[str, Any] | None = None
) -> FusionRule:
    """Fit the rule to people whose truth is known.

    Parameters
    ----------
    scores
        By part: (n, n), unknown i against candidate j, higher is better; the diagonal holds the right pairs. NaN where
        a comparison could not be made.
    model_sha256, record
        See ``FusionRule``.

    Raises
    ------
    NasionError
        Too few people, or a part does not tell people apart at all.

    """
    n = len(next(iter(scores.values())))
    if n < _LEAST_PEOPLE:
        raise NasionError(f"{n} people are too few to fit a fusion rule to; give at least {_LEAST_PEOPLE}")
    parts: dict[str, PartRule] = {}
    for name, own in scores.items():
        right = np.diag(own)
        wrong = own[~np.eye(n, dtype=bool)]
        slope, offset = log_ratio_line(right[np.isfinite(right)], wrong[np.isfinite(wrong)])
        if slope <= 0:
            raise NasionError(f"the scores of {name} do not tell these people apart; it cannot be fused")
        parts[name] = PartRule(slope, offset)
    stack = np.stack([parts[name].slope * own + parts[name].offset for name, own in scores.items()])
    weights = _weights(np.nan_to_num(stack))
    fitted = {
        name: PartRule(part.slope, part.offset, float(weight))
        for (name, part), weight in zip(parts.items(), weights, strict=True)
    }
    return FusionRule(fitted, model_sha256, dict(record or {}))


def log_ratio_line(right: FloatArray, wrong: FloatArray) -> tuple[float, float]:
    """Return slope and offset of the log likelihood ratio that fits scores of right and of wrong pairs at even odds.

    Raises
    ------
    NasionError
        There are no scores of one kind.

    """
    from scipy.optimize import minimize

    if len(right) == 0 or len(wrong) == 0:
        raise NasionError("a comparison has no scores to fit a fusion rule to; look at its pictures' landmarks")
    every = np.concatenate([right, wrong])
    middle, spread = float(np.median(every)), float(every.std()) or 1.0
    z = (every - middle) / spread
    sign = np.concatenate([np.ones(len(right)), -np.ones(len(wrong))])
    share = np.concatenate([np.full(len(right), 0.5 / len(right)), np.full(len(wrong), 0.5 / len(wrong))])

    def cost(line: FloatArray) -> tuple[float, FloatArray]:
        margin = sign * (line[0] * z + line[1])
        pull = -share * sign / (1 + np.exp(np.clip(margin, -500, 500)))
        value = float((share * np.logaddexp(0, -margin)).sum()) + 0.5 * _RIDGE * float(line @ line)
        return value, np.array([(pull * z).sum(), pull.sum()]) + _RIDGE * line

    slope, offset = minimize(cost, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    return float(slope / spread), float(offset - slope * middle / spread)


def _weights(stack: FloatArray) -> FloatArray:
    """Return (k,) weights, none negative, that make the right people likeliest among all: of (k, n, n) log ratios."""
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    n = stack.shape[1]
    right = stack[:, range(n), range(n)]

    def cost(weights: FloatArray) -> tuple[float, FloatArray]:
        total = np.tensordot(weights, stack, axes=1)
        top = logsumexp(total, axis=1, keepdims=True)
        expected = (np.exp(total - top) * stack).sum(axis=2)
        value = float((top[:, 0] - weights @ right).mean()) + 0.5 * _RIDGE * float(((weights - 1) ** 2).sum())
        return value, (expected - right).mean(axis=1) + _RIDGE * (weights - 1)

    found = minimize(cost, np.ones(len(stack)), jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(stack))
    weights: FloatArray = found.x
    return weights


def crossvalidated(scores: Mapping[str, FloatArray], folds: int, seed: int) -> FloatArray:
    """Return (n, n) fused scores, each unknown's by a rule that was fitted without anyone of its fold.

    Parameters
    ----------
    scores
        See ``fit_rule``; a fold's people are in no row and no column that its rule is fitted to.
    folds, seed
        How people are split.

    """
    n = len(next(iter(scores.values())))
    fold = np.random.default_rng([seed, 3]).permutation(n) % folds
    fused = np.full((n, n), np.nan)
    for number in range(folds):
        others = np.flatnonzero(fold != number)
        rule = fit_rule({name: own[np.ix_(others, others)] for name, own in scores.items()}, "")
        for row in np.flatnonzero(fold == number):
            fused[row] = [_or_nan(rule.fused(_of_pair(scores, int(row), column))) for column in range(n)]
    return fused


def _of_pair(scores: Mapping[str, FloatArray], row: int, column: int) -> dict[str, float | None]:
    return {name: float(own[row, column]) for name, own in scores.items()}


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def parts_in_order(names: Sequence[str]) -> list[str]:
    """Return part names as they are shown: the overlay first."""
    return sorted(names, key=lambda name: (name != OVERLAY, name))
