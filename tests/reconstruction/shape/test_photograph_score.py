"""Photographs' landmarks against a skull's faces: a known pose, invariances, the right person first."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.population.folder import person_of
from nasion.population.person import Person
from nasion.population.template import Template
from nasion.reconstruction.shape.landmark_spread import LandmarkSpread
from nasion.reconstruction.shape.photograph_score import (
    SeenFace,
    _Fit,
    _moved,
    _round,
    _started,
    log_likelihoods,
    score_photographs,
)
from nasion.reconstruction.shape.sampler import FaceSampler, anybody, face_sampler
from nasion.reconstruction.shape.settings import ShapeSettings
from reconstruction.shape.small import bare

SIZE = (700, 900)


def camera_of(yaw: float, distance_mm: float = 1400.0, focal_px: float = 3300.0) -> Camera:
    rotation = pose_rotation(yaw, 4.0, -3.0)
    shift = np.array([15.0, -8.0, distance_mm])
    return Camera(rotation, shift, focal_px, image_center_px(SIZE), SIZE)


def photograph(points: Mapping[str, NDArray[np.float64]], camera: Camera) -> SeenFace:
    return SeenFace({name: camera.project(point[None])[0] for name, point in points.items()}, SIZE)


def points_of(person: Person) -> dict[str, NDArray[np.float64]]:
    return {**person.facial_helpers, **person.facial}


def tight(person: Person) -> LandmarkSpread:
    """Return a spread that knows the person's own landmarks to a tenth of a millimetre."""
    points = points_of(person)
    n = len(points)
    zero = np.zeros((3 * n, 3 * n))
    places = np.array(list(points.values()))
    return LandmarkSpread(tuple(points), places, np.zeros((n, 3)), 0.01 * np.eye(3 * n), zero, 1.0, 0.0)


def fitted(spread: LandmarkSpread, seen: SeenFace) -> _Fit:
    fit = _started(spread, [seen])
    for _ in range(15):
        _moved(fit, _round(spread, fit, 0.3)[1])
    return fit


@pytest.mark.parametrize(("parameter", "columns", "change"), [("log_scale", [5], [0.01]), ("place", [3, 4], [2.0, -1])])
def test_a_step_undoes_a_small_change(person: Person, parameter: str, columns: list[int], change: list[float]) -> None:
    exact = tight(person)
    fit = fitted(exact, photograph(points_of(person), camera_of(25.0)))
    moved = np.array(change).reshape(1, -1) if parameter == "place" else np.array(change)
    setattr(fit, parameter, getattr(fit, parameter) + moved)
    step = _round(exact, fit, 0.3)[1][0]
    assert step[columns] == pytest.approx(np.multiply(change, -1), rel=0.15)


def test_a_fitted_camera_sees_the_landmarks_where_they_are(person: Person) -> None:
    camera = camera_of(35.0)
    exact = tight(person)
    fit = fitted(exact, photograph(points_of(person), camera))
    turn = fit.rotation[0] @ camera.rotation.T
    assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) < 0.5
    scale = camera.focal_px / camera.to_camera(exact.mean_mm(1.0).mean(axis=0)[None])[0, 2]
    assert np.exp(fit.log_scale[0]) == pytest.approx(scale, rel=0.01)


def test_no_place_scale_or_shift_of_the_picture_changes_the_score(person: Person, sampler: FaceSampler) -> None:
    spread, nobody = sampler.landmark_spread(), sampler.landmark_spread().of_anybody()
    seen = photograph(points_of(person), camera_of(10.0))
    twice = SeenFace({n: 2.0 * p + 0.5 for n, p in seen.landmarks_px.items()}, (2 * SIZE[0], 2 * SIZE[1]))
    one, two = score_photographs(spread, nobody, [seen, twice])
    assert one == pytest.approx(two, abs=0.02)


def test_landmarks_of_other_names_are_of_no_account_and_too_few_have_no_score(
    person: Person, sampler: FaceSampler
) -> None:
    spread, nobody = sampler.landmark_spread(), sampler.landmark_spread().of_anybody()
    seen = photograph(points_of(person), camera_of(0.0))
    more = SeenFace({**seen.landmarks_px, "wart": np.array([3.0, 4.0])}, SIZE)
    few = SeenFace(dict(list(seen.landmarks_px.items())[:5]), SIZE)
    scores = score_photographs(spread, nobody, [seen, more, few, SeenFace({}, SIZE)])
    assert scores[0] == pytest.approx(scores[1], abs=1e-9)
    assert np.isnan(scores[2:]).all()


def test_a_landmark_that_is_unsure_of_its_place_counts_less(person: Person, sampler: FaceSampler) -> None:
    spread, nobody = sampler.landmark_spread(), sampler.landmark_spread().of_anybody()
    seen = photograph(points_of(person), camera_of(0.0))
    wrong = {**seen.landmarks_px, "pronasale": seen.landmarks_px["pronasale"] + [60.0, 0.0]}
    without = {name: point for name, point in seen.landmarks_px.items() if name != "pronasale"}
    sure = SeenFace(wrong, SIZE)
    unsure = SeenFace(wrong, SIZE, {"pronasale": 3000.0})
    scores = score_photographs(spread, nobody, [sure, unsure, SeenFace(without, SIZE)])
    assert scores[1] == pytest.approx(scores[2], abs=0.05)
    assert abs(scores[0] - scores[2]) > 0.5


def test_scores_do_not_hang_on_who_else_is_scored(person: Person, sampler: FaceSampler) -> None:
    spread = sampler.landmark_spread()
    seen = [photograph(points_of(person), camera_of(yaw)) for yaw in (0.0, 40.0, 85.0)]
    together = log_likelihoods(spread, seen)
    assert together == pytest.approx([log_likelihoods(spread, [own])[0] for own in seen], abs=1e-6)


def test_the_right_person_stands_among_the_first(template: Template) -> None:
    people = [person_of(template, 424, index) for index in range(8)]
    nobody = anybody(template, ShapeSettings(draws=120))
    rng = np.random.default_rng(5)
    photographs = []
    for person in people:
        seen = photograph(points_of(person), camera_of(rng.uniform(-15, 15)))
        noisy = {name: point + rng.normal(0, 2.4, 2) for name, point in seen.landmarks_px.items()}
        photographs.append(SeenFace(noisy, SIZE))
    ranks = []
    for k, person in enumerate(people):
        spread = face_sampler(template, bare(person), ShapeSettings(draws=120)).landmark_spread()
        scores = score_photographs(spread, nobody, photographs)
        ranks.append(int((scores > scores[k]).sum()) + 1)
    assert np.mean(ranks) < 2.0
    assert max(ranks) <= 4


def test_the_spread_is_refound_from_its_own_draws() -> None:
    rng = np.random.default_rng(0)
    fixed, by_build = rng.normal(0, 50, (4, 3)), rng.normal(0, 5, (4, 3))
    factor = rng.normal(0, 1, (12, 12))
    builds = np.exp(0.4 * rng.standard_normal(4000))
    noise = builds[:, None] * (rng.standard_normal((4000, 12)) @ factor.T)
    points = fixed + builds[:, None, None] * by_build + noise.reshape(-1, 4, 3)
    spread = LandmarkSpread.of_draws(("a", "b", "c", "d"), points, builds, 0.4)
    assert spread.mean_mm(1.0) == pytest.approx(fixed + by_build, abs=0.3)
    assert spread.covariance_mm2 == pytest.approx(factor @ factor.T, abs=1.5)
    assert spread.build == pytest.approx(1.0, abs=0.03)
