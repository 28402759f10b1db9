"""Competition ranks."""

import math

from hypothesis import given
from hypothesis import strategies as st

from nasion.retrieval.ranking import competition_ranks

scores = st.lists(st.one_of(st.none(), st.integers(-5, 5).map(float)), max_size=12)


def test_by_hand():
    assert competition_ranks([0.5, 2.0, 2.0, None, -1.0, None]) == [3, 1, 1, 5, 4, 5]
    assert competition_ranks([]) == []
    assert competition_ranks([None, None]) == [1, 1]


def test_nan_is_a_failure():
    assert competition_ranks([math.nan, 1.0, None]) == [2, 1, 2]


@given(scores)
def test_a_rank_is_one_more_than_the_number_of_better_ones(values):
    for value, rank in zip(values, competition_ranks(values), strict=True):
        better = [v for v in values if v is not None and (value is None or v > value)]
        assert rank == 1 + len(better)


@given(scores, st.randoms())
def test_order_of_the_candidates_does_not_matter(values, random):
    order = list(range(len(values)))
    random.shuffle(order)
    shuffled = competition_ranks([values[k] for k in order])
    assert shuffled == [competition_ranks(values)[k] for k in order]
