"""Photographs: the truth belongs to the picture."""

from dataclasses import replace

import numpy as np
import pytest

from nasion.anatomy.landmarks import SCHEMES
from nasion.errors import NasionError
from nasion.geometry.camera import pose_angles_deg
from nasion.geometry.raster import silhouette_of
from nasion.population.person import Person
from nasion.population.photograph import (
    FULL_FRAME_DIAGONAL_MM,
    VIEWS,
    PhotographSettings,
    VirtualPhotograph,
    sample_shot,
    take_photograph,
)

SETTINGS = PhotographSettings(image_height_px=(300, 420))


@pytest.fixture(scope="module")
def photographs(people: list[Person]) -> list[tuple[Person, VirtualPhotograph]]:
    rng = np.random.default_rng(8)
    return [(p, take_photograph(p, view, rng, SETTINGS)) for p in people[:4] for view in VIEWS for _ in range(2)]


def test_true_image_points_are_projections(photographs: list[tuple[Person, VirtualPhotograph]]) -> None:
    for person, photo in photographs:
        points = {**person.facial, **person.facial_helpers}
        assert set(photo.landmarks.points_px) == set(points)
        for name, point in points.items():
            x = photo.shot.camera.rotation @ point + photo.shot.camera.translation_mm
            expected = photo.shot.camera.focal_px * x[:2] / x[2] + photo.shot.camera.principal_point_px
            assert photo.landmarks.points_px[name] == pytest.approx(expected, abs=1e-6)


def test_the_mask_is_the_faces_silhouette(photographs: list[tuple[Person, VirtualPhotograph]]) -> None:
    for person, photo in photographs:
        assert np.array_equal(photo.face_mask, silhouette_of(person.face, photo.shot.camera))
        assert photo.image.shape == (*photo.face_mask.shape, 3)


def test_the_picture_shows_the_face_where_the_mask_is(photographs: list[tuple[Person, VirtualPhotograph]]) -> None:
    for _, photo in photographs:
        outside = photo.image[~photo.face_mask].astype(int)
        background = np.median(outside, axis=0)
        # Pixels on the outline are mixed.
        assert (np.abs(outside - background).max(axis=1) <= 1).mean() > 0.98
        inside = photo.image[photo.face_mask].astype(int)
        assert (np.abs(inside - background).max(axis=1) > 4).mean() > 0.9


def test_visibility_follows_the_side_that_is_turned_to_the_camera(
    photographs: list[tuple[Person, VirtualPhotograph]],
) -> None:
    for _, photo in photographs:
        yaw, seen = photo.shot.pose_deg[0], photo.landmarks.visible
        if photo.shot.view == "frontal":
            assert {"nasion", "subnasale", "pogonion"} <= seen
            # Turned by more, a high nasal bridge hides the far eye's inner corner.
            near = "right" if yaw > 0 else "left"
            assert f"endocanthion_{near}" in seen
            assert abs(yaw) > 12 or {"endocanthion_left", "endocanthion_right"} <= seen
        else:
            # Yaw > 0 turns the face to the subject's left, so that the right side faces the camera.
            near, far = ("right", "left") if yaw > 0 else ("left", "right")
            assert {f"zygion_{near}", f"gonion_{near}", f"exocanthion_{near}"} <= seen
            assert not {f"zygion_{far}", f"gonion_{far}", f"exocanthion_{far}"} & seen
        assert seen <= set(photo.landmarks.points_px)


def test_contours_lie_where_they_belong(photographs: list[tuple[Person, VirtualPhotograph]]) -> None:
    found = {"chin_jaw": 0, "forehead": 0}
    for _, photo in photographs:
        points = photo.landmarks.points_px
        for key, curve in photo.contours.items():
            found[key] += 1
            if key == "chin_jaw":
                down = points["gnathion"] - points["labiale_superius"]
                reach = ((curve - points["labiale_superius"]) @ down).max() / (down @ down)
                assert 0.6 < reach < 1.3
            else:
                face = np.linalg.norm(points["metopion"] - points["glabella"])
                gap = np.linalg.norm(curve[:, None] - [points["glabella"], points["metopion"]], axis=2).min(axis=0)
                assert (gap < 0.8 * face).all()
    assert found["forehead"] == 8
    assert found["chin_jaw"] >= 5


def test_cameras_keep_to_the_settings(people: list[Person]) -> None:
    rng = np.random.default_rng(2)
    s = PhotographSettings()
    distances = []
    for view in VIEWS:
        for _ in range(200):
            shot = sample_shot(people[0], view, rng, s)
            width, height = shot.camera.image_size_px
            equivalent = shot.camera.focal_px / np.hypot(width, height) * FULL_FRAME_DIAGONAL_MM
            assert s.focal_35mm[0] <= equivalent <= s.focal_35mm[1]
            assert shot.camera.principal_point_px == ((width - 1) / 2, (height - 1) / 2)
            yaw, pitch, roll = pose_angles_deg(shot.camera.rotation)
            assert (yaw, pitch, roll) == pytest.approx(shot.pose_deg, abs=1e-9)
            least, largest = (0.0, s.frontal_yaw_deg) if view == "frontal" else s.lateral_yaw_deg
            assert least <= abs(yaw) <= largest
            assert abs(pitch) <= s.pitch_deg
            assert abs(roll) <= s.roll_deg
            points = shot.camera.project(np.array([people[0].facial[name] for name in SCHEMES["facial20"]]))
            assert (points > -0.15 * width).all()
            assert (points < 1.15 * np.array([width, height])).all()
            distances.append(shot.distance_mm)
    # The camera stands at the drawn distance along its axis; the subject is shifted within the frame.
    assert 500 <= min(distances) < 800
    assert 2800 < max(distances) < 4600


def test_settings_that_no_camera_meets_are_refused(people: list[Person]) -> None:
    with pytest.raises(NasionError, match="focal"):
        sample_shot(people[0], "frontal", np.random.default_rng(0), replace(SETTINGS, focal_35mm=(1.0, 2.0)))


def test_the_same_random_numbers_take_the_same_picture(people: list[Person]) -> None:
    one, two = (take_photograph(people[1], "lateral", np.random.default_rng(4), SETTINGS) for _ in range(2))
    assert np.array_equal(one.image, two.image)
    assert one.shot.distance_mm == two.shot.distance_mm
