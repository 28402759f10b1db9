"""Metrics, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landmarks.image.discs import SCHEME
from nasion.errors import NasionError
from nasion.landmarks.image import metrics
from nasion.landmarks.image.schemes import SCHEMES

TRUTH = np.array([[[0, 0], [10, 0], [5, 4], [5, 20]], [[0, 0], [20, 0], [10, 8], [10, 40]]], float)


def test_nme_by_hand() -> None:
    found = TRUTH + np.array([3.0, 4.0])  # every point 5 px off
    assert metrics.nme(found, TRUTH, metrics.lengths(TRUTH, SCHEME, "inter_ocular")) == pytest.approx([0.5, 0.25])
    assert metrics.lengths(TRUTH, SCHEME, "box") == pytest.approx([np.sqrt(10 * 20), np.sqrt(20 * 40)])
    assert metrics.lengths(TRUTH, SCHEME, "face_height") == pytest.approx([16, 32])


def test_points_that_are_not_marked_are_left_out() -> None:
    truth = TRUTH.copy()
    truth[0, 3] = np.nan
    found = TRUTH.copy()
    found[0, 2] += (0, 3)
    assert metrics.nme(found, truth, np.array([10.0, 20.0])) == pytest.approx([0.1, 0])


def test_failure_rate_auc_and_curve_by_hand() -> None:
    errors = np.array([0.02, 0.05, 0.1, 0.3])
    assert metrics.failure_rate(errors) == 0.25  # 0.1 itself does not exceed 0.1
    # area under the steps up to 0.1: (0.08 + 0.05 + 0 + 0) / 4, over 0.1
    assert metrics.auc(errors) == pytest.approx(0.325)
    assert [list(part) for part in metrics.ced(errors[::-1])] == [list(errors), [0.25, 0.5, 0.75, 1.0]]


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=20))
def test_auc_is_the_integral_of_the_curve(values: list[float]) -> None:
    errors = np.array(values)
    at = (np.arange(20000) + 0.5) / 20000 * 0.1
    curve = (errors[None] <= at[:, None]).mean(axis=1)
    assert metrics.auc(errors) == pytest.approx(curve.mean(), abs=1e-4)


def test_radial_error_and_success_rate_by_hand() -> None:
    errors_mm = np.array([[1.0, 2.0, 2.2], [np.nan, 3.5, 5.0]])
    assert metrics.mean_radial_error(errors_mm) == pytest.approx(13.7 / 5)
    assert [metrics.success_rate(errors_mm, r) for r in metrics.SDR_MM] == pytest.approx([0.4, 0.6, 0.6, 0.8])
    table = metrics.per_landmark(errors_mm, ["x", "y", "z"])
    assert table == {"x": 1.0, "y": 2.75, "z": pytest.approx(3.6)}


def test_bootstrap_draws_people_not_images() -> None:
    values = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    together = metrics.bootstrap(["a"] * 4 + ["b"] * 4, lambda rows: float(values[rows].mean()))
    apart = metrics.bootstrap([str(k) for k in range(8)], lambda rows: float(values[rows].mean()))
    assert together.value == apart.value == 0.5
    assert (together.low, together.high) == (0, 1)  # one of two people is drawn twice in half of the cases
    assert apart.low > 0 and apart.high < 1


def test_bootstrap_interval_of_a_mean_has_the_normal_width() -> None:
    values = np.random.default_rng(1).normal(size=400)
    made = metrics.bootstrap([str(k) for k in range(400)], lambda rows: float(values[rows].mean()))
    assert made.high - made.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_length_that_a_scheme_lacks() -> None:
    with pytest.raises(NasionError, match="cephalo19 has no points for the inter-ocular"):
        metrics.lengths(np.zeros((1, 19, 2)), SCHEMES["cephalo19"], "inter_ocular")
