"""Rank metrics: cases by hand, brute force over all orders of ties, chance levels, failures, intervals."""

import math
from fractions import Fraction
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from nasion.retrieval.figures import retrieval_figures
from nasion.retrieval.intervals import mean_intervals95
from nasion.retrieval.metrics import chance_outcome, rank_outcome


def harmonic(n: int) -> float:
    return float(sum(Fraction(1, k) for k in range(1, n + 1)))


def by_definition(right: tuple[bool, ...], k: int) -> tuple[float, float, float]:
    """Recall@K, AP@K and reciprocal rank of faces in strict order, straight from their definitions."""
    places = [place for place, own in enumerate(right, start=1) if own]
    inside = [place for place in places if place <= k]
    precisions = [sum(right[:place]) / place for place in inside]
    return float(bool(inside)), sum(precisions) / min(k, len(places)), 1 / places[0]


def test_by_hand():
    # right faces at ranks 2 and 4 of five
    outcome = rank_outcome([0.9, 0.8, 0.7, 0.6, 0.1], [False, True, False, True, False])
    assert [outcome.recall(k) for k in (1, 2, 5)] == [0, 1, 1]
    assert outcome.reciprocal_rank == pytest.approx(1 / 2)
    assert outcome.average_precision(1) == 0
    assert outcome.average_precision(3) == pytest.approx((1 / 2) / 2)
    assert outcome.average_precision(5) == pytest.approx((1 / 2 + 2 / 4) / 2)


def test_a_tie_by_hand():
    # the right face shares the best score with one wrong face: first in half of the orders
    outcome = rank_outcome([3.0, 3.0, 1.0], [True, False, False])
    assert [outcome.recall(k) for k in (1, 2, 3)] == pytest.approx([0.5, 1, 1])
    assert outcome.reciprocal_rank == pytest.approx(0.75)
    assert outcome.average_precision(1) == pytest.approx(0.5)
    assert outcome.average_precision(2) == pytest.approx(0.75)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=6), st.integers(1, 7))
def test_every_order_of_ties_counts_the_same(faces, k):
    if not any(right for _, right in faces):
        faces[0] = (faces[0][0], True)
    scores, right = zip(*faces, strict=True)
    orders = [
        order for order in permutations(range(len(faces))) if all(scores[a] >= scores[b] for a, b in pairwise(order))
    ]
    expected = np.mean([by_definition(tuple(right[i] for i in order), k) for order in orders], axis=0)
    outcome = rank_outcome(scores, right)
    assert [outcome.recall(k), outcome.average_precision(k), outcome.reciprocal_rank] == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 2, 88, 500])
def test_chance_of_one_right_face(n):
    outcome = chance_outcome(n)
    assert outcome.reciprocal_rank == pytest.approx(harmonic(n) / n)
    for k in (1, 5, 10, 20):
        depth = min(k, n)
        assert outcome.recall(k) == pytest.approx(depth / n)
        assert outcome.average_precision(k) == pytest.approx(harmonic(depth) / n)


@pytest.mark.parametrize(("n", "relevant"), [(10, 3), (88, 2), (40, 40), (7, 6)])
def test_chance_of_several_right_faces_is_hypergeometric(n, relevant):
    outcome = chance_outcome(n, relevant)
    for k in (1, 5, 7):
        assert outcome.recall(k) == pytest.approx(1 - hypergeom.pmf(0, n, relevant, k))
    # one more right face at a random place: E[1/first] by summing P(first > k)
    beyond = [hypergeom.pmf(0, n, relevant, k) if k <= n else 0.0 for k in range(n + 1)]
    expected = sum((beyond[k - 1] - beyond[k]) / k for k in range(1, n + 1))
    assert outcome.reciprocal_rank == pytest.approx(expected)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8, unique=True), st.randoms())
def test_a_better_right_face_never_costs_and_order_of_the_gallery_is_nothing(scores, random):
    right = [k == 0 for k in range(len(scores))]
    before = rank_outcome(scores, right)
    better = rank_outcome([scores[0] + 3, *scores[1:]], right)
    assert (better.hit >= before.hit).all()
    order = list(range(len(scores)))
    random.shuffle(order)
    shuffled = rank_outcome([scores[k] for k in order], [right[k] for k in order])
    np.testing.assert_array_equal(shuffled.hit, before.hit)


def test_failures_are_last():
    # a probe that could not be used: the right face is behind all others, not at chance
    failed = rank_outcome([math.nan] * 4, [False, True, False, False])
    assert failed.reciprocal_rank == pytest.approx(1 / 4)
    assert [failed.recall(k) for k in (1, 3, 4)] == [0, 0, 1]
    # a right face that could not be used stands behind a wrong one that could not either
    face = rank_outcome([0.1, math.nan, math.nan], [False, True, False])
    assert face.reciprocal_rank == pytest.approx(1 / 3)
    # a wrong face that could not be used does not help
    wrong = rank_outcome([0.1, 0.5, math.nan], [True, False, False])
    assert wrong.reciprocal_rank == pytest.approx(1 / 2)


def test_no_right_face_is_refused():
    with pytest.raises(ValueError, match="one face must be right"):
        rank_outcome([1.0, 2.0], [False, False])


def test_a_constant_scorer_is_at_chance_and_a_perfect_one_is_not():
    right = np.eye(30, dtype=bool)
    flat = retrieval_figures(np.full((30, 30), 0.7), right, np.arange(30))
    assert flat.plain()["recall"] == pytest.approx(flat.chance["recall"])
    assert flat.plain()["map"] == pytest.approx(flat.chance["map"])
    assert flat.mrr == pytest.approx(flat.chance["mrr"])
    np.testing.assert_allclose(flat.cmc, flat.chance_cmc)
    best = retrieval_figures(right.astype(float), right, np.arange(30))
    assert (best.recall[1], best.mean_average_precision[20], best.mrr) == (1.0, 1.0, 1.0)


def test_figures_by_hand():
    # ranks 1, 2, 3 and a failed probe in a gallery of four
    scores = np.array([[9, 1, 2, 3], [5, 4, 1, 2], [3, 2, 1, 0], [math.nan] * 4], dtype=float)
    figures = retrieval_figures(scores, np.eye(4, dtype=bool), list("abcd"), depths=(1, 2))
    assert figures.recall == pytest.approx({1: 1 / 4, 2: 2 / 4})
    assert figures.mean_average_precision == pytest.approx({1: 1 / 4, 2: (1 + 1 / 2) / 4})
    assert figures.mrr == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    np.testing.assert_allclose(figures.cmc, [1 / 4, 2 / 4, 3 / 4, 1])
    assert figures.chance["recall"] == pytest.approx({"1": 1 / 4, "2": 2 / 4})
    low, high = figures.interval95["recall"]["1"]
    assert 0 <= low <= 1 / 4 <= high <= 1


def test_intervals_draw_people():
    # ten pictures each of four people who are alike in themselves: as wide as four pictures, not as forty
    people = np.repeat(np.arange(4), 10)
    values = np.repeat([0.0, 0.0, 1.0, 1.0], 10)[:, None]
    few = mean_intervals95(np.array([[0.0], [0.0], [1.0], [1.0]]), np.arange(4))
    np.testing.assert_allclose(mean_intervals95(values, people), few)
    as_pictures = mean_intervals95(values, np.arange(40))
    assert np.ptp(as_pictures) < np.ptp(few)


def test_intervals_cover_the_truth():
    # 95 % intervals of 60 people's mean hold the true mean in about 95 of 100 samples
    rng = np.random.default_rng(0)
    inside = 0
    for trial in range(200):
        low, high = mean_intervals95(rng.random((60, 1)), np.arange(60), seed=trial)[0]
        inside += low <= 0.5 <= high
    assert 0.88 <= inside / 200 <= 0.99
