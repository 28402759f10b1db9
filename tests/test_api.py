"""The commands as Python functions give what the commands give."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nasion
from casework.case_folder import TRUE_PERSON, CaseFolder
from casework.fixtures import case_folder, own_case
from cli.command import nasion as command
from nasion.casework.settings import CaseSettings
from nasion.overlay.problem import CameraPrior

__all__ = ["case_folder", "own_case"]


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_times(entry) for key, entry in value.items() if key != "seconds"}
    return [without_times(entry) for entry in value] if isinstance(value, list) else value


def result_of(folder: Path) -> Any:
    return without_times(json.loads((folder / "result.json").read_text(encoding="utf-8")))


def test_superimpose_is_the_overlay_command(own_case: CaseFolder) -> None:
    skull = nasion.read_skull(own_case.mesh, own_case.cranial)
    photo = nasion.read_photo(own_case.photo(), own_case.facial(), own_case.mask())
    report = nasion.write_report(nasion.superimpose(skull, [photo]), own_case.root / "api")
    assert report == own_case.root / "api" / "report.html"
    assert report.is_file()
    files = ("--skull", own_case.mesh, "--skull-landmarks", own_case.cranial, "--photo", own_case.photo())
    more = ("--photo-landmarks", own_case.facial(), "--photo-mask", own_case.mask(), "--out", own_case.root / "cli")
    assert command("overlay", *files, *more).code == 0
    assert result_of(own_case.root / "api") == result_of(own_case.root / "cli")


def test_identify_is_the_identify_command(own_case: CaseFolder) -> None:
    skull = nasion.read_skull(str(own_case.mesh), str(own_case.cranial))
    case = nasion.identify(skull, str(own_case.gallery))
    assert case.best.id == TRUE_PERSON
    nasion.write_report(case, str(own_case.root / "api"), details=1)
    files = ("--skull", own_case.mesh, "--skull-landmarks", own_case.cranial, "--gallery", own_case.gallery)
    assert command("identify", *files, "--out", own_case.root / "cli", "--jobs", 1).code == 0
    assert result_of(own_case.root / "api") == result_of(own_case.root / "cli")


def test_two_photographs_of_a_person(case_folder: CaseFolder) -> None:
    skull = nasion.read_skull(None, case_folder.cranial)
    prior = CameraPrior(focal_px=(1300.0, 1.0))
    photos = [
        nasion.read_photo(case_folder.photo(v), case_folder.facial(v), prior=prior) for v in ("frontal", "lateral")
    ]
    case = nasion.superimpose(skull, photos, CaseSettings("posterior"))
    assert [photo.camera.focal_px for photo in case.best.photos] == pytest.approx([1300, 1300], abs=3)


def test_faults_are_nasion_errors(own_case: CaseFolder) -> None:
    with pytest.raises(nasion.NasionError, match="no such file"):
        nasion.read_skull("absent.ply", own_case.cranial)
    with pytest.raises(nasion.NasionError, match="no such file"):
        nasion.read_photo(own_case.photo(), "absent.json")
    case = nasion.superimpose(
        nasion.read_skull(None, own_case.cranial), [nasion.read_photo(own_case.photo(), own_case.facial())]
    )
    nasion.write_report(case, own_case.root / "out")
    with pytest.raises(nasion.NasionError, match="exists already"):
        nasion.write_report(case, own_case.root / "out")
    with pytest.raises(nasion.NasionError, match="holds the input"):
        nasion.write_report(case, own_case.gallery, force=True)
    nasion.write_report(case, own_case.root / "out", force=True)


def test_no_photograph_is_a_fault(case_folder: CaseFolder) -> None:
    with pytest.raises(nasion.NasionError, match="photograph"):
        nasion.superimpose(nasion.read_skull(None, case_folder.cranial), [])


def test_everything_public_can_be_imported() -> None:
    for name in nasion.__all__:
        assert getattr(nasion, name) is not None
    assert set(dir(nasion)) == set(nasion.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        nasion.nonsense  # noqa: B018


def test_import_is_light() -> None:
    program = "import sys, nasion; print('numpy' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"
