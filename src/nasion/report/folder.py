"""Writes what a run leaves behind: ``result.json``, ``pictures/``, ``landmarks/`` and ``report.html``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nasion.report.found import plain_name, write_found
from nasion.report.page import page_html
from nasion.report.pictures import encoded, pictures_of
from nasion.report.scene import Scene, build_scene

if TYPE_CHECKING:
    from nasion.casework.records import Candidate, Case
    from nasion.geometry.surface import Mesh


def write_case(case: Case, folder: Path, details: int = 5) -> None:
    """Write a case's result file, the landmarks that were found, the pictures of its best candidates and the report.

    Parameters
    ----------
    case
        What was found.
    folder
        An existing folder.
    details
        How many candidates get pictures and a chapter in the report; all of them stand in its table.

    """
    from nasion.casework.result_file import result_dict
    from nasion.readers.files import write_bytes, write_json, write_text

    write_json(folder / "result.json", result_dict(case))
    shown = [candidate for candidate in case.candidates[:details] if candidate.solution is not None]
    scenes = [_scenes(case, candidate) for candidate in shown]
    pictures = folder / "pictures"
    if any(scene is not None for own in scenes for scene in own):
        pictures.mkdir(exist_ok=True)
    for candidate, own in zip(shown, scenes, strict=True):
        for k, scene in enumerate(own):
            if scene is None:
                continue
            stem = f"{candidate.rank:02d}_{plain_name(candidate.id)}_{plain_name(candidate.photos[k].photo)}"
            for name, picture in pictures_of(scene).items():
                write_bytes(pictures / f"{stem}_{name}.png", encoded(picture, "PNG"))
    write_text(folder / "report.html", page_html(case, shown, scenes, write_found(case, folder / "landmarks")))


def _scenes(case: Case, candidate: Candidate) -> list[Scene | None]:
    from nasion.casework.inputs import face_region_of
    from nasion.readers.photographs import read_photograph

    mesh = _mesh_of(case, candidate)
    scenes: list[Scene | None] = []
    for photograph, solved, measured in zip(candidate.photographs, candidate.photos, candidate.measures, strict=True):
        if photograph.files is None:
            scenes.append(None)
            continue
        image = read_photograph(photograph.files.image).image
        scenes.append(build_scene(image, face_region_of(photograph), mesh, solved, measured))
    return scenes


def _mesh_of(case: Case, candidate: Candidate) -> Mesh | None:
    from nasion.casework.inputs import load_skull

    if case.skull is not None:
        return case.skull.mesh
    if candidate.skull_files is None or candidate.skull_files.mesh is None:
        return None
    return load_skull(candidate.skull_files, accept_sides=True).mesh
