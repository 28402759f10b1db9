"""Contours from mask and landmarks: hand-computed borders, hidden borders, agreement with the population's contours."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from nasion.anatomy.landmarks import SCHEMES
from nasion.geometry.raster import silhouette_of
from nasion.geometry.regions import clip
from nasion.overlay.face_contours import contours_of, with_contours
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.head_pose import HeadPose, head_pose
from nasion.overlay.problem import Photo
from nasion.population.person import PersonSampler
from nasion.population.photograph import VIEWS, VirtualPhotograph, take_photograph
from nasion.population.template_source import load_template

from .faces import camera_of, draw

UP = np.array([0.0, -1.0])
FRONTAL = HeadPose(camera_of("frontal"), 5.0, UP, 1.0)
LATERAL = HeadPose(camera_of("lateral"), 80.0, UP, 1.0)
MOUTH = {"cheilion_right": np.array([75.0, 100.0]), "cheilion_left": np.array([125.0, 100.0])}
CHIN = MOUTH | {"gnathion": np.array([100.0, 148.0])}
BROW = {"glabella": np.array([148.0, 90.0]), "metopion": np.array([146.0, 60.0])}


def disc() -> np.ndarray:
    """A face of 50 px radius round (100, 100)."""
    row, column = np.indices((220, 200))
    return (np.hypot(row - 100, column - 100) < 50).astype(np.uint8)


def test_chin_of_a_disc() -> None:
    curve = contours_of(disc(), CHIN, FRONTAL)["chin_jaw"]
    assert np.hypot(*(curve - 100).T) == pytest.approx(np.full(len(curve), 49.5), abs=0.8)
    # from the subject's right, which is the picture's left, to the left; between the cheilia, below them
    assert curve[0, 0] == pytest.approx(75, abs=1.5)
    assert curve[-1, 0] == pytest.approx(125, abs=1.5)
    assert (curve[:, 1] > 100).all()


def test_forehead_of_a_disc() -> None:
    curve = contours_of(disc(), BROW, LATERAL)["forehead"]
    assert np.hypot(*(curve - 100).T) == pytest.approx(np.full(len(curve), 49.5), abs=0.8)
    assert (curve[:, 0] > 125).all()
    assert curve[0, 1] == pytest.approx(90, abs=1.5)
    assert curve[-1, 1] == pytest.approx(60, abs=1.5)


def test_a_contour_moves_with_the_picture() -> None:
    shift = np.array([7.0, 11.0])
    moved = np.pad(disc(), ((11, 0), (7, 0)))
    before = contours_of(disc(), CHIN, FRONTAL)["chin_jaw"]
    after = contours_of(moved, {name: point + shift for name, point in CHIN.items()}, FRONTAL)["chin_jaw"]
    np.testing.assert_allclose(after, before + shift, atol=1e-9)


def test_an_unknown_border_is_no_contour() -> None:
    bearded = disc()
    bearded[(bearded > 0) & (np.arange(220)[:, None] > 130)] = Place.UNKNOWN
    assert contours_of(bearded, CHIN, FRONTAL) == {}
    # hair before the border on the outside hides it as well
    fringe = disc()
    fringe[(fringe == 0) & (np.arange(220)[:, None] < 80)] = Place.UNKNOWN
    assert contours_of(fringe, BROW, LATERAL) == {}


def test_half_a_border_is_kept_and_less_is_not() -> None:
    for hidden, kept in ((12, True), (30, False)):
        place = disc()
        place[125:, 75 : 75 + hidden] = Place.UNKNOWN
        curve = contours_of(place, CHIN, FRONTAL)
        assert bool(curve) == kept
        if kept:
            assert curve["chin_jaw"][:, 0].min() > 75 + hidden


def test_the_neck_is_no_chin() -> None:
    necked = disc()
    necked[100:200, 70:130] = Place.FACE
    assert contours_of(necked, CHIN, FRONTAL) == {}


def test_the_pictures_edge_is_no_border() -> None:
    assert contours_of(disc()[:149], CHIN, FRONTAL) == {}


def test_without_the_landmarks_there_is_no_contour() -> None:
    assert contours_of(disc(), MOUTH, FRONTAL) == {}
    assert contours_of(disc(), {"gnathion": CHIN["gnathion"]}, FRONTAL) == {}
    assert contours_of(disc(), {"glabella": BROW["glabella"]}, LATERAL) == {}
    assert contours_of(disc() * 0, CHIN, FRONTAL) == {}
    # nose and upper lip stand in for the corners of the mouth, pogonion for gnathion
    nose = {"alare_right": [85.0, 80.0], "alare_left": [115.0, 80.0], "labiale_superius": [100.0, 95.0]}
    points = {name: np.array(point) for name, point in nose.items()} | {"pogonion": np.array([100.0, 130.0])}
    curve = contours_of(disc(), points, FRONTAL)["chin_jaw"]
    assert curve[[0, -1], 0] == pytest.approx([82, 118], abs=1.5)


def test_a_drawn_contour_stays() -> None:
    drawn = FaceRegion(disc(), {"forehead": np.array([[1.0, 2.0], [3.0, 4.0]])})
    assert with_contours(drawn, CHIN, FRONTAL) is drawn
    assert with_contours(FaceRegion(disc()), CHIN, None).contours == {}


def test_the_pose_of_a_drawn_head() -> None:
    for view, yaw in (("frontal", 6.0), ("lateral", 78.0)):
        pose = head_pose(draw(view).photo)
        assert pose is not None
        # the generic head itself, but its tissue is estimated along: a few degrees
        assert pose.yaw_deg == pytest.approx(yaw, abs=4)
        assert pose.lateral == (view == "lateral")
        assert np.degrees(np.arctan2(pose.up_px[0], -pose.up_px[1])) == pytest.approx(5, abs=3)


@pytest.fixture(scope="module")
def photographs() -> list[tuple[VirtualPhotograph, np.ndarray, dict[str, np.ndarray], HeadPose]]:
    """Three people, two photographs each way: picture, mask without the neck, what is seen, pose."""
    sampler, made = PersonSampler(load_template("builtin")), []
    for index in range(3):
        person = sampler.sample(101 + index)
        rng = np.random.default_rng(index)
        right, left, chin = (person.facial[name] for name in ("gonion_right", "gonion_left", "gnathion"))
        up = np.cross(chin - (right + left) / 2, left - right)
        up *= np.sign(up[1]) / np.linalg.norm(up)
        head = clip(person.face, chin - 6 * up, up)
        for view in (*VIEWS, *VIEWS):
            photo = take_photograph(person, view, rng)
            truth = photo.landmarks
            seen = {name: truth.points_px[name] for name in truth.visible}
            bare = {name: point for name, point in seen.items() if name in SCHEMES["facial20"]}
            pose = head_pose(Photo("p", bare, photo.shot.camera.image_size_px))
            assert pose is not None
            made.append((photo, silhouette_of(head, photo.shot.camera).astype(np.uint8), seen, pose))
    return made


def test_agreement_with_the_populations_contours(photographs) -> None:
    """The population's curve lies on ours: to half a pixel of the mask and half of its depth map, and 1 mm.

    A jaw's edge in a depth map is where the surface turns away, a mask's where it ends: the millimetre. The
    population's may end earlier, where the jaw runs into the neck.
    """
    compared = 0
    for photo, mask, seen, pose in photographs:
        found = contours_of(mask, seen, pose)
        mm_per_px = photo.shot.distance_mm / photo.shot.camera.focal_px
        for name in found.keys() & photo.contours.keys():
            compared += 1
            gap = cKDTree(found[name]).query(photo.contours[name])[0]
            assert gap.mean() < 1.0 + 1.0 / mm_per_px
            assert np.percentile(gap, 90) * mm_per_px < 3.0
            assert np.ptp(found[name], axis=0).max() > 0.8 * np.ptp(photo.contours[name], axis=0).max()
    assert compared >= 8


def test_a_mask_with_neck_gives_the_forehead_and_no_chin(photographs) -> None:
    for photo, _, seen, pose in photographs:
        found = contours_of(photo.face_mask.astype(np.uint8), seen, pose)
        assert "chin_jaw" not in found
        if photo.shot.view == "frontal":
            assert found == {}


def test_the_view_is_told_by_the_landmarks(photographs) -> None:
    assert [pose.lateral for _, _, _, pose in photographs] == [p.shot.view == "lateral" for p, *_ in photographs]
    _, mask, seen, pose = photographs[1]
    assert contours_of(mask, seen, replace(pose, yaw_deg=0.0)).keys() <= {"chin_jaw"}
