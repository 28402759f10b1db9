"""Cameras and flags in plain words."""

import pytest

from nasion.casework.records import CameraFigures, Candidate
from nasion.overlay.problem import SOLVERS, OverlaySolution
from nasion.report.wording import SOLVER_WORDS, camera_words, flag_words, pose_words, score_words


def test_camera_with_spreads():
    figures = CameraFigures(1234.0, 31.25, 48.6, (12.0, -7.0, 0.2), 120.0, 4.04, 6.2, (1.0, 2.0, 0.5))
    assert camera_words(figures) == [
        "Camera to head 1.23 ± 0.12 m.",
        "Horizontal field of view 31.2 ± 4.0°, as of a 49 ± 6 mm lens on 35 mm film.",
        "Head turned to its left by 12.0 ± 1.0°, chin raised by 7.0 ± 2.0°.",
    ]


def test_camera_without_spreads():
    figures = CameraFigures(800.0, 60.0, 31.0, (-80.0, 3.0, -4.0))
    distance, _, pose = camera_words(figures)
    assert distance == "Camera to head 0.80 m."
    assert pose == "Head turned to its right by 80°, chin lowered by 3°, tilted anticlockwise in the picture by 4°."


def test_small_turns_are_straight():
    assert pose_words((0.4, -0.3, 0.0)) == "straight to the camera"


def test_every_solver_has_words():
    assert set(SOLVER_WORDS) == set(SOLVERS)


def test_unknown_flags_stay_readable():
    assert flag_words("some_new_flag") == "some new flag"
    assert flag_words("skull_outside_face") == "part of the skull lies outside the face"


@pytest.mark.parametrize(
    ("solver", "score", "words"),
    [("posterior", 48.094, "48.09"), ("posest", -0.01234, "-0.0123"), ("lilium", -0.00456, "-0.0046")],
)
def test_scores_keep_the_digits_that_tell_them_apart(solver, score, words):
    solution = OverlaySolution(solver, (), score, None, None, {}, 0.1)
    assert score_words(Candidate("c", "s", None, (), solution)) == words
    assert score_words(Candidate("c", "s", None, (), None)) == "-"
