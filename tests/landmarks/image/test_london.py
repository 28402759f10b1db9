"""The London Set's template as the 68 points of iBUG."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nasion.landmarks.image.published.folder import read_published
from nasion.landmarks.image.published.london import TEMPLATE_POINTS, divided, ibug68_of_template
from nasion.landmarks.image.schemes import SCHEMES

FloatArray = NDArray[np.float64]
FLIP = SCHEMES["ibug68"].flip_index
PUPILS = (0, 1)


def real_template(shared_data: Path) -> FloatArray:
    rows = (shared_data / "photos" / "london" / "landmarks189.csv").read_text().splitlines()
    values = np.array([row.split(",")[2:] for row in rows[1:]], float)
    return values.mean(axis=0).reshape(-1, 2)


def mirror_of(template: FloatArray) -> FloatArray:
    """Return the template of the mirrored face, its pairs told by position in the mean template alone."""
    middle = template[list(PUPILS), 0].mean()
    image = template * (-1.0, 1.0) + (2 * middle, 0.0)
    distance = np.linalg.norm(template[:, None] - image[None], axis=2)
    from scipy.optimize import linear_sum_assignment

    return image[linear_sum_assignment(distance)[1]]


def test_left_and_right_are_treated_alike(shared_data: Path) -> None:
    template = real_template(shared_data)
    symmetric = (template + mirror_of(template)) / 2
    points = ibug68_of_template(symmetric)
    middle = symmetric[list(PUPILS), 0].mean()
    assert points[FLIP] * (-1.0, 1.0) + (2 * middle, 0.0) == pytest.approx(points, abs=0.6)


def test_points_lie_where_their_names_say(shared_data: Path) -> None:
    """Order and place by anatomy: on every face, and without knowledge of the template's numbers."""
    made = read_published(shared_data / "photos" / "london", SCHEMES["ibug68"])
    assert len(made.samples) == 102 == len({own.person for own in made.samples})
    assert made.samples[0].person == "london_001" and "CC BY 4.0" in made.terms
    for sample in made.samples:
        x, y = sample.points_px.T
        assert (np.diff(x[:17]) > -6).all() and y[8] == y.max()
        for rising in (x[17:27], x[31:36], x[[36, 37, 38, 39, 42, 43, 44, 45]], x[48:55], x[60:65], y[27:31]):
            assert (np.diff(rising) > 0).all()
        for brow, eye in ((slice(17, 22), slice(36, 42)), (slice(22, 27), slice(42, 48))):
            assert y[brow].max() < y[eye].mean() and abs(x[brow].mean() - x[eye].mean()) < 15
        assert (y[[37, 38, 43, 44]] < y[[41, 40, 47, 46]]).all()
        assert (y[50:53] <= y[61:64]).all() and (y[61:64] <= y[[67, 66, 65]] + 2).all()
        assert (y[[67, 66, 65]] < y[[58, 57, 56]]).all()
        assert y[30] < y[33] < y[51] and y[33] == y[31:36].max()
        step = np.linalg.norm(np.diff(sample.points_px[:17], axis=0), axis=1)
        assert np.ptp(step[:8]) < 0.15 * step[:8].mean() and np.ptp(step[8:]) < 0.15 * step[8:].mean()


def test_a_line_is_divided_by_length() -> None:
    corner = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 5.0]])
    assert divided(corner, 4) == pytest.approx(np.array([[0, 0], [2, 0], [3, 1], [3, 3], [3, 5]]))


def test_only_points_that_need_an_unmarked_one_are_unmarked(shared_data: Path) -> None:
    template = real_template(shared_data)

    def unmarked(*numbers: int) -> list[int]:
        holed = template.copy()
        holed[list(numbers)] = np.nan
        return (np.flatnonzero(np.isnan(ibug68_of_template(holed)).any(axis=1)) + 1).tolist()

    assert template.shape == (TEMPLATE_POINTS, 2)
    assert unmarked(*range(145, 158), 0, 1, 115, 183) == []  # halo, pupils, ear, neck
    assert unmarked(90) == [52] and unmarked(64) == [32, 33] and unmarked(99) == [61]
    assert unmarked(73) == [18, 19, 20, 21, 22]  # a line's length needs all of it
    assert unmarked(113) == list(range(9, 18)) and unmarked(110) == list(range(1, 9))
