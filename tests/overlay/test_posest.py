"""The baseline: exact recovery with true vectors, agreement with scipy, the principal point."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from nasion.geometry.camera import back_projection_error_mm
from nasion.overlay.pnpf import levenberg_marquardt
from nasion.overlay.posest import solve
from nasion.overlay.problem import CameraPrior, OverlayProblem
from overlay.scene import make_head, make_photo


@pytest.mark.parametrize("pose", [(0, 0, 0), (-20, 8, 15), (70, -5, -20), (-85, 0, 10)])
def test_true_tissue_and_exact_landmarks_give_the_true_camera(rng, tissue, pose):
    head = make_head(rng, tissue)
    camera, points, photo = make_photo(head, rng, pose)
    found = solve(OverlayProblem(head.skull, [photo]), head.tissue_mm)
    estimated = found.photos[0].camera
    assert estimated.focal_px == pytest.approx(camera.focal_px, rel=1e-3)
    np.testing.assert_allclose(estimated.rotation, camera.rotation, atol=1e-4)
    assert back_projection_error_mm(estimated, head.facial_mm, points) < 1e-2
    assert found.score == pytest.approx(0.0, abs=1e-5)


def test_principal_point_off_the_middle(rng, tissue):
    head = make_head(rng, tissue)
    camera, _, photo = make_photo(head, rng, (10, 0, 0))
    shifted = replace(
        photo,
        landmarks_px={n: p + np.array([60.0, -40.0]) for n, p in photo.landmarks_px.items()},
        prior=CameraPrior(principal_point_px=(559.5, 559.5)),
    )
    found = solve(OverlayProblem(head.skull, [shifted]), head.tissue_mm).photos[0].camera
    assert found.principal_point_px == (559.5, 559.5)
    np.testing.assert_allclose(found.translation_mm, camera.translation_mm, rtol=1e-3, atol=0.5)


def test_levenberg_marquardt_reaches_scipys_minimum(rng, tissue):
    head = make_head(rng, tissue)
    camera, _, photo = make_photo(head, rng, (15, 5, 5), 0.01)
    origin = head.facial_mm.mean(axis=0)
    points = head.facial_mm - origin
    observed = np.array(list(photo.landmarks_px.values())) - np.asarray(camera.principal_point_px)
    start = Rotation.from_rotvec([0.1, -0.1, 0.05]).as_matrix() @ camera.rotation
    center = camera.rotation @ origin + camera.translation_mm

    def residual(p):
        x = points @ (Rotation.from_rotvec(p[:3]).as_matrix() @ start).T + p[3:6]
        return (np.exp(p[6]) * x[:, :2] / x[:, 2:] - observed).ravel()

    expected = least_squares(residual, np.r_[0, 0, 0, center * 1.05, np.log(2300.0)], x_scale="jac", xtol=1e-12)
    rotation, translation, focal, _, ok = levenberg_marquardt(points, observed, start, center * 1.05, 2300.0, 1e6)
    x = points @ rotation.T + translation
    cost = ((focal * x[:, :2] / x[:, 2:] - observed) ** 2).sum()
    assert ok
    assert cost == pytest.approx(2 * expected.cost, rel=1e-4)


def test_the_same_seed_gives_the_same_answer(rng, tissue):
    head = make_head(rng, tissue)
    _, _, photo = make_photo(head, rng, (15, 5, 5), 0.01)
    a, b = (solve(OverlayProblem(head.skull, [photo]), tissue.mean_mm) for _ in range(2))
    assert a.score == b.score
    np.testing.assert_array_equal(a.photos[0].camera.rotation, b.photos[0].camera.rotation)
