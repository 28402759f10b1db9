"""Graphs and heat maps against hand-made cases and brute force."""

import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.landmarks.surface.graphs import mean_landmarks, surface_graph
from nasion.landmarks.surface.heatmaps import heat_maps


def test_points_on_a_line() -> None:
    points = np.array([[0.0, 0, 0], [1, 0, 0], [3, 0, 0], [7, 0, 0]])
    graph = surface_graph(points, np.tile([0, 0, 1.0], (4, 1)), np.array([[6.0, 0, 0], [8, 1, 0], [0.4, 0, 0]]), 2)
    assert graph.neighbours.tolist() == [[0, 1], [1, 0], [2, 1], [3, 2]]
    assert graph.coarse.tolist() == [1, 0, 0, 1]  # two landmarks snap to one point
    assert graph.features[2].tolist() == [3, 0, 0, 0, 0, 1]
    assert (graph.features.dtype, graph.neighbours.dtype, graph.coarse.dtype) == (np.float32, np.int64, np.float32)


def test_neighbours_are_the_nearest() -> None:
    rng = np.random.default_rng(0)
    points, prototype = rng.normal(size=(50, 3)), rng.normal(size=(4, 3))
    graph = surface_graph(points, points, prototype, 7)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert (graph.neighbours == np.argsort(distance, axis=1)[:, :7]).all()
    snapped = np.linalg.norm(points[:, None] - prototype[None], axis=2).argmin(axis=0)
    assert set(np.flatnonzero(graph.coarse)) == set(snapped)


def test_the_prototype_is_the_mean_of_those_present() -> None:
    first = np.array([[0.0, 0, 0], [1, 1, 1]])
    second = np.array([[2.0, 4, 6], [np.nan, np.nan, np.nan]])
    assert mean_landmarks([first, second]).tolist() == [[1, 2, 3], [1, 1, 1]]
    with pytest.raises(NasionError, match="number 2"):
        mean_landmarks([second])
    with pytest.raises(NasionError, match="no training samples"):
        mean_landmarks([])


def test_clouds_that_do_not_serve() -> None:
    points = np.zeros((3, 3))
    with pytest.raises(NasionError, match="3 points"):
        surface_graph(points, points, points, 4)
    points[1, 1] = np.nan
    with pytest.raises(NasionError, match="not finite"):
        surface_graph(points, points, np.zeros((1, 3)), 2)


def test_heat_by_hand() -> None:
    heat = heat_maps([[0, 0, 0], [0, 0.3, 0.4], [3, 0, 0]], [[0, 0, 0], [np.nan] * 3], 0.5)
    assert heat[:, 0] == pytest.approx([1, np.exp(-0.5), np.exp(-18)])
    assert (heat[:, 1] == 0).all()
