"""From files to a ranked case: known answers, problems that are reported, and the same answer however it is computed."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from casework.tiny import RIGHT_ONE, STRETCH, TinyCase, edit_json, facial_mm
from nasion.casework.identify import identify_gallery, identify_skulls, overlay_case
from nasion.casework.inputs import load_photograph, load_skull
from nasion.casework.records import PhotoFiles, SkullFiles
from nasion.casework.result_file import result_dict
from nasion.casework.settings import CaseSettings
from nasion.errors import NasionError
from nasion.geometry.camera import back_projection_error_mm
from nasion.overlay.problem import CameraPrior
from nasion.readers.files import sha256


def skull_files(tiny: TinyCase) -> SkullFiles:
    return SkullFiles("unknown", tiny.skull_landmarks, tiny.skull)


def photo_files(tiny: TinyCase, view: str = "frontal") -> PhotoFiles:
    return PhotoFiles(f"{view}.png", tiny.photo(view=view), tiny.landmarks(view=view), tiny.mask(view=view))


@pytest.mark.parametrize("solver", ["posterior", "posest"])
def test_the_right_person_is_rank_1_with_its_camera(tiny, solver):
    case = identify_gallery(skull_files(tiny), tiny.gallery, CaseSettings(solver))
    assert [candidate.rank for candidate in case.candidates] == [1, 2, 3]
    assert case.best.id == RIGHT_ONE
    assert {candidate.id for candidate in case.candidates} == set(STRETCH)
    assert not case.partial
    points = np.array(list(facial_mm().values()))
    for solved in case.best.photos:
        true = tiny.cameras[solved.photo.removesuffix(".png")]
        # the landmarks are exact and the tissue is the table's mean: nothing but the camera's prior pulls
        assert back_projection_error_mm(solved.camera, points, true.project(points)) < 0.5


def test_known_focal_length_gives_the_true_distance(tiny):
    true = tiny.cameras["frontal"]
    photograph = load_photograph(photo_files(tiny), CameraPrior(focal_px=(true.focal_px, 1.0)))
    case = overlay_case(load_skull(skull_files(tiny)), [photograph])
    figures = case.best.measures[0].camera
    center = np.mean([point for point in load_skull(skull_files(tiny)).landmarks.landmarks_mm.values()], axis=0)
    assert figures.distance_mm == pytest.approx(np.linalg.norm(center - true.center_mm), rel=0.02)
    assert figures.pose_deg == pytest.approx((8, -4, 3), abs=0.5)
    assert case.command == "overlay"
    assert len(case.candidates) == 1


def test_one_photograph_against_several_skulls(tiny):
    case = identify_skulls([load_photograph(photo_files(tiny))], tiny.skulls)
    assert case.best.id == RIGHT_ONE
    assert case.skull is None
    assert sorted(candidate.rank for candidate in case.candidates) == [1, 2, 3]


def test_an_executor_changes_nothing(tiny):
    alone = identify_gallery(skull_files(tiny), tiny.gallery)
    calls = []
    with ThreadPoolExecutor(2) as executor:
        together = identify_gallery(
            skull_files(tiny), tiny.gallery, executor=executor, progress=lambda done, total: calls.append((done, total))
        )
    assert [c.score for c in alone.candidates] == [c.score for c in together.candidates]
    assert calls[0] == (0, 3)
    assert calls[-1] == (3, 3)


def test_population_layout_is_a_gallery(tiny):
    for person in STRETCH:
        (tiny.gallery / person / "photos").mkdir()
        for path in list((tiny.gallery / person).glob("*.*")):
            shutil.move(path, tiny.gallery / person / "photos" / path.name)
    case = identify_gallery(skull_files(tiny), tiny.gallery)
    assert case.best.id == RIGHT_ONE
    assert all(len(candidate.photos) == 2 for candidate in case.candidates)


def test_every_input_stands_in_the_record_with_its_hash(tiny):
    case = identify_gallery(skull_files(tiny), tiny.gallery)
    files = {file.path: file.sha256 for file in case.inputs}
    expected = [tiny.skull, tiny.skull_landmarks, *(p for p in tiny.gallery.rglob("*") if p.is_file())]
    assert files == {str(path): sha256(path) for path in expected}


def test_a_person_that_cannot_be_used_is_reported_and_ranked_last(tiny):
    (tiny.gallery / "nobody").mkdir()
    for path in (tiny.gallery / "wide").glob("lateral.*"):
        path.unlink()
    edit_json(tiny.landmarks("wide"), landmarks={"nasion": [100, 100]})
    case = identify_gallery(skull_files(tiny), tiny.gallery)
    assert case.best.id == RIGHT_ONE
    assert [(c.id, c.rank, c.score) for c in case.candidates[2:]] == [("nobody", 3, None), ("wide", 3, None)]
    reasons = {problem.id: problem.reason for problem in case.problems}
    assert "no photograph" in reasons["nobody"]
    assert "1 landmarks are shared" in reasons["wide"]
    written = result_dict(case)["candidates"][-1]
    assert written["score"] is None
    assert written["photos"] == []


def test_one_bad_photograph_leaves_the_others(tiny):
    tiny.photo("wide", "lateral").write_bytes(tiny.photo("wide", "lateral").read_bytes()[:200])
    tiny.landmarks("long", "frontal").unlink()
    case = identify_gallery(skull_files(tiny), tiny.gallery)
    assert {c.id: [p.photo for p in c.photos] for c in case.candidates} == {
        RIGHT_ONE: ["frontal.png", "lateral.png"],
        "wide": ["frontal.png"],
        "long": ["lateral.png"],
    }
    assert {(problem.id, problem.photo) for problem in case.problems} == {
        ("wide", "lateral.png"),
        ("long", "frontal.png"),
    }


def test_swapped_sides_are_refused_unless_accepted(tiny):
    content = json.loads(tiny.landmarks().read_text())["landmarks"]
    swap = {"left": "right", "right": "left"}
    swapped = {
        "_".join([*name.split("_")[:-1], swap[name.split("_")[-1]]]) if name.split("_")[-1] in swap else name: point
        for name, point in content.items()
    }
    edit_json(tiny.landmarks(), landmarks=swapped)
    with pytest.raises(NasionError, match="exchanged"):
        load_photograph(photo_files(tiny))
    assert set(load_photograph(photo_files(tiny), accept_sides=True).photo.landmarks_px) == set(content)


def test_a_gallery_without_any_usable_person_is_a_fault(tiny):
    for path in tiny.gallery.rglob("*.landmarks.json"):
        path.unlink()
    with pytest.raises(NasionError, match=r"none of the 3 candidates"):
        identify_gallery(skull_files(tiny), tiny.gallery)


def test_an_empty_or_missing_gallery_is_a_fault(tiny, tmp_path):
    (tmp_path / "empty").mkdir()
    for gallery in (tmp_path / "empty", tmp_path / "absent"):
        with pytest.raises(NasionError, match="one sub-folder for each"):
            identify_gallery(skull_files(tiny), gallery)


def test_a_skull_without_landmark_file_is_reported(tiny):
    (tiny.skulls / "wide" / "cranial.landmarks.json").unlink()
    case = identify_skulls([load_photograph(photo_files(tiny))], tiny.skulls)
    assert case.partial
    assert case.candidates[-1].id == "wide"
    assert case.candidates[-1].score is None


def test_a_landmark_far_off_the_mesh_is_named_with_its_distance(tiny):
    content = json.loads(tiny.skull_landmarks.read_text())
    x, y, z = content["landmarks"]["gnathion"]
    content["landmarks"]["gnathion"] = [x, y - 20, z]
    tiny.skull_landmarks.write_text(json.dumps(content))
    with pytest.raises(NasionError, match=r"gnathion lies 18\.\d mm") as fault:
        load_skull(skull_files(tiny))
    assert "\n" not in str(fault.value)


def test_landmarks_alone_give_the_same_cameras(tiny):
    with_mesh = identify_gallery(skull_files(tiny), tiny.gallery)
    without = identify_gallery(SkullFiles("unknown", tiny.skull_landmarks), tiny.gallery)
    assert [c.score for c in with_mesh.candidates] == [c.score for c in without.candidates]
    assert without.best.measures[0].outside_face_fraction is None
    assert with_mesh.best.measures[0].outside_face_fraction is not None
