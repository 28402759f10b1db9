"""The pairs drawn in the docs are those of the parallelism term."""

import numpy as np

from figures.pairs import end_normals, paired_curves


def test_parallel_lines_pair_point_by_point():
    across = np.arange(10.0)
    skull, face = np.column_stack([across, np.zeros(10)]), np.column_stack([across, np.full(10, 4.0)])
    pairs, distances = paired_curves(skull, face)
    assert pairs.tolist() == [[k, k] for k in range(10)]
    np.testing.assert_allclose(distances, 4.0)


def test_face_points_left_over_take_the_nearest_skull_point():
    skull = np.array([[0.0, 0.0], [10.0, 0.0]])
    face = np.array([[0.0, 3.0], [6.0, 4.0], [10.0, 3.0]])
    pairs, distances = paired_curves(skull, face)
    assert pairs.tolist() == [[0, 0], [1, 2], [1, 1]]
    np.testing.assert_allclose(distances, [3.0, 3.0, np.hypot(4.0, 4.0)])


def test_normals_of_a_straight_line_are_square_to_it():
    line = np.column_stack([np.arange(20.0), np.arange(20.0)])
    (first, n0), (last, n1) = end_normals(line)
    assert first.tolist() == [0.0, 0.0]
    assert last.tolist() == [19.0, 19.0]
    for normal in (n0, n1):
        assert abs(normal @ [1.0, 1.0]) < 1e-12
        assert abs(np.linalg.norm(normal) - 1) < 1e-12
