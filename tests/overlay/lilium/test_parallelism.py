"""P_par: spread, convergence and crossings of curves whose distances are known; the skull's curve in an image."""

import numpy as np
import pytest

from nasion.anatomy.planes import HeadFrame
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, pose_rotation
from nasion.geometry.surface import Mesh
from nasion.overlay.face_region import FaceRegion
from nasion.overlay.lilium.curves import (
    Stretch,
    curve_kind,
    cut_region,
    evenly_spaced,
    exact_parallelism,
    outermost,
    skull_curve,
    stretch_of,
)
from nasion.overlay.lilium.parallelism import crossing, front_of, normal_at_end, parallelism, resample
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.problem import Photo, SkullLandmarks

DOWN = (0.0, 1.0)


def line(x0: float, y0: float, x1: float, y1: float, step: float = 1.0) -> np.ndarray:
    return evenly_spaced(np.array([[x0, y0], [x1, y1]]), step)


def judged(
    skull: np.ndarray, face: np.ndarray, tolerance: float = 0.2, step: float = 1.0
) -> tuple[float, float, float]:
    paired = np.empty(len(face), dtype=bool)
    return parallelism(skull, len(skull), face, len(face), step, *DOWN, tolerance, 1000.0, paired)


def test_points_at_even_distances():
    corner = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    np.testing.assert_allclose(evenly_spaced(corner, 2.0), [[0, 0], [2, 0], [3, 1], [3, 3]], atol=1e-12)
    out = np.empty((4, 2))
    assert resample(corner, 3, 0.01, out) == 4
    np.testing.assert_allclose(out, [[0, 0], [7 / 3, 0], [3, 5 / 3], [3, 4]], atol=1e-6)


def test_the_normal_is_averaged_over_the_last_fifth():
    # ten steps: the last fifth is the climb at the end
    curve = np.array([[float(x), 0.0] for x in range(9)] + [[8.0, 1.0], [8.0, 2.0]])
    nu, nv = normal_at_end(curve, 0, 10, False)
    assert abs(nv) < 1e-12 and abs(nu) == pytest.approx(2.0)
    nu, nv = normal_at_end(curve, 0, 10, True)
    assert abs(nu) < 1e-12 and abs(nv) == pytest.approx(2.0)


def test_crossing_of_a_line_and_a_curve():
    curve = line(0, 0, 10, 0)
    assert crossing(curve, 0, 10, 3.25, 7.0, 0.0, -1.0, 8.0) == pytest.approx(3.25)
    assert crossing(curve, 0, 10, 3.25, 7.0, 0.0, -1.0, 6.0) == -1.0
    assert crossing(curve, 0, 10, 12.0, 7.0, 0.0, -1.0, 8.0) == -1.0


def test_parallel_lines_cost_nothing_however_long_each_is():
    # without trimming the face's ends would lie farther away than the middle
    assert judged(line(20, 0, 80, 0), line(0, 10, 100, 10)) == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)
    assert judged(line(0, 0, 100, 0), line(20, 10, 80, 10)) == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)


def test_a_curve_that_shows_one_half_only_is_compared_with_that_half():
    angle = np.linspace(0.2, np.pi - 0.2, 400)
    arc = np.stack([-np.cos(angle), np.sin(angle)], axis=1)
    spread, convergence, beyond = judged(evenly_spaced(80 * arc, 1.0), evenly_spaced(100 * arc[:180], 1.0))
    assert spread < 0.1
    assert (convergence, beyond) == (0.0, 0.0)


def test_concentric_arcs_cost_next_to_nothing():
    angle = np.linspace(0.2, np.pi - 0.2, 400)
    arc = np.stack([-np.cos(angle), np.sin(angle)], axis=1)
    spread, convergence, beyond = judged(evenly_spaced(80 * arc, 1.0), evenly_spaced(100 * arc, 1.0))
    assert spread < 0.1
    assert (convergence, beyond) == (0.0, 0.0)


def test_spread_is_the_standard_deviation():
    # distances run evenly from 10 to 20: SD 10 / sqrt(12); ends deviate by 5 from the mean of 15
    spread, convergence, beyond = judged(line(0, -10, 500, -20), line(0, 0, 500, 0), tolerance=0.4)
    assert spread == pytest.approx(10 / np.sqrt(12), rel=0.02)
    assert (convergence, beyond) == (0.0, 0.0)


def test_ends_that_converge_cost_their_deviation():
    _, convergence, _ = judged(line(0, -10, 500, -20), line(0, 0, 500, 0), tolerance=0.3)
    assert convergence == pytest.approx(10.0, rel=0.02)


def test_every_pixel_of_crossing_costs_a_thousand():
    # above the face for 60 px, below it for 40
    skull, face = line(0, -60, 100, 40), line(0, 0, 100, 0)
    face_below = judged(line(0, 5, 50, 5), line(0, 0, 50, 0))
    assert face_below[2] == pytest.approx(51 * 1000.0)
    assert judged(line(0, -5, 50, -5), line(0, 0, 50, 0))[2] == 0.0
    assert judged(skull, face)[2] > 0.0


def test_a_coarse_curve_counts_crossings_in_pixels():
    coarse = judged(line(0, 5, 50, 5, 2.5), line(0, 0, 50, 0, 2.5), step=2.5)[2]
    assert coarse == pytest.approx(50 * 1000.0, rel=0.1)


def test_curves_beside_each_other_share_no_part():
    # right angles: the end normals cut everything away
    spread, _, _ = judged(line(0, 0, 0, 100), line(-200, 300, -100, 300))
    assert spread < 0 or spread > 10


def test_a_tail_on_the_far_side_is_dropped():
    x = np.arange(0.0, 40.0)
    front = np.stack([x, np.full(40, 35.0)], axis=1)
    # the last two pixels of the stretch show only what lies 100 px behind
    back = np.stack([x, np.full(40, -65.0)], axis=1)
    curve = outermost(np.concatenate([front[:39], back]), stretch())
    np.testing.assert_allclose(curve, front[10:39])


def stretch(side: float = 1.0) -> Stretch:
    return Stretch(np.array([10.0, 20.0]), np.array([1.0, 0.0]), 30.0, side, np.array([0.0, side]))


def test_the_outermost_points_over_a_stretch():
    x = np.arange(0.0, 60.0)
    upper, lower = np.stack([x, np.full(60, 25.0)], axis=1), np.stack([x, 30 + 0.1 * x], axis=1)
    curve = outermost(np.concatenate([upper, lower]), stretch())
    np.testing.assert_allclose(curve, lower[10:41])
    curve = outermost(np.concatenate([upper, lower]), stretch(-1.0))
    np.testing.assert_allclose(curve, upper[10:41])


def test_the_front_of_segments_over_a_stretch():
    segments = np.array([[0.0, 25.0, 60.0, 25.0], [0.0, 30.0, 60.0, 36.0]])
    curve = np.empty((3, 2))
    assert front_of(segments, 2, 10.0, 20.0, 1.0, 0.0, 30.0, 1.0, curve) == 3
    np.testing.assert_allclose(curve, [[15, 31.5], [25, 32.5], [35, 33.5]])
    assert front_of(segments, 2, 10.0, 20.0, 1.0, 0.0, 30.0, -1.0, curve) == 3
    np.testing.assert_allclose(curve, [[15, 25], [25, 25], [35, 25]])


def ball(radius_mm: float = 50.0) -> tuple[Mesh, SkullLandmarks, HeadFrame]:
    from trimesh.creation import icosphere

    sphere = icosphere(subdivisions=5, radius=radius_mm)
    low = radius_mm * np.array([0.0, np.sin(0.2), np.cos(0.2)])
    high = radius_mm * np.array([0.0, np.sin(0.9), np.cos(0.9)])
    skull = SkullLandmarks({"glabella": low, "metopion": high})
    return Mesh(sphere.vertices, sphere.faces), skull, HeadFrame(np.eye(3), np.zeros(3), "frankfurt")


def far_camera(yaw_deg: float) -> Camera:
    # 20 m away: two pixels a millimetre, almost parallel rays
    return Camera(pose_rotation(yaw_deg, 0, 0), np.array([0.0, 0.0, 20_000.0]), 40_000.0, (200.0, 200.0), (401, 401))


@pytest.mark.parametrize(("yaw", "facing"), [(90.0, 1.0), (-90.0, -1.0)])
def test_the_foreheads_curve_of_a_ball_is_its_arc(yaw, facing):
    mesh, skull, frame = ball()
    region, camera = cut_region("forehead", mesh, skull, frame), far_camera(yaw)
    curve = skull_curve(region, camera)
    place = stretch_of(region, camera)
    np.testing.assert_allclose(place.outward, [facing, 0.0], atol=1e-6)
    offset = curve - 200.0
    np.testing.assert_allclose(np.linalg.norm(offset, axis=1), 100.0, atol=1.0)
    assert (facing * offset[:, 0] > 0).all()
    # upwards in the head, that is up in the picture, from one plane to the other
    assert (np.diff(curve[:, 1]) < 0).mean() > 0.95
    assert curve[0, 1] == pytest.approx(200 - 100 * np.sin(0.2), abs=1.5)
    assert curve[-1, 1] == pytest.approx(200 - 100 * np.sin(0.9), abs=1.5)


def test_a_face_at_an_even_distance_is_parallel_and_one_inside_the_skull_is_crossed():
    mesh, skull, frame = ball()
    region, camera = cut_region("forehead", mesh, skull, frame), far_camera(90.0)
    angle = np.linspace(0.1, 1.0, 200)
    arc = np.stack([np.cos(angle), -np.sin(angle)], axis=1)
    spread, convergence, beyond = exact_parallelism(region, camera, 200 + 110 * arc, LiliumSettings())
    assert spread < 0.6
    assert (convergence, beyond) == (0.0, 0.0)
    _, _, beyond = exact_parallelism(region, camera, 200 + 90 * arc, LiliumSettings())
    # about every pixel of an arc of 0.7 radians
    assert beyond == pytest.approx(1000 * 100 * 0.7, rel=0.2)


def test_which_curve_a_photograph_is_judged_by():
    curves = {"chin_jaw": np.zeros((5, 2)), "forehead": np.zeros((5, 2))}

    def photo(names):
        face = FaceRegion(np.ones((9, 9), dtype=np.uint8), {n: curves[n] for n in names})
        return Photo("p", {}, (9, 9), face=face)

    assert curve_kind(photo(["chin_jaw"]), pose_rotation(80, 0, 0)) == "chin_jaw"
    assert curve_kind(photo(["forehead"]), pose_rotation(0, 0, 0)) == "forehead"
    assert curve_kind(photo(["chin_jaw", "forehead"]), pose_rotation(-70, 0, 10)) == "forehead"
    assert curve_kind(photo(["chin_jaw", "forehead"]), pose_rotation(20, 0, 10)) == "chin_jaw"
    assert curve_kind(photo([]), pose_rotation(0, 0, 0)) is None


def test_a_region_needs_its_landmarks():
    mesh, skull, frame = ball()
    with pytest.raises(NasionError, match="infradentale"):
        cut_region("chin_jaw", mesh, skull, frame)
