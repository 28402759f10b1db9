"""Degrees of support: the figures by hand, the limits, and what must never be said."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from nasion.evidence.support import CAVEAT, Degree, Misfit, degrees_of_support, log10_ratios, residual_misfit

FITS = Misfit(1.0, 20.0, 0.5)
STRAINED = Misfit(2.5, 20.0, 1e-4)
IMPOSSIBLE = Misfit(6.0, 20.0, 1e-9)
LN10 = math.log(10)


def test_misfit_of_one_frontal_photograph_by_hand():
    # 4 midline landmarks and 2 pairs: 8 residuals, 16 components less 7 of the camera; 6 of the 8 count
    names = ["nasion", "glabella", "pogonion", "gnathion", "zygion_left", "zygion_right", "alare_left", "alare_right"]
    misfit = residual_misfit([dict.fromkeys(names, 1.5)])
    assert misfit is not None
    assert misfit.ratio == pytest.approx(8 * 2 * 1.5**2 / 9)
    assert misfit.degrees_of_freedom == pytest.approx(9 * 6 / 8)
    assert misfit.tail == pytest.approx(chi2.sf(36 * 6 / 8, 9 * 6 / 8))


def test_a_photograph_that_only_repeats_another_adds_no_certainty():
    one = {f"l{k}": 1.6 for k in range(15)}
    single, double = residual_misfit([one]), residual_misfit([one, one])
    assert single is not None
    assert double is not None
    assert double.ratio == pytest.approx(single.ratio)
    assert double.tail == pytest.approx(single.tail)


def test_too_few_residuals_cannot_be_tested():
    assert residual_misfit([{"nasion": 0.0, "glabella": 0.0, "gnathion": 0.0}]) is None
    assert residual_misfit([]) is None


def test_ratios_by_hand():
    # likelihoods 8, 2, 0: 8 against the mean of 2 and 0, 2 against 4, 0 against 5
    ratios = log10_ratios([math.log(8), math.log(2), None, -800.0])
    assert ratios[0] == pytest.approx(math.log10(8))
    assert ratios[1] == pytest.approx(math.log10(2 / 4))
    assert ratios[2] is None
    assert ratios[3] == pytest.approx(-800 / LN10 - math.log10(5))
    assert log10_ratios([3.0]) == [None]
    assert log10_ratios([3.0, None]) == [None, None]


@given(st.lists(st.floats(-300, 300), min_size=2, max_size=9))
def test_ratios_agree_with_plain_sums(scores):
    from scipy.special import logsumexp

    for k, ratio in enumerate(log10_ratios(scores)):
        others = np.delete(np.array(scores), k)
        expected = (scores[k] - logsumexp(others) + math.log(len(others))) / LN10
        assert ratio == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("log10_generic", "misfit", "degree"),
    [
        (2.1, FITS, Degree.SUPPORTS),
        (1.0, FITS, Degree.WEAKLY_SUPPORTS),
        (0.0, FITS, Degree.NEUTRAL),
        (-1.0, FITS, Degree.WEAKLY_CONTRADICTS),
        (-2.1, FITS, Degree.CONTRADICTS),
        (2.1, STRAINED, Degree.NEUTRAL),
        (0.0, STRAINED, Degree.WEAKLY_CONTRADICTS),
        (9.0, IMPOSSIBLE, Degree.CONTRADICTS),
    ],
)
def test_one_candidate_is_compared_with_a_generic_head(log10_generic, misfit, degree):
    (support,) = degrees_of_support([log10_generic * LN10], [misfit])
    assert support.degree is degree
    assert support.log10_against_others is None
    assert "generic head" in support.sentence
    assert degree.value in support.sentence


def test_the_less_favourable_comparison_counts():
    best, second = degrees_of_support([12.0, 11.9], [FITS, FITS])
    # both fit far better than a generic head, but one cannot be told from the other
    assert best.log10_against_generic > 2
    assert best.degree is Degree.NEUTRAL
    assert second.degree is Degree.NEUTRAL
    alone, bad = degrees_of_support([-6.0, -60.0], [FITS, FITS])
    # best of a bad lot
    assert alone.log10_against_others > 2
    assert alone.degree is Degree.CONTRADICTS
    assert bad.degree is Degree.CONTRADICTS


def test_without_a_likelihood_no_degree_is_stated():
    for support in degrees_of_support([None, None], [FITS, IMPOSSIBLE]):
        assert support.degree is Degree.NOT_ASSESSED
        assert "gives no likelihood" in support.sentence
        assert support.misfit is None


def test_a_failure_is_not_assessed():
    _, failure = degrees_of_support([5.0, None], [FITS, None])
    assert failure.degree is Degree.NOT_ASSESSED


@given(
    st.lists(
        st.tuples(st.none() | st.floats(-80, 80), st.sampled_from([FITS, STRAINED, IMPOSSIBLE, None])),
        min_size=1,
        max_size=6,
    )
)
def test_forbidden_words_and_number_of_candidates(candidates):
    scores, misfits = [list(column) for column in zip(*candidates, strict=True)]
    scored = sum(score is not None for score in scores)
    for support in degrees_of_support(scores, misfits):
        words = support.sentence.lower()
        assert not any(word in words for word in ("identified", "confirmed", "proves", "certain", "match"))
        if support.degree is not Degree.NOT_ASSESSED and scored > 2:
            assert f"other {scored - 1} candidates" in support.sentence


def test_the_caveat_says_what_it_depends_on():
    assert "not calibrated" in CAVEAT
    assert "tissue table" in CAVEAT
    assert "candidates in this run" in CAVEAT
