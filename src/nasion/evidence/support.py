"""Degrees of support in words, from the residuals and from the comparison with the other candidates of a run.

What is said here is *not calibrated*: no case collection with known truth stands behind the limits below. It is
conditional on the tissue table, on the landmarks as they were placed and on the candidates that were in the run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nasion.anatomy.landmarks import side

CAMERA_PARAMETERS: Final = 7
"""Numbers that are fitted to each photograph."""

STRAINED_TAIL: Final = 1e-3
"""Below this chi-square tail the residuals count against the candidate, however the others fare."""

IMPLAUSIBLE_TAIL: Final = 1e-6
"""Below this tail the overlay contradicts."""

WEAK_LOG10: Final = 0.5
CLEAR_LOG10: Final = 2.0
"""Limits of the decimal logarithm of a likelihood ratio."""


class Degree(StrEnum):
    """The five degrees, from for to against, and none."""

    SUPPORTS = "supports"
    WEAKLY_SUPPORTS = "weakly supports"
    NEUTRAL = "neither supports nor contradicts"
    WEAKLY_CONTRADICTS = "weakly contradicts"
    CONTRADICTS = "contradicts"
    NOT_ASSESSED = "not assessed"


@dataclass(frozen=True)
class Misfit:
    """How well the residuals agree with the tissue table and the noise that was assumed.

    Attributes
    ----------
    ratio
        Chi-square over degrees of freedom: about 1 where the assumptions hold.
    degrees_of_freedom
        Independent residual components left after the camera was fitted.
    tail
        Chance of residuals at least as large for the true person, under the tissue table.

    """

    ratio: float
    degrees_of_freedom: float
    tail: float


@dataclass(frozen=True)
class Support:
    """One candidate's degree of support.

    Attributes
    ----------
    degree
        The degree in words.
    sentence
        The whole statement.
    log10_against_others
        Decimal logarithm of the likelihood ratio against the mean of the other candidates; None without others or where
        the solver gives no likelihood.
    log10_against_generic
        The same against a generic head: the reference skull with the population's spread of shape.
    misfit
        None where nothing could be solved or the solver gives no likelihood.

    """

    degree: Degree
    sentence: str
    log10_against_others: float | None
    log10_against_generic: float | None
    misfit: Misfit | None

    @property
    def label(self) -> str:
        """The degree in words."""
        return self.degree.value


def residual_misfit(residuals_sd: Sequence[Mapping[str, float]]) -> Misfit | None:
    """Return the chi-square misfit of one candidate's photographs; None where nothing is left to test.

    Tissue is shared by a person's photographs and nearly so by the two sides of the face, so the residuals are far from
    independent. Each landmark, whichever the side and however many the photographs, counts as one pair of independent
    components: chi-square and degrees of freedom are scaled by the same share (Satterthwaite's approximation at full
    correlation), which errs on the careful side.

    Parameters
    ----------
    residuals_sd
        For each photograph: facial landmark name to root mean square residual of its two image components, in standard
        deviations.

    """
    from scipy.stats import chi2

    count = sum(len(photo) for photo in residuals_sd)
    freedom = 2 * count - CAMERA_PARAMETERS * sum(1 for photo in residuals_sd if photo)
    if freedom <= 0:
        return None
    total = sum(2.0 * value**2 for photo in residuals_sd for value in photo.values())
    share = len({_without_side(name) for photo in residuals_sd for name in photo}) / count
    return Misfit(total / freedom, freedom * share, float(chi2.sf(total * share, freedom * share)))


def log10_ratios(scores: Sequence[float | None]) -> list[float | None]:
    """Return each candidate's log10 likelihood ratio against the mean likelihood of the other scored candidates."""
    scored = [value for value in scores if value is not None]
    if len(scored) < 2:
        return [None] * len(scores)
    top, *rest = sorted(scored, reverse=True)
    rest_total = _log_sum(rest)
    total = _log_sum([top, rest_total])
    result: list[float | None] = []
    for value in scores:
        if value is None:
            result.append(None)
            continue
        # the best one holds nearly all of the sum: taking it off again would leave rounding errors
        others = rest_total if value == top else total + math.log1p(-math.exp(value - total))
        result.append((value - others + math.log(len(rest))) / math.log(10))
    return result


def degrees_of_support(scores: Sequence[float | None], misfits: Sequence[Misfit | None]) -> list[Support]:
    """Word the support of every candidate of one run.

    Parameters
    ----------
    scores
        Natural logarithm of the likelihood ratio between this skull and a generic head, for each candidate; None for a
        failure, or for all where the solver gives no likelihood; such a solver orders candidates, and no degree of
        support is stated. Only scored ones count as "the other candidates".
    misfits
        Of the same candidates; None for a failure.

    """
    compared = sum(score is not None for score in scores)
    return [
        _support(score, ratio, misfit, compared)
        for score, ratio, misfit in zip(scores, log10_ratios(scores), misfits, strict=True)
    ]


def _support(score: float | None, against_others: float | None, misfit: Misfit | None, candidates: int) -> Support:
    against_generic = None if score is None else score / math.log(10)
    if misfit is None:
        sentence = "The overlay was not assessed: nothing could be compared."
        return Support(Degree.NOT_ASSESSED, sentence, against_others, against_generic, None)
    if against_generic is None:
        sentence = "The overlay was not assessed: this solver orders candidates but gives no likelihood."
        return Support(Degree.NOT_ASSESSED, sentence, None, None, None)
    degree = _degree(against_generic if against_others is None else min(against_others, against_generic), misfit)
    parts = (_statement(degree, candidates), _residual_clause(misfit))
    return Support(degree, " ".join(parts), against_others, against_generic, misfit)


def _degree(log10_ratio: float, misfit: Misfit) -> Degree:
    """Return the degree from the less favourable of the ratios, lowered where the residuals are strained."""
    if misfit.tail < IMPLAUSIBLE_TAIL:
        return Degree.CONTRADICTS
    compared = _compared(log10_ratio)
    if misfit.tail >= STRAINED_TAIL:
        return compared
    strained = {
        Degree.SUPPORTS: Degree.NEUTRAL,
        Degree.WEAKLY_SUPPORTS: Degree.NEUTRAL,
        Degree.NEUTRAL: Degree.WEAKLY_CONTRADICTS,
    }
    return strained.get(compared, compared)


def _compared(log10_ratio: float) -> Degree:
    if log10_ratio >= CLEAR_LOG10:
        return Degree.SUPPORTS
    if log10_ratio >= WEAK_LOG10:
        return Degree.WEAKLY_SUPPORTS
    if log10_ratio <= -CLEAR_LOG10:
        return Degree.CONTRADICTS
    return Degree.WEAKLY_CONTRADICTS if log10_ratio <= -WEAK_LOG10 else Degree.NEUTRAL


def _statement(degree: Degree, candidates: int) -> str:
    claim = f"The overlay {degree} that skull and photographs belong to one person, compared with"
    if candidates == 1:
        return f"{claim} a generic head; there is nobody else in this run to compare with."
    others = "the other candidate" if candidates == 2 else f"the other {candidates - 1} candidates"
    return f"{claim} {others} of this run and with a generic head."


def _residual_clause(misfit: Misfit) -> str:
    if misfit.tail >= 0.05:
        return "The residuals are as large as the tissue table lets one expect."
    if misfit.tail >= STRAINED_TAIL:
        return "The residuals are on the large side of what the tissue table lets one expect."
    return "The residuals are larger than the tissue table and the landmark noise explain."


def _log_sum(values: Sequence[float]) -> float:
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))


def _without_side(name: str) -> str:
    which = side(name)
    return name if which is None else name.removesuffix(f"_{which}")


CAVEAT: Final = (
    "These degrees of support are not calibrated: they have not been tested against a collection of solved cases. They "
    "depend on the tissue table, on the landmarks as they were placed and on the candidates in this run; they are no "
    "probability that a person is the right one, and they say nothing about people who are not in the run."
)
"""What every statement of support must be read with."""
