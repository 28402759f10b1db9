"""Vocabulary and planes."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from nasion.anatomy.landmarks import CRANIAL_HELPERS, FACIAL_HELPERS, PAIRS, SCHEMES, definitions, mirrored, side
from nasion.anatomy.planes import FRANKFURT_POINTS, frankfurt_rotation, head_frame, midsagittal_plane, reference_skull
from nasion.errors import NasionError


def test_twenty_pairs_eight_midline_six_bilateral():
    assert len(PAIRS) == len(set(PAIRS)) == 20
    assert sum(side(p.cranial) is None for p in PAIRS) == 8
    for pair in PAIRS:
        assert side(pair.cranial) == side(pair.facial)
        assert mirrored(mirrored(pair.cranial)) == pair.cranial


def test_every_landmark_has_a_definition():
    base = lambda n: n.removesuffix("_left").removesuffix("_right")  # noqa: E731
    assert {base(n) for n in (*SCHEMES["cranial20"], *CRANIAL_HELPERS)} == set(definitions()["cranial"])
    assert {base(n) for n in (*SCHEMES["facial20"], *FACIAL_HELPERS)} == set(definitions()["facial"])


def test_reference_skull_is_symmetric_and_stands_in_its_own_frankfurt_frame():
    points = reference_skull()
    for name, point in points.items():
        np.testing.assert_allclose(points[mirrored(name)], point * [-1, 1, 1])
    np.testing.assert_allclose(frankfurt_rotation(points), np.eye(3), atol=1e-9)
    # the definition of the Frankfurt plane: porion and orbitale at one height
    assert {points[n][1] for n in FRANKFURT_POINTS} == {0.0}


@given(st.integers(0, 10**6))
def test_frame_follows_a_rigid_motion(seed):
    rng = np.random.default_rng(seed)
    turn, shift = Rotation.random(random_state=seed).as_matrix(), rng.normal(0, 200, 3)
    points = {n: turn @ p + shift for n, p in reference_skull().items()}
    landmarks = {n: p for n, p in points.items() if n in SCHEMES["cranial20"]}
    helpers = {n: p for n, p in points.items() if n not in SCHEMES["cranial20"]}
    for given_helpers, source in ((helpers, "frankfurt"), (None, "reference")):
        frame = head_frame(landmarks, given_helpers)
        assert frame.source == source
        np.testing.assert_allclose(frame.rotation @ turn, np.eye(3), atol=1e-7)
    _, normal = midsagittal_plane(points)
    np.testing.assert_allclose(normal, turn @ [1, 0, 0], atol=1e-9)


def test_too_little_for_a_frame():
    points = reference_skull()
    with pytest.raises(NasionError, match="too few"):
        head_frame({n: points[n] for n in ("nasion", "bregma")})
    line = {"nasion": np.zeros(3), "glabella": np.array([0, 10.0, 0]), "bregma": np.array([0, 50.0, 0])}
    with pytest.raises(NasionError, match="one line"):
        head_frame(line)
    with pytest.raises(NasionError, match="bilateral"):
        midsagittal_plane({"nasion": np.zeros(3)})


def test_without_porion_the_frame_of_a_real_skull_is_near_its_frankfurt_frame(shared_data):
    for head in ("pcir_77654033", "invesalius_cranium", "arothron_skull"):
        data = json.loads((shared_data / "heads" / head / "cranial.landmarks.json").read_text())
        landmarks = {n: np.array(p) for n, p in data["landmarks"].items()}
        helpers = {n: np.array(p) for n, p in data["helpers"].items()}
        exact, fitted = head_frame(landmarks, helpers), head_frame(landmarks)
        turn = Rotation.from_matrix(exact.rotation @ fitted.rotation.T).magnitude()
        assert np.degrees(turn) < 8
