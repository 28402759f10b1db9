"""From 68 points to the facial landmarks: invariances, truth of the Gaussian, and heads with known truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nasion.anatomy.landmarks import mirrored
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, pose_rotation
from nasion.landmarks.image.completion import (
    ALWAYS_MISSING,
    MIRRORED_POINTS,
    MOSTLY_HIDDEN,
    REAL_SD_MM,
    TARGETS,
    CompletionModel,
    completion_bytes,
    read_completion,
    shipped_completion,
)
from nasion.landmarks.image.completion_heads import Heads, projected
from nasion.landmarks.image.completion_making import aligned, principal
from nasion.population.folder import person_of

FloatArray = NDArray[np.float64]


@pytest.fixture(scope="module")
def model() -> CompletionModel:
    return shipped_completion()


def drawn_face(model: CompletionModel, seed: int, cell: int) -> tuple[FloatArray, FloatArray]:
    """Return (68, 2) and (t, 2) points of a face that the model itself draws, 2 px a millimetre."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(len(model.modes_mm[cell]))
    face = model.mean_mm[cell] + np.tensordot(z, model.modes_mm[cell], 1)
    face = face + model.rest_mm[cell][:, None] * rng.standard_normal(face.shape)
    return 2 * face[:68] + 400, 2 * face[68:] + 400


def test_place_scale_and_turn_are_free(model: CompletionModel) -> None:
    points, _ = drawn_face(model, 1, 7)
    sigma = np.full(68, 1.5)
    plain = model.complete(points, sigma)
    turn = np.deg2rad(37.0)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = model.complete(3.0 * points @ rotation.T + (50, -20), 3.0 * sigma)
    np.testing.assert_allclose(moved.points_px, 3.0 * plain.points_px @ rotation.T + (50, -20), atol=0.05)
    np.testing.assert_allclose(moved.sigma_px, 3.0 * plain.sigma_px, rtol=1e-3)
    np.testing.assert_allclose(
        moved.covariance_px, 9 * rotation @ plain.covariance_px @ rotation.T, rtol=1e-2, atol=0.1
    )
    assert moved.yaw_deg == pytest.approx(plain.yaw_deg, abs=1e-3)


@pytest.mark.parametrize("cell", [3, 22, 40])
def test_a_mirrored_face_gives_mirrored_landmarks(model: CompletionModel, cell: int) -> None:
    points, _ = drawn_face(model, 2, cell)
    sigma = np.linspace(1.0, 4.0, 68)
    flip68, flip = MIRRORED_POINTS[:68], MIRRORED_POINTS[68:] - 68
    plain = model.complete(points, sigma)
    other = model.complete((points * (-1, 1) + (900, 0))[flip68], sigma[flip68])
    np.testing.assert_allclose(other.points_px, (plain.points_px * (-1, 1) + (900, 0))[flip], atol=2.5)
    assert other.yaw_deg == pytest.approx(-plain.yaw_deg, abs=2.0)
    assert [TARGETS[k] for k in flip] == [mirrored(name) for name in TARGETS]


def test_stated_sd_is_that_of_the_models_own_faces(model: CompletionModel) -> None:
    scores = []
    for seed in range(60):
        points, truth = drawn_face(model, seed, int(np.random.default_rng(seed).integers(len(model.pose_deg))))
        rng = np.random.default_rng(1000 + seed)
        sigma = np.exp(rng.normal(0.7, 0.4, 68))
        found = model.complete(points + sigma[:, None] * rng.standard_normal((68, 2)), sigma)
        scores.append(((found.points_px - truth) ** 2).sum(axis=1) / 2 / (found.sigma_px / model.sigma_factor) ** 2)
    # without the calibration factor the expected square is 1; Student weights and neighbouring cells cost a little
    assert 0.85 < np.mean(scores) < 1.3


def test_real_heads_widen_the_sd_by_their_own(model: CompletionModel) -> None:
    """Variances add, in the face's own scale: 2 px a millimetre in ``drawn_face``, about."""
    points, _ = drawn_face(model, 4, 7)
    plain = model.complete(points, np.full(68, 1.0))
    real = plain.on_real_heads()
    assert plain.px_per_mm == pytest.approx(2.0, rel=0.1)
    row = TARGETS.index("gonion_left")
    added = REAL_SD_MM["gonion"] * plain.px_per_mm
    assert real.sigma_px[row] ** 2 == pytest.approx(plain.sigma_px[row] ** 2 + added**2)
    assert np.trace(real.covariance_px[row]) / 2 == pytest.approx(real.sigma_px[row] ** 2)
    # a round Gaussian: 90 % lie within sqrt(-2 ln 0.1) SD
    assert real.radius90_px[row] ** 2 == pytest.approx(
        plain.radius90_px[row] ** 2 - 2 * np.log(0.1) * added**2, rel=1e-3
    )
    np.testing.assert_array_equal(real.points_px, plain.points_px)
    assert {name.removesuffix("_left").removesuffix("_right") for name in TARGETS} == set(REAL_SD_MM)


def test_points_that_do_not_fit_count_less(model: CompletionModel) -> None:
    points, truth = drawn_face(model, 3, 2)
    sigma = np.full(68, 1.0)
    spoiled = points.copy()
    spoiled[[4, 20, 50]] += (60.0, -45.0)
    error = np.linalg.norm(model.complete(points, sigma).points_px - truth, axis=1)
    worse = np.linalg.norm(model.complete(spoiled, sigma).points_px - truth, axis=1)
    assert np.median(worse) < np.median(error) + 2.0


def test_missing_points_widen_the_sd(model: CompletionModel) -> None:
    points, _ = drawn_face(model, 4, 2)
    sigma = np.full(68, 2.0)
    jawless = points.copy()
    jawless[:17] = np.nan
    whole, part = model.complete(points, sigma), model.complete(jawless, sigma)
    gonion, nasion = TARGETS.index("gonion_left"), TARGETS.index("nasion")
    assert part.sigma_px[gonion] > 1.3 * whole.sigma_px[gonion]
    assert part.sigma_px[nasion] == pytest.approx(whole.sigma_px[nasion], rel=0.15)


def test_what_is_left_out(model: CompletionModel) -> None:
    frontal = next(k for k, pose in enumerate(model.pose_deg) if tuple(pose) == (0.0, 0.0))
    profile = next(k for k, pose in enumerate(model.pose_deg) if tuple(pose) == (90.0, 0.0))
    sigma = np.full(68, 1.0)
    ahead = model.complete(model.mean_mm[frontal, :68], sigma).missing()
    assert ahead.items() >= ALWAYS_MISSING.items()
    assert not {"nasion", "zygion_left", "gonion_left", "gonion_right", "alare_left"} & set(ahead)
    # yaw > 0 turns the face to the subject's left, whose side the camera then does not see
    aside = set(model.complete(model.mean_mm[profile, :68], sigma).missing())
    lateral = ("zygion", "gonion", "tragion", "alare", "exocanthion", "frontotemporale")
    assert {f"{name}_left" for name in lateral} <= aside
    assert not {f"{name}_right" for name in lateral} & aside


@pytest.mark.parametrize("there", [0, 5, 11])
def test_too_few_points_are_refused(model: CompletionModel, there: int) -> None:
    points, _ = drawn_face(model, 5, 2)
    points[there:] = np.nan
    with pytest.raises(NasionError, match="too few of the 68 points"):
        model.complete(points, np.ones(68))


def test_a_face_fits_and_scattered_points_do_not(model: CompletionModel) -> None:
    points, _ = drawn_face(model, 6, 12)
    scattered = np.random.default_rng(0).permutation(points)
    assert model.complete(points, np.ones(68)).misfit < 1.6
    assert model.complete(scattered, np.ones(68)).misfit > 3


def test_the_file_comes_back(model: CompletionModel, tmp_path: Path) -> None:
    one_side = model.pose_deg[:, 0] >= 0
    arrays = {name: value[one_side] if len(value) == len(one_side) else value for name, value in vars(model).items()}
    content = completion_bytes(CompletionModel(**arrays))
    assert len(content) <= 1_000_000
    (tmp_path / "c.npz").write_bytes(content)
    again = read_completion(tmp_path / "c.npz")
    for name, value in vars(model).items():
        np.testing.assert_allclose(getattr(again, name), value, rtol=2e-3, atol=2e-3, err_msg=name)
    (tmp_path / "cut.npz").write_bytes(content[:1000])
    with pytest.raises(NasionError, match="is no completion model"):
        read_completion(tmp_path / "cut.npz")


def test_virtual_people_lie_in_their_radii(model: CompletionModel, shared_data: Path) -> None:
    """People of the CT phantom's template, whom the model has not met, in cameras of our own."""
    from nasion.landmarks.surface.heads import face_model
    from nasion.population.phantom_ict import phantom_ict_template

    template = phantom_ict_template(shared_data).canonicalised()
    ibug68 = face_model(shared_data)[0].ibug68
    errors, inside = [], []
    for index in range(4):
        person = person_of(template, 777, index)
        truth_mm = np.array([{**person.facial, **person.facial_helpers}[name] for name in TARGETS])
        for view in range(6):
            rng = np.random.default_rng([index, view])
            rotation = pose_rotation(rng.uniform(-12, 12), rng.uniform(-15, 15), rng.uniform(-40, 40))
            distance = float(rng.uniform(700, 3000))
            camera = Camera(rotation, np.array([0, 0, distance]), 2 * distance, (500, 500), (1000, 1000))
            sigma = np.full(68, 3.0)
            given = camera.project(person.face.vertices[ibug68]) + 3.0 * rng.standard_normal((68, 2))
            found = model.complete(given, sigma)
            eyes = 2 * 90.0
            distances = np.linalg.norm(found.points_px - camera.project(truth_mm), axis=1)
            there = found.hidden <= MOSTLY_HIDDEN
            errors.append(distances[there] / eyes)
            inside.append((distances <= found.radius90_px)[there])
    assert np.concatenate(errors).mean() < 0.04
    assert 0.82 < np.concatenate(inside).mean() < 0.97


def bowl_heads() -> Heads:
    """Return one head whose jaw paths lie on a sphere of 70 mm round the nose's tip."""
    angles = np.linspace(-0.2, np.pi + 0.2, 17)
    outward = np.stack([-np.cos(angles), -np.sin(angles)], axis=1)
    reach = np.linspace(0.4, 1.0, 8)
    ways = np.empty((17, 8, 3))
    ways[..., :2] = 70 * reach[None, :, None] * outward[:, None]
    ways[..., 2] = 70 * np.sqrt(1 - (0.999 * reach) ** 2)
    points = np.zeros((68 + len(TARGETS), 3))
    points[:17] = ways[:, -1]
    return Heads(points[None], ways[None], ())


@pytest.mark.parametrize(("yaw", "far"), [(50.0, slice(13, 17)), (-50.0, slice(0, 4))])
def test_the_far_jaw_slides_to_the_outline(yaw: float, far: slice) -> None:
    heads = bowl_heads()
    flat = projected(heads, np.array([yaw]), np.zeros(1), np.array([1e7]))[0]
    plain = projected(heads, np.zeros(1), np.zeros(1), np.array([1e7]))[0]
    middle = heads.points_mm[0, :68].mean(axis=0)
    np.testing.assert_allclose(plain[:17], (heads.points_mm[0, :17, :2] - middle[:2]) * (1, -1), atol=1e-3)
    turned = heads.paths_mm[0] @ (np.diag([1.0, -1, -1]) @ pose_rotation(yaw, 0, 0)).T
    centre = (np.diag([1.0, -1, -1]) @ pose_rotation(yaw, 0, 0)) @ middle
    widest = abs(turned[far, :, 0]).max(axis=1)
    np.testing.assert_allclose(abs(flat[:17][far, 0] + centre[0]), widest, rtol=0.05)
    sliding = abs(turned[far, -1, 0] - (flat[:17][far, 0] + centre[0]))
    assert (sliding[1:-1] > 1.0).all()


def test_alignment_leaves_only_shape() -> None:
    rng = np.random.default_rng(0)
    face = rng.standard_normal((80, 2))
    turns = np.exp(1j * rng.uniform(-0.5, 0.5, 30)) * rng.uniform(0.5, 2, 30)
    flat = (face[:, 0] + 1j * face[:, 1])[None] * turns[:, None] + rng.standard_normal((30, 1))
    views = aligned(np.stack([flat.real, flat.imag], axis=-1))
    np.testing.assert_allclose(views, np.broadcast_to(views[0], views.shape), atol=1e-9)


def test_principal_directions_and_the_rest_add_up() -> None:
    rng = np.random.default_rng(1)
    modes = rng.standard_normal((2, 70, 2))
    weights = rng.standard_normal((5000, 2))
    views = 5 + np.tensordot(weights * (3.0, 2.0), modes, 1) + 0.1 * rng.standard_normal((5000, 70, 2))
    mean, found, rest = principal(views, 2)
    np.testing.assert_allclose(mean, 5, atol=0.5)
    np.testing.assert_allclose(rest, 0.1, rtol=0.1)
    covariance = np.einsum("kni,kmj->nimj", found, found)
    expected = np.einsum("k,kni,kmj->nimj", np.array([9.0, 4.0]), modes, modes)
    assert np.linalg.norm(covariance - expected) < 0.1 * np.linalg.norm(expected)


def test_making_a_small_model(shared_data: Path) -> None:
    from nasion.landmarks.image.completion_making import MakingSettings, make_completion

    settings = MakingSettings(12, 4, 4, 2, views=60, modes=10, yaw_step_deg=45.0, test_views=20, renders=2)
    made = make_completion(shared_data, settings)
    assert set(made.model.pose_deg[:, 0]) == {0.0, 45.0, 90.0}
    frontal = next(k for k, pose in enumerate(made.model.pose_deg) if tuple(pose) == (0.0, 0.0))
    mean = made.model.mean_mm[frontal]
    np.testing.assert_allclose((mean * (-1, 1))[MIRRORED_POINTS], mean, atol=1e-6)
    assert np.nanmean(made.on_people.error) < 0.12
    assert np.nanmean(made.on_model_heads.error) < 0.12
    with pytest.raises(NasionError, match="no such file"):
        make_completion(shared_data / "nowhere", settings)
