"""Patches, neighbours and adjacency by hand; tokens and ranks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasion.errors import NasionError
from nasion.matching.graphs import adjacency, cut_patch, neighbours
from nasion.matching.scoring import own_ranks, retrieval
from nasion.matching.tokens import Tokens, TokenShape


def test_a_patch_has_2p_pixels_about_its_landmark() -> None:
    """Eq. 1: I[y - P : y + P, x - P : x + P], nothing beyond the picture."""
    image = np.arange(10 * 12 * 3, dtype=np.uint8).reshape(10, 12, 3)
    assert np.array_equal(cut_patch(image, np.array([5.0, 4.0]), 2), image[2:6, 3:7])
    corner = cut_patch(image, np.array([0.0, 9.4]), 3)
    assert corner.shape == (6, 6, 3)
    assert np.array_equal(corner[:4, 3:], image[6:10, :3])
    assert not corner[4:].any() and not corner[:, :3].any()
    assert not cut_patch(image, np.array([100.0, -50.0]), 3).any()


def test_neighbours_by_hand() -> None:
    points = np.array([[0.0, 0], [1, 0], [2.5, 0], [10, 0]])
    assert neighbours(points, 2).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    twins = np.array([[0.0, 0], [0, 0], [0, 0], [5, 5]])
    assert all(k not in row for k, row in enumerate(neighbours(twins, 2).tolist()))
    assert neighbours(points, 99).shape == (4, 3)


def test_adjacency_by_hand() -> None:
    """A chain of three, the fourth missing: D^(-1/2) (A + I) D^(-1/2)."""
    points = np.array([[0.0, 0], [1, 0], [2.5, 0], [1, 0]])
    found = adjacency(points, np.array([True, True, True, False]), 1)
    a = 6**-0.5
    expected = [[1 / 2, a, 0, 0], [a, 1 / 3, a, 0], [0, a, 1 / 2, 0], [0, 0, 0, 1]]
    assert found == pytest.approx(np.array(expected))


def test_places_that_are_no_numbers() -> None:
    with pytest.raises(NasionError, match="not finite"):
        neighbours(np.array([[0.0, np.nan], [1, 1]]), 1)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 6), st.randoms())
def test_tokens_come_back_from_their_vector(n: int, d: int, g: int, random: object) -> None:
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    own = Tokens(rng.normal(size=(n, d)).astype(np.float32), rng.normal(size=g).astype(np.float32), rng.random(n) > 0.5)
    shape = TokenShape(n, d, g)
    again = shape.unpack(own.packed())
    assert np.array_equal(again.tokens, own.tokens) and np.array_equal(again.whole, own.whole)
    assert np.array_equal(again.there, own.there)
    with pytest.raises(NasionError, match="another model"):
        shape.unpack(own.packed()[:-1])


def test_ranks_by_hand() -> None:
    """Equal scores share the middle place: a model that gives one score to all is at chance, not perfect."""
    nan = np.nan
    scores = np.array([[3.0, 2, 1], [5, 5, 5], [1, nan, nan], [1, 2, 3]])
    assert own_ranks(scores, [0, 1, 1, 0]).tolist() == [1, 2, np.inf, 3]
    found = retrieval(scores, [0, 1, 1, 0])
    assert (found.n_queries, found.n_gallery, found.failures) == (4, 3, 1)
    assert found.recall["1"] == 0.25 and found.recall["5"] == 0.75
    assert found.chance["1"] == pytest.approx(1 / 3) and found.chance["20"] == 1
