"""The solver: repeatable, in time, never worse with the generations, nearer than its start, clear about inputs."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import head_frame
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, back_projection_error_mm, pose_rotation
from nasion.geometry.decimation import decimate
from nasion.overlay import solve as by_name
from nasion.overlay.face_region import FaceRegion
from nasion.overlay.lilium.cones import build_cones, decode
from nasion.overlay.lilium.curves import cut_region, exact_parallelism
from nasion.overlay.lilium.fitness import exact_outside_pixels, make_scratch, outside_penalty, parallel_penalty
from nasion.overlay.lilium.search import evolve
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.lilium.solve import SEARCH_TRIANGLES, LiliumSolver, solve
from nasion.overlay.lilium.task import find_start, make_judge
from nasion.overlay.pnpf import levenberg_marquardt, ransac_p4pf
from nasion.overlay.problem import CameraPrior, OverlayProblem, SkullLandmarks
from nasion.overlay.settings import PosteriorSettings
from overlay.scene import make_head, make_photo

SHORT = LiliumSettings(generations=40, individuals=20)


def prepared(case, tissue, settings):
    """Return (start, judge, region) of a case's photograph."""
    problem, photo = case.problem, case.problem.photos[0]
    frame = head_frame(problem.skull.landmarks_mm, problem.skull.helpers_mm)
    start = find_start(problem.skull, frame, tissue, photo, settings)
    kind = next(iter(photo.face.contours))
    region = cut_region(kind, problem.mesh, problem.skull, frame)
    coarse = decimate(problem.mesh, SEARCH_TRIANGLES)
    judge = make_judge(start, photo, problem.skull, frame, tissue, settings, problem.mesh, coarse, region)
    return start, judge, region


def poses_near(case, count, rng):
    """Return cameras round the true one: turned, shifted, nearer or farther, other lenses."""
    center = np.mean(list(case.problem.skull.landmarks_mm.values()), axis=0)
    true = case.camera
    cameras = []
    for _ in range(count):
        turn = pose_rotation(*rng.normal(0, 4, 3)) @ pose_rotation(0, 0, 0).T
        rotation = turn @ true.rotation
        middle = true.to_camera(center[None])[0] + rng.normal(0, 5, 3)
        focal = true.focal_px * float(np.exp(rng.normal(0, 0.03)))
        translation = middle - rotation @ center
        cameras.append(Camera(rotation, translation, focal, true.principal_point_px, true.image_size_px))
    return cameras


@pytest.mark.parametrize("view", ["frontal", "lateral"])
def test_the_fast_terms_agree_with_the_exact_ones(cases, tissue, rng, view):
    case = cases[view]
    start, judge, region = prepared(case, tissue, SHORT)
    face = case.problem.photos[0].face
    scratch = make_scratch(judge.landmarks, judge.outside, judge.parallel)
    fast, exact, fast_par, exact_par = [], [], [], []
    for camera in poses_near(case, 150, rng):
        pose = camera.rotation, camera.translation_mm + camera.rotation @ start.origin_mm, camera.focal_px
        fast.append(outside_penalty(*pose, judge.outside, scratch) / 100)
        exact.append(exact_outside_pixels(case.problem.mesh, camera, face))
        found = exact_parallelism(region, camera, face.contours[region.kind], SHORT)
        if found is not None:
            exact_par.append(sum(found))
            fast_par.append(parallel_penalty(*pose, judge.parallel, scratch))
    fast, exact = np.array(fast), np.array(exact)
    assert (exact > 0).mean() > 0.3
    assert spearmanr(fast, exact).statistic > 0.995
    silhouette = np.count_nonzero(face.mask) / 2
    assert np.abs(fast - exact).max() < 0.002 * silhouette
    assert len(exact_par) > 100
    assert spearmanr(fast_par, exact_par).statistic > 0.9


@pytest.mark.parametrize("view", ["frontal", "lateral"])
def test_a_warm_pose_is_as_good_as_what_posest_finds_from_nothing(cases, tissue, view):
    case = cases[view]
    settings = replace(SHORT, terms="base")
    start, judge, _ = prepared(case, tissue, settings)
    population, _ = evolve(judge, (start.rotation, start.translation, start.focal), settings, np.inf)
    observed, count = judge.landmarks.observed, len(judge.landmarks.observed)
    good = 0
    for i in range(settings.individuals):
        vectors = np.empty_like(judge.landmarks.cranial)
        decode(population.genes[i], judge.cones, vectors)
        points = judge.landmarks.cranial + vectors
        found = ransac_p4pf(points, observed, float(np.hypot(*start.image_size_px)), 60, 0.05, i)
        cold = levenberg_marquardt(points, observed, *found, 2e4)[3] / count
        seen = points @ population.rotation[i].T + population.translation[i]
        errors = population.focal[i] * seen[:, :2] / seen[:, 2:] - observed
        good += (errors**2).sum() / count <= 1.01 * cold + 1e-3
    assert good >= 0.95 * settings.individuals


def test_the_best_fitness_never_rises(cases, tissue):
    result = LiliumSolver(cases["frontal"].problem.skull, tissue, SHORT, cases["frontal"].problem.mesh).solve_photo(
        cases["frontal"].problem.photos[0]
    )
    assert len(result.history) == SHORT.generations + 1
    assert (np.diff(result.history) <= 0).all()
    assert result.history[-1] < result.history[0]


def test_the_same_seed_gives_the_same_answer(cases, tissue):
    problem = cases["lateral"].problem
    a, b, other = (solve(problem, tissue, replace(SHORT, seed=seed)) for seed in (4, 4, 5))
    assert a.score == b.score
    np.testing.assert_array_equal(a.photos[0].camera.rotation, b.photos[0].camera.rotation)
    assert other.score != a.score


def test_the_clock_stops_it_with_the_best_so_far(cases, tissue):
    problem = cases["frontal"].problem
    solve(problem, tissue, SHORT)
    settings = LiliumSettings(generations=10**6, time_limit_s=0.5)
    result = LiliumSolver(problem.skull, tissue, settings, problem.mesh).solve_photo(problem.photos[0])
    assert result.stopped_by_clock
    assert 1 <= len(result.history) < 10**5
    assert np.isfinite(result.parts.total)
    assert "stopped_by_clock" in solve(problem, tissue, replace(settings, time_limit_s=0.01)).photos[0].flags


def known_camera(photo, camera, distance_mm, pose_deg):
    """Return a photograph whose camera is known to 1 % and 1 degree."""
    prior = CameraPrior((camera.focal_px, 0.01 * camera.focal_px), (distance_mm, 0.01 * distance_mm), (pose_deg, 1.0))
    return replace(photo, prior=prior)


def head_in_cones(rng, tissue):
    """Return a head whose tissue is drawn from the cones themselves, evenly: what the method assumes."""
    head = make_head(rng, tissue)
    rows = range(len(PAIRS))
    frame = head_frame(head.skull.landmarks_mm, head.skull.helpers_mm)
    cones = build_cones(rows, head.skull, frame, tissue, LiliumSettings())
    vectors = np.empty((len(PAIRS), 3))
    decode(rng.random(3 * len(PAIRS)), cones, vectors)
    cranial = np.array([head.skull.landmarks_mm[pair.cranial] for pair in PAIRS])
    return replace(head, facial_mm=cranial + vectors)


def test_a_known_camera_brings_it_nearer_to_the_truth_than_the_cone_axes(tissue):
    rng = np.random.default_rng(2)
    before, after = [], []
    for yaw in (-20.0, -10.0, 0.0, 10.0, 20.0):
        head = head_in_cones(rng, tissue)
        camera, points, photo = make_photo(head, rng, (yaw, 5.0, 0.0))
        center = np.mean(list(head.skull.landmarks_mm.values()), axis=0)
        photo = known_camera(photo, camera, float(np.linalg.norm(camera.center_mm - center)), (yaw, 5.0, 0.0))
        settings = LiliumSettings(terms="base")
        frame = head_frame(head.skull.landmarks_mm, head.skull.helpers_mm)
        start = find_start(head.skull, frame, tissue, photo, settings).first_camera
        result = LiliumSolver(head.skull, tissue, settings).solve_photo(photo)
        before.append(back_projection_error_mm(start, head.facial_mm, points))
        after.append(back_projection_error_mm(result.camera, head.facial_mm, points))
        assert abs(result.camera.focal_px - camera.focal_px) <= 1.96 * 0.01 * camera.focal_px + 1.0
        assert result.parts.outside == result.parts.parallelism == 0.0
    assert np.mean(after) < 0.8 * np.mean(before)


def test_mask_and_contours_keep_the_skull_in_the_face(cases, tissue):
    outside = {"base": 0, "all": 0}
    for terms in outside:
        for case in cases.values():
            photo = case.problem.photos[0]
            found = solve(case.problem, tissue, LiliumSettings(terms=terms, generations=200)).photos[0].camera
            outside[terms] += exact_outside_pixels(case.problem.mesh, found, photo.face)
    assert outside["all"] <= min(outside["base"], 5)


def test_what_comes_back_fits_together(cases, tissue):
    case = cases["lateral"]
    problem, photo = case.problem, case.problem.photos[0]
    solver = LiliumSolver(problem.skull, tissue, SHORT, problem.mesh)
    result = solver.solve_photo(photo)
    observed = np.array([photo.landmarks_px[name] for name in result.names])
    np.testing.assert_allclose(result.predicted_px + result.residuals_px, observed)
    assert result.parts.mse_px2 == pytest.approx((result.residuals_px**2).sum(axis=1).mean())
    assert result.parts.outside == 100 * exact_outside_pixels(problem.mesh, result.camera, photo.face)
    assert ((result.genes >= 0) & (result.genes <= 1)).all()
    assert result.genes.shape == (3 * len(result.names),)
    assert result.curve == "forehead"
    solution = solver.solve([photo])
    assert solution.solver == "lilium"
    spread = np.sqrt(((observed - observed.mean(axis=0)) ** 2).sum(axis=1).mean())
    assert solution.score == pytest.approx(-np.sqrt(result.parts.total) / spread)
    twice = solver.solve([photo, photo])
    assert twice.score == pytest.approx(solution.score)
    assert len(twice.photos) == 2


def test_by_name_it_is_the_same(cases, tissue):
    problem = cases["frontal"].problem
    named = by_name(problem, "lilium", tissue, SHORT)
    direct = LiliumSolver(problem.skull, tissue, SHORT, problem.mesh).solve(problem.photos)
    assert (named.solver, named.score) == ("lilium", direct.score)
    np.testing.assert_array_equal(named.photos[0].predicted_px, direct.photos[0].predicted_px)
    with pytest.raises(NasionError, match="lilium takes LiliumSettings, not PosteriorSettings"):
        by_name(problem, "lilium", tissue, PosteriorSettings())
    with pytest.raises(NasionError, match="posterior takes PosteriorSettings, not LiliumSettings"):
        by_name(problem, "posterior", tissue, SHORT)


def test_a_picture_of_twice_the_size_scores_the_same(tissue, rng):
    head = make_head(rng, tissue)
    _, _, photo = make_photo(head, rng, (20.0, 5.0, 0.0), 0.01)
    double = replace(
        photo,
        landmarks_px={name: 2 * np.asarray(point) + 0.5 for name, point in photo.landmarks_px.items()},
        image_size_px=(2 * photo.image_size_px[0], 2 * photo.image_size_px[1]),
    )
    solver = LiliumSolver(head.skull, tissue, replace(SHORT, terms="base", generations=0))
    once, twice = (solver.solve_photo(p) for p in (photo, double))
    assert twice.parts.mse_px2 == pytest.approx(4 * once.parts.mse_px2, rel=1e-3)
    assert twice.relative_fitness == pytest.approx(once.relative_fitness, rel=1e-3)


def test_a_moved_and_turned_skull_gives_the_same_overlay(cases, tissue):
    problem, photo = cases["frontal"].problem, cases["frontal"].problem.photos[0]
    turn, shift = pose_rotation(30, 20, 10) @ np.diag([1.0, -1.0, -1.0]), np.array([30.0, -200.0, 55.0])

    def move(points):
        return {name: turn @ point + shift for name, point in points.items()}

    skull = SkullLandmarks(move(problem.skull.landmarks_mm), helpers_mm=move(problem.skull.helpers_mm))
    settings = replace(SHORT, generations=0)
    here = LiliumSolver(problem.skull, tissue, settings, problem.mesh).solve_photo(photo)
    there = LiliumSolver(skull, tissue, settings, problem.mesh.transformed(turn, shift)).solve_photo(photo)
    points = np.array(list(problem.skull.landmarks_mm.values()))
    # random individuals alone: their genes, and so their poses, are the same
    np.testing.assert_allclose(there.camera.project(points @ turn.T + shift), here.camera.project(points), atol=0.05)
    assert there.parts.mse_px2 == pytest.approx(here.parts.mse_px2, rel=1e-4)


def test_inputs_that_a_term_needs_are_named(cases, tissue):
    problem, photo = cases["frontal"].problem, cases["frontal"].problem.photos[0]
    with pytest.raises(NasionError, match="surface"):
        solve(replace(problem, mesh=None), tissue, LiliumSettings(terms="skof"))
    with pytest.raises(NasionError, match="mask"):
        solve(replace(problem, photos=[replace(photo, face=None)]), tissue, SHORT)
    with pytest.raises(NasionError, match="pixels"):
        small = FaceRegion(np.ones((10, 10), dtype=np.uint8))
        solve(replace(problem, photos=[replace(photo, face=small)]), tissue, SHORT)
    with pytest.raises(NasionError, match="infradentale"):
        bare = SkullLandmarks(problem.skull.landmarks_mm)
        solve(OverlayProblem(bare, [photo], problem.mesh), tissue, replace(SHORT, terms="par"))


def test_a_photograph_without_contour_says_so(cases, tissue):
    problem, photo = cases["frontal"].problem, cases["frontal"].problem.photos[0]
    bare = replace(photo, face=FaceRegion(photo.face.mask))
    found = solve(replace(problem, photos=[bare]), tissue, replace(SHORT, terms="par", generations=5))
    assert "no_contour" in found.photos[0].flags


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"terms": "everything"}, "terms"),
        ({"individuals": 3}, "individuals"),
        ({"time_limit_s": 0.0}, "time_limit_s"),
        ({"crossover_rate": 1.5}, "crossover_rate"),
        ({"bounds": "wrap"}, "bounds"),
    ],
)
def test_wrong_settings_are_refused(wrong, text):
    with pytest.raises(NasionError, match=text):
        LiliumSettings(**wrong)
