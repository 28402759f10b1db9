"""Intervals and paired tests."""

import numpy as np
import pytest

from nasion.experiments.statistics import mean_interval95, signed_rank


def test_interval_covers_the_mean_of_clustered_figures():
    """Photographs of a person are alike: drawing people, the interval must cover the truth about 95 times in 100."""
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40), 5)
    covered = 0
    for trial in range(200):
        values = rng.normal(size=40)[people] + 0.1 * rng.normal(size=200)
        low, high = mean_interval95(values, people, seed=trial)
        covered += low <= 0 <= high
    assert 175 <= covered <= 199


def test_signed_rank_of_a_case_done_by_hand():
    """Five differences, all positive: of 2**5 equally likely signs only two are as extreme."""
    test = signed_rank([2.0, 3.0, 5.0, 8.0, 10.0], [1.0, 1.0, 2.0, 4.0, 5.0], ["a", "b", "c", "d", "e"])
    assert test.p_photographs == pytest.approx(2 / 32)
    assert test.p_people == pytest.approx(2 / 32)
    assert test.median_difference == 3.0
    assert (test.pairs, test.people) == (5, 5)


def test_copies_of_photographs_do_not_convince_the_test_over_people():
    first, second = np.array([2.0, 3.0, 5.0, 8.0, 10.0]), np.array([1.0, 1.0, 2.0, 4.0, 5.0])
    copied = signed_rank(np.repeat(first, 20), np.repeat(second, 20), np.repeat(np.arange(5), 20))
    assert copied.p_photographs < 1e-6
    assert copied.p_people == pytest.approx(2 / 32)


def test_no_difference_at_all_is_no_evidence():
    test = signed_rank([1.0, 2.0], [1.0, 2.0], ["a", "b"])
    assert test.p_photographs == test.p_people == 1.0
