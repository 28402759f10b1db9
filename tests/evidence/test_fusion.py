"""Scores of several comparisons as one: known log ratios, weights of parts that repeat each other, files."""

from __future__ import annotations

import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.evidence.fusion import FusionRule, PartRule, crossvalidated, fit_rule, log_ratio_line
from nasion.retrieval.metrics import rank_outcome


def scores_of(rng: np.random.Generator, n: int, distance: float) -> np.ndarray:
    """Return (n, n) scores, normal with SD 1, the right ones higher by ``distance``."""
    return rng.normal(size=(n, n)) + distance * np.eye(n)


def test_known_log_ratio() -> None:
    # N(2, 1) against N(0, 1): the log ratio is 2 x - 2
    rng = np.random.default_rng(0)
    slope, offset = log_ratio_line(rng.normal(2, 1, 20000), rng.normal(0, 1, 40000))
    assert slope == pytest.approx(2, abs=0.1)
    assert offset == pytest.approx(-2, abs=0.1)
    moved, shifted = log_ratio_line(rng.normal(2, 1, 20000) * 100 + 7, rng.normal(0, 1, 40000) * 100 + 7)
    assert moved == pytest.approx(slope / 100, abs=2e-3)
    assert shifted == pytest.approx(offset - 7 * slope / 100, abs=0.2)


def test_parts_that_know_different_things_count_fully_and_copies_half() -> None:
    rng = np.random.default_rng(1)
    one, two = scores_of(rng, 300, 3), scores_of(rng, 300, 2)
    independent = fit_rule({"overlay": one, "xray_frontal": two}, "m")
    assert [part.weight for part in independent.parts.values()] == pytest.approx([1, 1], abs=0.2)
    copied = fit_rule({"overlay": one, "xray_frontal": one.copy()}, "m")
    weights = [part.weight for part in copied.parts.values()]
    assert sum(weights) == pytest.approx(1, abs=0.2)
    assert weights[0] == pytest.approx(weights[1], abs=1e-3)


def test_fusion_helps_and_a_weak_part_counts_little() -> None:
    rng = np.random.default_rng(2)
    right = np.eye(200, dtype=bool)
    one, two = scores_of(rng, 200, 2), scores_of(rng, 200, 2)
    fused = crossvalidated({"overlay": one, "xray_frontal": two}, 5, 0)

    def found(scores: np.ndarray) -> float:
        return float(np.mean([rank_outcome(row, own).hit[0] for row, own in zip(scores, right, strict=True)]))

    # the sum of both is the best that there is: a distance of 2 sqrt 2
    assert found(fused) > max(found(one), found(two)) + 0.1
    assert found(fused) == pytest.approx(found(one + two), abs=0.03)
    weak = fit_rule({"overlay": one, "xray_frontal": scores_of(rng, 200, 0.4)}, "m").parts["xray_frontal"]
    assert weak.weight * weak.slope == pytest.approx(0.4, abs=0.25)


def test_what_is_missing_is_neutral() -> None:
    rule = FusionRule({"overlay": PartRule(0.5, -1, 2), "xray_frontal": PartRule(10, 3, 0.5)}, "m")
    assert rule.fused({"overlay": 4.0, "xray_frontal": -0.1}) == pytest.approx(
        2 * (0.5 * 4 - 1) + 0.5 * (10 * -0.1 + 3)
    )
    assert rule.fused({"overlay": 4.0, "xray_frontal": None}) == pytest.approx(2.0)
    assert rule.fused({"overlay": None, "xray_frontal": float("nan")}) is None
    assert rule.shares({"overlay": 4.0, "xray_frontal": None}) == {"overlay": pytest.approx(2.0)}
    with pytest.raises(NasionError, match="no part xray_lateral"):
        rule.fused({"xray_lateral": 1.0})


def test_missing_scores_do_not_spoil_the_fit() -> None:
    rng = np.random.default_rng(3)
    one, two = scores_of(rng, 100, 3), scores_of(rng, 100, 3)
    two[::4] = np.nan
    rule = fit_rule({"overlay": one, "xray_frontal": two}, "m")
    assert rule.parts["xray_frontal"].slope == pytest.approx(3, abs=0.6)


def test_rules_on_disk() -> None:
    rule = FusionRule({"overlay": PartRule(0.5, -1, 2)}, "abc", {"people": 7})
    assert FusionRule.from_json(rule.to_json()) == rule
    for text in ("", "{}", '{"parts": {}, "model_sha256": ""}', rule.to_json().replace("0.5", "NaN")):
        with pytest.raises(NasionError, match="damaged"):
            FusionRule.from_json(text)


def test_refuses_few_people_and_scores_that_tell_nothing() -> None:
    rng = np.random.default_rng(4)
    with pytest.raises(NasionError, match="too few"):
        fit_rule({"overlay": scores_of(rng, 5, 3)}, "m")
    with pytest.raises(NasionError, match="do not tell"):
        fit_rule({"overlay": -scores_of(rng, 50, 3)}, "m")
