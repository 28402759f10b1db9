"""The three jobs on a case with known truth."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from casework.case_folder import POSES, TRUE_PERSON, CaseFolder, read_json, write_json
from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.tissue import TissueTable
from nasion.casework.identify import identify_gallery, identify_skulls, overlay_case
from nasion.casework.inputs import load_photograph, load_skull
from nasion.casework.records import Candidate, Case, PhotoFiles, SkullFiles
from nasion.casework.result_file import result_dict
from nasion.casework.settings import CaseSettings
from nasion.errors import NasionError
from nasion.overlay.problem import CameraPrior, PhotoSolution
from nasion.readers.files import sha256


def unknown(case: CaseFolder) -> SkullFiles:
    return SkullFiles("skull", case.cranial, case.mesh)


def photo_files(case: CaseFolder, view: str) -> PhotoFiles:
    return PhotoFiles(f"{view}.png", case.photo(view), case.facial(view), case.mask(view))


def overlay(case: CaseFolder, *views: str, settings: CaseSettings | None = None) -> Case:
    settings = settings or CaseSettings()
    photos = [load_photograph(photo_files(case, view), settings.prior) for view in views]
    return overlay_case(load_skull(unknown(case)), photos, settings)


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_times(entry) for key, entry in value.items() if key != "seconds"}
    return [without_times(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("solver", ["posterior", "posest"])
def test_the_right_person_ranks_first(case_folder: CaseFolder, solver: str) -> None:
    case = identify_gallery(unknown(case_folder), case_folder.gallery, CaseSettings(solver))
    assert case.best.id == TRUE_PERSON
    assert [candidate.rank for candidate in case.candidates] == [1, 2, 3, 4]
    scores = [candidate.score for candidate in case.candidates]
    assert scores == sorted(scores, reverse=True)
    assert not case.partial


@pytest.mark.parametrize("solver", ["posterior", "posest"])
def test_the_right_skull_ranks_first(case_folder: CaseFolder, solver: str) -> None:
    photos = [load_photograph(photo_files(case_folder, view)) for view in POSES]
    case = identify_skulls(photos, case_folder.skulls, CaseSettings(solver))
    assert case.best.id == TRUE_PERSON
    assert len(case.candidates) == 4
    assert all(len(candidate.photos) == 2 for candidate in case.candidates)


@pytest.mark.parametrize("solver", ["posterior", "posest"])
@pytest.mark.parametrize("view", sorted(POSES))
def test_the_camera_is_recovered(case_folder: CaseFolder, solver: str, view: str) -> None:
    # the case has the table's mean tissue and no noise: all twenty points, also those not seen, must fall into place
    case = overlay(case_folder, view, settings=CaseSettings(solver))
    truth = case_folder.truth[TRUE_PERSON, view]
    error = np.linalg.norm(case.best.photos[0].camera.project(truth.facial_mm) - truth.points_px, axis=1)
    assert error.max() < 3.0
    assert case.best.measures[0].rms_face_height < 0.002
    yaw, pitch, roll = case.best.measures[0].camera.pose_deg
    assert (yaw, pitch, roll) == pytest.approx(POSES[view], abs=2.5)


def test_photographs_are_solved_jointly(case_folder: CaseFolder) -> None:
    together = overlay(case_folder, "frontal", "lateral").best
    alone = [overlay(case_folder, view).best for view in ("frontal", "lateral")]
    assert together.solution is not None
    assert together.solution.build_factor is not None
    log_sds = [one.solution.build_factor[1] for one in alone if one.solution and one.solution.build_factor]
    # one build factor for both photographs: known better than from either
    assert together.solution.build_factor[1] < min(log_sds)
    assert together.score is not None
    assert together.score != pytest.approx(sum(one.score or 0.0 for one in alone), abs=0.5)


def test_camera_knowledge_is_used(case_folder: CaseFolder) -> None:
    free = overlay(case_folder, "frontal").best
    known = CaseSettings(prior=CameraPrior(focal_px=(1300.0, 1.0), distance_mm=(1500.0, 2.0)))
    best = overlay(case_folder, "frontal", settings=known).best
    assert best.photos[0].camera.focal_px == pytest.approx(1300, abs=3)
    assert best.measures[0].camera.distance_mm == pytest.approx(1500, abs=8)
    spread, free_spread = (c.measures[0].camera.distance_sd_mm for c in (best, free))
    assert spread is not None
    assert free_spread is not None
    assert spread < 0.1 * free_spread


def test_pose_knowledge_is_used(case_folder: CaseFolder) -> None:
    # a wrong pose, stated with certainty, pulls the answer
    free = overlay(case_folder, "frontal").best.measures[0].camera.pose_deg[0]
    pulled = CaseSettings(prior=CameraPrior(pose_deg=((20.0, -4.0, 3.0), 0.5)))
    yaw = overlay(case_folder, "frontal", settings=pulled).best.measures[0].camera.pose_deg[0]
    assert yaw > free + 4


def test_a_tissue_file_is_used_and_recorded(own_case: CaseFolder) -> None:
    data = read_json_of_builtin_tissue()
    data["name"] = "thick faces"
    for row in data["pairs"]:
        row["mean_mm"] = [2 * value for value in row["mean_mm"]]
    table = own_case.root / "tissue.json"
    write_json(table, data)
    case = overlay(own_case, "frontal", "lateral", settings=CaseSettings(tissue=table))
    usual = overlay(own_case, "frontal", "lateral").best
    assert case.best.solution is not None
    assert usual.solution is not None
    # the same faces are half as thick when measured against a table of double thickness
    factors = [s.build_factor[0] for s in (case.best.solution, usual.solution) if s.build_factor]
    assert factors[0] == pytest.approx(factors[1] / 2, rel=0.25)
    assert {file.path: file.sha256 for file in case.inputs}[str(table)] == sha256(table)
    assert case.tissue["name"] == "thick faces"
    assert case.settings["tissue"] == str(table)


def read_json_of_builtin_tissue() -> Any:
    from importlib import resources

    folder = resources.files("nasion.anatomy").joinpath("data")
    names = [entry.name for entry in folder.iterdir() if "tissue" in entry.name]
    with resources.as_file(folder.joinpath(names[0])) as path:
        return read_json(path)


@pytest.mark.parametrize("solver", ["posterior", "posest"])
def test_the_same_run_gives_the_same_figures(case_folder: CaseFolder, solver: str) -> None:
    runs = [identify_gallery(unknown(case_folder), case_folder.gallery, CaseSettings(solver, seed=3)) for _ in range(2)]
    with ThreadPoolExecutor(2) as executor:
        runs.append(identify_gallery(unknown(case_folder), case_folder.gallery, CaseSettings(solver, seed=3), executor))
    first, *others = [without_times(result_dict(case)) for case in runs]
    assert all(other == first for other in others)


def test_the_seed_reaches_posest(case_folder: CaseFolder) -> None:
    # a wrong person's landmarks leave RANSAC a choice of samples
    def cameras(seed: int) -> list[float]:
        case = identify_gallery(unknown(case_folder), case_folder.gallery, CaseSettings("posest", seed=seed))
        return [photo.camera.focal_px for candidate in case.candidates for photo in candidate.photos]

    assert cameras(0) == cameras(0)
    assert any(cameras(0) != cameras(seed) for seed in range(1, 6))


def test_every_input_is_recorded_with_its_hash(case_folder: CaseFolder) -> None:
    case = identify_gallery(unknown(case_folder), case_folder.gallery)
    recorded = {file.path: file.sha256 for file in case.inputs}
    files = [case_folder.mesh, case_folder.cranial, *(p for p in case_folder.gallery.rglob("*") if p.is_file())]
    assert recorded == {str(path): sha256(path) for path in files}


def test_one_bad_person_does_not_stop_the_others(own_case: CaseFolder) -> None:
    (own_case.gallery / "nobody").mkdir()
    broken = own_case.facial("frontal", "person_0")
    broken.write_text("{")
    case = identify_gallery(unknown(own_case), own_case.gallery)
    assert case.partial
    assert {(problem.id, problem.photo) for problem in case.problems} == {("nobody", None), ("person_0", "frontal.png")}
    by_id = {candidate.id: candidate for candidate in case.candidates}
    assert by_id["nobody"].rank == 5
    assert by_id["nobody"].score is None
    assert [photo.photo for photo in by_id["person_0"].photos] == ["lateral.png"]
    assert case.best.id == TRUE_PERSON


def test_a_gallery_of_which_nothing_can_be_used_is_refused(own_case: CaseFolder) -> None:
    for path in own_case.gallery.rglob("*.landmarks.json"):
        path.write_text("{")
    with pytest.raises(
        NasionError, match=r"none of the 4 candidates could be used; the first reason: .*cannot be read"
    ):
        identify_gallery(unknown(own_case), own_case.gallery)


def test_candidates_judged_by_unlike_terms_are_told_of(case_folder: CaseFolder) -> None:
    from nasion.casework.identify import _unlike_terms

    best = identify_gallery(unknown(case_folder), case_folder.gallery).best
    assert best.solution is not None
    blind = [replace(photo, flags=("no_contour",)) for photo in best.photos]

    def with_photos(*photos: PhotoSolution) -> Candidate:
        assert best.solution is not None
        return replace(best, solution=replace(best.solution, photos=photos))

    half = with_photos(blind[0], best.photos[1])
    failed = Candidate("failed", "skull", None, (), None)
    assert _unlike_terms([half, half, failed]) == []
    assert _unlike_terms([with_photos(*blind), with_photos(*blind)]) == []
    (note,) = _unlike_terms([half, best])
    assert "--terms skof" in note
    maskless = replace(best, measures=tuple(replace(m, outside_face_fraction=None) for m in best.measures))
    assert _unlike_terms([maskless, maskless]) == []
    (note,) = _unlike_terms([maskless, best])
    assert "masks for all or for none" in note
    by_posest = [replace(c, solution=replace(best.solution, solver="posest")) for c in (maskless, best)]
    assert _unlike_terms(by_posest) == []


def test_equal_scores_share_a_rank(case_folder: CaseFolder) -> None:
    from nasion.casework.identify import rank_candidates

    best = identify_gallery(unknown(case_folder), case_folder.gallery).best
    twin = replace(best, id="twin")
    failed = Candidate("failed", "skull", None, (), None)
    ranked = rank_candidates([failed, twin, best])
    assert [(c.id, c.rank) for c in ranked] == [(TRUE_PERSON, 1), ("twin", 1), ("failed", 3)]
    assert ranked[2].support is not None
    assert ranked[2].support.label == "not assessed"


def test_landmark_only_work_needs_no_mesh(case_folder: CaseFolder) -> None:
    case = identify_gallery(SkullFiles("skull", case_folder.cranial), case_folder.gallery)
    assert case.best.id == TRUE_PERSON
    assert all(m.outside_face_fraction is None for c in case.candidates for m in c.measures)
    assert TissueTable.load().mean_mm.shape == (len(PAIRS), 3)
