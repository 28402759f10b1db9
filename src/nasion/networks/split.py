"""People stay on one side of a split."""

from __future__ import annotations

from collections.abc import Iterable

from nasion.errors import NasionError


def check_apart(one: str, people: Iterable[str], other: str, other_people: Iterable[str]) -> None:
    """Raise NasionError where a person is on both sides; ``one`` and ``other`` name the sides."""
    both = sorted(set(people) & set(other_people))
    if both:
        raise NasionError(f"{both[0]} is among the {one} people and the {other} people; split by person")
