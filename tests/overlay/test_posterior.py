"""The posterior solver: recovery, invariances, agreement with dense linear algebra, calibration."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from scipy.stats import multivariate_t

from nasion.anatomy.landmarks import PAIRS, mirrored
from nasion.anatomy.tissue import MIRROR, TissueTable
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, back_projection_error_mm, pose_rotation
from nasion.overlay import kernel, solve
from nasion.overlay.checks import check_skull_helpers
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.model import GROUPS, INDEX, PhotoModel, SkullModel
from nasion.overlay.posterior import PosteriorSolver
from nasion.overlay.problem import CameraPrior, OverlayProblem, SkullLandmarks
from nasion.overlay.settings import PosteriorSettings
from overlay.scene import make_head, make_photo

TISSUE = TissueTable.load()

QUICK = {"posterior": None, "lilium": LiliumSettings(terms="base", individuals=8, generations=3), "posest": None}
"""Every solver, with settings that are quick where the defaults are slow."""


def _jacobian_case(rng, photos=2):
    head = make_head(rng, TISSUE)
    model = SkullModel.build(head.skull, TISSUE, PosteriorSettings())
    pictures = [make_photo(head, rng, (y, 5.0, -8.0), 0.01)[2] for y in (10.0, -70.0)[:photos]]
    return model, PhotoModel.build(pictures, PosteriorSettings())


def _rows(model, photo_model, g, rot, theta):
    count = len(photo_model.observed_px)
    jac, image_jac = np.empty((4 * count, 7 * count + 2)), np.empty((4 * count, 6))
    res, cov = np.empty(4 * count), np.empty((4 * count, 4 * count))
    n = kernel.group_rows(
        GROUPS[g], *model.arrays()[:2], model.group_covariance_mm2[g], model.skull_variance_mm2,
        photo_model.observed_px, photo_model.noise_variance, rot, theta, jac, image_jac, res, cov,
    )  # fmt: skip
    return n, jac[:n, : 7 * count + 1], image_jac[:n], res[:n], cov[:n, :n]


def _point(rng):
    rot = np.array([pose_rotation(12.0, -4.0, 3.0), pose_rotation(-66.0, 2.0, 9.0)])
    theta = np.array([0, 0, 0, 30.0, -12.0, np.log(1.7), np.log(2400.0)] * 2 + [0.3])
    return rot, theta


def test_jacobian_equals_finite_differences(rng):
    model, photos = _jacobian_case(rng)
    rot, theta = _point(rng)
    for g in range(len(GROUPS)):
        n, jac, _, _, _ = _rows(model, photos, g, rot, theta)
        numeric = np.empty_like(jac)
        for c in range(len(theta)):
            step = 1e-6
            values = []
            for sign in (1, -1):
                moved_rot, moved = rot.copy(), theta.copy()
                if c < 14 and c % 7 < 3:
                    turn = np.zeros(3)
                    turn[c % 7] = sign * step
                    moved_rot[c // 7] = Rotation.from_rotvec(turn).as_matrix() @ rot[c // 7]
                else:
                    moved[c] += sign * step
                values.append(_rows(model, photos, g, moved_rot, moved)[3])
            numeric[:, c] = -(values[0] - values[1]) / (2 * step)
        assert n > 0
        np.testing.assert_allclose(jac, numeric, rtol=1e-4, atol=1e-3)


def test_log_density_equals_scipy_multivariate_t(rng):
    model, photos = _jacobian_case(rng)
    rot, theta = _point(rng)
    dof = 10.0
    hess, grad = np.empty((15, 15)), np.empty(15)
    no_priors = np.zeros((2, 5))
    logp, ok = kernel.normal_equations(
        GROUPS, *model.arrays(), photos.observed_px, photos.noise_variance, no_priors, photos.pose, 1.0, dof,
        rot, theta, hess, grad,
    )  # fmt: skip
    expected = -2 * np.log(8 * np.pi**2) - 0.5 * theta[-1] ** 2 - 0.5 * np.log(2 * np.pi)
    for g in range(len(GROUPS)):
        _, _, _, res, cov = _rows(model, photos, g, rot, theta)
        expected += multivariate_t.logpdf(res, shape=cov, df=dof)
    assert ok
    assert logp == pytest.approx(expected, abs=1e-6)


def test_group_covariance_is_that_of_sampled_points(rng):
    """The rows' covariance against 200,000 draws of tissue, skull and image noise, projected linearly."""
    model, photos = _jacobian_case(rng)
    rot, theta = _point(rng)
    g = next(i for i, pair in enumerate(GROUPS) if pair[1] >= 0)
    _, _, image_jac, _, cov = _rows(model, photos, g, rot, theta)
    draws = 200_000
    root = np.linalg.cholesky(model.group_covariance_mm2[g])
    points = np.exp(theta[-1]) * rng.normal(size=(draws, 6)) @ root.T + rng.normal(size=(draws, 6)) * 1.0
    scale = np.exp(theta[5])
    noise = rng.normal(size=(draws, len(cov))) * 0.008 * 118.0 * scale
    sample = np.cov((points @ image_jac.T + noise).T)
    np.testing.assert_allclose(sample, cov, atol=0.03 * np.abs(cov).max())


@pytest.mark.parametrize("pose", [(0, 0, 0), (20, 10, -10), (-45, -10, 30), (65, 5, 5), (-75, 0, -30), (90, 8, 10)])
def test_recovers_camera_where_tissue_is_known(rng, pose):
    """With the true tissue as a sharp table and exact landmarks, the true camera comes out."""
    head = make_head(rng, TISSUE)
    sharp = replace(
        TISSUE, mean_mm=head.tissue_mm, covariance_mm2=TISSUE.covariance_mm2 * 1e-6, build_factor_log_sd=1e-3
    )
    camera, points, photo = make_photo(head, rng, pose)
    settings = PosteriorSettings(landmark_sigma_face_height=1e-5, skull_sigma_mm=1e-3)
    solution = solve(OverlayProblem(head.skull, [photo]), tissue=sharp, settings=settings)
    found = solution.photos[0]
    assert found.converged
    assert back_projection_error_mm(found.camera, head.facial_mm, points) < 0.02
    assert found.camera.focal_px == pytest.approx(camera.focal_px, rel=0.01)
    assert solution.build_factor is not None
    assert solution.build_factor[0] == pytest.approx(1.0, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(-88, 88), st.floats(-30, 30), st.floats(-30, 30), st.floats(500, 4000))
def test_any_upright_view_converges_without_a_hint(seed, yaw, pitch, roll, distance):
    rng = np.random.default_rng(seed)
    head = make_head(rng, TISSUE, tissue_sd=0.5)
    camera, _, photo = make_photo(head, rng, (yaw, pitch, roll), 0.01, distance, 1.7 * distance)
    found = solve(OverlayProblem(head.skull, [photo])).photos[0]
    turn = Rotation.from_matrix(found.camera.rotation @ camera.rotation.T).magnitude()
    assert found.converged
    assert np.degrees(turn) < 15


def test_camera_intervals_hold_the_truth(rng):
    """Over people drawn from the table, errors of rotation and build factor are near their standard deviations."""
    z, build_z = [], []
    for _ in range(150):
        head = make_head(rng, TISSUE, shape_sd_mm=2.0)
        pose = (rng.uniform(-25, 25), rng.uniform(-8, 8), rng.uniform(-10, 10))
        camera, _, photo = make_photo(head, rng, pose, 0.01, distance_mm=1500 * np.exp(0.5 * rng.normal()))
        solution = solve(OverlayProblem(head.skull, [photo]))
        found = solution.photos[0]
        turn = Rotation.from_matrix(found.camera.rotation @ camera.rotation.T).as_rotvec()
        sd = np.sqrt(np.diag(found.camera_covariance))
        z.append(turn / sd[:3])
        assert solution.build_factor is not None
        build_z.append((np.log(solution.build_factor[0]) - np.log(head.build)) / solution.build_factor[1])
    spread = np.sqrt(np.mean(np.square(z), axis=0))
    # the skull's landmarks are exact here and the table assumes 1 mm, so the intervals are a little wide
    assert np.all(spread > 0.5)
    assert np.all(spread < 1.3)
    assert 0.5 < np.sqrt(np.mean(np.square(build_z))) < 1.3


def _solved(skull, photo):
    return solve(OverlayProblem(skull, [photo]))


def test_order_of_landmarks_changes_nothing(rng):
    head = make_head(rng, TISSUE)
    _, _, photo = make_photo(head, rng, (15, 5, 5), 0.01)
    shuffled = replace(photo, landmarks_px=dict(reversed(photo.landmarks_px.items())))
    skull = replace(head.skull, landmarks_mm=dict(reversed(head.skull.landmarks_mm.items())))
    assert _solved(head.skull, photo).log_likelihood == pytest.approx(_solved(skull, shuffled).log_likelihood, abs=1e-6)


def test_scaling_the_picture_scales_the_focal_length_only(rng):
    head = make_head(rng, TISSUE)
    _, _, photo = make_photo(head, rng, (15, 5, 5), 0.01, size=(1001, 1201))
    # pixel centres are at integers, so a picture twice as fine maps u to 2 u + 0.5
    double = replace(
        photo, landmarks_px={n: 2 * p + 0.5 for n, p in photo.landmarks_px.items()}, image_size_px=(2002, 2402)
    )
    a, b = _solved(head.skull, photo), _solved(head.skull, double)
    np.testing.assert_allclose(a.photos[0].camera.rotation, b.photos[0].camera.rotation, atol=1e-5)
    np.testing.assert_allclose(
        a.photos[0].camera.translation_mm, b.photos[0].camera.translation_mm, rtol=1e-4, atol=0.05
    )
    assert b.photos[0].camera.focal_px == pytest.approx(2 * a.photos[0].camera.focal_px, rel=1e-4)
    assert a.score == pytest.approx(b.score, abs=1e-3)


def test_mirrored_scene_gives_the_mirrored_answer(rng):
    head = make_head(rng, TISSUE)
    _, _, photo = make_photo(head, rng, (25, 5, 12), 0.01)
    width = photo.image_size_px[0] - 1
    flipped = replace(
        photo, landmarks_px={mirrored(n): np.array([width - p[0], p[1]]) for n, p in photo.landmarks_px.items()}
    )
    skull = SkullLandmarks(
        {mirrored(n): MIRROR @ p for n, p in head.skull.landmarks_mm.items()},
        helpers_mm={mirrored(n): MIRROR @ p for n, p in head.skull.helpers_mm.items()},
    )
    a, b = _solved(head.skull, photo), _solved(skull, flipped)
    assert a.score == pytest.approx(b.score, abs=1e-3)
    np.testing.assert_allclose(MIRROR @ a.photos[0].camera.rotation @ MIRROR, b.photos[0].camera.rotation, atol=1e-4)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_the_frame_of_the_skull_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    head = make_head(rng, TISSUE)
    _, _, photo = make_photo(head, rng, (-20, 5, 5), 0.01)
    turn, shift = Rotation.random(random_state=seed).as_matrix(), rng.normal(0, 300, 3)
    moved = SkullLandmarks(
        {n: turn @ p + shift for n, p in head.skull.landmarks_mm.items()},
        helpers_mm={n: turn @ p + shift for n, p in head.skull.helpers_mm.items()},
    )
    a, b = _solved(head.skull, photo), _solved(moved, photo)
    assert a.score == pytest.approx(b.score, abs=1e-3)
    points = np.array(list(head.skull.landmarks_mm.values()))
    np.testing.assert_allclose(
        a.photos[0].camera.project(points), b.photos[0].camera.project(points @ turn.T + shift), atol=0.05
    )


def test_true_person_ranks_first_and_batch_equals_single(rng):
    people = [make_head(rng, TISSUE, shape_sd_mm=4.0) for _ in range(12)]
    galleries = [[make_photo(p, rng, (5, 0, 0), 0.01)[2], make_photo(p, rng, (70, 0, 0), 0.01)[2]] for p in people]
    galleries[3] = galleries[3][:1]
    solver = PosteriorSolver(people[0].skull, TISSUE)
    scores = solver.scores(galleries)
    np.testing.assert_allclose(scores, [solver.solve(g).score for g in galleries], atol=1e-9)
    assert int(np.argmax(scores)) == 0


def test_a_second_photograph_sharpens_the_build_factor(rng):
    head = make_head(rng, TISSUE)
    front, profile = make_photo(head, rng, (5, 0, 0), 0.01)[2], make_photo(head, rng, (75, 0, 0), 0.01)[2]
    alone, both = _solved(head.skull, front), solve(OverlayProblem(head.skull, [front, profile]))
    assert alone.build_factor is not None
    assert both.build_factor is not None
    assert both.build_factor[1] < alone.build_factor[1]


def test_tissue_intervals_hold_the_truth(rng):
    z = []
    for _ in range(60):
        head = make_head(rng, TISSUE)
        photos = [make_photo(head, rng, (y, 0, 0), 0.01)[2] for y in (5.0, 70.0)]
        tissue = solve(OverlayProblem(head.skull, photos)).tissue
        index = {p.facial: j for j, p in enumerate(PAIRS)}
        true = head.facial_mm - np.array([head.skull.landmarks_mm[p.cranial] for p in PAIRS])
        z += [(t.mean_mm - true[index[n]]) / t.sd_mm for n, t in tissue.items()]
    inside = np.mean(np.abs(z) < 1.96)
    assert 0.90 < inside < 0.995


def test_priors_pull_the_camera(rng):
    head = make_head(rng, TISSUE)
    camera, _, photo = make_photo(head, rng, (10, 0, 0), 0.01, distance_mm=900.0, focal_px=1600.0)
    free = _solved(head.skull, photo).photos[0].camera
    known = replace(photo, prior=CameraPrior(focal_px=(1600.0, 16.0), distance_mm=(900.0, 10.0)))
    held = _solved(head.skull, known).photos[0].camera
    assert abs(np.log(held.focal_px / 1600.0)) < 0.03
    assert abs(np.log(held.focal_px / 1600.0)) <= abs(np.log(free.focal_px / 1600.0)) + 1e-9
    turned = replace(photo, prior=CameraPrior(pose_deg=((10.0, 0.0, 0.0), 0.1)))
    pinned = _solved(head.skull, turned).photos[0].camera
    assert np.degrees(Rotation.from_matrix(pinned.rotation @ camera.rotation.T).magnitude()) < 0.5


def test_the_known_principal_point_is_kept(rng):
    head = make_head(rng, TISSUE)
    _, _, photo = make_photo(head, rng, (10, 0, 0), 0.01)
    cropped = replace(
        photo,
        landmarks_px={n: p - np.array([200.0, 100.0]) for n, p in photo.landmarks_px.items()},
        prior=CameraPrior(principal_point_px=(299.5, 499.5)),
    )
    a, b = _solved(head.skull, photo).photos[0].camera, _solved(head.skull, cropped).photos[0].camera
    assert b.principal_point_px == (299.5, 499.5)
    np.testing.assert_allclose(a.translation_mm, b.translation_mm, atol=0.5)


def test_missing_cranial_landmarks_are_left_out_not_guessed(rng):
    head = make_head(rng, TISSUE)
    _, _, photo = make_photo(head, rng, (10, 0, 0), 0.01)
    skull = replace(
        head.skull, landmarks_mm={n: p for n, p in head.skull.landmarks_mm.items() if not n.startswith("gonion")}
    )
    solution = _solved(skull, photo)
    assert "gonion_left" not in solution.photos[0].names
    assert "gonion_left" not in solution.tissue
    without = replace(photo, landmarks_px={n: p for n, p in photo.landmarks_px.items() if not n.startswith("gonion")})
    assert _solved(skull, without).score == pytest.approx(solution.score, abs=1e-9)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nasion", "glabella", "gnathion"], "are needed"),
        (["nasion", "glabella", "subnasale", "gnathion", "metopion", "bregma"], "one plane"),
    ],
)
def test_unusable_landmarks_are_refused(rng, names, message):
    head = make_head(rng, TISSUE, shape_sd_mm=0.0)
    _, _, photo = make_photo(head, rng, (10, 0, 0))
    few = replace(photo, landmarks_px={n: photo.landmarks_px[n] for n in names})
    for solver, own in QUICK.items():
        with pytest.raises(NasionError, match=message):
            solve(OverlayProblem(head.skull, [few]), solver, settings=own)


def test_not_a_number_is_refused(rng):
    head = make_head(rng, TISSUE)
    _, _, photo = make_photo(head, rng, (10, 0, 0))
    with pytest.raises(NasionError, match="not a number"):
        replace(photo, landmarks_px={**photo.landmarks_px, "nasion": np.array([np.nan, 3.0])})


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(1, 10**4))
def test_nonsense_never_raises_anything_but_a_message(seed, spread):
    rng = np.random.default_rng(seed)
    head = make_head(rng, TISSUE)
    _, _, photo = make_photo(head, rng, (10, 0, 0))
    nonsense = replace(photo, landmarks_px={n: rng.normal(0, spread, 2) for n in photo.landmarks_px})
    for solver, own in QUICK.items():
        try:
            solution = solve(OverlayProblem(head.skull, [nonsense]), solver, settings=own)
        except NasionError as fault:
            assert "\n" not in str(fault)
        else:
            assert np.isfinite(solution.score)
            assert isinstance(solution.photos[0].camera, Camera)


HOSTILE = st.sampled_from([np.nan, np.inf, -np.inf, 1e300, 0.0, -5.0, 1e-9, 3.0, 90.0, 1e5])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_hostile_values_anywhere_end_in_one_line(data):
    """Skull, helpers, priors, SDs and sizes: a message or a finite answer, never anything else."""
    rng = np.random.default_rng(0)
    head = make_head(rng, TISSUE)
    _, _, photo = make_photo(head, rng, (10, 0, 0), 0.01)
    kind = data.draw(st.sampled_from(["skull", "helper", "sigma_mm", "sigma_px", "focal", "distance", "pose", "size"]))
    value = data.draw(HOSTILE)
    skull = head.skull
    try:
        if kind in {"skull", "helper"}:
            part = "landmarks_mm" if kind == "skull" else "helpers_mm"
            points = dict(getattr(skull, part))
            name = data.draw(st.sampled_from(sorted(points)))
            points[name] = np.where(np.arange(3) == data.draw(st.integers(0, 2)), value, points[name])
            skull = replace(skull, **{part: points})
        elif kind == "sigma_mm":
            skull = replace(skull, sigma_mm={"nasion": value})
        elif kind == "sigma_px":
            photo = replace(photo, sigma_px={"nasion": value})
        elif kind == "focal":
            photo = replace(photo, prior=CameraPrior(focal_px=(value, data.draw(HOSTILE))))
        elif kind == "distance":
            photo = replace(photo, prior=CameraPrior(distance_mm=(value, data.draw(HOSTILE))))
        elif kind == "pose":
            photo = replace(photo, prior=CameraPrior(pose_deg=((value, 0.0, 0.0), data.draw(HOSTILE))))
        else:
            photo = replace(photo, image_size_px=(int(np.nan_to_num(value, posinf=9, neginf=-9) % 1e6), 100))
        for solver, own in QUICK.items():
            assert np.isfinite(solve(OverlayProblem(skull, [photo]), solver, settings=own).score)
    except NasionError as fault:
        assert "\n" not in str(fault)


def test_no_photograph_is_refused(rng):
    with pytest.raises(NasionError, match="at least one"):
        OverlayProblem(make_head(rng, TISSUE).skull, [])


def test_helpers_that_span_no_plane_or_contradict_are_refused(rng):
    head = make_head(rng, TISSUE)
    _, _, photo = make_photo(head, rng, (10, 0, 0))
    helpers = dict(head.skull.helpers_mm)
    flat = helpers | {f"orbitale_{s}": helpers[f"porion_{s}"] for s in ("left", "right")}
    behind = helpers | {f"orbitale_{s}": helpers[f"orbitale_{s}"] * [1, 1, -1] for s in ("left", "right")}
    with pytest.raises(NasionError, match="do not span"):
        _solved(replace(head.skull, helpers_mm=flat), photo)
    with pytest.raises(NasionError, match="disagree"):
        check_skull_helpers(replace(head.skull, helpers_mm=behind))
    check_skull_helpers(head.skull)


def test_a_wrong_landmark_widens_its_own_tissue_interval(rng):
    """An exocanthion 15 mm off: its tissue vector must not be claimed to a fraction of the error."""
    z = []
    for _ in range(40):
        head = make_head(rng, TISSUE)
        camera, _, photo = make_photo(head, rng, (5, 0, 0), 0.01)
        scale = camera.focal_px / camera.translation_mm[2]
        moved = photo.landmarks_px["exocanthion_left"] + np.array([15.0, 0.0]) * scale
        wrong = replace(photo, landmarks_px={**photo.landmarks_px, "exocanthion_left": moved})
        estimate = _solved(head.skull, wrong).tissue["exocanthion_left"]
        true = head.facial_mm[INDEX["exocanthion_left"]] - head.skull.landmarks_mm["ectoconchion_left"]
        z.append(abs(estimate.mean_mm[0] - true[0]) / estimate.sd_mm[0])
    assert np.median(z) < 4.0


def test_marginal_likelihood_against_importance_sampling(rng):
    """Laplace's integral over camera and build against 20,000 samples, for a skull that fits."""
    head = make_head(rng, TISSUE, shape_sd_mm=2.0)
    _, _, photo = make_photo(head, rng, (12, 4, -6), 0.01)
    solver = PosteriorSolver(head.skull, TISSUE)
    photos = PhotoModel.build([photo], PosteriorSettings())
    raw = solver._solve_raw(photos)
    root = np.linalg.cholesky(raw.covariance)
    dof, count = 8.0, 20_000
    normal = rng.normal(size=(count, 8))
    stretch = np.sqrt(dof / rng.chisquare(dof, size=count))[:, None]
    shifts = (normal * stretch) @ root.T
    proposal = multivariate_t.logpdf(shifts, shape=raw.covariance, df=dof)
    hess, grad = np.empty((8, 8)), np.empty(8)
    log_weights = []
    for shift, density in zip(shifts, proposal, strict=True):
        rot = (Rotation.from_rotvec(shift[:3]).as_matrix() @ raw.rotation[0])[None]
        logp, ok = kernel.normal_equations(
            GROUPS, *solver.model.arrays(), raw.observed, photos.noise_variance, photos.priors, photos.pose,
            solver.model.build_log_sd, 15.0, rot, raw.theta + shift, hess, grad,
        )  # fmt: skip
        log_weights.append(logp - density if ok else -np.inf)
    top = max(log_weights)
    sampled = top + np.log(np.mean(np.exp(np.array(log_weights) - top)))
    assert raw.log_likelihood == pytest.approx(sampled, abs=1.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(9, 20))
def test_few_landmarks_still_find_the_pose(seed, count):
    rng = np.random.default_rng(seed)
    head = make_head(rng, TISSUE, tissue_sd=0.5)
    camera, _, photo = make_photo(head, rng, (rng.uniform(-80, 80), rng.uniform(-30, 30), rng.uniform(-30, 30)), 0.01)
    names = sorted(photo.landmarks_px)
    kept = rng.permutation(names)[:count]
    few = replace(photo, landmarks_px={n: photo.landmarks_px[n] for n in kept})
    try:
        found = _solved(head.skull, few).photos[0]
    except NasionError as fault:
        assert "plane" in str(fault)
        return
    turn = Rotation.from_matrix(found.camera.rotation @ camera.rotation.T).magnitude()
    assert np.degrees(turn) < 25
