"""Skulls without landmark files: found on raw scans, said in the report, ranked by."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from cli.command import nasion
from nasion.anatomy.tissue import TissueTable
from nasion.casework.automatic import REAL_SKULL_SD_MM, found_skull
from nasion.casework.identify import identify_gallery, identify_skulls
from nasion.casework.inputs import load_photograph, load_skull, skull_files
from nasion.casework.records import PhotoFiles, SkullFiles
from nasion.casework.result_file import result_dict
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.distance import closest_points
from nasion.landmarks.surface.scans import CLEAN, Scan, ScanSettings, simulate_scan
from nasion.population.folder import person_of
from nasion.population.person import Person
from nasion.population.template_source import load_template
from nasion.readers.landmarks import LandmarkFile, read_landmarks, write_landmarks
from nasion.readers.meshes import read_mesh, write_mesh

SIZE = (600, 700)
TRUE = 1
PEOPLE = 4


@dataclass(frozen=True)
class Raw:
    """A gallery and the raw scan of one person's skull, whose landmarks nobody placed."""

    root: Path
    scan: Scan

    @property
    def mesh(self) -> Path:
        return self.root / "scan.ply"

    @property
    def gallery(self) -> Path:
        return self.root / "gallery"


def person(number: int) -> Person:
    """One of a seed that no shipped network has seen."""
    return person_of(load_template("builtin"), 987_001, number)


def scan_of(one: Person, settings: ScanSettings = CLEAN) -> Scan:
    points = {**one.cranial, **one.cranial_helpers}
    return simulate_scan(one.skull, points, "cranial", np.random.default_rng(5), settings)


def write_photo(folder: Path, one: Person) -> None:
    folder.mkdir(parents=True)
    turn = pose_rotation(20.0, -5.0, 3.0)
    camera = Camera(turn, np.array([0.0, 0.0, 1500.0]), 2600.0, image_center_px(SIZE), SIZE)
    points = {name: list(camera.project(point[None])[0]) for name, point in one.facial.items()}
    Image.fromarray(np.full((SIZE[1], SIZE[0], 3), 128, dtype=np.uint8)).save(folder / "frontal.png")
    content = {"scheme": "facial20", "units": "px", "image_size_px": list(SIZE), "landmarks": points}
    (folder / "frontal.landmarks.json").write_text(json.dumps(content))


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Raw:
    root = tmp_path_factory.mktemp("raw")
    people = [person(number) for number in range(PEOPLE)]
    for number, one in enumerate(people):
        write_photo(root / "gallery" / f"person_{number}", one)
    scan = scan_of(people[TRUE])
    write_mesh(root / "scan.ply", scan.mesh)
    return Raw(root, scan)


def test_landmarks_lie_in_head_axes_and_near_the_truth(raw: Raw) -> None:
    skull = load_skull(skull_files(raw.mesh, None))
    assert skull.found is not None
    assert skull.mesh is not None
    # the file tells what the network says; the comparison knows that real skulls are harder
    own = skull.found.landmark_file().sigma
    assert skull.landmarks.sigma_mm == {name: pytest.approx(np.hypot(own[name], REAL_SKULL_SD_MM)) for name in own}
    # upright whatever the scan's rotation: the bregma above the gnathion, the left zygion at +X
    marks = skull.landmarks.landmarks_mm
    assert (marks["bregma"] - marks["gnathion"])[1] > 100.0
    assert (marks["zygion_left"] - marks["zygion_right"])[0] > 80.0
    assert np.abs(closest_points(skull.mesh, np.array(list(marks.values())))[1]).max() < 0.01
    (automatic,) = skull.automatic
    errors = [np.linalg.norm(point - raw.scan.points[name]) for name, point in automatic.file.landmarks.items()]
    assert np.mean(errors) < 3.0
    assert 0.3 < np.sqrt(np.mean(np.square(errors)) / 3) / np.mean(list(own.values())) < 3.0


def test_the_right_person_is_first_and_the_case_says_what_was_found(raw: Raw) -> None:
    case = identify_gallery(skull_files(raw.mesh, None), raw.gallery)
    assert case.best.id == f"person_{TRUE}"
    (found,) = result_dict(case)["automatic_landmarks"]
    assert found["path"] == str(raw.mesh)
    assert set(found["sigma"]) == set(found["found"])
    assert any("found automatically" in note for note in case.notes)


def test_less_sure_landmarks_weigh_less(raw: Raw) -> None:
    skull = load_skull(skull_files(raw.mesh, None))
    photo = load_photograph(
        PhotoFiles("p", *(raw.gallery / f"person_{TRUE}" / name for name in ("frontal.png", "frontal.landmarks.json")))
    )
    from nasion.overlay import solve
    from nasion.overlay.problem import OverlayProblem, SkullLandmarks

    def covariance(factor: float) -> float:
        sigma = {name: factor * value for name, value in skull.landmarks.sigma_mm.items()}
        marks = SkullLandmarks(skull.landmarks.landmarks_mm, sigma, skull.landmarks.helpers_mm)
        solution = solve(OverlayProblem(marks, [photo.photo]), "posterior", TissueTable.load())
        found = solution.photos[0].camera_covariance
        assert found is not None
        return float(np.trace(found))

    assert covariance(4.0) > covariance(1.0)


def test_the_command_writes_landmarks_for_correction(raw: Raw, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = nasion("identify", "--skull", raw.mesh, "--gallery", raw.gallery, "--jobs", 1, "--out", out)
    assert ended.code == 0, ended
    (written,) = (out / "landmarks").glob("*.landmarks.json")
    again = read_landmarks(written, "cranial", 3)
    mesh = read_mesh(raw.mesh, "skull").mesh
    assert np.abs(closest_points(mesh, np.array(list(again.landmarks.values())))[1]).max() < 0.01
    page = (out / "report.html").read_text()
    assert "Landmarks that the program found" in page
    assert (out / "landmarks" / "01_views.png").read_bytes().startswith(b"\x89PNG")


def test_points_that_come_back_through_their_file_weigh_the_same(raw: Raw, tmp_path: Path) -> None:
    def run(name: str, *more: object) -> tuple[dict[str, Any], str]:
        out = tmp_path / name
        ended = nasion("identify", "--skull", raw.mesh, *more, "--gallery", raw.gallery, "--jobs", 1, "--out", out)
        assert ended.code == 0, ended
        return json.loads((out / "result.json").read_text()), (out / "report.html").read_text()

    def scores(result: dict[str, Any]) -> dict[str, float]:
        return {candidate["id"]: candidate["score"] for candidate in result["candidates"]}

    first, _ = run("first")
    (written,) = (tmp_path / "first" / "landmarks").glob("*.landmarks.json")
    again, page = run("again", "--skull-landmarks", written)
    assert list(scores(again)) == list(scores(first))
    assert scores(again) == {name: pytest.approx(score, abs=1e-6) for name, score in scores(first).items()}
    (said,) = again["automatic_landmarks"]
    (before,) = first["automatic_landmarks"]
    assert (said["path"], said["given"], before["given"]) == (str(written), True, False)
    assert said["found_by"] == before["found_by"] and said["added_sd"] == REAL_SKULL_SD_MM
    assert said["sigma"] == before["sigma"]
    assert "Landmarks that the program found" in page and said["found_by"] in page
    assert not (tmp_path / "again" / "landmarks").exists()

    # who stands behind the points takes the entry out, and they weigh by their own SDs
    content = json.loads(written.read_text())
    del content["found_by"]
    (tmp_path / "mine.json").write_text(json.dumps(content))
    mine, page = run("mine", "--skull-landmarks", tmp_path / "mine.json")
    assert mine["automatic_landmarks"] == []
    assert "Landmarks that the program found" not in page
    assert abs(scores(mine)[f"person_{TRUE}"] - scores(first)[f"person_{TRUE}"]) > 0.1


def test_only_points_that_a_program_found_get_the_variance(raw: Raw, tmp_path: Path) -> None:
    points = dict(list(raw.scan.points.items())[:6])
    names = list(points)
    path = tmp_path / "some.landmarks.json"

    def sigma(found_by: str | None) -> dict[str, float]:
        sigma_mm = {names[0]: 0.6, names[1]: 6.0}
        write_landmarks(path, LandmarkFile("cranial20", "mm", points, sigma=sigma_mm, found_by=found_by))
        return dict(load_skull(SkullFiles("s", path)).landmarks.sigma_mm)

    assert sigma(None) == {names[0]: 0.6, names[1]: 6.0}
    # 0.6 and 2.5 make 2.57, 6 and 2.5 make 6.5; a point without an SD has the solver's 1 mm
    wider = sigma("some program")
    assert wider == {
        names[0]: pytest.approx(2.571, abs=1e-3),
        names[1]: pytest.approx(6.5),
        **dict.fromkeys(names[2:], pytest.approx(2.693, abs=1e-3)),
    }


def test_a_skull_without_mandible_says_so(raw: Raw, tmp_path: Path) -> None:
    from dataclasses import replace

    path = tmp_path / "cranium.ply"
    write_mesh(path, scan_of(person(TRUE), replace(CLEAN, no_mandible=1.0)).mesh)
    skull = found_skull(SkullFiles("cranium", None, path))
    (automatic,) = skull.automatic
    assert {"gnathion", "pogonion", "gonion_left", "gonion_right"} <= set(automatic.file.missing)
    assert not set(automatic.file.missing) & set(skull.landmarks.landmarks_mm)
    assert "gnathion" in skull.notes[-1]


def test_several_skulls_some_with_landmarks(raw: Raw, tmp_path: Path) -> None:
    for number in range(2):
        folder = tmp_path / f"skull_{number}"
        folder.mkdir()
        write_mesh(folder / "skull.ply", scan_of(person(number)).mesh)
    (tmp_path / "nothing").mkdir()
    photo = load_photograph(
        PhotoFiles("p", *(raw.gallery / f"person_{TRUE}" / name for name in ("frontal.png", "frontal.landmarks.json")))
    )
    case = identify_skulls([photo], tmp_path)
    assert case.best.id == f"skull_{TRUE}"
    assert len(case.automatic) == 2
    assert [problem.id for problem in case.problems] == ["nothing"]
    assert "neither skull.ply nor cranial.landmarks.json" in case.problems[0].reason


def test_what_is_no_skull_is_refused_with_a_way_out(tmp_path: Path) -> None:
    cube = trimesh.creation.box((160.0, 160.0, 160.0)).subdivide().subdivide()
    path = tmp_path / "cube.ply"
    cube.export(path)
    with pytest.raises(NasionError, match="place the landmarks and give them") as fault:
        found_skull(SkullFiles("cube", None, path))
    assert "\n" not in str(fault.value)


def test_neither_surface_nor_landmarks(raw: Raw, tmp_path: Path) -> None:
    ended = nasion("identify", "--gallery", raw.gallery, "--out", tmp_path / "out")
    assert ended.code == 2
    assert "--skull" in ended.err
