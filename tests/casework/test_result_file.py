"""The result file's form, on which scripts rely."""

import json
import math

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict, Field

from casework.case_folder import CaseFolder
from nasion.casework.identify import identify_gallery
from nasion.casework.records import SkullFiles
from nasion.casework.result_file import result_dict
from nasion.casework.settings import CaseSettings
from nasion.geometry.camera import Camera
from nasion.overlay.problem import SOLVERS
from nasion.version import __version__


class Loose(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class InputEntry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class CameraEntry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    rotation: list[list[float]]
    translation_mm: list[float] = Field(min_length=3, max_length=3)
    focal_px: float = Field(gt=0)
    principal_point_px: list[float] = Field(min_length=2, max_length=2)
    image_size_px: list[int] = Field(min_length=2, max_length=2)


class PhotoEntry(Loose):
    photo: str
    solver: str
    camera: CameraEntry
    log_likelihood: float | None
    residuals_px: dict[str, float]
    residual_rms_px: float = Field(ge=0)
    residual_rms_face_height: float = Field(ge=0)
    outside_face_fraction: float | None = Field(ge=0, le=1)
    flags: list[str]
    seconds: float = Field(ge=0)


class CandidateEntry(Loose):
    id: str
    rank: int = Field(ge=1)
    score: float | None
    photos: list[PhotoEntry]


class Result(Loose):
    nasion: str
    command: str
    inputs: list[InputEntry]
    settings: dict[str, object]
    candidates: list[CandidateEntry]


def gallery_case(case: CaseFolder, solver: str = "posterior"):
    return identify_gallery(SkullFiles("s", case.cranial, case.mesh), case.gallery, CaseSettings(solver))


@pytest.mark.parametrize("solver", SOLVERS)
def test_form_of_the_result_file(case_folder, solver):
    text = json.dumps(result_dict(gallery_case(case_folder, solver)), allow_nan=False)
    result = Result.model_validate_json(text)
    assert result.nasion == __version__
    assert result.command == "identify"
    for candidate in result.candidates:
        for photo in candidate.photos:
            assert photo.solver == solver
            lengths = np.array(list(photo.residuals_px.values()))
            assert photo.residual_rms_px == pytest.approx(math.sqrt(np.mean(lengths**2)))


def test_the_camera_in_the_file_projects_as_the_solution(case_folder):
    case = gallery_case(case_folder)
    written = result_dict(case)["candidates"][0]["photos"][0]["camera"]
    point = np.array([[10.0, 20.0, 30.0]])
    solved = case.best.photos[0].camera
    assert Camera.from_dict(written).project(point) == pytest.approx(solved.project(point))


def test_what_is_no_number_becomes_null(case_folder):
    from dataclasses import replace

    case = gallery_case(case_folder)
    broken = replace(case.best, solution=replace(case.best.solution, score=float("nan"), log_likelihood=-math.inf))
    entry = result_dict(replace(case, candidates=(broken,)))["candidates"][0]
    assert entry["score"] is None
    assert entry["log_likelihood"] is None
