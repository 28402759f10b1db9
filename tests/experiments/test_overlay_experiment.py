"""The overlay experiment: protocol, honest counting of failures, resuming."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from experiments.people import TISSUE, FewPeople
from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import head_frame
from nasion.errors import NasionError
from nasion.experiments.contestants import CONTESTANTS, Answer, Contestant, Entrant
from nasion.experiments.judging import FAILURE_BPE_MM, Part
from nasion.experiments.overlay import run
from nasion.experiments.plan import Parcel, Setup, Subset, cases, trials
from nasion.experiments.protocol import SCENARIOS, noisy_photo, oracle_vectors, true_camera_prior
from nasion.experiments.table_text import table_markdown
from nasion.experiments.tables import summarise
from nasion.geometry.camera import back_projection_error_mm, pose_angles_deg

PEOPLE = FewPeople()


@pytest.fixture(scope="module")
def people():
    return PEOPLE.heads()


@pytest.fixture(scope="module")
def photos():
    return PEOPLE.photos(0)


def outcomes(parts: list[Part]):
    return [outcome for part in parts for outcome in part.outcomes]


def test_noise_is_uniform_within_one_percent_of_the_face_height(people, photos):
    truth = photos[0]
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


def test_hidden_landmarks_are_not_shown_to_solvers(photos):
    lateral = photos[1]
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


def test_table_of_the_ideal_scenario():
    """Distinct skulls, no noise: both solvers must put nearly every true skull first."""
    setup = Setup("A", ("posest", "posterior"), 0, TISSUE)
    table = summarise(run(PEOPLE, setup), 6, setup)
    assert table["chance_mean_rank"] == 3.5
    assert len(table["rows"]) == 4
    assert table["common_rows"] == []
    for row in table["rows"]:
        assert row["n_overlays"] == 36
        assert row["failures"] == 0
        assert row["mean_rank"] < 2.0
        assert row["bpe_mm"] < 4.0
        low, high = row["interval95"]["bpe_mm"]
        assert low <= row["bpe_mm"] <= high
        # the mask is the whole picture
        assert row["outside_face_share"] == 0
        assert row["skull_pixels_outside"] == 0
    text = table_markdown({"people": "few", **table})
    assert "TRUE tissue directions" in text
    # a row a view in the main table and in that of implausible overlays
    assert text.count("\n| posterior | frontal |") == 2


def test_failures_rank_last_and_are_counted():
    setup = Setup("A", ("posest", "posterior"), 0, TISSUE)
    found = outcomes(run(FewPeople(blind=True), setup))
    assert len(found) == 24
    for outcome in found:
        assert outcome.rank == 6
        assert outcome.bpe_mm == FAILURE_BPE_MM
        assert outcome.failures == 6
        assert outcome.outside == 6
        assert outcome.outside_own


def test_the_true_skull_stands_behind_equal_scores(monkeypatch):
    def prepare(entrant):
        camera = PEOPLE.photos(0)[0].camera
        return lambda photos: Answer(1.0 if entrant.index != 3 else 0.0, (camera,) * len(photos), True)

    monkeypatch.setitem(CONTESTANTS, "indifferent", Contestant("nothing", prepare))
    found = outcomes(run(PEOPLE, Setup("A", ("indifferent",), 0, TISSUE)))
    assert {o.rank for o in found if o.person != "person_3"} == {5}
    assert {o.rank for o in found if o.person == "person_3"} == {6}


def _figures(parts):
    return [replace(o, seconds=0.0) for o in outcomes(parts)]


def test_order_and_processes_change_nothing():
    setup = Setup("C", ("posterior",), 3, TISSUE)
    with ThreadPoolExecutor(2) as pool:
        assert _figures(run(PEOPLE, setup)) == _figures(run(PEOPLE, setup, executor=pool))


def test_every_person_is_judged_by_whoever_else_takes_part():
    """Random numbers belong to a person and photograph: fewer solvers or people change no overlay."""
    both = _figures(run(PEOPLE, Setup("C", ("posest", "posterior"), 3, TISSUE)))
    alone = _figures(run(PEOPLE, Setup("C", ("posest",), 3, TISSUE)))
    assert [o for o in both if o.solver == "posest"] == alone
    fewer = _figures(run(FewPeople(4), Setup("C", ("posest",), 3, TISSUE)))
    assert [o.bpe_mm for o in fewer] == [o.bpe_mm for o in alone[:8]]


def test_a_stopped_run_goes_on_where_it_stopped(tmp_path):
    setup = Setup("C", ("posest", "posterior"), 1, TISSUE)

    class StoppedError(Exception):
        pass

    def stop(done, total):
        assert total == 12
        if done == 5:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(PEOPLE, setup, tmp_path, progress=stop)
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(kept) == 5
    seen = []
    resumed = run(PEOPLE, setup, tmp_path, progress=lambda done, total: seen.append(done))
    assert seen == list(range(5, 13))
    assert _figures(resumed) == _figures(run(PEOPLE, setup))
    for name, time in kept.items():
        assert (tmp_path / name).stat().st_mtime_ns == time


def test_a_damaged_part_is_named(tmp_path):
    setup = Setup("A", ("posest",), 1, TISSUE)
    run(PEOPLE, setup, tmp_path)
    part = next(tmp_path.iterdir())
    part.write_text(json.dumps({"outcomes": [{"rank": 1}]}), encoding="utf-8")
    with pytest.raises(NasionError, match=part.name):
        run(PEOPLE, setup, tmp_path)


def test_photographs_solved_together_share_a_rank_and_err_less():
    views = ("frontal", "frontal", "lateral", "lateral")
    few = FewPeople(views=views)
    single = outcomes(run(few, Setup("C", ("posterior-landmarks",), 0, TISSUE)))
    joint = outcomes(run(few, Setup("C", ("posterior-landmarks",), 0, TISSUE, together=4)))
    assert len(single) == len(joint) == 24
    for person in {o.person for o in joint}:
        assert len({o.rank for o in joint if o.person == person}) == 1
    assert np.mean([o.bpe_mm for o in joint]) < np.mean([o.bpe_mm for o in single])


def test_cases_take_views_in_turn():
    views = ("frontal",) * 3 + ("lateral",) * 2
    assert cases(views, 1) == [(0,), (1,), (2,), (3,), (4,)]
    assert cases(views, 2) == [(0, 3), (1, 4)]
    assert cases(views, 4) == [(0, 3, 1, 4)]


def test_slow_solvers_are_judged_on_a_random_subset_of_both_views():
    views = ("frontal",) * 10 + ("lateral",) * 10
    setup = Setup("C", ("lilium", "posterior"), 0, TISSUE, subset=Subset(40, 6))
    planned = [t for k in range(8) for t in trials(setup, 8, views, Parcel(0, k, "lilium"))]
    assert len(planned) == 40
    assert sum(views[t.photos[0]] == "frontal" for t in planned) == 20
    assert sum(t.all_skulls for t in planned) == 6
    # another seed draws others; the same seed the same
    again = [t for k in range(8) for t in trials(setup, 8, views, Parcel(1, k, "lilium"))]
    assert again == planned
    other = replace(setup, seed=1)
    assert [t for k in range(8) for t in trials(other, 8, views, Parcel(0, k, "lilium"))] != planned
    everything = trials(setup, 8, views, Parcel(0, 3, "posterior"))
    assert len(everything) == 20
    assert all(t.all_skulls for t in everything)


def test_only_named_solvers_are_told_of_the_camera(people, photos):
    truth = photos[0]
    prior = true_camera_prior(truth.camera, people[0])
    frame = head_frame(people[0].skull.landmarks_mm, people[0].skull.helpers_mm)
    bone = np.array(list(people[0].skull.landmarks_mm.values()))
    assert prior.focal_px == (truth.camera.focal_px, pytest.approx(0.05 * truth.camera.focal_px))
    assert prior.distance_mm[0] == pytest.approx(np.linalg.norm(bone.mean(axis=0) - truth.camera.center_mm))
    assert prior.pose_deg[0] == pytest.approx(pose_angles_deg(truth.camera.rotation @ frame.rotation.T))
    seen = noisy_photo(truth, SCENARIOS["A"], np.random.default_rng(0))
    for name, contestant in CONTESTANTS.items():
        told = contestant.sees(seen, prior).prior
        assert (told.focal_px is not None) == name.endswith("-camera")
        assert (told.pose_deg is not None) == name.endswith("-camera")


def test_unknown_names_are_refused():
    with pytest.raises(NasionError, match="scenario"):
        Setup("D", ("posest",), 0, TISSUE)
    with pytest.raises(NasionError, match="solver"):
        Setup("A", ("lilium2",), 0, TISSUE)
    with pytest.raises(NasionError, match="no solver is named"):
        Setup("A", (), 0, TISSUE)


def test_posest_by_the_table_is_told_nothing_of_the_person(people, photos):
    """Where the face is exactly as the table's means say, it finds the camera."""
    entrant = Entrant(people[0], 0, 0, 0, SCENARIOS["A"], TISSUE)
    frame = head_frame(people[0].skull.landmarks_mm, people[0].skull.helpers_mm)
    bone = np.array([people[0].skull.landmarks_mm[p.cranial] for p in PAIRS])
    average = bone + TISSUE.mean_mm @ frame.rotation
    camera = photos[0].camera
    photo = noisy_photo(photos[0], SCENARIOS["A"], np.random.default_rng(0))
    seen = dict(zip([p.facial for p in PAIRS], camera.project(average), strict=True))
    found = CONTESTANTS["posest-table"].prepare(entrant)([replace(photo, landmarks_px=seen)]).cameras[0]
    assert back_projection_error_mm(found, average, camera.project(average)) < 0.1
