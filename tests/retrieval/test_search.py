"""Search: agrees with a full sort and with FAISS, whatever the chunks, the holes and the ties."""

import numpy as np
import pytest

from nasion.retrieval import exact, faiss_search


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    values = rng.standard_normal(shape).astype(np.float32)
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


@pytest.mark.parametrize(("count", "n"), [(1, 1), (10, 3), (10, 1000), (100, 40000)])
@pytest.mark.parametrize("holes", [False, True])
def test_nearest_rows_are_those_of_a_full_sort(count, n, holes):
    rng = np.random.default_rng(n)
    rows, probes = unit(rng, n, 16), unit(rng, 7, 16)
    places = np.flatnonzero(rng.random(n) < 0.7) if holes else None
    if holes:
        rows[np.setdiff1d(np.arange(n), places)] = np.nan
    found = exact.search(probes, rows, count, places)
    own = np.arange(n) if places is None else places
    products = probes.astype(float) @ rows[own].T.astype(float)
    order = np.argsort(-products, axis=1)[:, :count]
    np.testing.assert_allclose(found.products, np.take_along_axis(products, order, axis=1), atol=1e-6)
    # the same rows, but for those whose products differ by rounding only
    given = np.array([probes[k].astype(float) @ rows[found.rows[k]].T.astype(float) for k in range(len(probes))])
    np.testing.assert_allclose(given, found.products, atol=1e-6)
    assert all(len(set(row)) == len(row) for row in found.rows.tolist())


def test_ties_go_by_row(monkeypatch):
    monkeypatch.setattr(exact, "CHUNK_ROWS", 4)
    rows = np.ones((11, 2), np.float32)
    rows[7] = 2
    found = exact.search(np.ones((1, 2), np.float32), rows, 5)
    assert found.rows.tolist() == [[7, 0, 1, 2, 3]]


def test_chunks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(1)
    rows, probes = unit(rng, 500, 8), unit(rng, 3, 8)
    whole = exact.search(probes, rows, 20)
    monkeypatch.setattr(exact, "CHUNK_ROWS", 7)
    np.testing.assert_array_equal(exact.search(probes, rows, 20).rows, whole.rows)


def test_an_empty_gallery_finds_nothing():
    probes = np.ones((3, 4), np.float32)
    assert exact.search(probes, np.zeros((0, 4), np.float32), 5).rows.shape == (3, 0)
    assert exact.search(probes, np.ones((6, 4), np.float32), 5, np.zeros(0, np.int64)).rows.shape == (3, 0)


@pytest.mark.parametrize("holes", [False, True])
def test_faiss_agrees(monkeypatch, holes):
    pytest.importorskip("faiss")
    monkeypatch.setattr(faiss_search, "_CHUNK_ROWS", 1000)
    rng = np.random.default_rng(5)
    rows, probes = unit(rng, 5500, 32), unit(rng, 9, 32)
    places = np.flatnonzero(rng.random(len(rows)) < 0.8) if holes else None
    ours, theirs = exact.search(probes, rows, 50, places), faiss_search.search(probes, rows, 50, places)
    np.testing.assert_allclose(theirs.products, ours.products, atol=1e-6)
    assert (theirs.rows == ours.rows).mean() > 0.99
