"""The overlay experiment: protocol, honest counting of failures, intervals."""

from dataclasses import replace

import numpy as np
import pytest

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import head_frame
from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.experiments.overlay import FAILURE_BPE_MM, Setup, run, summarise, table_markdown
from nasion.experiments.protocol import SCENARIOS, PersonTruth, PhotoTruth, noisy_photo, oracle_vectors
from nasion.experiments.statistics import mean_interval95
from nasion.geometry.surface import Mesh
from overlay.scene import make_head, make_photo

TISSUE = TissueTable.load()


def _person(seed: int, views=("frontal", "lateral"), shape_sd=4.0) -> PersonTruth:
    rng = np.random.default_rng(seed)
    head = make_head(rng, TISSUE, shape_sd_mm=shape_sd)
    photos = []
    for view in views:
        pose = (8.0, 2.0, 3.0) if view == "frontal" else (70.0, 0.0, -5.0)
        camera, points, photo = make_photo(head, rng, pose)
        visible = np.array([p.facial in photo.landmarks_px for p in PAIRS])
        width, height = camera.image_size_px
        mask = np.packbits(np.ones((height, width), dtype=bool), axis=1)
        scale = camera.focal_px / float(camera.to_camera(head.facial_mm)[:, 2].mean())
        photos.append(PhotoTruth(view, view, camera, points, visible, mask, scale))
    corners = np.array(list(head.skull.landmarks_mm.values()))
    mesh = Mesh(corners, np.array([[0, 8, 9], [6, 18, 19]]))
    return PersonTruth(f"person_{seed}", head.skull, mesh, head.facial_mm, photos)


@pytest.fixture(scope="module")
def people():
    return [_person(seed) for seed in range(6)]


def test_noise_is_uniform_within_one_percent_of_the_face_height(people):
    truth = people[0].photos[0]
    depth = truth.camera.to_camera(people[0].facial_mm)[:, 2].mean()
    reach = 0.01 * 118.0 * truth.camera.focal_px / depth
    shifts = []
    for seed in range(300):
        photo = noisy_photo(truth, SCENARIOS["B"], np.random.default_rng(seed))
        shifts += [photo.landmarks_px[p.facial] - truth.points_px[j] for j, p in enumerate(PAIRS)]
    shifts = np.array(shifts)
    assert np.abs(shifts).max() <= reach
    assert shifts.std() == pytest.approx(reach / np.sqrt(3), rel=0.02)
    exact = noisy_photo(truth, SCENARIOS["A"], np.random.default_rng(0))
    np.testing.assert_array_equal(exact.landmarks_px["nasion"], truth.points_px[0])


def test_hidden_landmarks_are_not_shown_to_solvers(people):
    lateral = people[0].photos[1]
    photo = noisy_photo(lateral, SCENARIOS["A"], np.random.default_rng(0))
    assert "gonion_left" not in photo.landmarks_px
    assert "gonion_right" in photo.landmarks_px


def test_the_oracle_has_true_directions_and_mean_depths(people):
    person = people[0]
    vectors = oracle_vectors(person, TISSUE, SCENARIOS["A"], np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), np.linalg.norm(TISSUE.mean_mm, axis=1))
    frame = head_frame(person.skull.landmarks_mm, person.skull.helpers_mm)
    bone = np.array([person.skull.landmarks_mm[p.cranial] for p in PAIRS])
    true = (person.facial_mm - bone) @ frame.rotation.T
    np.testing.assert_allclose(np.cross(vectors, true), 0, atol=1e-9)
    assert np.all((vectors * true).sum(axis=1) > 0)


def test_the_oracles_directions_err_by_up_to_30_degrees_in_c(people):
    exact = oracle_vectors(people[0], TISSUE, SCENARIOS["A"], np.random.default_rng(0))
    angles = []
    for seed in range(100):
        turned = oracle_vectors(people[0], TISSUE, SCENARIOS["C"], np.random.default_rng(seed))
        cosine = (turned * exact).sum(axis=1) / (exact**2).sum(axis=1)
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    angles = np.concatenate(angles)
    assert angles.max() <= 30 + 1e-6
    assert angles.mean() == pytest.approx(15, abs=1)


def test_table_of_the_ideal_scenario(people):
    """Distinct skulls, no noise: both solvers must put nearly every true skull first."""
    setup = Setup("A", ("posest", "posterior"), 0, TISSUE)
    table = summarise(run(people, setup), len(people), setup)
    assert table["chance_mean_rank"] == 3.5
    assert len(table["rows"]) == 4
    for row in table["rows"]:
        assert row["n_overlays"] == 36
        assert row["failures"] == 0
        assert row["mean_rank"] < 2.0
        assert row["bpe_mm"] < 4.0
        low, high = row["interval95"]["bpe_mm"]
        assert low <= row["bpe_mm"] <= high
        # the mask is the whole picture
        assert row["outside_face_share"] == 0
    text = table_markdown(table)
    assert "TRUE tissue directions" in text
    assert text.count("| posterior |") == 2


def test_failures_rank_last_and_are_counted(people):
    blind = replace(people[0].photos[0], visible=np.zeros(20, dtype=bool))
    crippled = [replace(people[0], photos=[blind]), *(replace(p, photos=[]) for p in people[1:])]
    setup = Setup("A", ("posest", "posterior"), 0, TISSUE)
    for outcome in run(crippled, setup):
        assert outcome.rank == len(people)
        assert outcome.bpe_mm == FAILURE_BPE_MM
        assert outcome.failures == len(people)


def test_order_and_processes_change_nothing(people):
    from concurrent.futures import ThreadPoolExecutor

    setup = Setup("C", ("posterior",), 3, TISSUE)
    serial = run(people, setup)
    with ThreadPoolExecutor(2) as pool:
        parallel = run(people, setup, pool)
    assert [(o.person, o.view, o.rank, o.bpe_mm) for o in serial] == [
        (o.person, o.view, o.rank, o.bpe_mm) for o in parallel
    ]


def test_unknown_names_are_refused():
    with pytest.raises(NasionError, match="scenario"):
        Setup("D", ("posest",), 0, TISSUE)
    with pytest.raises(NasionError, match="solver"):
        Setup("A", ("lilium2",), 0, TISSUE)


def test_interval_covers_the_mean_of_clustered_figures():
    """Photographs of a person are alike: drawing people, the interval must cover the truth about 95 times in 100."""
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40), 5)
    covered = 0
    for trial in range(200):
        values = rng.normal(size=40)[people] + 0.1 * rng.normal(size=200)
        low, high = mean_interval95(values, people, seed=trial)
        covered += low <= 0 <= high
    assert 175 <= covered <= 199
